/**
 * Why no certification path leads from a certificate to a trust anchor, in the words of the log and of `doctor`.
 *
 * @module
 */
import { listSome } from '../shortened-list.js';
import { type Certificate } from '../x509/certificate.js';
import { describeName, type Refusal, refuse } from './refusal.js';

/**
 * Why no path was found. `'name'`: no configured CA has the name of the issuer. `'key'`: those with that name have
 * another key. `'identifier'`: authorityKeyIdentifier identifies another certificate. `'signature'`: none of them
 * signed it. `'root'`: the issuer is configured, but leads to no root. `'budget'`: too many CAs have the name.
 */
export type MissingLink = 'name' | 'key' | 'identifier' | 'signature' | 'root' | 'budget';

/** For a CA certificate whose key identifier differs from the one in the certificate. */
export const hasOtherKey =
  'has another key: it is another CA with the same name, or the same CA with an older or a newer key';

/** For a CA certificate whose key does not verify the signature. */
export const hasNotSigned = 'did not sign it: the signature was not made with its key';

/** The options that the CAs and CRLs of a judge come from, for remedies. */
export interface TrustOptions {
  /** `'options.ca'`. */
  readonly ca: string;
  /** `'options.crl'`. */
  readonly crl: string;
}

/** The options with the CAs and CRLs of clients. */
export const optionsOfClients: TrustOptions = Object.freeze({ ca: 'options.ca', crl: 'options.crl' });

/** The options with the CAs and CRLs of proxies. */
export const optionsOfProxies: TrustOptions = Object.freeze({
  ca: 'proxies.from.ca',
  crl: 'proxies.from.crl',
});

/** A certificate without a path, and what is known about it. */
export interface Unlinked {
  readonly missing: MissingLink;
  readonly certificate: Certificate;
  /** The other certificates that the client sent, as far as they were read. */
  readonly others: readonly Certificate[];
  /** The CAs of the judge. */
  readonly cas: readonly Certificate[];
  readonly options: TrustOptions;
  /** As for a judgement. */
  readonly openssl: 'trusted' | 'not-asked' | { readonly error: string };
}

/** Refuses a certificate without a path. */
export function refuseUnlinked(of: Unlinked): Refusal {
  const { missing, openssl, others, certificate, options } = of;
  const issuer = describeName(certificate.issuer);
  const seen = descriptions[missing](issuer, options);
  // If OpenSSL trusts what the client sent, the remedy below names the CA.
  if (missing === 'identifier' || (missing === 'key' && openssl !== 'trusted'))
    return refuse('untrusted', seen, { remedy: remedies[missing](of) });
  if (openssl === 'not-asked') return refuse('untrusted', seen);
  if (openssl !== 'trusted')
    return refuse('untrusted', `${seen}${saidBesides(openssl.error)}`, { remedy: remedies[missing](of) });
  // A resumed session has none, and Node 24.21 and 26.8 do not expose them.
  const why =
    others.length === 0
      ? `Node ${process.version} does not expose the other certificates that the client sent`
      : '';
  return refuse('untrusted', `${seen}; OpenSSL found a path${why && `, but ${why}`}`, {
    remedy: `add "${issuer}" to ${options.ca}`,
  });
}

/** What OpenSSL says where no path leads to a trust anchor. Of CAs without a path it also misses the CRL. */
const saidWithoutPath: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_UNTRUSTED',
  'UNABLE_TO_GET_CRL',
  'UNAUTHORIZED',
]);

/** OpenSSL's code, if it adds something: it has seen certificates that the client sent and that were not read. */
function saidBesides(code: string): string {
  return saidWithoutPath.has(code) ? '' : `; OpenSSL says ${code}`;
}

const descriptions: Readonly<Record<MissingLink, (issuer: string, options: TrustOptions) => string>> = {
  name: (issuer, options) => `${noCaLeadsTo(issuer, options)}, which issued it`,
  key: (issuer, options) =>
    `${noCaLeadsTo(issuer, options)}, which issued it: the certificate of that name ${hasOtherKey}`,
  identifier: (issuer, options) =>
    `${noCaLeadsTo(issuer, options)}, which issued it: its authorityKeyIdentifier (2.5.29.35) names another certificate of that name`,
  signature: (issuer, options) =>
    `${noCaLeadsTo(issuer, options)}, which issued it: the certificate of that name ${hasNotSigned}`,
  root: (issuer, { ca }) =>
    `"${issuer}", which issued it, leads to no ${ca === optionsOfClients.ca ? 'configured root' : `root in ${ca}`}`,
  budget: (issuer) =>
    `too many CAs have the name "${issuer}", which issued it, to try them all for one client`,
};

function noCaLeadsTo(issuer: string, { ca }: TrustOptions): string {
  return `no ${ca === optionsOfClients.ca ? 'configured CA' : `CA in ${ca}`} leads to "${issuer}"`;
}

/** Adding a CA comes last: it is far more often the client that has the wrong certificate. */
const remedies: Readonly<Record<MissingLink, (of: Unlinked) => string>> = {
  name: (of) =>
    of.options.ca === optionsOfProxies.ca
      ? useAnother(of)
      : `${useAnother(of)}; add "${describeName(of.certificate.issuer)}" only if it is an intermediate CA below one of these, or if all its clients should be authenticated`,
  key: (of) => reissueOrAdd(of, 'whose key signed it'),
  identifier: (of) => reissueOrAdd(of, 'that it names'),
  signature: useAnother,
  root: (of) => `${useAnother(of)}, or add the root of "${describeName(of.certificate.issuer)}"`,
  budget: useAnother,
};

function useAnother({ cas, options }: Unlinked): string {
  // Hundreds of CAs may have one name, and describing a name takes longer than comparing it.
  const subjects = new Map(cas.map(({ subject }) => [subject.canonical, subject]));
  const names = [...new Set([...subjects.values()].map((subject) => `"${describeName(subject)}"`))];
  return `use a certificate of a CA in ${options.ca}${names.length === 0 ? '' : ` (${listSome(names)})`}`;
}

function reissueOrAdd({ options }: Unlinked, which: string): string {
  return `reissue the certificate with the configured CA; if the CA has a new key, add its certificate ${which} to ${options.ca}`;
}
