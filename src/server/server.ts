/**
 * The ways to a protected server: one made here, the options for one, and one
 * made elsewhere.
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
import { MtlsError } from '../errors.js';
import { connectionOf } from '../gate/connection.js';
import { Gate } from '../gate/gate.js';
import { createJudges } from '../judgement/judges.js';
import { tryHandshakes } from '../material/handshake-trial.js';
import { hasOpensslAnchors } from '../material/settings.js';
import { MaterialReader } from '../material/material.js';
import { secureContextOf } from '../material/secure-context.js';
import { announceCas } from './announcement.js';
import { messageOptions } from './app-messages.js';
import { Reporter } from './reporter.js';
import { MtlsHandle } from './mtls-handle.js';
import { type Mtls } from './mtls.js';
import { checkOptions, type MtlsOptions, type ProxiedOptions, type Settings } from './options.js';
import { reportUncalled } from './uncalled-factories.js';
import { keepToSocket } from './unix-socket.js';

/** An HTTPS server that knows its clients. */
export type MtlsServer = Server & {
  /** Its handle: events, connections, CRLs, reload. */
  readonly mtls: Mtls;
};

/** An HTTP server behind proxies, that knows its clients. */
export type ProxiedServer = HttpServer & {
  /** Its handle: events, connections, CRLs, reload. */
  readonly mtls: Mtls;
};

/**
 * Makes an HTTPS server that lets in the clients of the given CAs and no others, watches its files, and ends
 * the connections of clients that are revoked, expired or no longer trusted.
 * @param options - Key, certificate, CAs, CRLs, and what may differ from the defaults. Checked here, and never read again.
 * @param listener - An Express app, or any `(req, res)` function.
 * @throws MtlsError naming file, fault and remedy: whatever is wrong with the options or the files is found here.
 */
export async function createServer(options: MtlsOptions, listener?: RequestListener): Promise<MtlsServer>;
/**
 * Makes an HTTP server without TLS of its own, for the requests that come through the proxies in `options.proxies`.
 * @param options - As for a server with TLS, without key and cert.
 * @param listener - An Express app, or any `(req, res)` function.
 * @throws MtlsError as a server with TLS.
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
  options: MtlsOptions | ProxiedOptions,
  listener?: RequestListener,
): Promise<MtlsServer | ProxiedServer> {
  const settings = checkOptions(options);
  const handle = new MtlsHandle(settings);
  const context = await handle.load();
  if (context === undefined) {
    const plain = createHttpServer(messageOptions(listener), listener);
    begin(plain, handle, settings);
    return Object.assign(plain, { mtls: handle });
  }
  // 'named': the gate makes the decision that node:tls would have made, and can say who was refused.
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
 * Options for `https.createServer()`: key, cert, ca, crl, `requestCert: true`, `rejectUnauthorized: true`, and
 * the settings that keep those from being got round. Read once: nothing is watched. `clientIdentity()` judges
 * each connection at its first request, by what was read here.
 * @param options - As for {@link createServer}, without what needs the gate: `sni`, `signals`, `clients: 'optional'`,
 *   `onRefused: 'respond'`.
 * @throws MtlsError as {@link createServer}, and `ERR_MTLS_CRL_UNSUPPORTED` for CRLs that OpenSSL alone misreads.
 */
export async function createServerOptions(options: MtlsOptions): Promise<ServerOptions> {
  const settings = checkOptions(options);
  refuseNames(settings, 'each request has to be checked for its Host');
  if (settings.signals) {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'signals: true needs the reloader, and these options are read once',
      remedy: 'use createServer(), or protect() the server',
    });
  }
  if (settings.clients === 'optional') {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: "clients: 'optional' needs the gate, because node:tls would let bad certificates in as well",
      remedy: 'use createServer(), or protect() the server',
    });
  }
  if (settings.onRefused === 'respond') {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: "onRefused: 'respond' needs the gate, because node:tls ends a connection that it refuses itself",
      remedy: 'use createServer(), or protect() the server',
    });
  }
  if (settings.proxies !== undefined) {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'proxies needs the gate, because each request has to be judged by the certificate in its header',
      remedy: 'use createServer(), or protect() the server',
    });
  }
  if (!hasOpensslAnchors(settings)) {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: `${anchorless(settings)} needs the gate, because node:tls would refuse every client that only the gate trusts`,
      remedy: 'use createServer(), or protect() the server',
    });
  }
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
 * Puts the gate and the reloader on a server made elsewhere, `https` or `http2`, before it listens. The server
 * must have been made with `requestCert: true`; its key, certificate, CAs and CRLs are replaced by those given
 * here. With `rejectUnauthorized: false` refusals are named; see {@link MtlsOptions.refusals}.
 * @param server - A server of `node:https`, `node:http2` or `node:tls` that does not listen yet.
 * @param options - As for {@link createServer}, without `sni`.
 * @throws MtlsError as {@link createServer}, and `ERR_MTLS_STATE_INVALID` for a server that listens already or has a
 *   gate, `ERR_MTLS_OPTION_INVALID` for one that asks for no certificate. The gate stays where the files are faulty: make a new server then.
 */
