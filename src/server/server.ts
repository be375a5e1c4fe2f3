/**
 * The three ways to a protected server: `createServer()`, `createServerOptions()` and `protect()`.
 *
 * @module
 */
import {
  createServer as createHttpServer,
  IncomingMessage,
  type RequestListener,
  type Server as HttpServer,
} from 'node:http';
import { createServer as createHttpsServer, type Server, type ServerOptions } from 'node:https';
import type { Http2SecureServer, Http2Server } from 'node:http2';
import type { Server as NetServer, Socket } from 'node:net';
import { type SecureContextOptions, type Server as TlsServer, TLSSocket } from 'node:tls';
import { connectionOf } from '../gate/connection.js';
import { Gate } from '../gate/gate.js';
import { createJudges } from '../judgement/judges.js';
import { tryHandshakes } from '../material/handshake-trial.js';
import { MaterialReader } from '../material/material.js';
import { secureContextOf } from '../material/secure-context.js';
import { announceCas } from './announcement.js';
import { messageOptions } from './app-messages.js';
import { Reporter } from './reporter.js';
import { MtlsHandle } from './mtls-handle.js';
import { type Mtls } from './mtls.js';
import { type AnyOptions, type LoadedOptions, type MtlsOptions, type ProxiedOptions } from './options.js';
import { checkRuntime } from './runtime.js';
import { checkOptions, type Settings } from './settings.js';
import {
  asksForCertificates,
  checkProtectable,
  claim,
  refuseNames,
  refuseWithoutGate,
} from './protectable.js';
import { reportUncalled } from './uncalled-factories.js';
import { keepToSocket } from './unix-socket.js';

/** An HTTPS server with mutual TLS. */
export type MtlsServer = Server & {
  /** Its handle: events, connections, CRLs, reload. */
  readonly mtls: Mtls;
};

/** An HTTP server behind proxies that forward client certificates. */
export type ProxiedServer = HttpServer & {
  /** Its handle: events, connections, CRLs, reload. */
  readonly mtls: Mtls;
};

/**
 * Creates an HTTPS server with mutual TLS. It admits only clients of the given CAs, watches its files, and closes the
 * connections of clients whose certificate is revoked, expired or no longer trusted.
 * @param options - The key, certificate, CAs and CRLs, and further options. They are checked and read once.
 * @param listener - An Express app, or any `(req, res)` function.
 * @throws MtlsError for every fault of the options and the files, each with the file or option and the remedy.
 * @example
 * ```ts
 * const app = express();
 * app.get('/', requireClient(), (req, res) => res.send(`hello ${clientOf(req).commonName}`));
 * app.use(mtlsErrorHandler());
 * const server = await createServer(
 *   { key: 'server-key.pem', cert: 'server-crt.pem', ca: 'ca-crt.pem', crl: 'ca-crl.pem' },
 *   app,
 * );
 * server.listen(4433);
 * ```
 */
export async function createServer(
  options: MtlsOptions | LoadedOptions,
  listener?: RequestListener,
): Promise<MtlsServer>;
/**
 * Creates an HTTP server without TLS, for requests through the proxies in `options.proxies`.
 * @param options - As for a server with TLS, without `key` and `cert`.
 * @param listener - An Express app, or any `(req, res)` function.
 * @throws MtlsError as for a server with TLS.
 * @example
 * ```ts
 * const server = await createServer(
 *   { ca: 'ca.pem', crl: 'crl.pem', proxies: { from: { socket: true }, header: 'nginx' } },
 *   app,
 * );
 * server.listen('/run/app/http.sock');
 * ```
 */
export async function createServer(
  options: ProxiedOptions,
  listener?: RequestListener,
): Promise<ProxiedServer>;
export async function createServer(
  options: AnyOptions,
  listener?: RequestListener,
): Promise<MtlsServer | ProxiedServer> {
  checkRuntime(process.versions);
  const settings = checkOptions(options);
  const handle = new MtlsHandle(settings);
  const context = await handle.load();
  if (context === undefined) {
    const plain = createHttpServer(messageOptions(listener), listener);
    begin(plain, handle, settings);
    return Object.assign(plain, { mtls: handle });
  }
  // With 'named', the gate decides instead of node:tls, and can report the identity of a refused client.
  const made = serverOptions(settings, context, settings.refusals === 'native');
  const selectContext: NonNullable<ServerOptions['SNICallback']> = (servername, done) => {
    done(null, handle.contextOf(servername));
  };
  const sni = settings.names.size === 0 ? {} : { SNICallback: selectContext };
  const server = createHttpsServer({ ...messageOptions(listener), ...made, ...sni }, listener);
  begin(server, handle, settings);
  return Object.assign(server, { mtls: handle });
}

function begin(server: NetServer, handle: MtlsHandle, settings: Settings): void {
  claim(server);
  handle.guard(server);
  if (settings.proxies?.socketMode !== undefined) keepToSocket(server, settings.proxies.socketMode);
  reportUncalled(server);
  handle.begin();
}

