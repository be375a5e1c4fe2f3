/**
 * Checks clients in-process, with the code that the gate runs at a handshake.
 *
 * @module
 */
import crypto from 'node:crypto';
import {
  certificatePolicies,
  nameConstraints,
  policyConstraints,
  policyMappings,
} from '../../test/support/path-extensions.js';
import { ca, purposes, type Certificate, type CertificateAuthority } from '../../test/support/chain.js';
import type { AltNameOptions } from '../../test/support/names.js';
import type * as policyModule from '../../src/judgement/certificate-policy.js';
import type * as judgesModule from '../../src/judgement/judges.js';
import type { OpensslVerdict } from '../../src/judgement/judgement.js';
import type { Peer } from '../../src/judgement/peer.js';
import type * as storeModule from '../../src/x509/certificate-store.js';
import type * as certificateModule from '../../src/x509/certificate.js';
import { answerCalls } from '../harness/calls.js';

// Not among the public names: from the build, where the package runs them.
const built = new URL('../../dist/cjs/', import.meta.url);
const load = async (path: string): Promise<unknown> => await import(new URL(path, built).href);
const { parseCertificate } = (await load('x509/certificate.js')) as typeof certificateModule;
const { CertificateStore } = (await load('x509/certificate-store.js')) as typeof storeModule;
const { createJudge } = (await load('judgement/judges.js')) as typeof judgesModule;
const { checkCertificatePolicy } = (await load('judgement/certificate-policy.js')) as typeof policyModule;

type Judge = judgesModule.Judge;

/**
 * Where the two intermediate CAs of a client come from: the server, or the client. The gate caches those of earlier
 * clients.
 */
export type Intermediates = 'configured' | 'sent' | 'sent, never seen before';

/** How many CAs have one name, and how they refer to each other. */
export type Authorities =
  | '100 CAs with key identifiers'
  | '100 CAs without'
  | '100 CAs, each certifies the next'
  | '40 CAs, each certifies all';

/** What is at its limit. */
export type Bound = keyof AltNameOptions | 'policies';

/** Times of one kind of client, in microseconds. */
export type Times = readonly (readonly [client: string, microseconds: number[]])[];

const at = new Date();
const signatures = countSignatures();

