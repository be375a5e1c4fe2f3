/**
 * The one real server of the tests: port 0, its material in a directory that vanishes, a clock
 * that can be set, every event and log line kept. It closes itself after each test.
 *
 * @module
 */
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterEach } from '@jest/globals';
import express from 'express';
import { clientIdentity, createServer, mtlsErrorHandler } from 'express-mtls';
import type { Logger, Mtls, MtlsEvents, MtlsOptions, MtlsServer } from 'express-mtls';
import { type Certificate, type CertificateAuthority, ca } from './chain.js';
import { Client, type ClientCertificate, type ClientOptions } from './client.js';
import { temporaryDirectory, writeMaterial } from './files.js';

const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A clock that runs with the real one, at a distance that can be set. */
export class Clock {
  #aheadMs = 0;

  readonly now = (): number => Date.now() + this.#aheadMs;

  set(at: Date | number): void {
    this.#aheadMs = Number(at) - Date.now();
  }

  advance(ms: number): void {
    this.#aheadMs += ms;
  }
}

export interface LogLine {
  readonly level: keyof Logger;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

const noEvents = (): { [Name in keyof MtlsEvents]: MtlsEvents[Name][0][] } => ({
  authenticated: [],
  refused: [],
  evicted: [],
  forbidden: [],
  reloaded: [],
  'reload-failed': [],
  recovered: [],
  'crl-expiring': [],
});

/** The name of every event. */
export const eventNames = Object.keys(noEvents()) as (keyof MtlsEvents)[];

/** Everything that a server tells of itself, in its order. */
export class Recorder {
  readonly lines: LogLine[] = [];
  readonly logger: Logger = {
    info: (fields, message) => {
      this.#keep('info', fields, message);
    },
    warn: (fields, message) => {
      this.#keep('warn', fields, message);
    },
    error: (fields, message) => {
      this.#keep('error', fields, message);
    },
  };
  readonly #events = noEvents();

  #keep(level: keyof Logger, fields: object, message: string): void {
    this.lines.push({ level, fields: { ...fields }, message });
  }

  listenTo(mtls: Mtls): void {
    for (const name of eventNames)
      mtls.on(name, (event) => {
        (this.#events[name] as (typeof event)[]).push(event);
      });
  }

  /** The events of a name so far. */
  events<Name extends keyof MtlsEvents>(name: Name): readonly MtlsEvents[Name][0][] {
    return this.#events[name];
  }

  /** The log lines about an event. */
  linesOf(event: string): LogLine[] {
    return this.lines.filter(({ fields }) => fields['event'] === event);
  }
}

const ignore = (): void => undefined;

/** The logger of a server whose refusals are not looked for in its log: without one, the first is a warning. */
export const silent: Logger = { info: ignore, warn: ignore, error: ignore };

/** Key, certificate, CAs and CRL on disk, and the options that name them. */
export interface Material {
  readonly root: CertificateAuthority;
  readonly directory: string;
  readonly files: Record<'key' | 'cert' | 'ca' | 'crl', string>;
  readonly options: MtlsOptions;
}

export interface MaterialOptions {
  /** @defaultValue a fresh one */
  readonly root?: CertificateAuthority;
  /** The server's certificate. @defaultValue a fresh one of `root` */
  readonly serverCertificate?: Certificate;
  /** What the CA file holds. @defaultValue `root` */
  readonly cas?: readonly { readonly pem: string }[];
  /** What the CRL file holds; `null` leaves `options.crl` out. @defaultValue an empty CRL of `root` */
  readonly crl?: string | Buffer | null;
}

/** Writes what a server needs. */
export function material(given: MaterialOptions = {}): Material {
  const root = given.root ?? ca('ca');
  const server = given.serverCertificate ?? root.server();
  const directory = temporaryDirectory();
  const names = writeMaterial(directory, {
    'server-key.pem': server.keyPem,
    'server-crt.pem': server.chainPem,
    'ca-crt.pem': (given.cas ?? [root]).map(({ pem }) => pem).join(''),
    'ca-crl.pem': given.crl ?? root.crl().pem,
  });
  const files = {
    key: names['server-key.pem'],
    cert: names['server-crt.pem'],
    ca: names['ca-crt.pem'],
    crl: names['ca-crl.pem'],
  };
  const { crl, ...others } = files;
  return { root, directory, files, options: given.crl === null ? others : { ...others, crl } };
}

/** Puts a file in the place of another in one step, as careful publishers do. */
export function publish(file: string, content: string | Buffer): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}

