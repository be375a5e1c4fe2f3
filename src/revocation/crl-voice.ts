/**
 * Whether the signer of a CRL has authority over the certificates of an issuer: RFC 5280 section 6.3.3, steps (f) and
 * (g). In doubt, a CRL can revoke but not vouch.
 *
 * @module
 */
import { type Certificate } from '../x509/certificate.js';
import { type CertificateChain, type CertificateStore, isSameCa } from '../x509/certificate-store.js';
import { faultOfPath, maxComparisons } from '../x509/path-rules.js';
import { type CertificateStatus, isOutdated } from './certificate-status.js';
import { scopeOf } from './crl-set.js';
import { type VerifiedCrl } from './verified-crl.js';

/** The authority of a CRL. Any accepted signer can mark a certificate revoked; vouching for one takes more. */
export interface Voice {
  /** Until when it can vouch, in milliseconds since 1970; `-Infinity` if it cannot. */
  readonly acquitsUntil: number;
  /** Whether that is because a CRL about its signer is stale. */
  readonly isStale: boolean;
}

/** The certificate in question, and its context. */
export interface Question {
  /** The certification path above the certificate in question. */
  readonly issuers: CertificateChain;
  readonly at: Date;
  /** The certificates whose status is being determined, to prevent cycles between signers. */
  readonly asking: readonly Certificate[];
}

/** What the authority of a CRL depends on. */
export interface VoiceSources {
  readonly store: CertificateStore;
  readonly crls: readonly VerifiedCrl[];
  /** How many certificates of the signer's path are checked: with `scope: 'leaf'`, only the first. */
  readonly scope: 'chain' | 'leaf';
  /** The status of a signer, or of a CA above it. */
  readonly check: (ca: Certificate, question: Question) => CertificateStatus;
}

const ownKey: Voice = { acquitsUntil: Infinity, isStale: false };
const convictsOnly: Voice = { acquitsUntil: -Infinity, isStale: false };

// The CRL of a signer can have another signer, and so on. The orders in which keys of one name can vouch for each
// other grow factorially.
const mostAsking = 3;

/**
 * The authority of a CRL; `undefined` if it has none. The issuer's own key has full authority. Another key of the
 * same name (a key rollover, or a separate key for CRLs) or another CA (an indirect CRL) must lead to the same root
 * and not be revoked. If the issuer's own key has signed a CRL of the same scope, its other keys can only revoke:
 * their CRLs may omit what the old key issued. A key that may belong to another CA with the same name never vouches,
 * and is ignored in that case.
 */
export function voiceOf(verified: VerifiedCrl, question: Question, sources: VoiceSources): Voice | undefined {
  const { signer, crl } = verified;
  const { issuers, at } = question;
  const { store, crls } = sources;
  const [issuer] = issuers;
  if (issuer === undefined || signer.publicKey.equals(issuer.publicKey)) return ownKey;
  // All paths from the issuer's key count: which of them the client's path uses is a matter of order.
  const ours = [issuers, ...store.chainsOf(issuer, at)];
  const theirs = store.chainsOf(signer, at).filter((chain) => ours.some((own) => isSameRoot(own, chain)));
  const isNamesake = signer.subject.equals(issuer.subject);
  const isSame = theirs.some((chain) => ours.some((own) => isSameCa(own, chain)));
  const hasOwnList = crls.some(
    (other) => scopeOf(other.crl) === scopeOf(crl) && other.signer.publicKey.equals(issuer.publicKey),
  );
  if (isNamesake && hasOwnList) return isSame ? convictsOnly : undefined;
  const voices = theirs.flatMap((chain) => voiceOfChain(chain, question, sources) ?? []);
  if (voices.length === 0) return undefined;
  if (isNamesake && !isSame) return convictsOnly;
  return {
    acquitsUntil: Math.max(...voices.map(({ acquitsUntil }) => acquitsUntil)),
    isStale: voices.some(({ isStale }) => isStale),
  };
}

/** Whether two paths end at the same root: the same key, although its certificate may have been renewed. */
function isSameRoot(left: CertificateChain, right: CertificateChain): boolean {
  const [one, other] = [left.at(-1), right.at(-1)];
  return one !== undefined && other?.publicKey.equals(one.publicKey) === true;
}

function voiceOfChain(
  chain: CertificateChain,
  { at, asking }: Question,
  { scope, check }: VoiceSources,
): Voice | undefined {
  if (chain.some((ca) => at < ca.notBefore)) return convictsOnly;
  // RFC 5280 section 6.3.3 (f): a CA that may not certify the signer's name could create a CRL that vouches.
  const needs = { purpose: undefined, comparisons: { left: maxComparisons } };
  if (faultOfPath(chain, needs) !== undefined) return convictsOnly;
  let acquitsUntil = Math.min(...chain.map(({ notAfter }) => notAfter.getTime()));
  let isStale = false;
  const judged = scope === 'leaf' ? chain.slice(0, -1).slice(0, 1) : chain.slice(0, -1);
  for (const [depth, ca] of judged.entries()) {
    // A CRL may cover its own signer. If it lists its signer, the signer is revoked; no other CRL is skipped.
    if (asking.some(({ raw }) => raw.equals(ca.raw))) continue;
    if (asking.length >= mostAsking) return convictsOnly;
    const status = check(ca, { issuers: chain.slice(depth + 1), at, asking });
    if (status.status === 'revoked') return undefined;
    acquitsUntil = Math.min(acquitsUntil, status.status === 'good' ? status.until : -Infinity);
    isStale ||= status.status === 'unknown' && isOutdated(status.cause);
  }
  return { acquitsUntil, isStale };
}
