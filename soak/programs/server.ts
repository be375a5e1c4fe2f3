/**
 * The servers under test, in a separate process: Express and WebSockets over https, HTTP/2, Express with a name in
 * `sni`, and Express and WebSockets behind nginx, all with the same files; and Express with CRLs from Redis and over HTTP.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import type { Duplex } from 'node:stream';
import express from 'express';
import {
  clientIdentity,
  createServer,
  identify,
  type Mtls,
  mtlsErrorHandler,
  type MtlsServer,
  protect,
  requireClient,
} from 'express-mtls';
import { WebSocketServer } from 'ws';
import { answerCalls } from '../../bench/harness/calls.js';
import { machineTime, within } from '../../bench/harness/clock.js';
import type { ServerFiles, ServerNameFiles } from '../server-files.js';
import type { SuppliedPair } from '../remote/credential-renewal.js';
import type { MemorySample } from '../truth/memory-slope.js';
import { type RemotePlaces, RemoteServers } from './remote-servers.js';
import { openResources, type Resources, withoutThose } from './resources.js';

/** Counts by name. */
export type Tally = Record<string, number>;

/** Where the servers listen; `redis` is `undefined` if there is no Redis. */
export interface ServerPorts {
  readonly https: number;
  readonly http2: number;
  readonly sni: number;
  readonly proxied: number;
  readonly redis: number | undefined;
  readonly http: number;
}

/** The figures that the server reports. All of its handles are counted together. */
export interface ServerFigures {
  readonly reloads: number;
  readonly authenticated: number;
  readonly failedReloads: Tally;
  readonly evicted: Tally;
  readonly refused: Tally;
  /** Warnings of Node or the package; none are expected. */
  readonly warnings: readonly string[];
}

// As in a cluster. node:tls creates new keys with every context, so no session would outlive a reload.
const ticketKeys = randomBytes(48);

const sampleEveryMs = 1000;
const closingLimitMs = 10_000;
const settlingLimitMs = 3000;

const samples: MemorySample[] = [];
const figures = {
  reloads: 0,
  authenticated: 0,
  failedReloads: {} as Tally,
  evicted: {} as Tally,
  refused: {} as Tally,
  warnings: [] as string[],
};
process.on('warning', ({ name, message }) => figures.warnings.push(`${name}: ${message}`));

const ignore = (): void => undefined;
// Without a logger, the first refusal is a warning, and every warning is a failure of the run.
const logger = { info: ignore, warn: ignore, error: ignore };

let before: Resources = [];
const sockets = new WebSocketServer({ noServer: true });
let https: MtlsServer | undefined;
let sni: MtlsServer | undefined;
let h2: http2.Http2SecureServer | undefined;
let proxied: MtlsServer | undefined;
const remote = new RemoteServers();
/** Those that read every file. */
let readers: readonly Mtls[] = [];
let handles: readonly Mtls[] = [];
let sampling: NodeJS.Timeout | undefined;

