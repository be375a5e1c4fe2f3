/**
 * Warns of CRLs: before one expires, for by default its issuer's clients are refused from then on; when a delta has
 * expired; and when one comes into force without a number.
 *
 * @module
 */
import { Deadline } from '../gate/deadline.js';
import { CrlNumberWarning } from '../material/crl-number-warning.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { freshUntil, type VerifiedCrl } from '../revocation/verified-crl.js';
import { type Reporter } from './reporter.js';

/** Gives each warning once for each CRL. */
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

  /** Watches these CRLs in place of those before. */
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
    for (const { crls, policy } of this.#revocations) {
      for (const verified of crls) {
        if (this.#isDue(momentOfWarning(verified, policy.warnAt), verified, this.#warned))
          this.#warn(verified);
        if (verified.crl.deltaBase === undefined) continue;
        if (this.#isDue(freshUntil(verified.crl, policy), verified, this.#stale))
          this.#reporter.emit('delta-stale', verified);
      }
    }
  }

  /** Whether a moment has come, and not been seen before; one that is still to come is looked at again then. */
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

/** In milliseconds since 1970; `Infinity` for a CRL that does not say when the next one comes. */
function momentOfWarning({ crl: { thisUpdate, nextUpdate } }: VerifiedCrl, partLeft: number): number {
  if (nextUpdate === undefined) return Infinity;
  return nextUpdate.getTime() - (nextUpdate.getTime() - thisUpdate.getTime()) * partLeft;
}
