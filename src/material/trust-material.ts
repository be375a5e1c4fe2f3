/**
 * What decides which clients are admitted: CAs and CRLs, read and verified together.
 *
 * @module
 */
import { type MtlsError } from '../errors.js';
import { type Trust } from '../judgement/judges.js';
import { type CrlDiff } from '../revocation/crl-diff.js';
import { RevocationChecker } from '../revocation/revocation-checker.js';
import { type CompleteRevocationPolicy } from '../revocation/revocation-policy.js';
import { unpackCrl } from '../revocation/verified-crl.js';
import { type CertificateStore } from '../x509/certificate-store.js';
import { type Certificate } from '../x509/certificate.js';
import { casKeyOf, CaUnit } from './ca-unit.js';
import { toCrlInputs } from './crl-inputs.js';
import { type CrlInputReport, type CrlRequest } from './crl-loading.js';
import { loadCrlsAside } from './crl-thread.js';
import { CrlUnit } from './crl-unit.js';
import { type LoaderState } from './loader-state.js';
import { type CaPolicy } from './settings.js';
import { type CaSource, type CrlSource } from './source-options.js';
import { faultOf, type SourceFault } from './source-fault.js';

/** How CAs and CRLs are read. */
export interface TrustSettings {
  readonly ca: readonly CaSource[];
  /** Empty if revocation is not configured. */
  readonly crl: readonly CrlSource[];
  /** The prefix of the option names in errors: `''`, or `'sni["a.example"].'`. */
  readonly prefix: string;
  readonly policy: CompleteRevocationPolicy;
  /** What refuses revoked clients. OpenSSL alone gets all CRLs, however large. */
  readonly enforcer: 'openssl' | 'gate';
  readonly cas: CaPolicy;
}

/** CAs and CRLs, and what the CRLs newly list. */
export interface TrustChange {
  /** The object in force, if nothing changed. */
  readonly trust: Trust;
  readonly diff: CrlDiff;
}

/** What the sources of CAs and CRLs currently hold. */
export interface TrustReading {
  /**
   * What is in force, minus what was removed or revoked. It depends on nothing else. `undefined` if nothing is in
   * force.
   */
  readonly narrowed: TrustChange | undefined;
  /** `narrowed`, plus added CAs; `undefined` if nothing can be trusted yet. */
  readonly whole: TrustChange | undefined;
  readonly faults: readonly SourceFault[];
}

const unchanged: CrlDiff = { added: 0, removed: 0 };

/** Reads CAs and CRLs, and combines those that can be used. */
export class TrustUnit {
  readonly #cas: CaUnit;
  readonly #crls: CrlUnit | undefined;
  readonly #source: string;
  #rejected: { readonly cas: string; readonly faults: readonly SourceFault[] } | undefined;

  constructor({ ca, crl, prefix, policy, enforcer, cas }: TrustSettings) {
    this.#source = `options.${prefix}ca`;
    this.#cas = new CaUnit(ca, prefix, crl, cas);
    const keepEntries = enforcer === 'openssl' ? Infinity : policy.opensslEntries;
    this.#crls = crl.length === 0 ? undefined : new CrlUnit({ crl, ca, prefix, policy, keepEntries });
  }

