/**
 * A request and its response without a network, on a socket that the gate has judged.
 *
 * @module
 */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { type MtlsRequest } from '../../src/express/request.js';
import { type ClientIdentity, identityOf } from '../../src/identity/client-identity.js';
import { type Connection, setConnection } from '../../src/gate/connection.js';
import { refuse, type Refusal, type RefusalReason } from '../../src/judgement/refusal.js';
import { parseCertificate } from '../../src/x509/certificate.js';
import { ca } from './chain.js';

const client = parseCertificate(ca('root').client({ commonName: 'client1', serial: '1001' }).der);

/** Who calls. */
export const client1: ClientIdentity = {
  source: 'tls',
  via: undefined,
  ...identityOf(client),
  policies: [],
  resumed: false,
};

/** The identity in a certificate of this name. */
export function clientIn(commonName: string): ClientIdentity {
  const { der } = ca('root').client({ commonName });
  return {
    source: 'tls',
    via: undefined,
    ...identityOf(parseCertificate(der)),
    policies: [],
    resumed: false,
  };
}

export interface Exchange {
  readonly req: MtlsRequest;
  readonly res: ServerResponse;
  /** What `next` was called with, call by call. */
  readonly passed: unknown[][];
  readonly next: (error?: unknown) => void;
  /** Resolves with what `next` is called with first. */
  readonly outcome: Promise<unknown>;
  /** What was reported of the request. */
  readonly reports: Record<string, unknown>[];
  readonly evictions: Refusal[];
  /** From now on the client is refused. */
  refuse(reason: RefusalReason): void;
}

/** A request of client1, of a caller without a certificate, or on a socket that no gate has judged. */
export function exchange(of: 'client1' | 'anonymous' | 'unjudged' = 'client1'): Exchange {
  const socket = new Socket();
  const req: MtlsRequest = new IncomingMessage(socket);
  req.method = 'GET';
  req.url = '/admin?x=1';
  const res = new ServerResponse(req);
  const passed: unknown[][] = [];
  const reports: Exchange['reports'] = [];
  const evictions: Refusal[] = [];
  let refusal: Refusal | undefined;
  let resolve: (value: unknown) => void;
  const outcome = new Promise((done) => (resolve = done));
  const connection: Connection = {
    identity: of === 'client1' ? client1 : undefined,
    remoteAddress: '127.0.0.1',
    since: new Date(),
    isNamed: false,
    intermediates: [],
    isForwarded: false,
    mayForward: false,
    recall: () => undefined,
    serves: () => true,
    check: () => refusal,
    evict: (why) => evictions.push(why),
    reporter: { emit: (event, details) => reports.push({ event, ...details }) },
  };
  if (of !== 'unjudged') setConnection(socket, connection);
  return {
    req,
    res,
    passed,
    next: (...args) => {
      passed.push(args);
      resolve(args[0]);
    },
    outcome,
    reports,
    evictions,
    refuse: (reason) => (refusal = refuse(reason, 'CN=client1, serial 1001: a detail for the operator')),
  };
}
