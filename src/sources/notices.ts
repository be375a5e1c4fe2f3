/**
 * The notices of a store: passed on, but never more often than is useful.
 *
 * @module
 */

/** At most one notice in this time is passed on. */
const gapMs = 50;
/** More notices in a second than this are a flood. */
const mostPerSecond = 200;
/** How long notices are ignored after a flood, and how often the store is read meanwhile. */
const deafMs = 10_000;
const deafPollMs = 500;

/** Listens to notices and passes them on. During a flood it stops listening, and passes on two notices a second. */
export class Notices {
  readonly #subscribe: (notify: () => void) => Disposable;
  readonly #notify: () => void;
  #subscription: Disposable | undefined;
  #second = 0;
  #received = 0;
  #lastMs = -Infinity;
  #trailing: NodeJS.Timeout | undefined;
  #deafUntilMs = -Infinity;
  #deaf: NodeJS.Timeout | undefined;

  /**
   * Subscribes at once.
   * @param subscribe - Subscribes to the notices of the store.
   * @param notify - Receives the notices that are passed on.
   */
  constructor(subscribe: (notify: () => void) => Disposable, notify: () => void) {
    this.#subscribe = subscribe;
    this.#notify = notify;
    this.#listen();
  }

  /** Subscribes anew: the connection may be dead without either end knowing. */
  renew(): void {
    const replaced = this.#subscription;
    if (replaced === undefined) return;
    this.#listen();
    // Not before: with its last subscription, a store closes the connection that it has opened for its commands.
    replaced[Symbol.dispose]();
  }

  /** Stops listening. */
  stop(): void {
    clearTimeout(this.#trailing);
    clearInterval(this.#deaf);
    this.#subscription?.[Symbol.dispose]();
    this.#subscription = undefined;
  }

  #listen(): void {
    // A notice of a subscription that has been replaced may still be on its way.
    const subscription: Disposable = this.#subscribe(() => {
      if (this.#subscription === undefined || this.#subscription === subscription) this.#receive();
    });
    this.#subscription = subscription;
  }

  #receive(): void {
    const now = performance.now();
    const second = Math.floor(now / 1000);
    if (second !== this.#second) this.#received = 0;
    this.#second = second;
    this.#received++;
    if (this.#received > mostPerSecond) this.#turnDeaf(now);
    else this.#pass(now);
  }

  #pass(now: number): void {
    if (this.#trailing !== undefined) return;
    const waitMs = this.#lastMs + gapMs - now;
    if (waitMs > 0) {
      this.#trailing = setTimeout(() => {
        this.#trailing = undefined;
        this.#pass(Infinity);
      }, waitMs);
      this.#trailing.unref();
      return;
    }
    this.#lastMs = performance.now();
    this.#notify();
  }

  #turnDeaf(now: number): void {
    this.#subscription?.[Symbol.dispose]();
    this.#subscription = undefined;
    this.#deafUntilMs = now + deafMs;
    this.#deaf ??= setInterval(() => {
      this.#notify();
      if (performance.now() < this.#deafUntilMs) return;
      clearInterval(this.#deaf);
      this.#deaf = undefined;
      this.#listen();
    }, deafPollMs);
    this.#deaf.unref();
  }
}
