/**
 * How many refusals are written to the log: each address has a few lines a
 * minute, and is counted beyond that, so that nobody fills a disk.
 *
 * @module
 */
import { type RefusalReason } from './refusal.js';

const windowMs = 60_000;
const linesOfEach = 10;
// Those that come after so many others share one account.
const mostAddresses = 1000;
const others = 'other addresses';

/** What was not written of an address within a minute. */
export interface Suppressed {
  /** An address, or `'other addresses'`. */
  readonly remoteAddress: string;
  readonly count: number;
  readonly reasons: Readonly<Partial<Record<RefusalReason, number>>>;
}

interface Account {
  lines: number;
  count: number;
  readonly reasons: Partial<Record<RefusalReason, number>>;
}

/** Decides which refusals are written, and tells of those that were not. */
export class RefusalLog {
  readonly #now: () => number;
  readonly #tell: (suppressed: Suppressed) => void;
  readonly #accounts = new Map<string, Account>();
  #windowEnds = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param now - Milliseconds since 1970.
   * @param tell - Called for each address of which something was not written, when its minute is over.
   */
  constructor(now: () => number, tell: (suppressed: Suppressed) => void) {
    this.#now = now;
    this.#tell = tell;
  }

  /** Whether this refusal is to be written; otherwise it is counted. */
  mayWrite(remoteAddress: string, reason: RefusalReason): boolean {
    this.#turn();
    const account = this.#accountOf(remoteAddress);
    if (account.lines < linesOfEach) {
      account.lines++;
      return true;
    }
    account.count++;
    account.reasons[reason] = (account.reasons[reason] ?? 0) + 1;
    this.#arm();
    return false;
  }

  /** Tells of everything that was not written so far. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const accounts = [...this.#accounts];
    this.#accounts.clear();
    this.#windowEnds = -Infinity;
    for (const [remoteAddress, { count, reasons }] of accounts)
      if (count > 0) this.#tell({ remoteAddress, count, reasons });
  }

  #turn(): void {
    const now = this.#now();
    // A clock that was put back must not make the minute longer.
    if (now < this.#windowEnds && now >= this.#windowEnds - windowMs) return;
    this.flush();
    this.#windowEnds = now + windowMs;
  }

  #accountOf(remoteAddress: string): Account {
    const known = this.#accounts.get(remoteAddress);
    if (known !== undefined) return known;
    const key = this.#accounts.size < mostAddresses ? remoteAddress : others;
    const account = this.#accounts.get(key) ?? { lines: 0, count: 0, reasons: {} };
    this.#accounts.set(key, account);
    return account;
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.flush();
    }, windowMs);
    this.#timer.unref();
  }
}
