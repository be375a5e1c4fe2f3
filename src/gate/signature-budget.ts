/**
 * Limits how many signatures of forwarded certificates may be verified without success, because anyone can make a
 * certificate that no configured CA has signed.
 *
 * @module
 */

// Verifying a signature takes a tenth of a millisecond with P-256, and more than a millisecond with P-521.
const mostAtOnce = 400;
const perSecond = 200;

/** Counts signatures that do not verify. The budget refills over time. */
class SignatureBudget {
  #left = mostAtOnce;
  #at = performance.now();

  /** Whether the budget is used up: then no new certificate is verified. */
  get isSpent(): boolean {
    const now = performance.now();
    this.#left = Math.min(mostAtOnce, this.#left + ((now - this.#at) * perSecond) / 1000);
    this.#at = now;
    return this.#left < 1;
  }

  /** Subtracts signatures that did not verify. */
  spend(signatures: number): void {
    this.#left -= signatures;
  }
}

/** One budget for all servers of the process: they share its CPU. */
export const signatureBudget: SignatureBudget = new SignatureBudget();
