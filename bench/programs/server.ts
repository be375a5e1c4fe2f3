/**
 * The server under test, or several, in a separate process.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import https from 'node:https';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer, type MtlsServer, type ReloadReport } from 'express-mtls';
import { answerCalls } from '../harness/calls.js';
import type { ServerFiles } from '../harness/material.js';
import { type AppName, apps } from './apps.js';
import { type Stalls, StallProbe } from './stall-probe.js';

/**
 * `'express-mtls'`: `createServer()` of this package. `'behind-proxy'`: the same, for clients of the proxy `proxy`.
 * `'native'`: `https.createServer()` with OpenSSL's CRL check.
 */
export type ServerKind = 'express-mtls' | 'behind-proxy' | 'native';

/** What to serve, and how. */
export interface ServerPlan {
  readonly kind: ServerKind;
  readonly files: ServerFiles;
  /** @defaultValue `'plain'` */
  readonly app?: AppName;
  /** @defaultValue `true` */
  readonly watch?: boolean;
}

let server: https.Server | undefined;
let plan: ServerPlan | undefined;
let probe: StallProbe | undefined;
let admitted = 0;
let reports: ReloadReport[] = [];
const failures: string[] = [];

const calls = {
  /** Starts a server, and returns its port and start time in milliseconds. Other calls refer to the last server. */
  async listen(given: ServerPlan): Promise<{ port: number; startMs: number }> {
    plan = given;
    const started = performance.now();
    const listener = apps[given.app ?? 'plain']();
    server = given.kind === 'native' ? native(given.files, listener) : await ours(given, listener);
    const startMs = performance.now() - started;
    // Idle connections stay open.
    server.keepAliveTimeout = 0;
    // With the server of this package, refused clients do not reach this listener.
    server.on('secureConnection', () => admitted++);
    // Held connections arrive at the same time.
    await new Promise<void>((resolve) =>
      server?.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve),
    );
    return { port: (server.address() as AddressInfo).port, startMs };
  },

  /** CPU of all threads since the start, in milliseconds. */
  cpu(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },

  /** The number of handshakes with an admitted client. */
  admitted(): number {
    return admitted;
  },

  startProbe(): void {
    probe = new StallProbe();
  },

  stopProbe(): Stalls {
    if (probe === undefined) throw new Error('no probe is running');
    return probe.stop();
  },

  /** Native only: reads a CRL and applies it; returns the duration of setSecureContext() in milliseconds. */
  async swapContext(crl: string): Promise<number> {
    if (server === undefined || plan === undefined) throw new Error('nothing is listening');
    const { key, cert, ca } = plan.files;
    const options = {
      key: readFileSync(key),
      cert: readFileSync(cert),
      ca: readFileSync(ca),
      crl: await readFile(crl),
    };
    const started = performance.now();
    server.setSecureContext(options);
    return performance.now() - started;
  },

  /** Ours only. */
  async reload(): Promise<ReloadReport> {
    return await (server as MtlsServer).mtls.reload();
  },

  /** Ours only: the reports of reloads since the last call. */
  takeReports(): ReloadReport[] {
    if (failures.length > 0) throw new Error(failures.join('\n'));
    const taken = reports;
    reports = [];
    return taken;
  },

  /** Memory use after garbage collection. Requires `--expose-gc`. */
  async settledMemory(): Promise<NodeJS.MemoryUsage> {
    if (globalThis.gc === undefined) throw new Error('start this program with --expose-gc');
    for (let pass = 0; pass < 4; pass++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return process.memoryUsage();
  },
};

export type ServerCalls = typeof calls;

answerCalls(calls);

async function ours(
  { kind, files, watch = true }: ServerPlan,
  listener: RequestListener,
): Promise<MtlsServer> {
  const { crl, ...others } = files;
  const proxies = { from: { ca: files.ca, rule: { commonName: 'proxy' } }, header: 'nginx' } as const;
  const options = {
    ...others,
    ...(crl === undefined ? {} : { crl }),
    ...(watch ? {} : { watch: false as const }),
    ...(kind === 'behind-proxy' ? { proxies } : {}),
  };
  const made = await createServer(options, listener);
  made.mtls.on('reloaded', (report) => reports.push(report));
  made.mtls.on('reload-failed', ({ error }) => failures.push(error.message));
  return made;
}

function native({ key, cert, ca, crl }: ServerFiles, listener: RequestListener): https.Server {
  const made = https.createServer(
    {
      key: readFileSync(key),
      cert: readFileSync(cert),
      ca: readFileSync(ca),
      ...(crl === undefined ? {} : { crl: readFileSync(crl) }),
      minVersion: 'TLSv1.2',
      requestCert: true,
      rejectUnauthorized: true,
    },
    listener,
  );
  return made;
}
