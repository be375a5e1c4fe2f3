/**
 * Connections of one client that send more than the server can handle, until the server closes them.
 *
 * @module
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { WebSocket } from 'ws';
import { machineTime } from '../harness/clock.js';
import { connectOptions, type Target } from './keep-alive-connection.js';

/** What one connection sends: batches of pipelined requests, or a WebSocket message at an interval in milliseconds. */
export type Sending = { readonly pipelined: number } | { readonly everyMs: number };

/** One connection. */
interface BusyConnection {
  /** By `machineTime()`; `undefined` while it is open. */
  closedAt: number | undefined;
  readonly begin: () => void;
}

const openingAtOnce = 25;

export class BusyConnections {
  readonly #connections: readonly BusyConnection[];

  /** Opens the connections, without sending anything. */
  static async open(target: Target, count: number, sending: Sending): Promise<BusyConnections> {
    const options = connectOptions(target);
    const open = async (): Promise<BusyConnection> =>
      'pipelined' in sending
        ? await openPipeline(options, sending.pipelined)
        : await openWebSocket(options, sending.everyMs);
    const connections: BusyConnection[] = [];
    while (connections.length < count) {
      const some = Math.min(openingAtOnce, count - connections.length);
      connections.push(...(await Promise.all(Array.from({ length: some }, open))));
    }
    return new BusyConnections(connections);
  }

  private constructor(connections: readonly BusyConnection[]) {
    this.#connections = connections;
  }

  /** Sends on all of them until they are closed. */
  begin(): void {
    for (const { begin } of this.#connections) begin();
  }

  /** Waits until all are closed, and returns the time of the last close, by `machineTime()`. */
  async closed(limitMs: number): Promise<number> {
    const giveUpAt = machineTime() + limitMs;
    while (this.#open() > 0) {
      if (machineTime() > giveUpAt) throw new Error(`${this.#open()} connections are still open`);
      await sleep(5);
    }
    return Math.max(...this.#connections.map(({ closedAt }) => closedAt as number));
  }

  #open(): number {
    return this.#connections.filter(({ closedAt }) => closedAt === undefined).length;
  }
}

const request = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

/**
 * Writes two batches, and another one whenever half a batch is answered, so that the server never waits for requests.
 */
async function openPipeline(options: tls.ConnectionOptions, size: number): Promise<BusyConnection> {
  const socket = tls.connect(options);
  await once(socket, 'secureConnect');
  const batch = request.repeat(size);
  let answers = 0;
  socket.setEncoding('latin1').on('data', (text: string) => {
    answers += text.split('HTTP/1.1 200').length - 1;
    if (answers < size / 2) return;
    answers -= size;
    socket.write(batch);
  });
  const connection: BusyConnection = {
    closedAt: undefined,
    begin: () => socket.write(batch + batch),
  };
  // ECONNRESET is how an eviction looks from here; 'close' follows.
  socket.on('error', () => {}).once('close', () => (connection.closedAt = machineTime()));
  return connection;
}

async function openWebSocket(
  { host, port, ...options }: tls.ConnectionOptions,
  everyMs: number,
): Promise<BusyConnection> {
  const socket = new WebSocket(`wss://${String(host)}:${String(port)}/`, options);
  await once(socket, 'open');
  let timer: NodeJS.Timeout | undefined;
  const connection: BusyConnection = {
    closedAt: undefined,
    begin: () => {
      timer = setInterval(() => {
        if (socket.readyState === WebSocket.OPEN) socket.send('tick');
      }, everyMs);
    },
  };
  socket
    .on('error', () => {})
    .once('close', () => {
      clearInterval(timer);
      connection.closedAt = machineTime();
    });
  return connection;
}
