/**
 * A server whose handshakes are measured, of any kind.
 *
 * @module
 */
import type { ClientCalls } from '../programs/client.js';
import type { ServerCalls, ServerKind } from '../programs/server.js';
import { Child } from './child.js';
import { type Bench, describeEntries } from './context.js';
import { type OtherServerName, otherServers } from './other-servers.js';
import type { Target } from '../load/keep-alive-connection.js';

/** A running server that was verified to refuse clients on its CRL. */
export interface HandshakeSubject {
  readonly server: ServerName;
  readonly entries: number;
  readonly target: Target;
  /** The CPU time of the server since it started, in milliseconds. */
  cpu(): Promise<number>;
  /** The number of admitted handshakes; `undefined` if the server cannot report it. */
  admitted(): Promise<number | undefined>;
}

type Started = Pick<HandshakeSubject, 'cpu' | 'admitted'> & { readonly port: number };

export type ServerName = Exclude<ServerKind, 'behind-proxy'> | OtherServerName;

/** The cost of handshakes. */
export interface HandshakeCost {
  /** The CPU time of the server per handshake, in milliseconds. */
  readonly cpuMs: number;
  readonly perSecond: number;
}

const parallel = 4;

/** Starts a server. */
export async function startSubject(
  bench: Bench,
  client: Child<ClientCalls>,
  { server, entries, crl }: { server: ServerName; entries: number; crl: string | undefined },
): Promise<HandshakeSubject> {
  const { port, cpu, admitted } = isOther(server)
    ? await startOther(bench, server, crl)
    : await startNode(bench, server, crl);
  const { material } = bench;
  const target = { port, credentials: material.credentialsOf(material.client) };
  const revoked = { port, credentials: material.credentialsOf(material.revoked) };
  const refusesGood = await client.call('isRefused', target);
  const refusesRevoked = await client.call('isRefused', revoked);
  if (refusesGood || refusesRevoked !== (crl !== undefined)) {
    throw new Error(
      `${server} with ${describeEntries(entries)} ${refusesGood ? 'refuses' : 'lets in'} the wrong client`,
    );
  }
  return { server, entries, target, cpu, admitted };
}

async function startNode(bench: Bench, kind: ServerKind, crl: string | undefined): Promise<Started> {
  const child = bench.own(new Child<ServerCalls>('server'));
  const { port } = await child.call('listen', { kind, files: bench.material.serverFiles(crl) });
  return { port, cpu: () => child.call('cpu'), admitted: () => child.call('admitted') };
}

async function startOther(bench: Bench, name: OtherServerName, crl: string | undefined): Promise<Started> {
  const other = bench.own(await otherServers[name].start(bench.material, crl));
  return { port: other.port, cpu: async () => other.cpu(), admitted: async () => undefined };
}

function isOther(server: ServerName): server is OtherServerName {
  return server in otherServers;
}

/** Makes handshakes and returns the cost of each. */
export async function measureHandshakes(
  client: Child<ClientCalls>,
  { target, cpu, admitted }: HandshakeSubject,
  { count, resume = false }: { count: number; resume?: boolean },
): Promise<HandshakeCost> {
  const admittedBefore = await admitted();
  const before = await cpu();
  const elapsedMs = await client.call('makeHandshakes', { ...target, count, parallel, resume });
  const used = (await cpu()) - before;
  const newlyAdmitted = ((await admitted()) ?? 0) - (admittedBefore ?? 0);
  // Resumption starts with a full handshake to get a ticket.
  if (admittedBefore !== undefined && newlyAdmitted !== count + (resume ? 1 : 0))
    throw new Error(`${newlyAdmitted} of ${count} handshakes were admitted`);
  return { cpuMs: used / count, perSecond: (count * 1000) / elapsedMs };
}

/** Warms up a server, and returns how many handshakes it makes in `budgetMs`, from 4 to 200. */
export async function warmUp(
  client: Child<ClientCalls>,
  subject: HandshakeSubject,
  { handshakes, budgetMs }: { handshakes: number; budgetMs: number },
): Promise<number> {
  const { perSecond } = await measureHandshakes(client, subject, { count: 8 });
  // A server that takes a fifth of a second per handshake needs no warm-up.
  await measureHandshakes(client, subject, { count: Math.min(handshakes, Math.ceil(perSecond * 2)) });
  return Math.min(200, Math.max(4, Math.round((perSecond * budgetMs) / 1000)));
}
