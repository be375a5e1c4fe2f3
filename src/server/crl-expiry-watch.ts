/**
 * Warns of CRLs: before one expires, for by default its issuer's clients are refused from then on; when a delta has
 * expired; and when one comes into force without a number.
 *
 * @module
 */
import { Deadline } from '../gate/deadline.js';
import { CrlNumberWarning } from '../material/crl-number-warning.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { describeCrl, freshUntil, type VerifiedCrl } from '../revocation/verified-crl.js';
import { type Reporter } from './events.js';

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
        if (this.#isDue(freshUntil(verified.crl, policy), verified, this.#stale)) this.#warnOfStale(verified);
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
    const { issuer, nextUpdate } = verified.crl;
    if (nextUpdate === undefined) return;
    const fields = { issuer, nextUpdate, source: verified.origin };
    this.#reporter.log(
      'warn',
      { event: 'crl-expiring', ...fields },
      `the ${describeCrl(verified.crl)} ${nextUpdate.getTime() > this.#now() ? 'runs out' : 'expired'} at ${nextUpdate.toISOString()}; publish a newer one`,
    );
    this.#reporter.emit('crl-expiring', fields);
  }

  #warnOfStale({ crl, origin }: VerifiedCrl): void {
    const { issuer, nextUpdate } = crl;
    const since = nextUpdate === undefined ? '' : ` at ${nextUpdate.toISOString()}`;
    this.#reporter.log(
      'warn',
      { event: 'delta-stale', issuer, nextUpdate, source: origin },
      `the ${describeCrl(crl)} expired${since}: what it lists stays revoked, it lifts nothing any more, and its base decides; publish a newer delta`,
    );
  }
}

/** In milliseconds since 1970; `Infinity` for a CRL that does not say when the next one comes. */
function momentOfWarning({ crl: { thisUpdate, nextUpdate } }: VerifiedCrl, partLeft: number): number {
  if (nextUpdate === undefined) return Infinity;
  return nextUpdate.getTime() - (nextUpdate.getTime() - thisUpdate.getTime()) * partLeft;
}
