/**
 * How many signatures of forwarded certificates may turn out to be by no
 * configured CA: anyone can make such a certificate.
 *
 * @module
 */

// A signature takes a tenth of a millisecond with P-256, and more than one with P-521.
const mostAtOnce = 400;
const perSecond = 200;

/** Counts signatures that fail, and forgets them over time. */
class SignatureBudget {
  #left = mostAtOnce;
  #at = performance.now();

  /** Whether a certificate that was not seen before may be verified now. */
  get isSpent(): boolean {
    const now = performance.now();
    this.#left = Math.min(mostAtOnce, this.#left + ((now - this.#at) * perSecond) / 1000);
    this.#at = now;
    return this.#left < 1;
  }

  /** Takes the signatures that were verified in vain. */
  spend(signatures: number): void {
    this.#left -= signatures;
  }
}

/** One budget for all servers of the process: they share its CPU. */
export const signatureBudget: SignatureBudget = new SignatureBudget();
