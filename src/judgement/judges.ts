/**
 * What clients are judged by at one time: the material in force and its number.
 * A commit replaces the whole of it; nothing edits it.
 *
 * @module
 */
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { type CertificateChain, type CertificateStore } from '../x509/certificate-store.js';
import { type Certificate } from '../x509/certificate.js';
import { type CompleteCertificatePolicy } from './certificate-policy.js';
import { type Findings, inspect, type OpensslVerdict, reachVerdict, type Verdict } from './judgement.js';
import { type Peer } from './peer.js';

/** The CAs and CRLs that clients are judged by. */
export interface Trust {
  readonly store: CertificateStore;
  /** `undefined`: no CRL was configured. */
  readonly revocation: RevocationChecker | undefined;
}

/** The judges of a server, one for each name that has CAs of its own. */
export interface Judges {
  /** Counts commits: a connection judged under another generation is judged again. */
  readonly generation: number;
  /** What the clients of a server name are judged by; `undefined` is every name that has nothing of its own. */
  of(name: string | undefined): Judge;
}

/** What the judges judge by. */
interface TrustByName {
  readonly main: { readonly trust: Trust };
  readonly named: ReadonlyMap<string, { readonly trust: Trust }>;
}

/** Judges clients by the CAs and CRLs of one name. */
export interface Judge {
  verdictOn(peer: Peer, openssl: OpensslVerdict, at: Date): Verdict;
  /** Says all that there is to say of a client. OpenSSL is not asked. */
  inspect(peer: Peer, at: Date): Inspection;
}

/** What the checks say of a certificate, and the chain that they went by. */
export interface Inspection extends Findings {
  readonly chain: CertificateChain | undefined;
}

/** A verdict, and from when on it holds: the clock may be set back. */
interface Admission {
  readonly admitted: true;
  readonly from: number;
  readonly until: number;
}

/**
 * Makes the judges of a server.
 * @param generation - The number of the commit.
 */
export function createJudges(
  { main: own, named: others }: TrustByName,
  certificates: CompleteCertificatePolicy,
  generation: number,
): Judges {
  const main = createJudge(own.trust, certificates);
  const named = new Map([...others].map(([name, { trust }]) => [name, createJudge(trust, certificates)]));
  return Object.freeze({
    generation,
    of: (name: string | undefined) => (name === undefined ? main : (named.get(name) ?? main)),
  });
}

/** Makes a judge of CAs and CRLs alone, which is all that judging needs: also without a server. */
export function createJudge({ store, revocation }: Trust, certificates: CompleteCertificatePolicy): Judge {
  const measures = { revocation, certificates };
  // A client that was admitted comes back, and nothing that its verdict rests on changes under this judge but the time.
  const admissions = new WeakMap<Certificate, Admission>();
  return Object.freeze({
    verdictOn({ certificate, others }: Peer, openssl: OpensslVerdict, at: Date) {
      const time = at.getTime();
      const known = admissions.get(certificate);
      if (typeof openssl === 'string' && known !== undefined && known.from <= time && time < known.until)
        return known;
      const chain = store.chainOf(certificate, others, at);
      const verdict = reachVerdict({ certificate, chain, others, openssl }, measures, at);
      if (verdict.admitted) admissions.set(certificate, { ...verdict, from: time });
      return verdict;
    },
    inspect({ certificate, others }: Peer, at: Date) {
      const chain = store.chainOf(certificate, others, at);
      return { chain, ...inspect({ certificate, chain, others, openssl: 'not-asked' }, measures, at) };
    },
  });
}
