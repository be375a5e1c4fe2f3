/**
 * Many connections, each from a different client, and when each is closed.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../harness/clock.js';
import type { ClientCredentials } from '../harness/material.js';
import { connectOptions, KeepAliveConnection } from './keep-alive-connection.js';

const openingAtOnce = 8;

export class HeldConnections {
  readonly #connections: readonly KeepAliveConnection[];

  /** Opens a connection for each client, and sends one request on it. */
  static async open(port: number, clients: readonly ClientCredentials[]): Promise<HeldConnections> {
    const connections: KeepAliveConnection[] = [];
    const waiting = [...clients];
    const worker = async (): Promise<void> => {
      for (let client = waiting.pop(); client !== undefined; client = waiting.pop()) {
        const connection = await KeepAliveConnection.open(connectOptions({ port, credentials: client }));
        const status = await connection.get();
        if (status !== 200) throw new Error(`answered ${status}`);
        connections.push(connection);
      }
    };
    await Promise.all(Array.from({ length: openingAtOnce }, worker));
    return new HeldConnections(connections);
  }

  private constructor(connections: readonly KeepAliveConnection[]) {
    this.#connections = connections;
  }

  /** Waits until all are closed, and returns the times, by `machineTime()`. */
  async closed(limitMs: number): Promise<number[]> {
    const giveUpAt = machineTime() + limitMs;
    while (this.#open() > 0) {
      if (machineTime() > giveUpAt) throw new Error(`${this.#open()} connections are still open`);
      await sleep(5);
    }
    return this.#connections.map(({ closedAt }) => closedAt as number);
  }

  #open(): number {
    return this.#connections.filter(({ closedAt }) => closedAt === undefined).length;
  }
}
