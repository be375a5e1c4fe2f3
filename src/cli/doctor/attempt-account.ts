/**
 * How an attempt ended, in words and as data.
 *
 * @module
 */
import { checkServerIdentity, type TLSSocket } from 'node:tls';
import { type Alert, alertIn } from './alerts.js';
import { NoAnswer, type ServerAnswer } from './answer-reading.js';
import { failed, passed, type Step } from './step.js';

/** How far it came. */
export type AttemptOutcome =
  | 'served'
  /** There is no connection. */
  | 'unreachable'
  /** OpenSSL of this side does not take key and certificate, such as a short key. */
  | 'unusable'
  /** There is a connection, and no TLS. */
  | 'no-tls'
  /** This side does not trust the server: its chain, or its name. */
  | 'server-not-trusted'
  | 'refused-in-handshake'
  | 'refused-after-handshake'
  /** It answers, and says no. */
  | 'refused-by-answer'
  | 'no-answer';

/** What came of it, as `--json` has it. */
export interface Attempt {
  readonly url: string;
  readonly outcome: AttemptOutcome;
  readonly steps: readonly Step[];
  /** `'TLSv1.3'`. */
  readonly protocol?: string;
  readonly alert?: Alert;
  readonly status?: number;
  /** `ERR_MTLS_…`, and the reason, where the server is one of express-mtls and says so. */
  readonly code?: string;
  readonly reason?: string;
}

/** OpenSSL of this side does not take key and certificate. */
export class Unusable extends Error {}

/** The end of it: what {@link Attempt} says, with its last step. */
export interface Ending extends Omit<Attempt, 'url' | 'steps' | 'protocol'> {
  readonly last: Step;
}

const tcpRemedies: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: start the server, or check host and port',
  ENOTFOUND: 'no such host: check the name, and the name service of this machine',
  EAI_AGAIN: 'the name service does not answer: check the network of this machine',
};

/** There is no connection. */
export function describeUnreachable(error: Error, url: URL): Ending {
  const code = (error as NodeJS.ErrnoException).code;
  const remedy = tcpRemedies[code ?? ''] ?? 'check host and port, and the firewalls between';
  return {
    outcome: 'unreachable',
    last: failed('tcp', `no connection to ${url.host}: ${code ?? error.message}`, remedy),
  };
}

/** There was no handshake. */
export function describeHandshake(error: Error): Ending {
  const alert = alertIn(error);
  const { code = '' } = error as NodeJS.ErrnoException;
  if (alert !== undefined) {
    const detail = `the server refuses in the handshake, with alert ${alert.number}: ${alert.meaning}`;
    return { outcome: 'refused-in-handshake', alert, last: failed('handshake', detail) };
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    const detail = `the server ended the connection in the middle of the handshake (${code})`;
    return { outcome: 'refused-in-handshake', last: failed('handshake', detail) };
  }
  if (error instanceof Unusable) {
    const detail = `OpenSSL of this side does not take key and certificate: ${inOneLine(error.message)}`;
    return { outcome: 'unusable', last: failed('handshake', detail, 'issue the certificate anew') };
  }
  const seen = error instanceof NoAnswer ? error.message : `${code} ${inOneLine(error.message)}`;
  const last = failed('handshake', `no handshake: ${seen}`, 'check whether the port speaks TLS');
  return { outcome: 'no-tls', last };
}

/** Why this side would not go on; `undefined` where it would. */
export function describeDistrust(tls: TLSSocket, host: string): Ending | undefined {
  const ours = 'this side refuses the server, not the server the client: its certificate';
  if (!tls.authorized) {
    // Typed as Error, it is the code of OpenSSL as text.
    const error = tls.authorizationError as Error | string | undefined;
    const why = typeof error === 'object' ? error.message : (error ?? 'unknown');
    const remedy = 'give the CA of the server’s certificate by --server-ca';
    return {
      outcome: 'server-not-trusted',
      last: failed('server', `${ours} is not trusted (${why})`, remedy),
    };
  }
  const mismatch = checkServerIdentity(host, tls.getPeerCertificate());
  if (mismatch === undefined) return undefined;
  const seen = `${ours} is not for ${host} (${inOneLine(mismatch.message)})`;
  const remedy = 'call it by a name in its certificate, or give that by --servername';
  return { outcome: 'server-not-trusted', last: failed('server', seen, remedy) };
}

/** There was a handshake, and no answer. */
export function describeSilence(error: Error, protocol: string): Ending {
  if (error instanceof NoAnswer) {
    const remedy = 'the handshake was done, so look at the app: it may wait for something';
    return { outcome: 'no-answer', last: failed('answer', error.message, remedy) };
  }
  const alert = alertIn(error);
  const { code = error.message } = error as NodeJS.ErrnoException;
  if (code.startsWith('HPE_')) {
    const remedy = 'check whether the server speaks HTTP/1.1 there';
    return { outcome: 'no-answer', last: failed('answer', `the answer is no HTTP/1.1 (${code})`, remedy) };
  }
  const told =
    alert === undefined
      ? `ended the connection without an alert or an answer (${inOneLine(code)}), as express-mtls does with a client it refuses`
      : `refused with alert ${alert.number}: ${alert.meaning}`;
  const last = failed('answer', `the handshake of ${protocol} was done, and then the server ${told}`);
  return { outcome: 'refused-after-handshake', last, ...(alert === undefined ? {} : { alert }) };
}

const refusing = [401, 403, 421, 495, 496];

/** There was an answer. */
export function describeAnswer({ status, code, reason, isNginx }: ServerAnswer): Ending {
  const said = {
    status,
    ...(code === undefined ? {} : { code }),
    ...(reason === undefined ? {} : { reason }),
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
    return refused('nginx answers 400 because of the certificate: it stands before the app and refuses');
  if (refusing.includes(status))
    return refused(
      `the server answers ${status}, without a code of express-mtls: the app, or a proxy before it`,
    );
  return { outcome: 'served', ...said, last: passed('answer', `served: ${status}`) };
}

const codeRemedies: Readonly<Record<string, string>> = {
  ERR_MTLS_CERTIFICATE_REQUIRED:
    'the server got no certificate: it does not ask for one, or a proxy before it ends TLS',
  ERR_MTLS_CLIENT_FORBIDDEN:
    'the certificate is good and a rule refuses: the log line "forbidden" names the rule and its part; try it here by --rule',
  ERR_MTLS_REVOCATION_UNKNOWN: 'the server has no current CRL for this client: publish one',
  ERR_MTLS_REQUEST_MISDIRECTED: 'call it by the host that was asked for in the handshake',
};

/** What a server made: one line, and not too long. */
function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 300);
}
