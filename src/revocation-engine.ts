/**
 * `express-mtls/revocation`: checks certification paths against certificate revocation lists (CRLs), without a
 * server.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { errorOf, MtlsError } from './errors.js';
import { readCaSources } from './material/authorities.js';
import { readCertificates } from './material/certificate-source.js';
import { type CaSource, checkCaSources, checkCrlSources, type CrlSource } from './material/source-options.js';
import { loadRevocationOf } from './material/trust-material.js';
import { checkKeys } from './option-checks.js';
import { type UnknownCause } from './revocation/certificate-status.js';
import { type RevocationChecker } from './revocation/revocation-checker.js';
import { checkRevocationPolicy, type RevocationPolicy } from './revocation/revocation-policy.js';
import { describeCrls, type RevocationEntryState } from './revocation/revocation-state.js';
import { CertificateStore } from './x509/certificate-store.js';
import { type Certificate, parseCertificate } from './x509/certificate.js';
import { type RevocationReason } from './x509/crl-entry.js';

export type { RevocationPolicy, RevocationReason, UnknownCause };

/**
 * The options of {@link loadRevocation}.
 * @example
 * ```ts
 * const options: LoadRevocationOptions = { ca: 'ca-crt.pem', crl: ['ca.crl', 'delta.crl'], policy: { scope: 'leaf' } };
 * ```
 */
export interface LoadRevocationOptions {
  /** The CAs of the trust store: trust anchors, intermediate CAs, and other signers of CRLs. */
  readonly ca: CaSource | readonly CaSource[];
  /** The CRLs: files, directories, PEM, DER, or loaders. */
  readonly crl: CrlSource | readonly CrlSource[];
  /**
   * The revocation policy.
   * @defaultValue every certificate that is not known to be good is refused
   */
  readonly policy?: RevocationPolicy;
  /**
   * The clock, in milliseconds since 1970.
   * @defaultValue `Date.now`
   */
  readonly now?: () => number;
}

/** What the CRLs say about a certification path. Callers must not treat `unknown` as `good`. */
export type RevocationStatus =
  | {
      /** Not revoked: every certificate of the path below the root, or only the leaf, depending on the policy. */
      readonly status: 'good';
    }
  | {
      /** A CRL in force lists a certificate of the path. */
      readonly status: 'revoked';
      /** The revoked certificate: the leaf, or a CA above it. */
      readonly certificate: X509Certificate;
      /** The reason in the CRL; `'unspecified'` if it has none. */
      readonly reason: RevocationReason;
      /** The revocation date in the CRL. A future date counts too. */
      readonly revocationDate: Date;
      /** The number of the CRL that lists it, in decimal; `undefined` if that CRL has none. */
      readonly crlNumber: string | undefined;
    }
  | {
      /** No CRL can answer. */
      readonly status: 'unknown';
      /** Why not. */
      readonly cause: UnknownCause;
    };

/** A CRL that was rejected, and the reason. */
export interface RejectedCrl {
  /** The file or option that it came from. */
  readonly source: string;
  /** What is wrong with it: `ERR_MTLS_CRL_…`. */
  readonly error: MtlsError;
}

/** The loaded CRLs. Immutable: load again to use a newer CRL. */
export interface Revocation {
  /** The CRLs that are used. */
  readonly crls: readonly RevocationEntryState[];
  /** The CRLs that are ignored: unreadable, forged, of no configured CA, or not in force yet. */
  readonly rejected: readonly RejectedCrl[];
  /**
   * Checks a certification path.
   * @param chain - The leaf first. The rest may be incomplete: missing issuers are taken from the configured CAs.
   * @param at - The time to check at, now by default.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for an empty chain or an invalid date, `ERR_MTLS_CERTIFICATE_INVALID`
   *   for a certificate that cannot be parsed.
   * @example
   * ```ts
   * const result = revocation.check([new X509Certificate(await readFile('client1-crt.pem'))]);
   * if (result.status === 'revoked') console.log(`revoked since ${result.revocationDate.toISOString()}: ${result.reason}`);
   * else if (result.status === 'unknown') console.log(`no CRL can answer: ${result.cause}`);
   * ```
   */
  check(chain: readonly X509Certificate[], at?: Date): RevocationStatus;
}

/**
 * Loads CAs and CRLs. A CRL that cannot be verified is listed in `rejected` and ignored.
 * @param options - The CAs, their CRLs, and the policy.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for unknown options, and `ERR_MTLS_SOURCE_UNREADABLE` or
 *   `ERR_MTLS_PEM_INVALID` for sources that cannot be read at all.
 * @example
 * ```ts
 * import { loadRevocation } from 'express-mtls/revocation';
 *
 * const revocation = await loadRevocation({ ca: 'ca-crt.pem', crl: 'ca-crl.pem' });
 * for (const { source, error } of revocation.rejected) console.warn(`${source}: ${error.message}`);
 * ```
 */
export async function loadRevocation(options: LoadRevocationOptions): Promise<Revocation> {
  checkKeys(options, 'the options of loadRevocation()', ['ca', 'crl', 'policy', 'now']);
  const policy = checkRevocationPolicy(options.policy);
  const now = options.now ?? Date.now;
  const at = new Date(now());
  const { signal } = new AbortController();
  const ca = checkCaSources(options.ca);
  const sources = checkCrlSources(options.crl);
  const cas = await readCaSources(ca, 'ca', signal, sources);
  const store = new CertificateStore(cas.flatMap((source) => readCertificates(source)));
  const { checker, setAside } = await loadRevocationOf(store, sources, { ca, policy, at, signal });
  const rejected = setAside.map(({ origin, error }) =>
    Object.freeze({ source: origin, error: errorOf(error) }),
  );
  return Object.freeze({
    crls: describeCrls(checker.crls),
    rejected: Object.freeze(rejected),
    check: (chain: readonly X509Certificate[], when = new Date(now())) => check(chain, when, checker, store),
  });
}

function check(
  chain: readonly X509Certificate[],
  at: Date,
  checker: RevocationChecker,
  store: CertificateStore,
): RevocationStatus {
  if (Number.isNaN(at.getTime()))
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', { seen: 'the date to check at is invalid' });
  const [leaf, ...others] = chain.map(({ raw }) => parseCertificate(raw));
  if (leaf === undefined)
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'the chain is empty',
      expected: 'the leaf first',
    });
  const path = store.chainOf(leaf, others, at);
  if (path === undefined) return { status: 'unknown', cause: 'no-issuer' };
  const status = checker.checkChain(path, at);
  if (status.status === 'good') return { status: 'good' };
  if (status.status === 'unknown') return { status: 'unknown', cause: status.cause };
  const { certificate, reason, revocationDate, revokedBy } = status;
  return {
    status: 'revoked',
    certificate: toX509(certificate, chain),
    reason,
    revocationDate,
    crlNumber: revokedBy.crl.number?.toString(),
  };
}

function toX509({ raw }: Certificate, chain: readonly X509Certificate[]): X509Certificate {
  return chain.find((certificate) => certificate.raw.equals(raw)) ?? new X509Certificate(raw);
}
