/**
 * `express-mtls/revocation`: the revocation engine alone, for use without a server.
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

/** What {@link loadRevocation} loads, and by which rules it judges. */
export interface LoadRevocationOptions {
  /** The CAs: roots, intermediates, and whoever else signs CRLs. */
  readonly ca: CaSource | readonly CaSource[];
  /** The CRLs: files, directories, PEM, DER, loaders. */
  readonly crl: CrlSource | readonly CrlSource[];
  /** @defaultValue everything refused that is not known to be good */
  readonly policy?: RevocationPolicy;
  /**
   * The clock, in milliseconds since 1970.
   * @defaultValue `Date.now`
   */
  readonly now?: () => number;
}

/** What the CRLs say of a chain. `unknown` is never `good`: the caller decides. */
export type RevocationStatus =
  | {
      /** Not revoked, as far as the policy asks: every certificate of the chain below the root, or the leaf alone. */
      readonly status: 'good';
    }
  | {
      /** A CRL in force lists a certificate of the chain. */
      readonly status: 'revoked';
      /** The certificate that is revoked: the leaf, or a CA above it. */
      readonly certificate: X509Certificate;
      /** Why, as the CRL says; `'unspecified'` where it does not. */
      readonly reason: RevocationReason;
      /** Since when, as the CRL says; a date in the future counts too. */
      readonly revocationDate: Date;
      /** The number of the CRL that lists it, in decimal; `undefined` where that CRL has none. */
      readonly crlNumber: string | undefined;
    }
  | {
      /** The CRLs cannot tell. */
      readonly status: 'unknown';
      /** Why they cannot. */
      readonly cause: UnknownCause;
    };

/** A CRL that was set aside, and why. */
export interface RejectedCrl {
  /** The file or option it came from. */
  readonly source: string;
  /** What is wrong with it: `ERR_MTLS_CRL_…`. */
  readonly error: MtlsError;
}

/** The CRLs as they were loaded: immutable. Load anew to see a newer list. */
export interface Revocation {
  /** The CRLs that judge. */
  readonly crls: readonly RevocationEntryState[];
  /** The CRLs that were set aside: unreadable, forged, of no configured CA, not in force yet. */
  readonly rejected: readonly RejectedCrl[];
  /**
   * Judges a chain.
   * @param chain - The leaf first; what follows it may be incomplete, and the configured CAs fill the gaps.
   * @param at - As of when; by default now.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for an empty chain or an invalid time, `ERR_MTLS_CERTIFICATE_INVALID` for one that cannot be read.
   */
  check(chain: readonly X509Certificate[], at?: Date): RevocationStatus;
}

/**
 * Loads CAs and CRLs. A CRL that does not verify is set aside in `rejected`, and the rest judge.
 * @param options - The CAs, their CRLs, and the policy.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for options that are not known; `ERR_MTLS_SOURCE_UNREADABLE` or
 *   `ERR_MTLS_PEM_INVALID` for sources that cannot be read at all.
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
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', { seen: 'the time to judge by is no valid Date' });
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
