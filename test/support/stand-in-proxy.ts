/**
 * A proxy in this process that ends TLS, and passes each request on to an app with the header lines that a test decides.
 *
 * @module
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';
import { ca, type Certificate, type CertificateAuthority } from './chain.js';
import { nginxValue } from './forwarded.js';
import { listen } from './server.js';

/** Name, value, name, value. */
export type Lines = readonly string[];

export interface StandInProxyOptions {
  /** The CA of the clients. */
  readonly root: CertificateAuthority;
  /** Where the app listens. */
  readonly app:
    | { readonly socketPath: string }
    | { readonly port: number; readonly ca?: string; readonly own?: Certificate };
  /** What is sent to the app. @param client - The client's certificate, DER. */
  readonly forward: (lines: Lines, client: Buffer | undefined) => Lines;
  /** Whether a client needs a certificate. @defaultValue `false` */
  readonly isRequired?: boolean;
  /** The status that a request is answered with, in place of being passed on; or no answer at all. */
  readonly refuses?: (lines: Lines, client: Buffer | undefined) => number | 'never' | undefined;
  /** The program that it names. */
  readonly server?: string;
  /** How long it waits before it passes on. */
  readonly delayMs?: number;
}

const header = 'X-SSL-Client-Cert';

/** How a proxy forwards `X-SSL-Client-Cert`. */
export const forwards = {
  /** Removes the line of the client, and sets its own. */
  safely: (lines, client) =>
    client === undefined ? without(lines) : [...without(lines), header, nginxValue(client)],
  /** Sets nothing. */
  nothing: (lines) => lines,
  /** Sets its own if there is a certificate, and otherwise leaves what the client sent. */
  passingThrough: (lines, client) =>
    client === undefined ? lines : [...without(lines), header, nginxValue(client)],
  /** Sends a word where there is no certificate. */
  null: (lines, client) => [...without(lines), header, client === undefined ? '(null)' : nginxValue(client)],
  /** Leaves the line of the client where it is. */
  adding: (lines, client) => (client === undefined ? without(lines) : [...lines, header, nginxValue(client)]),
} satisfies Record<string, StandInProxyOptions['forward']>;

/** Lines without those of one name. */
export function without(lines: Lines, name = header): string[] {
  return lines.filter((_, at) => lines[at - (at % 2)]?.toLowerCase() !== name.toLowerCase());
}

/** The CA of its certificate. */
export const publicCa = ca('public');
const publicServer = publicCa.server();

/** Starts it, and returns its port on the loopback. */
export async function startStandInProxy(options: StandInProxyOptions): Promise<number> {
  const { root, isRequired = false } = options;
  const own = { key: publicServer.keyPem, cert: publicServer.chainPem, ca: root.pem };
  return await listen(
    https.createServer(
      { ...own, requestCert: true, rejectUnauthorized: isRequired, maxHeaderSize: 256 * 1024 },
      (req, res) => {
        passOn(req, res, options);
      },
    ),
  );
}

function passOn(req: IncomingMessage, res: ServerResponse, options: StandInProxyOptions): void {
  const { app, forward, refuses } = options;
  const client = (req.socket as TLSSocket).getPeerX509Certificate()?.raw;
  const refusal = refuses?.(req.rawHeaders, client);
  if (refusal !== undefined) {
    if (refusal !== 'never') res.writeHead(refusal).end();
    return;
  }
  const common = { method: req.method, path: req.url, headers: [...forward(req.rawHeaders, client)] };
  const answer = (response: IncomingMessage): void => {
    res.writeHead(response.statusCode ?? 0, { server: options.server ?? 'nginx/1.22.1' });
    response.pipe(res);
  };
  const outgoing =
    'ca' in app
      ? https.request(
          {
            ...common,
            host: '127.0.0.1',
            port: app.port,
            servername: 'localhost',
            ca: app.ca,
            ...(app.own === undefined ? {} : { key: app.own.keyPem, cert: app.own.chainPem }),
          },
          answer,
        )
      : http.request({ ...common, host: '127.0.0.1', ...app }, answer);
  outgoing.on('error', () => res.writeHead(502).end());
  setTimeout(() => {
    req.pipe(outgoing);
  }, options.delayMs ?? 0);
}
