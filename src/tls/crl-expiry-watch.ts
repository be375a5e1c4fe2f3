/**
 * Warns before a CRL runs out: by default nobody under it is let in after that.
 *
 * @module
 */
import { describeCrl, type VerifiedCrl } from '../revocation/verified-crl.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { Deadline } from './deadline.js';
import { type Reporter } from './events.js';

/** Warns once for each CRL. */
export class CrlExpiryWatch {
  readonly #now: () => number;
  readonly #reporter: Reporter;
  readonly #warned = new WeakSet<VerifiedCrl>();
  #revocations: readonly RevocationChecker[] = [];
  #deadline: Deadline;

  constructor(now: () => number, reporter: Reporter) {
    this.#now = now;
    this.#reporter = reporter;
    this.#deadline = this.#newDeadline();
  }

  /** Watches these CRLs in place of those before. */
  watch(revocations: readonly RevocationChecker[]): void {
    this.close();
    this.#revocations = revocations;
    this.#deadline = this.#newDeadline();
    this.#look();
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
        const warnAt = momentOfWarning(verified, policy.warnAt);
        if (warnAt === undefined || this.#warned.has(verified)) continue;
        if (warnAt > this.#now()) this.#deadline.add(warnAt);
        else this.#warn(verified);
      }
    }
  }

  #warn(verified: VerifiedCrl): void {
    const { issuer, nextUpdate } = verified.crl;
    if (nextUpdate === undefined) return;
    this.#warned.add(verified);
    const fields = { issuer, nextUpdate, source: verified.origin };
    this.#reporter.log(
      'warn',
      { event: 'crl-expiring', ...fields },
      `the ${describeCrl(verified.crl)} ${nextUpdate.getTime() > this.#now() ? 'runs' : 'ran'} out at ${nextUpdate.toISOString()}; publish a newer one`,
    );
    this.#reporter.emit('crl-expiring', fields);
  }
}

function momentOfWarning(
  { crl: { thisUpdate, nextUpdate } }: VerifiedCrl,
  partLeft: number,
): number | undefined {
  if (nextUpdate === undefined) return undefined;
  return nextUpdate.getTime() - (nextUpdate.getTime() - thisUpdate.getTime()) * partLeft;
}