export async function protect(
  server: Server | Http2SecureServer | TlsServer,
  options: MtlsOptions,
): Promise<Mtls>;
/**
 * Puts the gate and the reloader on a server without TLS, for the requests that come through the proxies in
 * `options.proxies`.
 * @param server - A server of `node:http`, or `createServer()` of `node:http2`, that does not listen yet.
 * @param options - As for {@link createServer} without key and cert.
 * @throws MtlsError as for a server with TLS.
 */
export async function protect(server: HttpServer | Http2Server, options: ProxiedOptions): Promise<Mtls>;
export async function protect(server: NetServer, options: MtlsOptions | ProxiedOptions): Promise<Mtls> {
  const settings = checkOptions(options);
  refuseNames(settings, 'node:tls replaces no context of a server that was made elsewhere');
  checkProtectable(server, settings);
  const handle = new MtlsHandle(settings);
  claim(server);
  // The gate stands before the files are read: if the server listens meanwhile, nobody is let in.
  handle.guard(server);
  if (settings.proxies?.socketMode !== undefined) keepToSocket(server, settings.proxies.socketMode);
  reportUncalled(server);
  await handle.load();
  handle.begin();
  return handle;
}

function refuseNames({ names }: Settings, why: string): void {
  if (names.size === 0) return;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', { seen: `sni is for createServer() alone, because ${why}` });
}

function checkProtectable(server: NetServer, settings: Settings): void {
  const { clients, onRefused } = settings;
  if (server.listening)
    throw new MtlsError('ERR_MTLS_STATE_INVALID', {
      seen: 'the server listens already',
      remedy: 'protect() it before listen()',
    });
  const hasTls = 'setSecureContext' in server;
  if (hasTls !== (settings.credentials !== undefined))
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: hasTls
        ? 'the server has TLS, and there are no key and cert'
        : 'the server has no TLS, and there are key and cert',
      remedy: hasTls
        ? 'give key and cert'
        : 'leave them out, which needs proxies, or make a server of node:https',
    });
  if (!hasTls) return;
  const { requestCert, rejectUnauthorized } = server as {
    requestCert?: unknown;
    rejectUnauthorized?: unknown;
  };
  if (requestCert === false && asksForCertificates(settings)) {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'the server asks for no client certificate',
      remedy: 'make it with requestCert: true',
    });
  }
  if (onRefused === 'respond' && (rejectUnauthorized === true || !('setTimeout' in server))) {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: "onRefused: 'respond' needs a server of node:https or node:http2, made with rejectUnauthorized: false, so that there are requests to answer",
    });
  }
  if (rejectUnauthorized === true && !hasOpensslAnchors(settings)) {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: `the server refuses by itself, and with ${anchorless(settings)} node:tls trusts no client`,
      remedy: 'make it with rejectUnauthorized: false',
    });
  }
  if (rejectUnauthorized === true && clients === 'optional') {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'the server refuses callers without a certificate before the gate can let them in',
      remedy: "for clients: 'optional' make it with rejectUnauthorized: false",
    });
  }
}

/** Which option leaves OpenSSL without trust anchors. */
function anchorless({ partialChain }: Settings): string {
  return partialChain === 'allow' ? "partialChain: 'allow'" : "announceCas: 'none'";
}

/** Two copies of this package must notice each other's gates. */
const gateKey = Symbol.for('express-mtls.gate');

/** A server has one gate: a second one would judge by other files, and refuse whom the first admits. */
function claim(server: NetServer): void {
  if (gateKey in server)
    throw new MtlsError('ERR_MTLS_STATE_INVALID', {
      seen: 'the server has a gate already, by createServer() or an earlier protect()',
      remedy:
        'use the handle that the first call returned, and after a protect() that failed make a new server',
    });
  Object.defineProperty(server, gateKey, { value: true });
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

/** Whether a handshake asks for a certificate: where proxies prove themselves in another way, only of clients. */
function asksForCertificates({ proxies }: Settings): boolean {
  return proxies === undefined || proxies.trust !== undefined || proxies.direct === 'admit';
}

/**
 * Without the gate's listener, the first sign of a connection is its first request. Nothing can have changed the
 * certificate before that: the context that these options make allows no renegotiation.
 */
function judgedMessage(gate: Gate, Message: typeof IncomingMessage): typeof IncomingMessage {
  return class JudgedMessage extends Message {
    constructor(socket: Socket) {
      super(socket);
      if (socket instanceof TLSSocket && connectionOf(socket) === undefined) gate.judgeLate(socket);
    }
  };
}
