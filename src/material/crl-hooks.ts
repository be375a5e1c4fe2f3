/**
 * What loaders of CRLs are told: which distribution points are wanted, and which of their CRLs are in force.
 *
 * @module
 */
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { Confirmations } from '../revocation/confirmations.js';
import { wantedUris } from '../revocation/wanted-points.js';
import { type CertificateStore } from '../x509/certificate-store.js';
import { casKeyOf } from './ca-unit.js';
import { type CrlInput, type CrlInputReport } from './crl-loading.js';
import { type LoaderState } from './loader-state.js';

/** Tells the loaders among the sources of `crl`. */
export class CrlHooks {
  readonly #loaders: readonly LoaderState[];
  readonly #isOfOthers: (digest: string) => boolean;
  /** When loaders last confirmed their CRLs. */
  readonly confirmations: Confirmations = new Confirmations();
  /** The digests of the CRLs in what loaders returned. */
  readonly #found = new WeakMap<Uint8Array, readonly string[]>();
  /** The CAs whose distribution points were told. */
  #wantedOf = '';

  /** @param isOfOthers - Whether a CRL is also from a source that is not a loader. Its age does not matter. */
  constructor(loaders: readonly LoaderState[], isOfOthers: (digest: string) => boolean) {
    this.#loaders = loaders;
    this.#isOfOthers = isOfOthers;
  }

  /**
   * Tells loaders the distribution points of CAs, unless they were told about the same CAs.
   * @returns The loaders that were told.
   */
  wantOf(store: CertificateStore): readonly LoaderState[] {
    const cas = casKeyOf(store.certificates);
    if (this.#wantedOf === cas) return [];
    this.#wantedOf = cas;
    return this.want(wantedUris(store.certificates, Infinity));
  }

  /**
   * Tells loaders which distribution points are wanted.
   * @returns The loaders that were told.
   */
  want(uris: readonly string[]): readonly LoaderState[] {
    const told = uris.length === 0 ? [] : this.#loaders.filter(({ canWant }) => canWant);
    for (const loader of told) loader.want(uris);
    return told;
  }

  /** Notes the CRLs that were found in what loaders returned. */
  found(inputs: readonly CrlInput[], reports: readonly CrlInputReport[]): void {
    for (const [index, input] of inputs.entries())
      if ('bytes' in input) this.#found.set(input.bytes, reports[index]?.found ?? []);
  }

  /** Notes when loaders last confirmed their CRLs. @param at - The present, in milliseconds since 1970. */
  confirm(at: number): void {
    for (const loader of this.#loaders)
      for (const [index, { bytes }] of (loader.answer ?? []).entries())
        for (const digest of this.#found.get(bytes) ?? [])
          this.confirmations.confirm(
            digest,
            this.#isOfOthers(digest) ? Infinity : loader.confirmedAt(index, at),
          );
  }

  /** Tells loaders which of their CRLs are in force. */
  tell(revocation: RevocationChecker | undefined): void {
    if (revocation === undefined) return;
    this.confirmations.keep(new Set(revocation.crls.map(({ digest }) => digest)));
    for (const loader of this.#loaders) loader.tell(revocation, this.#found);
  }
}
