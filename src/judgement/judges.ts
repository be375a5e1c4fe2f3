/**
 * The judges of one generation: they decide by the material of one commit. A commit replaces all of them.
 *
 * @module
 */
import { wantedUris } from '../revocation/wanted-points.js';
import { type CertificateChain } from '../x509/certificate-store.js';
import { type Certificate } from '../x509/certificate.js';
import { type CompleteCertificatePolicy } from './certificate-policy.js';
import {
  dependsOnPath,
  type Findings,
  inspectPath,
  type OpensslVerdict,
  type PathVerdict,
} from './judgement.js';
import { optionsOfClients, optionsOfProxies, type TrustOptions } from './missing-link.js';
import { choosePath, type Trust } from './path-choice.js';
import { type Peer } from './peer.js';
import { type Refusal } from './refusal.js';

export type { Trust };

/** The judges of a server, one for each server name with its own CAs. */
export interface Judges {
  /** The number of the commit. A connection that was judged under another generation is judged again. */
  readonly generation: number;
  /** The judge for the clients of a server name; `undefined` for every name without its own CAs. */
  of(name: string | undefined): Judge;
  /** The judge for the certificates of proxies; `undefined` if proxies have none. */
  readonly ofProxies: Judge | undefined;
}

/** The CAs and CRLs of the server, its proxies and its names. */
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
  /** Runs every check on a client, without OpenSSL. */
  inspect(peer: Peer, at: Date): Inspection;
}

/** The verdict: admitted until a time (milliseconds since 1970), or refused. */
export type Verdict =
  | {
      readonly admitted: true;
      readonly until: number;
      /** The certificate policies for which the path is valid. */
      readonly policies: readonly string[];
      /** The URIs of the CRLs that would cover certificates of the path which the policy admits without. */
      readonly wanted: readonly string[];
    }
  | {
      readonly admitted: false;
      readonly refusal: Refusal;
      /** The URIs of the CRLs that would decide, if only they are missing. */
      readonly wanted: readonly string[];
      /** Whether an additional CA certificate could change the verdict. */
      readonly isOfPath: boolean;
      /** How many signatures failed to verify. */
      readonly failedSignatures: number;
    };

/** The results of the checks of a certificate, and the paths that were checked. */
export interface Inspection extends Findings {
  /** The path that decides. */
  readonly chain: CertificateChain | undefined;
  /** The other paths, which also fail. */
  readonly otherPaths: readonly PathVerdict[];
  /** Whether there may be further paths. */
  readonly isPartial: boolean;
}

/** A verdict and its validity period. It has a start because the clock may be set back. */
interface Admission {
  readonly admitted: true;
  readonly from: number;
  readonly until: number;
  readonly policies: readonly string[];
  readonly wanted: readonly string[];
}

/** The most distribution points of one client that are passed on. */
const mostPoints = 64;

/**
 * Creates the judges of a server.
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
    ofProxies: ofProxies && createJudge(ofProxies, certificates, optionsOfProxies),
    of: (name: string | undefined) => (name === undefined ? main : (named.get(name) ?? main)),
  });
}

/**
 * Creates a judge from CAs and CRLs. It needs no server.
 * @param options - The options that they come from, for remedies.
 */
export function createJudge(
  { store, revocation }: Trust,
  certificates: CompleteCertificatePolicy,
  options: TrustOptions = optionsOfClients,
): Judge {
  const measures = { revocation, certificates, options };
  // For clients that return: under one judge, a verdict depends only on the certificate and the time.
  const admissions = new WeakMap<Certificate, Admission>();
  return Object.freeze({
    verdictOn({ certificate, others }: Peer, openssl: OpensslVerdict, at: Date): Verdict {
      const time = at.getTime();
      const known = admissions.get(certificate);
      if (typeof openssl === 'string' && known !== undefined && known.from <= time && time < known.until)
        return known;
      const { best, failedSignatures } = choosePath({ certificate, others, openssl }, store, measures, at);
      const { refusal, until, policies, uncovered } = best;
      const wanted = uncovered.length === 0 ? nothing : wantedUris(uncovered, mostPoints);
      if (refusal !== undefined) {
        const verdict = { refusal, wanted, isOfPath: isOfPath(best, certificate), failedSignatures };
        return { admitted: false, ...verdict };
      }
      const admission: Admission = { admitted: true, from: time, until, policies, wanted };
      admissions.set(certificate, admission);
      return admission;
    },
    inspect({ certificate, others }: Peer, at: Date): Inspection {
      const choice = choosePath({ certificate, others, openssl: 'not-asked' }, store, measures, at);
      const { chain } = choice.best;
      const { missing } = choice;
      const findings = inspectPath(
        { certificate, chain, others, openssl: 'not-asked', missing, cas: store.certificates },
        measures,
        at,
      );
      return { chain, ...findings, otherPaths: choice.others, isPartial: choice.isPartial };
    },
  });
}

const nothing: readonly string[] = Object.freeze([]);

/** Whether another CA above the client could change the verdict. */
function isOfPath({ failed, status }: PathVerdict, leaf: Certificate): boolean {
  const isRevokedItself = status?.status === 'revoked' && status.certificate === leaf;
  return failed !== undefined && dependsOnPath[failed] && !isRevokedItself;
}
