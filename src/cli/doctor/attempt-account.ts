/**
 * The result of a connection attempt, in words and as data.
 *
 * @module
 */
import { checkServerIdentity, type TLSSocket } from 'node:tls';
import { type Alert, alertIn } from './alerts.js';
import { NoAnswer, type ServerAnswer } from './answer-reading.js';
import { failed, passed, type Step } from './step.js';

/** How far the attempt came. */
export type AttemptOutcome =
  | 'served'
  /** There is no TCP connection. */
  | 'unreachable'
  /** The local OpenSSL rejects key and certificate, for example a short key. */
  | 'unusable'
  /** There is a TCP connection, but no TLS. */
  | 'no-tls'
  /** The client rejects the server's certificate: its path or its name. */
  | 'server-not-trusted'
  | 'refused-in-handshake'
  | 'refused-after-handshake'
  /** The server answers with a refusal. */
  | 'refused-by-answer'
  | 'no-answer';

/** The result of an attempt, as printed with `--json`. */
export interface Attempt {
  readonly url: string;
  readonly outcome: AttemptOutcome;
  readonly steps: readonly Step[];
  /** `'TLSv1.3'`. */
  readonly protocol?: string;
  readonly alert?: Alert;
  readonly status?: number;
  /** `ERR_MTLS_…`, and the reason, if a server of express-mtls reports them. */
  readonly code?: string;
  readonly reason?: string;
  /** The program that the answer names: `'nginx/1.22.1'`. */
  readonly server?: string;
}

/** The local OpenSSL rejects key and certificate. */
export class Unusable extends Error {}

/** The end of an attempt: the fields of {@link Attempt} and the last step. */
export interface Ending extends Omit<Attempt, 'url' | 'steps' | 'protocol'> {
  readonly last: Step;
}

const tcpRemedies: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no server listens there: start the server, or check host and port',
  ENOTFOUND: 'no such host: check the name and the DNS configuration of this machine',
  EAI_AGAIN: 'DNS does not answer: check the network of this machine',
};

/** No TCP connection. */
export function describeUnreachable(error: Error, url: URL): Ending {
  const code = (error as NodeJS.ErrnoException).code;
  const remedy = tcpRemedies[code ?? ''] ?? 'check host, port and firewalls';
  return {
    outcome: 'unreachable',
    last: failed('tcp', `no connection to ${url.host}: ${code ?? error.message}`, remedy),
  };
}

/** No TLS handshake. */
export function describeHandshake(error: Error): Ending {
  const alert = alertIn(error);
  const { code = '' } = error as NodeJS.ErrnoException;
  if (alert !== undefined) {
    const detail = `the server refused the handshake with alert ${alert.number}: ${alert.meaning}`;
    return { outcome: 'refused-in-handshake', alert, last: failed('handshake', detail) };
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    const detail = `the server closed the connection during the handshake (${code})`;
    return { outcome: 'refused-in-handshake', last: failed('handshake', detail) };
  }
  if (error instanceof Unusable) {
    const detail = `the local OpenSSL rejects key and certificate: ${inOneLine(error.message)}`;
    return { outcome: 'unusable', last: failed('handshake', detail, 'issue a new certificate') };
  }
  const seen = error instanceof NoAnswer ? error.message : `${code} ${inOneLine(error.message)}`;
  const last = failed(
    'handshake',
    `no handshake: ${seen}`,
    'check whether the server speaks TLS on this port',
  );
  return { outcome: 'no-tls', last };
}

/** Why the client rejects the server; `undefined` if it does not. */
export function describeDistrust(tls: TLSSocket, host: string): Ending | undefined {
  const ours = 'the client rejects the server, not the server the client: the certificate of the server';
  if (!tls.authorized) {
    // Typed as Error, but its value is the OpenSSL code as text.
    const error = tls.authorizationError as Error | string | undefined;
    const why = typeof error === 'object' ? error.message : (error ?? 'unknown');
    const remedy = 'specify the CA of the server’s certificate with --server-ca';
    return {
      outcome: 'server-not-trusted',
      last: failed('server', `${ours} is not trusted (${why})`, remedy),
    };
  }
  const mismatch = checkServerIdentity(host, tls.getPeerCertificate());
  if (mismatch === undefined) return undefined;
  const seen = `${ours} is not for ${host} (${inOneLine(mismatch.message)})`;
  const remedy = 'use a host name in its certificate, or specify that with --servername';
  return { outcome: 'server-not-trusted', last: failed('server', seen, remedy) };
}

/** A handshake, but no answer. */
export function describeSilence(error: Error, protocol: string): Ending {
  if (error instanceof NoAnswer) {
    const remedy = 'the handshake succeeded, so check the app: it may be waiting for something';
    return { outcome: 'no-answer', last: failed('answer', error.message, remedy) };
  }
  const alert = alertIn(error);
  const { code = error.message } = error as NodeJS.ErrnoException;
  if (code.startsWith('HPE_')) {
    const remedy = 'check whether the server speaks HTTP/1.1 on this port';
    return { outcome: 'no-answer', last: failed('answer', `the answer is not HTTP/1.1 (${code})`, remedy) };
  }
  const told =
    alert === undefined
      ? `closed the connection without an alert or an answer (${inOneLine(code)}), which express-mtls does when it refuses a client`
      : `refused with alert ${alert.number}: ${alert.meaning}`;
  const last = failed('answer', `the ${protocol} handshake succeeded, then the server ${told}`);
  return { outcome: 'refused-after-handshake', last, ...(alert === undefined ? {} : { alert }) };
}

const refusing = [401, 403, 421, 495, 496];

/** An answer. */
export function describeAnswer({ status, code, reason, isNginx, server }: ServerAnswer): Ending {
  const said = {
    status,
    ...(code === undefined ? {} : { code }),
    ...(reason === undefined ? {} : { reason }),
    ...(server === undefined ? {} : { server }),
  };
  const refused = (detail: string, remedy?: string): Ending => ({
    outcome: 'refused-by-answer',
    ...said,
    last: failed('answer', detail, remedy),
  });
  if (code?.startsWith('ERR_MTLS_') === true) {
    const why = reason === undefined ? '' : ` (${reason})`;
    return refused(`the server answers ${status} ${code}${why}`, codeRemedies[code]);
  }
  if (isNginx)
    return refused(
      'nginx answers 400 because of the certificate: it is in front of the app and refuses the client',
    );
  if (refusing.includes(status))
    return refused(
      `the server answers ${status} without a code of express-mtls: the answer comes from the app or a proxy in front of it`,
    );
  return { outcome: 'served', ...said, last: passed('answer', `served: ${status}`) };
}

const codeRemedies: Readonly<Record<string, string>> = {
  ERR_MTLS_CERTIFICATE_REQUIRED:
    'the server received no certificate: it does not request one, or a proxy in front of it terminates TLS',
  ERR_MTLS_CLIENT_FORBIDDEN:
    'the client is admitted, but a rule forbids the request: the log line "forbidden" names the rule and the part of it; test the rule with --rule',
  ERR_MTLS_REVOCATION_UNKNOWN: 'the server has no current CRL for this client: publish one',
  ERR_MTLS_REQUEST_MISDIRECTED: 'use the host that was requested in the handshake',
};

/** Text from a server: one line, limited in length. */
function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 300);
}
