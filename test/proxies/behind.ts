/**
 * An app behind a real proxy: the proxy by the configuration of its page, and clients that connect to it.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import https from 'node:https';
import type { Server as NetServer, Socket } from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { spawnSync } from 'node:child_process';
import { afterEach } from '@jest/globals';
import express from 'express';
import {
  clientIdentity,
  type ClientIdentity,
  createServer,
  type Mtls,
  mtlsErrorHandler,
  type MtlsOptions,
  requireClientOnUpgrade,
} from 'express-mtls';
import { ca, type Certificate } from '../support/chain.js';
import type { ClientCertificate } from '../support/client.js';
import { runCommand } from '../support/command.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { codeBlocks } from '../support/markdown.js';
import { freePort } from '../support/ports.js';
import { Program, root } from '../support/program.js';
import { configurations, type ProxyName, replaceAll, startProxy } from '../support/real-proxy.js';
import { Clock, listen, Recorder } from '../support/server.js';
import { ownTime } from '../support/elapsed.js';

export type Proxies = NonNullable<MtlsOptions['proxies']>;

/** One of the proxies, as its page configures it. */
export interface BehindProxy {
  readonly name: ProxyName;
  readonly header: Proxies['header'];
  readonly clientAddress: NonNullable<Proxies['clientAddress']>;
  /** The configuration of the page, with the paths, ports and the app of a test. */
  readonly config: (place: Place, transport: Transport) => string;
  /** The header lines of a certificate, as this proxy writes them: name, value, name, value. */
  readonly linesOf: (client: Certificate) => readonly (readonly [name: string, value: string])[];
}

export type Transport = 'certificate' | 'socket';

/** What a test puts in place of what the page says. */
export interface Place {
  /** Has `certs` and `internal`. */
  readonly folder: string;
  /** Where the proxy listens. */
  readonly port: string;
  /** Where the app does: a port of the loopback, or the path of a socket. */
  readonly app: string;
}

export const clientsCa = ca('clients');
export const internalCa = ca('internal');
const publicServer = clientsCa.server();
const appServer = internalCa.server();

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** What a handler saw of a request. */
export interface SeenRequest {
  readonly identity: ClientIdentity | undefined;
  readonly names: readonly string[];
  readonly version?: string;
}

export interface Started {
  readonly folder: string;
  readonly port: number;
  readonly crl: string;
  readonly mtls: Mtls;
  readonly recorder: Recorder;
  readonly seen: SeenRequest[];
  /** A client of the proxy. */
  as(certificate?: Certificate): ProxiedClient;
}

export interface StartOptions {
  readonly transport?: Transport;
  /** What else differs in the options of the app. */
  readonly options?: Partial<Omit<MtlsOptions, 'key' | 'cert' | 'passphrase' | 'proxies'>>;
  readonly proxies?: Partial<Proxies>;
  /** Changes the configuration of the page. */
  readonly edit?: ((config: string) => string) | undefined;
  /** Makes the server, which has TLS. @defaultValue an app of Express on `createServer()` */
  readonly serve?: (options: ServedOptions, seen: SeenRequest[]) => Promise<Served>;
}

export type ServedOptions = MtlsOptions & { readonly key: string; readonly cert: string };
export type Served = NetServer & { readonly mtls: Mtls };

/** Starts an app, and the proxy in front of it. */
export async function startBehind(
  behind: BehindProxy,
  {
    transport = 'certificate',
    options = {},
    proxies = {},
    edit = (config) => config,
    serve = (given, seen) => createServer(given, app(seen)),
  }: StartOptions = {},
): Promise<Started> {
  const folder = temporaryDirectory();
  const { name, header } = behind;
  const files = writeFiles(folder, name);
  const seen: SeenRequest[] = [];
  const recorder = new Recorder();
  const { ca: caFile, crl } = files;
  const from: Proxies['from'] =
    transport === 'socket' ? { socket: true } : { ca: files.internalCa, rule: { commonName: name } };
  const common = {
    ca: caFile,
    crl,
    logger: recorder.logger,
    now: new Clock().now,
    ...options,
    proxies: { from, header, ...proxies },
  };
  const own = { key: appServer.keyPem, cert: appServer.chainPem };
  const server =
    transport === 'socket' ? await createServer(common, app(seen)) : await serve({ ...common, ...own }, seen);
  recorder.listenTo(server.mtls);
  server.on('upgrade', echoUpgraded);
  const where = transport === 'socket' ? path.join(folder, 'http.sock') : undefined;
  const at = where === undefined ? `${await listen(server)}` : await listenOn(server, where);
  const port = await freePort();
  const config = edit(behind.config({ folder, port, app: at }, transport));
  await startProxy(name, { config, folder: path.join(folder, 'proxy'), port });
  return {
    folder,
    port: Number(port),
    crl,
    mtls: server.mtls,
    recorder,
    seen,
    as: (certificate) => new ProxiedClient(Number(port), certificate),
  };
}

