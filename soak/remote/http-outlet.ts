/**
 * Two mirrors of a CRL over HTTP. One or both fail at times.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { overHttp } from '../truth/standing.js';
import type { Outage, Outlet } from './outlet.js';

/** The outages, as they are counted. */
export const httpOutages = ['the first mirror down', 'the second mirror down', 'both mirrors down'] as const;
type HttpOutage = (typeof httpOutages)[number];

// The longest delay before the attempt that follows two failures is 2 s.
const askedLimitMs = 20_000;

export class HttpOutlet implements Outlet {
  readonly way = overHttp;
  readonly outages: readonly Outage[];
  readonly #mirrors = [new Mirror(), new Mirror()] as const;

  constructor() {
    const [first, second] = this.#mirrors;
    const outage = (name: HttpOutage, mirrors: readonly Mirror[]): Outage => ({
      name,
      isTotal: mirrors === this.#mirrors,
      begin: async () => {
        await Promise.all(mirrors.map((mirror) => mirror.stop()));
      },
      end: async () => {
        await Promise.all(mirrors.map((mirror) => mirror.start()));
        if (mirrors === this.#mirrors) await this.#isAsked();
      },
    });
    this.outages = [
      outage('the first mirror down', [first]),
      outage('the second mirror down', [second]),
      outage('both mirrors down', this.#mirrors),
    ];
  }

  get urls(): readonly string[] {
    return this.#mirrors.map(({ url }) => url);
  }

  /** Starts both on free ports. */
  async open(): Promise<void> {
    await Promise.all(this.#mirrors.map((mirror) => mirror.start()));
  }

  publish(der: Buffer): Promise<void> {
    for (const mirror of this.#mirrors) mirror.content = der;
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#mirrors.map((mirror) => mirror.stop()));
  }

  /** A loader waits before it asks again. What was published meanwhile counts from then. */
  async #isAsked(): Promise<void> {
    const asked = (): number => this.#mirrors.reduce((sum, { answers }) => sum + answers, 0);
    const before = asked();
    const giveUpAt = performance.now() + askedLimitMs;
    while (asked() === before) {
      if (performance.now() > giveUpAt) throw new Error('the server does not ask for its CRL again');
      await sleep(10);
    }
  }
}

class Mirror {
  content: Buffer = Buffer.alloc(0);
  answers = 0;
  #port = 0;
  #server: Server | undefined;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/ca.crl`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.#answer(request, response);
    });
    this.#server = server;
    // The same port as before.
    await once(server.listen(this.#port, '127.0.0.1'), 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Closes open connections too. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  #answer({ headers }: IncomingMessage, response: ServerResponse): void {
    const etag = `"${createHash('sha256').update(this.content).digest('hex')}"`;
    const isKnown = headers['if-none-match'] === etag;
    response.writeHead(isKnown ? 304 : 200, { etag }).end(isKnown ? undefined : this.content);
    this.answers++;
  }
}