/** Listens on a free port of the loopback, and closes the server and its connections after the test. */
export async function listen(server: NetServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  closers.push(async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

export interface StartOptions extends MaterialOptions {
  /** What differs from the files' own options. */
  readonly options?: Partial<MtlsOptions>;
  /** @defaultValue {@link helloApp} */
  readonly app?: RequestListener;
}

export interface TestServer extends Material {
  readonly server: MtlsServer;
  readonly mtls: Mtls;
  readonly port: number;
  readonly clock: Clock;
  readonly recorder: Recorder;
  /** Which requests a handler of {@link helloApp} has seen: `'client1 GET /'`. */
  readonly served: string[];
  /** A client with this certificate, or with none. */
  as(certificate?: ClientCertificate, options?: ClientOptions): Client;
}

/** Starts `createServer()` on fresh material. */
export async function startServer(given: StartOptions = {}): Promise<TestServer> {
  const written = material(given);
  const clock = new Clock();
  const recorder = new Recorder();
  const served: string[] = [];
  const server = await createServer(
    { ...written.options, logger: recorder.logger, now: clock.now, ...given.options },
    given.app ?? helloApp(served),
  );
  recorder.listenTo(server.mtls);
  const port = await listen(server);
  return {
    ...written,
    server,
    mtls: server.mtls,
    port,
    clock,
    recorder,
    served,
    as: (certificate, options) => new Client({ port, ca: written.root.pem }, certificate, options),
  };
}

/** A server for HTTP/2 that `protect()` can guard. */
export function http2Server({ files }: Material): Http2SecureServer {
  return createSecureServer({
    key: readFileSync(files.key),
    cert: readFileSync(files.cert),
    requestCert: true,
    rejectUnauthorized: false,
  });
}

/** Says `hello` with the caller's name, and whether its session was resumed. */
export function helloApp(served: string[] = []): RequestListener {
  const app = express();
  app.use(clientIdentity());
  app.get('/', (req, res) => {
    served.push(`${req.clientIdentity?.commonName ?? 'nobody'} ${req.method} ${req.url}`);
    res.json({
      hello: req.clientIdentity?.commonName ?? 'nobody',
      resumed: req.clientIdentity?.resumed ?? false,
    });
  });
  app.use(mtlsErrorHandler());
  return app;
}

/**
 * Whether this Node shows a server the intermediates that a client sends. Node 24.21 shows none, by no method,
 * so that a client below an intermediate CA is admitted only if that intermediate CA is configured.
 */
export async function nodeShowsIntermediates(): Promise<boolean> {
  const root = ca('ca');
  const server = root.server();
  const client = root.intermediate('middle').client();
  const listener = createTlsServer({
    key: server.keyPem,
    cert: server.pem,
    ca: root.pem,
    requestCert: true,
    rejectUnauthorized: false,
  });
  const shown = once(listener, 'secureConnection').then(([socket]) => {
    const above = (socket as TLSSocket).getPeerX509Certificate()?.issuerCertificate;
    return above !== undefined;
  });
  const port = await listen(listener);
  const options = { port, host: '127.0.0.1', servername: 'localhost', ca: root.pem };
  const socket = connect({ ...options, key: client.keyPem, cert: client.chainPem });
  socket.on('error', () => {});
  try {
    return await shown;
  } finally {
    socket.destroy();
  }
}

/** Waits for a condition, looking every few milliseconds; fails after a time that only a fault takes. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 20_000,
): Promise<void> {
  const started = performance.now();
  while (!(await condition())) {
    if (performance.now() - started > timeoutMs)
      throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await pause(5);
  }
}

/** Lets time pass, where a test is about nothing happening meanwhile. */
export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
