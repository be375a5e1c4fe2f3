/**
 * Whether the signer of a CRL may speak for what an issuer issued: RFC 5280
 * section 6.3.3, steps (f) and (g). Doubt never acquits.
 *
 * @module
 */
import { type Certificate } from '../x509/certificate.js';
import { type CertificateChain, type CertificateStore, isSameCa } from '../x509/certificate-store.js';
import { faultOfPath, maxComparisons } from '../x509/path-rules.js';
import { type CertificateStatus } from './certificate-status.js';
import { scopeOf } from './crl-set.js';
import { type VerifiedCrl } from './verified-crl.js';

/** What a CRL may say. Whatever has a voice may convict. */
export interface Voice {
  /** Until when it may acquit, in milliseconds since 1970; `-Infinity`: not at all. */
  readonly acquitsUntil: number;
  /** Whether that is because a CRL about its signer is stale. */
  readonly isStale: boolean;
}

/** Who asks, and about what. */
export interface Question {
  /** The chain above the certificate in question. */
  readonly issuers: CertificateChain;
  readonly at: Date;
  /** The certificates whose status is being asked for, so that signers do not ask in a circle. */
  readonly asking: readonly Certificate[];
}

/** What the voice of a CRL depends on. */
export interface VoiceSources {
  readonly store: CertificateStore;
  readonly crls: readonly VerifiedCrl[];
  /** How many certificates of a signer's chain are asked about: under `scope: 'leaf'` the first alone. */
  readonly scope: 'chain' | 'leaf';
  /** The status of a signer, or of a CA above it. */
  readonly check: (ca: Certificate, question: Question) => CertificateStatus;
}

const ownKey: Voice = { acquitsUntil: Infinity, isStale: false };
const convictsOnly: Voice = { acquitsUntil: -Infinity, isStale: false };

// A signer may need a signer of its own, and that one another. Keys of one name that all vouch for each other have
// more orders than anybody can try.
const mostAsking = 3;

/**
 * The voice of a CRL; `undefined`: it has none. The issuer's own key has every voice. Another key of its name
 * (rollover, a key kept for CRLs) or another CA (an indirect CRL) must lead to the same root and not be revoked.
 * Where the issuer's own key has signed such a CRL, another of its keys can only convict: its list may leave out what
 * the old key issued. A key that may be of another CA of the same name never acquits, and says nothing then.
 */
export function voiceOf(verified: VerifiedCrl, question: Question, sources: VoiceSources): Voice | undefined {
  const { signer, crl } = verified;
  const { issuers, at } = question;
  const { store, crls } = sources;
  const [issuer] = issuers;
  if (issuer === undefined || signer.publicKey.equals(issuer.publicKey)) return ownKey;
  // Whichever way the issuer's key leads up: which of them the client's chain took is a matter of order.
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

/** Whether two chains end in one root: one key, though its certificate may have been renewed. */
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
  // RFC 5280 section 6.3.3 (f): a CA that may not certify the signer's name could make a list that acquits.
  const needs = { purpose: undefined, comparisons: { left: maxComparisons } };
  if (faultOfPath(chain, needs) !== undefined) return convictsOnly;
  let acquitsUntil = Math.min(...chain.map(({ notAfter }) => notAfter.getTime()));
  let isStale = false;
  const judged = scope === 'leaf' ? chain.slice(0, -1).slice(0, 1) : chain.slice(0, -1);
  for (const [depth, ca] of judged.entries()) {
    // A CRL may speak of its own signer: listed there it is revoked, and nobody else's CRL is left out.
    if (asking.some(({ raw }) => raw.equals(ca.raw))) continue;
    if (asking.length >= mostAsking) return convictsOnly;
    const status = check(ca, { issuers: chain.slice(depth + 1), at, asking });
    if (status.status === 'revoked') return undefined;
    acquitsUntil = Math.min(acquitsUntil, status.status === 'good' ? status.until : -Infinity);
    isStale ||= status.status === 'unknown' && status.cause === 'crl-expired';
  }
  return { acquitsUntil, isStale };
}
