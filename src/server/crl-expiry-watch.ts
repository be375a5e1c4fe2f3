/**
 * Warns about CRLs: before one expires, because by default the clients of its issuer are then refused; when a delta
 * CRL has expired; and when a CRL without a CRL number comes into force.
 *
 * @module
 */
import { Deadline } from '../gate/deadline.js';
import { CrlNumberWarning } from '../material/crl-number-warning.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { freshUntil, type VerifiedCrl } from '../revocation/verified-crl.js';
import { type Reporter } from './reporter.js';

/** Emits each warning once for each CRL. */
export class CrlExpiryWatch {
  readonly #now: () => number;
  readonly #reporter: Reporter;
  readonly #numbers: CrlNumberWarning;
  readonly #warned = new WeakSet<VerifiedCrl>();
  readonly #stale = new WeakSet<VerifiedCrl>();
  #revocations: readonly RevocationChecker[] = [];
  #deadline: Deadline;

  constructor(now: () => number, reporter: Reporter) {
    this.#now = now;
    this.#reporter = reporter;
    this.#numbers = new CrlNumberWarning(reporter);
    this.#deadline = this.#newDeadline();
  }

  /** Watches these CRLs instead of the previous ones. */
  watch(revocations: readonly RevocationChecker[]): void {
    this.close();
    this.#revocations = revocations;
    this.#deadline = this.#newDeadline();
    this.#look();
    this.#numbers.look(revocations);
  }

  /** Stops. */
  close(): void {
    this.#deadline.close();
  }

  #newDeadline(): Deadline {
    return new Deadline(this.#now, () => {
      this.#look();
    });
  }

  #look(): void {
    for (const revocation of this.#revocations) {
      const { crls, policy } = revocation;
      for (const verified of crls) {
        if (this.#isDue(momentOfWarning(verified, policy.warnAt), verified, this.#warned))
          this.#warn(verified);
        if (verified.crl.deltaBase === undefined) continue;
        if (this.#isDue(freshUntil(verified.crl, policy), verified, this.#stale))
          this.#reporter.emit('delta-stale', verified);
      }
    }
  }

  /** Whether a moment has come for the first time. Schedules a check for a moment in the future. */
  #isDue(moment: number, verified: VerifiedCrl, seen: WeakSet<VerifiedCrl>): boolean {
    if (seen.has(verified)) return false;
    if (moment > this.#now()) {
      this.#deadline.add(moment);
      return false;
    }
    seen.add(verified);
    return true;
  }

  #warn(verified: VerifiedCrl): void {
    const { issuer, number, nextUpdate } = verified.crl;
    if (nextUpdate === undefined) return;
    const event = { issuer, number: number?.toString(), nextUpdate, source: verified.origin };
    this.#reporter.emit('crl-expiring', event);
  }
}

/** In milliseconds since 1970; `Infinity` for a CRL without nextUpdate. */
function momentOfWarning({ crl: { thisUpdate, nextUpdate } }: VerifiedCrl, partLeft: number): number {
  if (nextUpdate === undefined) return Infinity;
  return nextUpdate.getTime() - (nextUpdate.getTime() - thisUpdate.getTime()) * partLeft;
}