/**
 * Creates options for `https.createServer()`: `key`, `cert`, `ca`, `crl`, `requestCert: true`, `rejectUnauthorized:
 * true`, and settings that prevent those from being bypassed. The sources are read once and not watched. Each
 * connection is judged at its first request, by what was read here.
 * @param options - As for {@link createServer}, without the options that require the gate: `sni`, `signals`,
 *   `proxies`, `limits.pendingHandshakes`, `clients: 'optional'`, `onRefused: 'respond'`, `partialChain: 'allow'` and
 *   `announceCas: 'none'`.
 * @throws MtlsError as {@link createServer}, and `ERR_MTLS_CRL_UNSUPPORTED` for CRLs that OpenSSL would misinterpret.
 * @example
 * ```ts
 * app.use(clientIdentity());
 * const options = await createServerOptions({ key, cert, ca, crl });
 * https.createServer(options, app).listen(4433);
 * ```
 */
export async function createServerOptions(options: MtlsOptions | LoadedOptions): Promise<ServerOptions> {
  checkRuntime(process.versions);
  const settings = checkOptions(options);
  refuseWithoutGate(settings, options);
  const { signal } = new AbortController();
  const materials = await new MaterialReader(settings, 'openssl').readAll(signal);
  const context = secureContextOf(settings, materials.main, { enforcer: 'openssl' });
  const reporter = new Reporter(settings);
  await tryHandshakes(reporter, { main: context, named: new Map() });
  announceCas(reporter, settings, materials);
  const gate = new Gate(settings, reporter, { judges: createJudges(materials, settings.certificates, 1) });
  const handedOn = serverOptions(settings, context.options, true);
  return { ...handedOn, IncomingMessage: judgedMessage(gate, handedOn.IncomingMessage ?? IncomingMessage) };
}

/**
 * Adds the gate and the reloader to an existing server, before it listens. The server must have been created with
 * `requestCert: true`; its key, certificate, CAs and CRLs are replaced by those in `options`. Create it with
 * `rejectUnauthorized: false` to log which client was refused; see {@link MtlsOptions.refusals}.
 * @param server - A server of `node:https`, `node:http2` or `node:tls` that is not listening yet.
 * @param options - As for {@link createServer}, without `sni`.
 * @throws MtlsError as {@link createServer}; also `ERR_MTLS_STATE_INVALID` if the server already listens or has a
 *   gate, and `ERR_MTLS_OPTION_INVALID` if it does not request certificates. If the files are faulty, the gate stays
 *   and refuses every client: create a new server.
 * @example
 * ```ts
 * const server = https.createServer({ requestCert: true, rejectUnauthorized: false }, app);
 * const mtls = await protect(server, { key, cert, ca, crl });
 * mtls.on('evicted', ({ identity, reason }) => console.log(String(identity?.subject), reason));
 * server.listen(4433);
 * ```
 */
export async function protect(
  server: Server | Http2SecureServer | TlsServer,
  options: MtlsOptions | LoadedOptions,
): Promise<Mtls>;
/**
 * Adds the gate and the reloader to a server without TLS, for requests through the proxies in `options.proxies`.
 * @param server - A server of `node:http`, or of `createServer()` of `node:http2`, that is not listening yet.
 * @param options - As for {@link createServer}, without `key` and `cert`.
 * @throws MtlsError as for a server with TLS.
 * @example
 * ```ts
 * const server = http.createServer(app);
 * await protect(server, { ca, crl, proxies: { from: { socket: true }, header: 'nginx' } });
 * server.listen('/run/app/http.sock');
 * ```
 */
export async function protect(server: HttpServer | Http2Server, options: ProxiedOptions): Promise<Mtls>;
export async function protect(server: NetServer, options: AnyOptions): Promise<Mtls> {
  checkRuntime(process.versions);
  const settings = checkOptions(options);
  refuseNames(settings, 'node:tls cannot replace the secure contexts of an existing server');
  checkProtectable(server, settings);
  const handle = new MtlsHandle(settings);
  claim(server);
  // The gate is added before the files are read: if the server listens meanwhile, every client is refused.
  handle.guard(server);
  if (settings.proxies?.socketMode !== undefined) keepToSocket(server, settings.proxies.socketMode);
  reportUncalled(server);
  await handle.load();
  handle.begin();
  return handle;
}

function serverOptions(
  settings: Settings,
  context: SecureContextOptions,
  rejectUnauthorized: boolean,
): ServerOptions {
  return {
    ...settings.tls,
    handshakeTimeout: settings.limits.handshakeTimeoutMs,
    ...context,
    requestCert: asksForCertificates(settings),
    rejectUnauthorized,
  };
}

/**
 * Judges a connection at its first request, because there is no gate to judge it earlier. The certificate cannot have
 * changed since the handshake: the options disable renegotiation.
 */
function judgedMessage(gate: Gate, Message: typeof IncomingMessage): typeof IncomingMessage {
  return class JudgedMessage extends Message {
    constructor(socket: Socket) {
      super(socket);
      if (socket instanceof TLSSocket && connectionOf(socket) === undefined) gate.judgeLate(socket);
    }
  };
}
