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
  Unusable,
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
    steps.push(passed('server', `its certificate is trusted, and is for ${hostOf(target)}`));
    const { url, method, limitMs = defaultLimitMs } = target;
    const asking = await outcomeOf(ask(tls, { url, method, limitMs }));
    const ending = 'error' in asking ? describeSilence(asking.error, protocol) : describeAnswer(asking.value);
    return { ...ended(ending), protocol };
  } finally {
    tcp.destroy();
  }
}

/** A value or an error: told by its form, because one of node:net may come from another realm. */
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
    // An address is no name to ask for (RFC 6066 section 3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['http/1.1'],
    // Both are looked at afterwards, so that this side's no is told from the server's.
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

/** Waits for an event, an error, or the end of patience. */
async function settled<Stream extends Socket>(
  socket: Stream,
  event: string,
  limitMs: number,
): Promise<Stream> {
  return await new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      socket.destroy();
      reject(new NoAnswer(`nothing came within ${limitMs / 1000} s`));
    }, limitMs);
    socket.once(event, () => {
      clearTimeout(limit);
      resolve(socket);
    });
    // It stays: what comes later is told by the request, and must not end the process.
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
