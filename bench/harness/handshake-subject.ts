/**
 * A server whose handshakes are counted, whatever it is made of.
 *
 * @module
 */
import type { ClientCalls } from '../programs/client.js';
import type { ServerCalls, ServerKind } from '../programs/server.js';
import { Child } from './child.js';
import { type Bench, describeEntries } from './context.js';
import { type OtherServerName, otherServers } from './other-servers.js';
import type { Target } from '../load/keep-alive-connection.js';

/** A server that is up, and checked to refuse whom its CRL lists. */
export interface HandshakeSubject {
  readonly server: ServerName;
  readonly entries: number;
  readonly target: Target;
  /** CPU of the whole server since it started, in milliseconds. */
  cpu(): Promise<number>;
  /** How many handshakes it has let in; `undefined` where it cannot be asked. */
  admitted(): Promise<number | undefined>;
}

type Started = Pick<HandshakeSubject, 'cpu' | 'admitted'> & { readonly port: number };

export type ServerName = ServerKind | OtherServerName;

/** What some handshakes cost. */
export interface HandshakeCost {
  /** Of the server, in milliseconds a handshake. */
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

/** Makes handshakes and answers what each of them cost. */
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
  // Resuming begins with a full handshake, for its ticket.
  if (admittedBefore !== undefined && newlyAdmitted !== count + (resume ? 1 : 0))
    throw new Error(`${newlyAdmitted} of ${count} handshakes were let in`);
  return { cpuMs: used / count, perSecond: (count * 1000) / elapsedMs };
}

/** Warms a server up, and answers how many handshakes it makes in `budgetMs`, from 4 to 200. */
export async function warmUp(
  client: Child<ClientCalls>,
  subject: HandshakeSubject,
  { handshakes, budgetMs }: { handshakes: number; budgetMs: number },
): Promise<number> {
  const { perSecond } = await measureHandshakes(client, subject, { count: 8 });
  // One that takes a fifth of a second for each does so warm or cold.
  await measureHandshakes(client, subject, { count: Math.min(handshakes, Math.ceil(perSecond * 2)) });
  return Math.min(200, Math.max(4, Math.round((perSecond * budgetMs) / 1000)));
}