/**
 * Does what the pages say: makes the certificates by the commands of docs/behind-a-proxy.md, and runs the program of the
 * proxy's own page behind its configuration.
 * @returns What `curl` of the page is answered.
 */
export async function followPage(behind: BehindProxy): Promise<string> {
  const { name } = behind;
  const folder = temporaryDirectory();
  chmodSync(folder, 0o755);
  const [commands = ''] = configurations('docs/behind-a-proxy.md', 'console');
  for (const [, line = ''] of commands.matchAll(/^\$ npx express-mtls (.*)$/gm)) {
    const words = line.replace('nginx', name).split(' ');
    const args = words.map((word) => (['certs', 'internal'].includes(word) ? path.join(folder, word) : word));
    const { code, err } = await runCommand(args);
    if (code !== 0) throw new Error(err);
  }
  const bundle = spawnSync('sh', ['-ec', bundles(name)], { cwd: folder, encoding: 'utf8' });
  if (bundle.status !== 0) throw new Error(bundle.stderr);
  const [port, appPort] = [await freePort(), await freePort()];
  const program = codeBlocks(`docs/behind-${name}.md`).find(({ file }) => file === 'server.ts');
  if (program === undefined) throw new Error('the page has no server.ts');
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  const file = path.join(folder, 'server.mts');
  writeFileSync(file, replaceAll(program.code, { '8443': appPort }));
  await new Program(file, { cwd: folder }).listens(appPort);
  const config = behind.config({ folder, port, app: appPort }, 'certificate');
  await startProxy(name, { config, folder: path.join(folder, 'proxy'), port });
  const certs = (of: string): string => readFileSync(path.join(folder, 'certs', of), 'utf8');
  const certificate = { keyPem: certs('client1-key.pem'), chainPem: certs('client1-crt.pem') };
  const client = new ProxiedClient(Number(port), certificate, certs('ca-crt.pem'));
  const { status, text } = await client.send();
  return `${status} ${text.split('\r\n\r\n')[1]}`;
}

/** The commands of the page that join files, for a proxy that reads them joined. */
function bundles(name: ProxyName): string {
  const [commands = ''] = configurations(`docs/behind-${name}.md`, 'console');
  const lines = [...commands.matchAll(/^\$ ((?:cat|chmod) .*)$/gm)];
  return lines.map(([, line = '']) => line).join('\n');
}

/** Writes the certificates where the pages have them. */
function writeFiles(folder: string, name: ProxyName): Record<'ca' | 'crl' | 'internalCa', string> {
  chmodSync(folder, 0o755);
  const [certs, internal] = [path.join(folder, 'certs'), path.join(folder, 'internal')];
  for (const each of [certs, internal]) mkdirSync(each);
  const proxy = internalCa.client(name);
  const ofClients = writeMaterial(certs, {
    'ca-crt.pem': clientsCa.pem,
    'ca-crl.pem': clientsCa.crl({ number: 1 }).pem,
    'server-crt.pem': publicServer.chainPem,
    'server-key.pem': publicServer.keyPem,
    'server.pem': publicServer.chainPem + publicServer.keyPem,
  });
  const ofProxies = writeMaterial(internal, {
    'ca-crt.pem': internalCa.pem,
    [`${name}-crt.pem`]: proxy.chainPem,
    [`${name}-key.pem`]: proxy.keyPem,
    [`${name}.pem`]: proxy.chainPem + proxy.keyPem,
  });
  return {
    ca: ofClients['ca-crt.pem'],
    crl: ofClients['ca-crl.pem'],
    internalCa: ofProxies['ca-crt.pem'] as string,
  };
}

