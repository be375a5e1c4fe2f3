/**
 * What loaders of CRLs are told: which distribution points are wanted, and which of their CRLs are in force.
 *
 * @module
 */
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { wantedUris } from '../revocation/wanted-points.js';
import { type CertificateStore } from '../x509/certificate-store.js';
import { casKeyOf } from './ca-unit.js';
import { type LoaderState } from './loader-state.js';

/** Tells the loaders among the sources of `crl`. */
export class CrlHooks {
  readonly #loaders: readonly LoaderState[];
  /** The digests of the CRLs in what loaders returned. */
  readonly #found = new WeakMap<Uint8Array, readonly string[]>();
  /** The CAs whose distribution points were told. */
  #wantedOf = '';

  constructor(loaders: readonly LoaderState[]) {
    this.#loaders = loaders;
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

  /** Notes the CRLs that were found in what a loader returned. */
  found(bytes: Uint8Array, digests: readonly string[]): void {
    this.#found.set(bytes, digests);
  }

  /** Tells loaders which of their CRLs are in force. */
  tell(revocation: RevocationChecker | undefined): void {
    if (revocation === undefined) return;
    for (const loader of this.#loaders) loader.tell(revocation, this.#found);
  }
}
