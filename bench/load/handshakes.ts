/**
 * Handshakes only: connects, closes, and waits until the server has closed too.
 *
 * @module
 */
import { once } from 'node:events';
import tls from 'node:tls';
import { machineTime } from '../harness/clock.js';
import type { ClientCredentials } from '../harness/material.js';
import { connectOptions, type Target } from './keep-alive-connection.js';

/** The number and kind of handshakes. */
export interface HandshakePlan extends Target {
  readonly count: number;
  /** How many are in progress at a time. */
  readonly parallel: number;
  /** Whether each resumes a session of one earlier full handshake. */
  readonly resume: boolean;
}

/** Makes handshakes; returns the total duration in milliseconds. */
export async function makeHandshakes(plan: HandshakePlan): Promise<number> {
  const options = connectOptions(plan);
  const session = plan.resume ? await takeTicket(options) : undefined;
  const started = machineTime();
  let left = plan.count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await makeHandshake(plan.resume ? { ...options, session } : options);
  };
  await Promise.all(Array.from({ length: plan.parallel }, worker));
  return machineTime() - started;
}

/** Whether the server admitted the client must be read from the server: in TLS 1.3 the client finishes first. */
async function makeHandshake(options: tls.ConnectionOptions): Promise<void> {
  const socket = tls.connect(options);
  socket.resume();
  await once(socket, 'secureConnect');
  if (socket.isSessionReused() !== (options.session !== undefined))
    throw new Error('a full handshake where a resumed one was expected, or the other way round');
  socket.end();
  await once(socket, 'close');
}

/** Handshakes of many clients. */
export interface ClientsPlan {
  readonly port: number;
  /** Each makes one handshake. */
  readonly clients: readonly ClientCredentials[];
  readonly parallel: number;
}

/** Makes one full handshake as each of the clients. */
export async function makeHandshakesAs({ port, clients, parallel }: ClientsPlan): Promise<void> {
  const left = [...clients];
  const worker = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop())
      await makeHandshake(connectOptions({ port, credentials: next }));
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

/** The number of attempts, and how many run at a time. */
export type RefusedPlan = Omit<HandshakePlan, 'resume'>;

/** Attempts of a client that the server refuses: connects, and waits until the server has closed the connection. */
export async function makeRefused(plan: RefusedPlan): Promise<void> {
  const options = connectOptions(plan);
  let left = plan.count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const socket = tls.connect({ ...options, rejectUnauthorized: false });
      // A refusal appears as a reset here.
      socket.on('error', () => {});
      socket.resume();
      const closed = new Promise((resolve) => socket.once('close', resolve));
      // Rejects if the handshake fails before the server could refuse the client.
      await once(socket, 'secureConnect');
      await closed;
    }
  };
  await Promise.all(Array.from({ length: plan.parallel }, worker));
}

async function takeTicket(options: tls.ConnectionOptions): Promise<Buffer> {
  const socket = tls.connect(options);
  const [session] = (await once(socket, 'session')) as [Buffer];
  socket.destroy();
  return session;
}