/** Listens on a Unix socket that Apache's user may open too, as its page says. */
async function listenOn(server: NetServer, where: string): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  closers.push(async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  await once(server.listen(where), 'listening');
  const { stdout } = spawnSync('id', ['-g', 'www-data'], { encoding: 'utf8' });
  if (process.getuid?.() === 0 && /^\d+/.test(stdout)) chownSync(where, statSync(where).uid, Number(stdout));
  return where;
}

/** Remembers what a handler sees: `/waiting` never answers, `/held` sends a part, and the others read the request. */
function app(seen: SeenRequest[]): RequestListener {
  const made = express();
  made.use(clientIdentity());
  made.get('/held', (_req, res) => {
    // nginx would wait until it has more.
    res.set('X-Accel-Buffering', 'no');
    res.write('a part\n');
  });
  made.get('/waiting', (req) => {
    seen.push({ identity: req.clientIdentity, names: [] });
  });
  made.use((req, res) => {
    req.resume().once('end', () => {
      const { clientIdentity: identity, headers, rawHeaders, trailers, rawTrailers } = req;
      const names = [headers, trailers].flatMap((each) => Object.keys(each));
      const raw = [...rawHeaders, ...rawTrailers].filter((_, index) => index % 2 === 0);
      seen.push({ identity, names: [...names, ...raw] });
      res.send(identity?.commonName ?? 'nobody');
    });
  });
  made.use(mtlsErrorHandler());
  return made;
}

const guard = requireClientOnUpgrade();

/** Answers an upgrade as a WebSocket (RFC 6455), then with the caller's name, and then with what it is sent. */
function echoUpgraded(req: IncomingMessage, socket: Socket): void {
  void guard(req, socket).then((identity) => {
    if (identity === undefined) return;
    socket.on('error', () => {});
    const key = `${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const head = [
      'HTTP/1.1 101 Switching Protocols',
      ...['Connection: Upgrade', 'Upgrade: websocket'],
      // HAProxy compares it.
      `Sec-WebSocket-Accept: ${createHash('sha1').update(key).digest('base64')}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${identity.commonName}\n`);
    socket.pipe(socket);
  });
}

// No answer takes as long; without a limit a fault would hang the run.
const answerLimitMs = 20_000;

export interface ProxiedAnswer {
  readonly status: number | 'ended';
  readonly text: string;
}

/** What a client has open, and when it ended. */
export interface Held {
  readonly isOpen: boolean;
  /** Resolves with the time, by ownTime(). */
  readonly ended: Promise<number>;
}

/** A client that connects to the proxy. */
export class ProxiedClient {
  readonly #options: tls.ConnectionOptions & { readonly host: string; readonly port: number };

  constructor(port: number, certificate: ClientCertificate | undefined, caPem: string = clientsCa.pem) {
    const own = certificate && { key: certificate.keyPem, cert: certificate.chainPem };
    this.#options = { host: '127.0.0.1', port, servername: 'localhost', ca: caPem, ...own };
  }

  /**
   * Sends a request over HTTP/1.1 as it is written, and reads the answer to its end.
   * @param lines - Header lines. Without one of `Connection`, `Connection: close` is sent.
   */
  async send(
    lines: readonly string[] = [],
    {
      method = 'GET',
      target = '/',
      body = '',
      ...own
    }: { method?: string; target?: string; body?: string } & tls.ConnectionOptions = {},
  ): Promise<ProxiedAnswer & { readonly isResumed: boolean; readonly session: Buffer | undefined }> {
    const socket = tls.connect({ ...this.#options, ...own });
    closers.push(() => socket.destroy());
    let session: Buffer | undefined;
    socket.on('session', (given) => (session = given));
    const all = [`${method} ${target} HTTP/1.1`, 'Host: localhost', ...lines];
    if (!lines.some((line) => /^connection:/i.test(line))) all.push('Connection: close');
    socket.write(`${all.join('\r\n')}\r\n\r\n${body}`);
    let text = '';
    let isResumed = false;
    socket.once('secureConnect', () => (isResumed = socket.isSessionReused()));
    socket.setEncoding('latin1').on('data', (part: string) => (text += part));
    socket.on('error', () => {});
    await bounded(closeOf(socket), 'the answer ends');
    const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
    return { status: status === undefined ? 'ended' : Number(status), text, isResumed, session };
  }

  /** Asks for `/held`, over HTTP/1.1, and returns when the first part has come. */
  async hold(): Promise<Held> {
    const headers = { Host: 'localhost' };
    const request = https.request({ ...this.#options, path: '/held', headers, agent: false });
    closers.push(() => request.destroy());
    request.on('error', () => {});
    request.end();
    const [response] = (await bounded(once(request, 'response'), '/held answers')) as [IncomingMessage];
    response.on('error', () => {});
    await bounded(once(response, 'data'), '/held sends a part');
    return heldUntilClosed(response);
  }

  /** Upgrades a connection; the first line that comes is the caller's name. */
  async upgrade(): Promise<Held & { readonly name: string; echo(text: string): Promise<string> }> {
    const request = https.request({
      ...this.#options,
      path: '/',
      agent: false,
      headers: {
        ...{ Host: 'localhost', Connection: 'Upgrade', Upgrade: 'websocket' },
        ...{ 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' },
      },
    });
    request.on('error', () => {});
    request.end();
    const [, socket, head] = (await bounded(once(request, 'upgrade'), 'the upgrade is answered')) as [
      unknown,
      Socket,
      Buffer,
    ];
    socket.on('error', () => {});
    closers.push(() => socket.destroy());
    const nextLine = async (): Promise<string> => {
      const [data] = (await bounded(once(socket, 'data'), 'a line comes')) as [Buffer];
      return data.toString().trimEnd();
    };
    const name = head.length > 0 ? head.toString().trimEnd() : await nextLine();
    return Object.assign(heldUntilClosed(socket), {
      name,
      echo: async (text: string): Promise<string> => {
        socket.write(`${text}\n`);
        return await nextLine();
      },
    });
  }

  /** Opens a session of HTTP/2. */
  async http2(): Promise<ProxiedSession> {
    const socket = tls.connect({ ...this.#options, ALPNProtocols: ['h2'] });
    const session = http2.connect(`https://localhost:${this.#options.port}`, {
      createConnection: () => socket,
    });
    session.on('error', () => {});
    closers.push(() => {
      session.destroy();
    });
    await bounded(once(session, 'connect'), 'the session of HTTP/2 begins');
    return new ProxiedSession(session);
  }
}