const calls = {
  /** Clients never seen before, below two intermediate CAs; the duration of each check. */
  judgeBelowIntermediates(from: Intermediates, warmUp: number, count: number): number[] {
    const root = ca('root');
    const above = root.intermediate('above');
    const below = above.intermediate('below');
    const judge = judgeOf(from === 'configured' ? [root, above, below] : [root]);
    const sent = from === 'configured' ? [] : [below, above];
    const parsed = sent.map(({ der }) => parseCertificate(der));
    const others = (): Peer['others'] =>
      from === 'sent' ? parsed : sent.map(({ der }) => parseCertificate(Buffer.from(der)));
    const { privateKey } = below.client();
    const peers = Array.from({ length: warmUp + count }, () =>
      peerOf(below.client({ privateKey }), others()),
    );
    return peers
      .map((peer) =>
        time(() => {
          mustAdmit(judge, peer);
        }),
      )
      .slice(warmUp);
  },

  /**
   * A client that was admitted before: the duration of its check in microseconds, and the number of verified
   * signatures.
   */
  judgeKnown(runs: number): { times: number[]; signatures: number } {
    const each = 1000;
    const root = ca('root');
    const judge = judgeOf([root]);
    const peer = peerOf(root.client());
    mustAdmit(judge, peer);
    const before = signatures.count;
    // A single check is too short for the clock.
    const judgeMany = (): void => {
      for (let count = 0; count < each; count++) mustAdmit(judge, peer);
    };
    const times = Array.from({ length: runs }, () => time(judgeMany) / each);
    return { times, signatures: signatures.count - before };
  },

  /** Clients of CAs with one name: the time to load the CAs in milliseconds, and the duration of each check. */
  judgeAmong(kind: Authorities, count: number): { loadMs: number; times: Times } {
    const { cas, root, last } = makeAuthorities[kind]();
    const ders = cas.map(({ der }) => der);
    const loadMs = time(() => judgeOf(ders.map((der) => ({ der })))) / 1000;
    const judge = judgeOf(cas);
    const forger = ca(ofOneName);
    const { privateKey } = forger;
    const authorityKeyId = kind === '100 CAs with key identifiers';
    const first = (): Certificate => root.client({ privateKey, authorityKeyId });
    const ofLast = (): Certificate => last.client({ privateKey, authorityKeyId });
    const forged = { error: 'CERT_SIGNATURE_FAILURE' } as const;
    const clients: readonly JudgedClient[] = [
      { name: 'client of the last', make: ofLast },
      { name: 'client of the last, after one of the first', make: ofLast, before: first },
      {
        name: 'client of the last that no path admits',
        make: () => last.client({ privateKey, authorityKeyId, extendedKeyUsage: [purposes.serverAuth] }),
      },
      { name: 'stranger', make: () => forger.client({ privateKey, authorityKeyId: false }), openssl: forged },
      {
        name: 'stranger that names the last',
        make: () => forger.client({ privateKey, authorityKeyId: last.keyId }),
        openssl: forged,
      },
    ];
    const times = clients.map(({ name, make, before, openssl = 'trusted' }) => {
      const peers = Array.from(
        { length: count },
        () => [peerOf(make()), before && peerOf(before())] as const,
      );
      const each = peers.map(([peer, other]) => {
        if (other !== undefined) judge.verdictOn(other, openssl, at);
        return time(() => judge.verdictOn(peer, openssl, at));
      });
      return [name, each] as const;
    });
    return { loadMs, times };
  },

  /** Clients with the maximum number of names and constraints, or policies. */
  judgeAtBound(bound: Bound, count: number): number[] {
    const root = ca('root');
    const { issuer, client } = bound === 'policies' ? atPolicyBound(root) : atNameBound(root, bound);
    const judge = judgeOf([root, issuer]);
    const { privateKey } = issuer;
    const peers = Array.from({ length: count }, () => peerOf(issuer.client({ ...client, privateKey })));
    return peers.map((peer) =>
      time(() => {
        mustAdmit(judge, peer);
      }),
    );
  },
};

export type JudgeCalls = typeof calls;

answerCalls(calls);

/** Counts signature verifications of node:crypto. The package is CommonJS, which reads this object at each call. */
function countSignatures(): { count: number } {
  const counted = { count: 0 };
  const verify = crypto.verify as (...args: unknown[]) => unknown;
  crypto.verify = ((...args: unknown[]) => {
    counted.count++;
    return verify(...args);
  }) as typeof crypto.verify;
  return counted;
}

function judgeOf(cas: readonly Pick<Certificate, 'der'>[]): Judge {
  const store = new CertificateStore(cas.map(({ der }) => parseCertificate(der)));
  // As when a server loads them.
  store.certificates.some((certificate) => store.chainOf(certificate, [], at) !== undefined);
  return createJudge({ store, revocation: undefined }, checkCertificatePolicy());
}

function peerOf({ der }: Certificate, others: Peer['others'] = []): Peer {
  return { certificate: parseCertificate(der), others };
}

function mustAdmit(judge: Judge, peer: Peer): void {
  const verdict = judge.verdictOn(peer, 'trusted', at);
  if (!verdict.admitted) throw new Error(`refused: ${verdict.refusal.detail}`);
}

/** CPU time in microseconds: with more threads than cores, wall-clock time includes other threads. */
function time(what: () => unknown): number {
  const started = process.cpuUsage();
  what();
  const { user, system } = process.cpuUsage(started);
  return user + system;
}

/** A kind of client, each with a new certificate, and one that is checked before each of them. */
interface JudgedClient {
  readonly name: string;
  readonly make: () => Certificate;
  readonly before?: () => Certificate;
  readonly openssl?: OpensslVerdict;
}

const ofOneName = { commonName: 'ca' };

/** The configured CAs; of their keys the first, which is a root, and the last. */
interface OfOneName {
  readonly cas: readonly CertificateAuthority[];
  readonly root: CertificateAuthority;
  readonly last: CertificateAuthority;
}

