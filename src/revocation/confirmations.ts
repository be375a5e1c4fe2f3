/**
 * When the sources of CRLs last confirmed them.
 *
 * @module
 */

/** The times of the last confirmations, by the digest of a CRL. They only move forward. */
export class Confirmations {
  readonly #times = new Map<string, number>();

  /** When a CRL was last confirmed, in milliseconds since 1970; `undefined` if its source does not confirm it. */
  of(digest: string): number | undefined {
    return this.#times.get(digest);
  }

  /**
   * Notes a confirmation.
   * @param at - Milliseconds since 1970.
   */
  confirm(digest: string, at: number): void {
    this.#times.set(digest, Math.max(at, this.#times.get(digest) ?? -Infinity));
  }

  /** Forgets all CRLs but these. */
  keep(digests: ReadonlySet<string>): void {
    for (const digest of this.#times.keys()) if (!digests.has(digest)) this.#times.delete(digest);
  }
}