/** A session of HTTP/2 with the proxy. */
export class ProxiedSession {
  readonly #session: ClientHttp2Session;

  constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  /** Sends a request. A list of values is sent as several lines. */
  async send(
    headers: Readonly<Record<string, string | string[]>> = {},
    trailers?: Readonly<Record<string, string>>,
  ): Promise<ProxiedAnswer> {
    const hasBody = trailers !== undefined;
    const stream = this.#session.request(
      { ':path': '/', ':method': hasBody ? 'POST' : 'GET', ...headers },
      { endStream: !hasBody, waitForTrailers: hasBody },
    );
    stream.on('error', () => {});
    if (trailers !== undefined) {
      stream.once('wantTrailers', () => {
        stream.sendTrailers(trailers);
      });
      stream.end('body');
    }
    let status: number | 'ended' = 'ended';
    let text = '';
    stream.on('response', (given) => (status = given[':status'] ?? 'ended'));
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
    await bounded(closeOf(stream), 'the stream ends');
    return { status, text };
  }

  /** Asks for `/held`, and returns when the first part has come. */
  async hold(): Promise<Held> {
    const stream: ClientHttp2Stream = this.#session.request({ ':path': '/held' });
    stream.on('error', () => {});
    await bounded(once(stream, 'data'), '/held sends a part');
    return heldUntilClosed(stream);
  }
}

function heldUntilClosed(
  open: NodeJS.EventEmitter & { readonly destroyed: boolean; resume(): unknown },
): Held {
  open.resume();
  const closed = closeOf(open);
  return {
    get isOpen() {
      return !open.destroyed;
    },
    get ended() {
      return bounded(closed, 'it ends');
    },
  };
}

/** When it is closed, with an error or without. */
async function closeOf(open: NodeJS.EventEmitter): Promise<number> {
  return await new Promise((resolve) => {
    open.once('close', () => {
      resolve(ownTime());
    });
  });
}

/** Waits, but not for ever. */
async function bounded<Result>(work: Promise<Result>, what: string): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited ${answerLimitMs} ms in vain until ${what}`));
    }, answerLimitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
