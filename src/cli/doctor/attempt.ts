/**
 * The client's certificate, tried against a server: connection, handshake, the
 * server's own certificate, and the answer to one request.
 *
 * @module
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { ask, NoAnswer } from './answer-reading.js';
import {
  type Attempt,
  describeAnswer,
  describeDistrust,
  describeHandshake,
  describeSilence,
  describeUnreachable,
  type Ending,
} from './attempt-account.js';
import { passed, type Step } from './step.js';

/** Where to, and as whom. */
export interface Target {
  readonly url: URL;
  readonly method: string;
  /** What is asked for in the handshake, and compared with the server's certificate. @defaultValue the URL's host */
  readonly servername?: string | undefined;
  /** PEM: the client's certificate and what stands behind it, and its key. */
  readonly cert: string;
  readonly key: string;
  /** PEM, by whose CAs the server is judged. @defaultValue those of Node */
  readonly serverCas?: readonly string[] | undefined;
  /** For each of connection, handshake, answer and body, in milliseconds. @defaultValue `5000` */
  readonly limitMs?: number;
}

const defaultLimitMs = 5000;

/** Tries it. Never rejects: whatever happens is what there is to say. */
export async function attempt(target: Target): Promise<Attempt> {
  const steps: Step[] = [];
  const ended = ({ last, ...ending }: Ending): Attempt => ({
    url: target.url.href,
    ...ending,
    steps: [...steps, last],
  });
  const tcp = await openTcp(target);
  if (tcp instanceof Error) return ended(describeUnreachable(tcp, target.url));
  steps.push(passed('tcp', `connected to ${tcp.remoteAddress ?? ''} port ${tcp.remotePort ?? ''}`));
  try {
    const tls = await openTls(tcp, target);
    if (tls instanceof Error) return ended(describeHandshake(tls));
    const protocol = tls.getProtocol() ?? 'TLS';
    steps.push(passed('handshake', `${protocol}, ${tls.getCipher().standardName}`));
    const distrust = describeDistrust(tls, hostOf(target));
    if (distrust !== undefined) return { ...ended(distrust), protocol };
    steps.push(passed('server', `its certificate is trusted, and is for ${hostOf(target)}`));
    const { url, method, limitMs = defaultLimitMs } = target;
    const answer = await ask(tls, { url, method, limitMs }).catch((error: unknown) => error as Error);
    const ending = answer instanceof Error ? describeSilence(answer, protocol) : describeAnswer(answer);
    return { ...ended(ending), protocol };
  } finally {
    tcp.destroy();
  }
}

async function openTcp({ url, limitMs = defaultLimitMs }: Target): Promise<Socket | Error> {
  const socket = connectTcp({ host: bareHost(url), port: Number(url.port || '443') });
  return await settled(socket, 'connect', limitMs);
}

async function openTls(socket: Socket, target: Target): Promise<TLSSocket | Error> {
  const { cert, key, serverCas, limitMs = defaultLimitMs } = target;
  const host = hostOf(target);
  const options: ConnectionOptions = {
    socket,
    cert,
    key,
    ...(serverCas === undefined ? {} : { ca: [...serverCas] }),
    // An address is no name to ask for (RFC 6066 section 3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['http/1.1'],
    // Both are looked at afterwards, so that this side's no is told from the server's.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  };
  try {
    return await settled(connectTls(options), 'secureConnect', limitMs);
  } catch (error) {
    // Such as a key that OpenSSL finds too short.
    return error as Error;
  }
}

/** Waits for an event, an error, or the end of patience. */
async function settled<Stream extends Socket>(
  socket: Stream,
  event: string,
  limitMs: number,
): Promise<Stream | Error> {
  return await new Promise((resolve) => {
    const limit = setTimeout(() => {
      socket.destroy();
      resolve(new NoAnswer(`nothing came within ${limitMs / 1000} s`));
    }, limitMs);
    const settle = (result: Stream | Error): void => {
      clearTimeout(limit);
      resolve(result);
    };
    socket.once(event, () => {
      settle(socket);
    });
    // It stays: what comes later is told by the request, and must not end the process.
    socket.on('error', settle);
  });
}

function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function hostOf({ url, servername }: Target): string {
  return servername ?? bareHost(url);
}
