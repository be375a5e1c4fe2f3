/**
 * What clients are judged by at one time: the material in force and its number.
 * A commit replaces the whole of it; nothing edits it.
 *
 * @module
 */
import { type CertificateChain } from '../x509/certificate-store.js';
import { type Certificate } from '../x509/certificate.js';
import { type CompleteCertificatePolicy } from './certificate-policy.js';
import { type Findings, inspectPath, type OpensslVerdict, type PathVerdict } from './judgement.js';
import { choosePath, type Trust } from './path-choice.js';
import { type Peer } from './peer.js';
import { type Refusal } from './refusal.js';

export type { Trust };

/** The judges of a server, one for each name that has CAs of its own. */
export interface Judges {
  /** Counts commits: a connection judged under another generation is judged again. */
  readonly generation: number;
  /** What the clients of a server name are judged by; `undefined` is every name that has nothing of its own. */
  of(name: string | undefined): Judge;
  /** What the certificates of proxies are judged by; `undefined`: no certificate is a proxy's. */
  readonly ofProxies: Judge | undefined;
}

/** What the judges judge by. */
interface TrustByName {
  readonly main: {
    readonly trust: Trust;
    readonly proxies: { readonly trust: Trust | undefined } | undefined;
  };
  readonly named: ReadonlyMap<string, { readonly trust: Trust }>;
}

/** Judges clients by the CAs and CRLs of one name. */
export interface Judge {
  verdictOn(peer: Peer, openssl: OpensslVerdict, at: Date): Verdict;
  /** Says all that there is to say of a client. OpenSSL is not asked. */
  inspect(peer: Peer, at: Date): Inspection;
}

/** The outcome: admitted until a moment (milliseconds since 1970), or refused. */
export type Verdict =
  | {
      readonly admitted: true;
      readonly until: number;
      /** The certificate policies that the path is valid for. */
      readonly policies: readonly string[];
    }
  | {
      readonly admitted: false;
      readonly refusal: Refusal;
      /** Whether a CA that is not known yet could lead to another verdict. */
      readonly isOfPath: boolean;
      /** How many signatures were verified in vain. */
      readonly failedSignatures: number;
    };

/** What the checks say of a certificate, and the paths that they looked at. */
export interface Inspection extends Findings {
  /** The path that decides. */
  readonly chain: CertificateChain | undefined;
  /** The other paths, each of which fails too. */
  readonly otherPaths: readonly PathVerdict[];
  /** Whether there may be more paths than were looked at. */
  readonly isPartial: boolean;
}

/** A verdict, and from when on it holds: the clock may be set back. */
interface Admission {
  readonly admitted: true;
  readonly from: number;
  readonly until: number;
  readonly policies: readonly string[];
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
  const { trust: ofProxies } = own.proxies ?? {};
  return Object.freeze({
    generation,
    ofProxies: ofProxies && createJudge(ofProxies, certificates),
    of: (name: string | undefined) => (name === undefined ? main : (named.get(name) ?? main)),
  });
}

/** Makes a judge of CAs and CRLs alone, which is all that judging needs: also without a server. */
export function createJudge({ store, revocation }: Trust, certificates: CompleteCertificatePolicy): Judge {
  const measures = { revocation, certificates };
  // A client that was admitted comes back, and nothing that its verdict rests on changes under this judge but the time.
  const admissions = new WeakMap<Certificate, Admission>();
  return Object.freeze({
    verdictOn({ certificate, others }: Peer, openssl: OpensslVerdict, at: Date): Verdict {
      const time = at.getTime();
      const known = admissions.get(certificate);
      if (typeof openssl === 'string' && known !== undefined && known.from <= time && time < known.until)
        return known;
      const { best, failedSignatures } = choosePath({ certificate, others, openssl }, store, measures, at);
      const { refusal, until, policies } = best;
      if (refusal !== undefined) {
        const verdict = { refusal, isOfPath: isOfPath(best, certificate), failedSignatures };
        return { admitted: false, ...verdict };
      }
      const admission: Admission = { admitted: true, from: time, until, policies };
      admissions.set(certificate, admission);
      return admission;
    },
    inspect({ certificate, others }: Peer, at: Date): Inspection {
      const choice = choosePath({ certificate, others, openssl: 'not-asked' }, store, measures, at);
      const { chain } = choice.best;
      const { missing } = choice;
      const findings = inspectPath(
        { certificate, chain, others, openssl: 'not-asked', missing },
        measures,
        at,
      );
      return { chain, ...findings, otherPaths: choice.others, isPartial: choice.isPartial };
    },
  });
}

const ofPaths: readonly unknown[] = ['dates', 'chain', 'revocation', 'path'];

/** Whether another CA above the client could make a difference. */
function isOfPath({ failed, status }: PathVerdict, leaf: Certificate): boolean {
  const isRevokedItself = status?.status === 'revoked' && status.certificate === leaf;
  return ofPaths.includes(failed) && !isRevokedItself;
}