const makeAuthorities: Readonly<Record<Authorities, () => OfOneName>> = {
  '100 CAs with key identifiers': () => rootsOf(100, true),
  '100 CAs without': () => rootsOf(100, false),
  '100 CAs, each certifies the next': () => {
    const made = rootsOf(100, false);
    const bridges = made.cas
      .slice(1)
      .map(({ privateKey }, before) => bridge(made.cas[before] as CertificateAuthority, privateKey));
    return { ...made, cas: [...made.cas, ...bridges] };
  },
  '40 CAs, each certifies all': () => {
    const made = rootsOf(40, false);
    const bridges = made.cas.flatMap((one) =>
      made.cas.flatMap((other) => (one === other ? [] : [bridge(one, other.privateKey)])),
    );
    return { ...made, cas: [...bridges, made.root] };
  },
};

function rootsOf(count: number, subjectKeyId: boolean): OfOneName {
  const cas = Array.from({ length: count }, () => ca({ ...ofOneName, subjectKeyId }));
  return { cas, root: cas[0] as CertificateAuthority, last: cas.at(-1) as CertificateAuthority };
}

function bridge(from: CertificateAuthority, privateKey: Certificate['privateKey']): CertificateAuthority {
  return from.selfIssued({ privateKey, subjectKeyId: false, authorityKeyId: false });
}

interface AtBound {
  readonly issuer: CertificateAuthority;
  readonly client: Parameters<CertificateAuthority['client']>[0] & object;
}

/** 100 constraints times 245 names: 24,500 comparisons, plus 345 to go through them. The last constraint permits all names. */
function atNameBound(root: CertificateAuthority, kind: keyof AltNameOptions): AtBound {
  const [names, permitted] = namesOf(kind);
  const issuer = root.intermediate({
    commonName: 'constrained',
    extraExtensions: [nameConstraints({ permitted })],
  });
  return { issuer, client: { sans: names, name: [] } };
}

function namesOf(kind: keyof AltNameOptions): [names: AltNameOptions, permitted: AltNameOptions] {
  const names = Array.from({ length: 245 }, (_, index) => `host${index}.clients.example.com`);
  const others = Array.from({ length: 99 }, (_, index) => `tenant${index}.example.com`);
  const permitted = [...others, 'clients.example.com'];
  switch (kind) {
    case 'dns':
      return [{ dns: names }, { dns: permitted }];
    case 'email':
      return [
        { email: names.map((name) => `client@${name}`) },
        { email: permitted.map((name) => `.${name}`) },
      ];
    case 'uri':
      return [
        { uri: names.map((name) => `https://${name}/client`) },
        { uri: permitted.map((name) => `.${name}`) },
      ];
    case 'ip': {
      const mask = [255, 255, 255, 0];
      return [
        { ip: names.map((_, index) => `10.1.${others.length}.${index}`) },
        { ip: permitted.map((_, index) => Buffer.from([10, 1, index, 0, ...mask])) },
      ];
    }
    case 'directoryName': {
      const named = (organizations: readonly string[], commonName?: string): AltNameOptions => ({
        directoryName: organizations.map((organization) => ({
          organization,
          ...(commonName === undefined ? {} : { commonName }),
        })),
      });
      return [
        named(
          names.map(() => 'clients'),
          'client',
        ),
        named([...others, 'clients']),
      ];
    }
    default:
      throw new Error(`${kind} cannot be constrained`);
  }
}

/** 660 policies of the issuer, each of them mapped, and 660 of the client: 1,980 nodes, as they are counted. */
function atPolicyBound(root: CertificateAuthority): AtBound {
  const policy = (index: number): string => `1.3.6.1.4.1.99999.${index}`;
  const all = Array.from({ length: 660 }, (_, index) => policy(index));
  const mapped = all.map((one, index) => [one, policy(10_000 + index)] as const);
  const issuer = root.intermediate({
    commonName: 'policies',
    extraExtensions: [
      certificatePolicies(...all),
      policyMappings(...mapped),
      policyConstraints({ requireExplicitPolicy: 0 }),
    ],
  });
  return {
    issuer,
    client: { extraExtensions: [certificatePolicies(...mapped.map(([, subject]) => subject))] },
  };
}
