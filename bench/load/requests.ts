/**
 * Requests over persistent connections.
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
    const opening = Array.from({ length: connections }, () =>
      KeepAliveConnection.open(options, target.forwarded),
    );
    return new RequestLoad(await Promise.all(opening));
  }

  private constructor(connections: readonly KeepAliveConnection[]) {
    this.#connections = connections;
  }

  /** Sends `count` requests as fast as they are answered. */
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

  /** Sends one request for each certificate, as a proxy that forwards it. */
  async forward(certificates: readonly string[]): Promise<void> {
    const left = [...certificates];
    const ask = async (connection: KeepAliveConnection): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const status = await connection.get(next);
        if (status !== 200) throw new Error(`answered ${status}`);
      }
    };
    await Promise.all(this.#connections.map(ask));
  }

  /** Sends `count` requests one after the other, and returns their durations in milliseconds. */
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

  /** Sends requests until {@link RequestLoad.stop}. Each connection pauses between requests. */
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
 * Sends requests as a client that will be revoked, until it is refused: its connection is closed or its request
 * answered with an error, and a new connection is refused too.
 * @returns The time when that was first observed, by `machineTime()`.
 */
export async function askUntilRefused(target: Target, limitMs: number): Promise<number> {
  const options = connectOptions(target);
  const giveUpAt = machineTime() + limitMs;
  let connection = await KeepAliveConnection.open(options);
  if ((await connection.get()) !== 200) throw new Error('the client is refused before it is revoked');
  for (;;) {
    if (machineTime() > giveUpAt) throw new Error('the revoked client is still admitted');
    const status = await connection.get().catch(() => 0);
    const seenAt = connection.closedAt ?? machineTime();
    if (status !== 200 && (await isRefused(target))) return seenAt;
    await sleep(10);
    if (connection.closedAt !== undefined) connection = await KeepAliveConnection.open(options);
  }
}

/** Connects repeatedly until a connection is refused, for servers that do not close open connections. */
export async function connectUntilRefused(target: Target, limitMs: number): Promise<number> {
  const giveUpAt = machineTime() + limitMs;
  while (machineTime() < giveUpAt) {
    if (await isRefused(target)) return machineTime();
    await sleep(2);
  }
  throw new Error('the revoked client is still admitted');
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