const calls = {
  /** Starts, and returns the ports. */
  async listen(
    files: ServerFiles,
    { name, ...own }: ServerNameFiles,
    proxyCa: string,
    places: RemotePlaces,
  ): Promise<ServerPorts> {
    before = openResources();
    https = await createServer({ ...files, logger, tls: { ticketKeys } }, app());
    // Only the gate may close a connection of a client in good standing.
    https.keepAliveTimeout = 0;
    https.on('upgrade', upgrade);
    // A separate server, because with `sni` no session is resumed.
    sni = await createServer({ ...files, logger, sni: { [name]: own } }, app());
    sni.keepAliveTimeout = 0;
    const from = { ca: proxyCa, rule: { commonName: 'nginx' } };
    proxied = await createServer({ ...files, logger, proxies: { from, header: 'nginx' } }, app());
    proxied.keepAliveTimeout = 0;
    proxied.on('upgrade', upgrade);
    h2 = http2.createSecureServer({
      key: readFileSync(files.key),
      cert: readFileSync(files.cert),
      requestCert: true,
      rejectUnauthorized: false,
    });
    h2.on('request', (req, res) => {
      res.end(answerTo(identify(req)?.commonName));
    });
    // Without the CRL of every second, which the other servers read.
    await remote.open(places, { ca: files.ca, crl: files.crl.slice(1), logger }, app());
    readers = [https.mtls, sni.mtls, proxied.mtls, await protect(h2, { ...files, logger })];
    handles = [...readers, ...remote.all.map(({ mtls }) => mtls)];
    for (const handle of handles) count(handle);
    sampling = setInterval(sample, sampleEveryMs);
    return {
      https: await listen(https),
      http2: await listen(h2),
      sni: await listen(sni),
      proxied: await listen(proxied),
      redis: remote.redis && (await listen(remote.redis)),
      http: await listen(remote.http as MtlsServer),
    };
  },

  /** Gives the loader of credentials its next result. */
  supply(pair: SuppliedPair): void {
    remote.supply(pair);
  },

  figures(): ServerFigures {
    return figures;
  },

  /** Resident memory and faults, once a second from the start, each time after collecting garbage. */
  samples(): MemorySample[] {
    return samples;
  },

  /** Closes everything. Returns what is left open; after that, the process must end by itself. */
  async end(): Promise<Resources> {
    clearInterval(sampling);
    sockets.close();
    const own = [https, sni, proxied, h2].filter((server) => server !== undefined);
    const servers = [...own, ...remote.all];
    const closings = await Promise.allSettled(servers.map(close));
    await Promise.all(handles.map((handle) => handle.close()));
    remote.close();
    const unclosed = closings
      .filter(({ status }) => status === 'rejected')
      .map(() => 'a server that does not close');
    const left = [...unclosed, ...(await settledResources())];
    // The IPC channel is the last thing that keeps the process alive. It is released once this answer is sent.
    setImmediate(() => process.channel?.unref());
    return left;
  },
};

export type ServerCalls = typeof calls;

answerCalls(calls);

function app(): express.Express {
  return express()
    .use(clientIdentity())
    .get('/', requireClient(), (req, res) => {
      res.type('json').send(answerTo(req.clientIdentity?.commonName));
    })
    .use(mtlsErrorHandler());
}

function upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
  const name = identify(req)?.commonName;
  if (name === undefined) {
    socket.destroy();
    return;
  }
  sockets.handleUpgrade(req, socket, head, (webSocket) => {
    // A client that ends appears as ECONNRESET here.
    webSocket.on('error', () => {});
    webSocket.on('message', () => {
      webSocket.send(answerTo(name));
    });
  });
}

/** The client and the time of the answer, which the checker compares with the truth. */
function answerTo(by: string | undefined): string {
  return JSON.stringify({ by, at: machineTime() });
}

function count(handle: Mtls): void {
  handle.on('reloaded', () => figures.reloads++);
  handle.on('authenticated', () => figures.authenticated++);
  handle.on('reload-failed', ({ error }) => {
    tally(figures.failedReloads, error.code);
  });
  handle.on('evicted', ({ reason }) => {
    tally(figures.evicted, reason);
  });
  handle.on('refused', ({ reason }) => {
    tally(figures.refused, reason);
  });
}

function tally(into: Tally, name: string): void {
  into[name] = (into[name] ?? 0) + 1;
}

function sample(): void {
  // Without this, the samples depend on when V8 last collected garbage.
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const faults = Math.min(...readers.map((handle) => handle.faults.length));
  samples.push({ at: machineTime(), resident: rss, counted: heapUsed + external, faults });
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, resolve));
  return (server.address() as AddressInfo).port;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) =>
    server.close(() => {
      resolve();
    }),
  );
  await within(closed, closingLimitMs, 'closing a server');
}

/** Resources that close in the next turns of the event loop do not count. */
async function settledResources(): Promise<Resources> {
  const giveUpAt = machineTime() + settlingLimitMs;
  for (;;) {
    const left = withoutThose(openResources(), before);
    if (left.length === 0 || machineTime() > giveUpAt) return left;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
