/**
 * Requests over connections that stay open.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../harness/clock.js';
import { connectOptions, KeepAliveConnection, type Target } from './keep-alive-connection.js';

/** Some connections to one server. */
export class RequestLoad {
  readonly #connections: readonly KeepAliveConnection[];
  #stopped = false;
  #running: Promise<void> | undefined;
  #answered = 0;
  #failed = 0;
  #slowestMs = 0;

  static async open(target: Target, connections: number): Promise<RequestLoad> {
    const options = connectOptions(target);
    const opening = Array.from({ length: connections }, () => KeepAliveConnection.open(options));
    return new RequestLoad(await Promise.all(opening));
  }

  private constructor(connections: readonly KeepAliveConnection[]) {
    this.#connections = connections;
  }

  /** Makes `count` requests as fast as they are answered. */
  async make(count: number): Promise<void> {
    let left = count;
    const ask = async (connection: KeepAliveConnection): Promise<void> => {
      while (left-- > 0) {
        const status = await connection.get();
        if (status !== 200) throw new Error(`answered ${status}`);
      }
    };
    await Promise.all(this.#connections.map(ask));
  }

  /** Makes `count` requests, one after the other, and answers how long each took, in milliseconds. */
  async time(count: number): Promise<number[]> {
    const times: number[] = [];
    for (let each = 0; each < count; each++) {
      const connection = this.#connections[each % this.#connections.length] as KeepAliveConnection;
      const started = machineTime();
      const status = await connection.get();
      if (status !== 200) throw new Error(`answered ${status}`);
      times.push(machineTime() - started);
    }
    return times;
  }

  /** Makes requests until {@link RequestLoad.stop}, each connection pausing between two. */
  start(pauseMs: number): void {
    this.#running = Promise.all(this.#connections.map((connection) => this.#ask(connection, pauseMs))).then();
  }

  async stop(): Promise<{ answered: number; failed: number; slowestMs: number }> {
    this.#stopped = true;
    await this.#running;
    for (const connection of this.#connections) connection.close();
    return { answered: this.#answered, failed: this.#failed, slowestMs: this.#slowestMs };
  }

  async #ask(connection: KeepAliveConnection, pauseMs: number): Promise<void> {
    while (!this.#stopped && connection.closedAt === undefined) {
      const started = machineTime();
      const status = await connection.get().catch(() => 0);
      if (status === 200) this.#answered++;
      else this.#failed++;
      this.#slowestMs = Math.max(this.#slowestMs, machineTime() - started);
      await sleep(pauseMs);
    }
  }
}

/**
 * Asks as a client that is about to be revoked, until it is let in no more: its connection closed or its request
 * refused, and a new connection refused as well.
 * @returns When that was first so, by `machineTime()`.
 */
export async function askUntilRefused(target: Target, limitMs: number): Promise<number> {
  const options = connectOptions(target);
  const giveUpAt = machineTime() + limitMs;
  let connection = await KeepAliveConnection.open(options);
  if ((await connection.get()) !== 200) throw new Error('the client is refused before it is revoked');
  for (;;) {
    if (machineTime() > giveUpAt) throw new Error('the revoked client is still let in');
    const status = await connection.get().catch(() => 0);
    const seenAt = connection.closedAt ?? machineTime();
    if (status !== 200 && (await isRefused(target))) return seenAt;
    await sleep(10);
    if (connection.closedAt !== undefined) connection = await KeepAliveConnection.open(options);
  }
}

/** Asks over a new connection each time, until one is refused: for servers that leave open connections alone. */
export async function connectUntilRefused(target: Target, limitMs: number): Promise<number> {
  const giveUpAt = machineTime() + limitMs;
  while (machineTime() < giveUpAt) {
    if (await isRefused(target)) return machineTime();
    await sleep(2);
  }
  throw new Error('the revoked client is still let in');
}

/** Whether a new connection of this client is refused, or answered with anything but 200. */
export async function isRefused(target: Target): Promise<boolean> {
  try {
    const connection = await KeepAliveConnection.open(connectOptions(target));
    const status = await connection.get();
    connection.close();
    return status !== 200;
  } catch {
    return true;
  }
}
