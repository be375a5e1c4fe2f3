/**
 * Connects to a server with the client's certificate: TCP, handshake, the server's certificate, and the answer to one
 * request.
 *
 * @module
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { ask, NoAnswer, type SentHeaders } from './answer-reading.js';
import {
  type Attempt,
  describeAnswer,
  describeDistrust,
  describeHandshake,
  describeSilence,
  describeUnreachable,
  type Ending,
  Unusable,
} from './attempt-account.js';
import { passed, type Step } from './step.js';

/** The server, and the client's certificate. */
export interface Target {
  readonly url: URL;
  readonly method: string;
  /**
   * The name for the handshake and for the comparison with the server's certificate. @defaultValue the host in the
   * URL
   */
  readonly servername?: string | undefined;
  /** PEM: the client's certificate and the ones sent with it, and its key. Without them, none is sent. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Further header lines of the request. */
  readonly headers?: SentHeaders | undefined;
  /** PEM of the CAs to verify the server with. @defaultValue those of Node */
  readonly serverCas?: readonly string[] | undefined;
  /** The limit for each of connection, handshake, answer and body, in milliseconds. @defaultValue `5000` */
  readonly limitMs?: number;
}

const defaultLimitMs = 5000;

/** Makes the attempt. Never rejects: every failure is a result. */
export async function attempt(target: Target): Promise<Attempt> {
  const steps: Step[] = [];
  const ended = ({ last, ...ending }: Ending): Attempt => ({
    url: target.url.href,
    ...ending,
    steps: [...steps, last],
  });
  const connecting = await openTcp(target);
  if ('error' in connecting) return ended(describeUnreachable(connecting.error, target.url));
  const tcp = connecting.value;
  steps.push(passed('tcp', `connected to ${tcp.remoteAddress ?? ''} port ${tcp.remotePort ?? ''}`));
  try {
    const shaking = await openTls(tcp, target);
    if ('error' in shaking) return ended(describeHandshake(shaking.error));
    const tls = shaking.value;
    const protocol = tls.getProtocol() ?? 'TLS';
    steps.push(passed('handshake', `${protocol}, ${tls.getCipher().standardName}`));
    const distrust = describeDistrust(tls, hostOf(target));
    if (distrust !== undefined) return { ...ended(distrust), protocol };
    steps.push(passed('server', `its certificate is trusted and valid for ${hostOf(target)}`));
    const { url, method, headers, limitMs = defaultLimitMs } = target;
    const asking = await outcomeOf(ask(tls, { url, method, headers, limitMs }));
    const ending = 'error' in asking ? describeSilence(asking.error, protocol) : describeAnswer(asking.value);
    return { ...ended(ending), protocol };
  } finally {
    tcp.destroy();
  }
}

/** A value or an error. Tested by its form, because an error of node:net can come from another realm. */
type Outcome<Value> = { readonly value: Value } | { readonly error: Error };

async function outcomeOf<Value>(work: Promise<Value>): Promise<Outcome<Value>> {
  return await work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error: error as Error }),
  );
}

async function openTcp({ url, limitMs = defaultLimitMs }: Target): Promise<Outcome<Socket>> {
  const socket = connectTcp({ host: bareHost(url), port: Number(url.port || '443') });
  return await outcomeOf(settled(socket, 'connect', limitMs));
}

async function openTls(socket: Socket, target: Target): Promise<Outcome<TLSSocket>> {
  const { cert, key, serverCas, limitMs = defaultLimitMs } = target;
  const host = hostOf(target);
  const options: ConnectionOptions = {
    socket,
    cert,
    key,
    ...(serverCas === undefined ? {} : { ca: [...serverCas] }),
    // An IP address is not a server name (RFC 6066 section 3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['http/1.1'],
    // Path and name are checked afterwards, to distinguish a rejection by the client from one by the server.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  };
  let tls: TLSSocket;
  try {
    tls = connectTls(options);
  } catch (error) {
    return { error: new Unusable((error as Error).message) };
  }
  return await outcomeOf(settled(tls, 'secureConnect', limitMs));
}

/** Waits for an event, an error, or the time limit. */
async function settled<Stream extends Socket>(
  socket: Stream,
  event: string,
  limitMs: number,
): Promise<Stream> {
  return await new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      socket.destroy();
      reject(new NoAnswer(`no response within ${limitMs / 1000} s`));
    }, limitMs);
    socket.once(event, () => {
      clearTimeout(limit);
      resolve(socket);
    });
    // This listener stays: later errors are reported by the request, and must not end the process.
    socket.on('error', (error) => {
      clearTimeout(limit);
      reject(error);
    });
  });
}

function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function hostOf({ url, servername }: Target): string {
  return servername ?? bareHost(url);
}