  /** The loaders among the sources. */
  get loaders(): readonly LoaderState[] {
    return [...this.#cas.loaders, ...(this.#crls?.loaders ?? [])];
  }

  /** Resolves when the large CRLs being loaded have arrived. */
  get aside(): Promise<void> | undefined {
    return this.#crls?.aside;
  }

  /** Makes the next reading read faulty sources again. */
  refresh(): void {
    this.#rejected = undefined;
    this.#crls?.refresh();
  }

  /**
   * Reads what can be read at once.
   * @param given - CAs that came with the credentials.
   */
  read(
    given: readonly Certificate[],
    inForce: Trust | undefined,
    at: Date,
    signal: AbortSignal,
  ): TrustReading {
    const cas = this.#cas.read(given, inForce?.store, at);
    const isRejected = cas.whole !== undefined && this.#rejected?.cas === casKeyOf(cas.whole.certificates);
    const whole = isRejected ? undefined : cas.whole;
    const faults = isRejected ? [...cas.faults, ...(this.#rejected?.faults ?? [])] : cas.faults;
    const crls = this.#crls;
    const store = whole ?? cas.narrowed;
    if (crls === undefined || store === undefined) {
      const trustOf = (those: CertificateStore): TrustChange => ({
        trust: reuse(inForce, { store: those, revocation: undefined }),
        diff: unchanged,
      });
      const narrowed = whole === undefined ? cas.narrowed : cas.renewing;
      return {
        narrowed: narrowed && trustOf(narrowed),
        whole: crls === undefined && store !== undefined ? trustOf(store) : undefined,
        faults: [...faults, ...(crls?.check() ?? [])],
      };
    }
    const before = inForce?.revocation;
    const known = (before?.crls ?? []).filter(({ signer }) => store.ofKey(signer).length > 0);
    crls.read({ store, inForce: known, at, signal });
    const change = (those: CertificateStore): TrustChange => {
      const { revocation, diff } = crls.change(those, before, at);
      return { trust: reuse(inForce, { store: those, revocation }), diff };
    };
    // A CA is not added before its CRL is loaded.
    const mayWiden = whole !== undefined && !crls.isPending && crls.isVerifiedBy(whole);
    const narrowed = mayWiden ? cas.renewing : cas.narrowed;
    const less = narrowed && change(narrowed);
    const more = mayWiden && whole !== narrowed ? change(whole) : less;
    return { narrowed: less, whole: more, faults: [...faults, ...crls.faults] };
  }

  /** What was read is in force with these CAs, or changes nothing. */
  settle(store: CertificateStore): void {
    this.#crls?.settle(store);
  }

  /** Tells loaders of CRLs which distribution points the CAs name; returns those that were told. */
  wantOf(store: CertificateStore): readonly LoaderState[] {
    return this.#crls?.hooks.wantOf(store) ?? [];
  }

  /** Tells loaders of CRLs which distribution points are wanted. */
  want(uris: readonly string[]): void {
    this.#crls?.hooks.want(uris);
  }

  /** Tells loaders of CRLs what is in force. */
  tell(trust: Trust): void {
    this.#crls?.tell(trust);
  }

  /** Rejects CAs that failed a trial, until the next {@link TrustUnit.refresh}. */
  reject({ store }: Trust, error: MtlsError): void {
    this.#rejected = { cas: casKeyOf(store.certificates), faults: [faultOf(this.#source, error)] };
  }
}

function reuse(inForce: Trust | undefined, next: Trust): Trust {
  const isSame = inForce?.store === next.store && inForce.revocation === next.revocation;
  return isSame ? inForce : Object.freeze(next);
}

/** CRLs that were loaded without a server: a checker, and the faults of rejected CRLs. */
export interface AskedRevocation {
  readonly checker: RevocationChecker;
  readonly setAside: CrlInputReport['faults'];
}

/** The context of {@link loadRevocationOf}. */
export interface QuestionOptions {
  /** The sources of the CAs in the store. */
  readonly ca: readonly CaSource[];
  readonly policy: CompleteRevocationPolicy;
  readonly at: Date;
  readonly signal: AbortSignal;
}

/**
 * Reads and verifies CRLs without a server, for the doctor and `express-mtls/revocation`. A CRL that cannot be
 * verified is ignored, although a server would not start with it.
 * @throws MtlsError `ERR_MTLS_SOURCE_UNREADABLE` or `ERR_MTLS_PEM_INVALID` for sources that cannot be read at all.
 */
export async function loadRevocationOf(
  store: CertificateStore,
  crl: readonly CrlSource[],
  { ca, policy, at, signal }: QuestionOptions,
): Promise<AskedRevocation> {
  const request: CrlRequest = {
    inputs: await toCrlInputs(crl, 'crl', signal, ca),
    cas: store.certificates.map(({ raw }) => raw),
    policy,
    at: at.getTime(),
    purpose: 'question',
    keepEntries: 0,
    hash: undefined,
    inForce: [],
    staying: [],
  };
  const { crls = [], inputs } = await loadCrlsAside(request, signal);
  const verified = crls.flatMap((one) => ('unchanged' in one ? [] : unpackCrl(one, store, at)));
  return {
    checker: new RevocationChecker(verified, store, policy),
    setAside: inputs.flatMap(({ faults }) => faults),
  };
}
