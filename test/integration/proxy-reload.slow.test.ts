/**
 * What proxies are known by, and what their clients are judged by, changes under load: no good request is lost, and what
 * must end does so within a second.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createServer, identify } from 'express-mtls';
import { ca, type Certificate } from '../support/chain.js';
import { temporaryDirectory } from '../support/files.js';
import { type Backend, escaped, TestProxy } from '../support/proxied.js';
import { listen, publish, silent, startServer, until } from '../support/server.js';
import { aSecond, ownTime } from '../support/elapsed.js';

const root = ca('ca');
const [north, south, east] = [ca('north'), ca('south'), ca('east')];
const [client1, client2, client3] = ['client1', 'client2', 'client3'].map((name) => root.client(name)) as [
  Certificate,
  Certificate,
  Certificate,
];

const limitMs = aSecond;
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const app: RequestListener = (req, res) => {
  const name = identify(req)?.commonName ?? 'nobody';
  if (req.url === '/held') res.write('a part');
  else res.end(name);
};

/** Answers an upgrade, and keeps it open. */
function upgrade(_req: IncomingMessage, socket: Socket): void {
  socket.on('error', () => {});
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
}

const headersOf = (client: Certificate): string[] => ['X-SSL-Client-Cert', escaped(client)];

/** Clients that ask without a pause through proxies that stay good. */
class Load {
  served = 0;
  readonly lost: string[] = [];
  #isOver = false;
  readonly #work: Promise<void>[] = [];

  /** Starts asking. @param lines - The header lines of the moment. */
  ask(proxies: readonly TestProxy[], lines: () => string[] = () => []): void {
    closers.push(() => this.end());
    for (const proxy of proxies)
      for (const [name, client] of [['client1', client1] as const, ['client2', client2] as const])
        this.#work.push(this.#run(proxy, name, () => [...headersOf(client), ...lines()]));
  }

  async #run(proxy: TestProxy, name: string, lines: () => string[]): Promise<void> {
    while (!this.#isOver) {
      const { status, body } = await proxy.get('/', lines());
      if (status === 200 && body === name) this.served++;
      else this.lost.push(`${name}: ${status} ${body}`);
    }
  }

  /** Waits until more of it has been served. */
  async goesOn(): Promise<void> {
    const goal = this.served + 50;
    await until(() => this.served >= goal || this.lost.length > 0, 'requests are served');
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#work);
  }
}

interface Open {
  readonly isOpen: boolean;
  /** By ownTime(). */
  readonly ended: Promise<number>;
}

/** A response that does not end, and an upgraded socket. */
async function openBoth(proxies: readonly [TestProxy, TestProxy], lines: readonly string[]): Promise<Open[]> {
  const open = [await proxies[0].open('/held', lines), await proxies[1].upgrade('/', lines)];
  return open.map((each) => {
    const ended = new Promise<number>((resolve) => {
      each.once('close', () => {
        resolve(ownTime());
      });
    });
    return {
      get isOpen() {
        return !each.destroyed;
      },
      ended,
    };
  });
}

/** Publishes, and expects that all of it ends in time. */
async function endedBy(change: () => void, open: readonly Open[]): Promise<void> {
  const at = ownTime();
  change();
  await until(() => open.every(({ isOpen }) => !isOpen), 'all of it ends', 10 * limitMs);
  for (const { ended } of open) expect((await ended) - at).toBeLessThan(limitMs);
}

function pairOf(backend: Backend): [TestProxy, TestProxy] {
  return [new TestProxy(backend), new TestProxy(backend)];
}

describe('under load', () => {
  test('the CRL of the clients, the CRL of the proxies and their CAs change', async () => {
    const directory = temporaryDirectory();
    const [cas, crl] = [join(directory, 'proxies.pem'), join(directory, 'proxies-crl.pem')];
    const northern = north.client('nginx');
    const revoked = north.client('nginx');
    const crls = (number: number, serials: string[] = []): string =>
      north.crl({ number, revoked: serials.map((serial) => ({ serial })) }).pem +
      south.crl({ number }).pem +
      east.crl({ number }).pem;
    writeFileSync(cas, north.pem + south.pem);
    writeFileSync(crl, north.crl({ number: 1 }).pem + south.crl({ number: 1 }).pem);
    const from = { ca: cas, crl, rule: { commonName: 'nginx' } };
    const { server, port, files } = await startServer({
      root,
      app,
      options: { proxies: { from, header: 'nginx' } },
    });
    server.on('upgrade', upgrade);
    const through = (certificate: Certificate): Backend => ({ port, ca: root.pem, certificate });
    const load = new Load();
    load.ask(pairOf(through(northern)));
    await load.goesOn();

    const staying = await openBoth(pairOf(through(northern)), headersOf(client1));
    const ofClient3 = await openBoth(pairOf(through(northern)), headersOf(client3));
    await endedBy(() => {
      publish(files.crl, root.crl({ number: 2, revoked: [{ serial: client3.serial }] }).pem);
    }, ofClient3);
    await load.goesOn();
    expect((await new TestProxy(through(northern)).get('/', headersOf(client3))).status).toBe(401);

    const ofRevoked = await openBoth(pairOf(through(revoked)), headersOf(client1));
    await endedBy(() => {
      publish(cas, north.pem + south.pem + east.pem);
      publish(crl, crls(2, [revoked.serial]));
    }, ofRevoked);
    await load.goesOn();
    expect((await new TestProxy(through(revoked)).get('/', headersOf(client1))).status).toBe('ended');

    const ofSouth = await openBoth(pairOf(through(south.client('nginx'))), headersOf(client1));
    await endedBy(() => {
      publish(cas, north.pem + east.pem);
    }, ofSouth);
    await load.goesOn();
    const eastern = through(east.client('nginx'));
    await until(
      async () => (await new TestProxy(eastern).get('/', headersOf(client2))).status === 200,
      'the new CA of proxies is in force',
    );
    await load.end();
    expect(load.lost).toEqual([]);
    expect(staying.map(({ isOpen }) => isOpen)).toEqual([true, true]);
  });

  test('the secret changes: requests that came with the removed one end', async () => {
    const directory = temporaryDirectory();
    const paths = { ca: 'ca.pem', crl: 'crl.pem', old: 'old', next: 'next' };
    const file = (name: keyof typeof paths): string => join(directory, paths[name]);
    const secrets = { old: 'o'.repeat(32), next: 'n'.repeat(32), last: 'l'.repeat(32) };
    writeFileSync(file('ca'), root.pem);
    writeFileSync(file('crl'), root.crl({ number: 1 }).pem);
    for (const name of ['old', 'next'] as const) writeFileSync(file(name), secrets[name]);
    const from = { secret: [{ path: file('old') }, { path: file('next') }] };
    const options = { ca: file('ca'), crl: file('crl'), logger: silent };
    const server = await createServer({ ...options, proxies: { from, header: 'nginx' } }, app);
    server.on('upgrade', upgrade);
    const backend = { port: await listen(server) };
    let current = secrets.old;
    const load = new Load();
    load.ask(pairOf(backend), () => ['Mtls-Proxy-Secret', current]);
    await load.goesOn();
    const withSecret = (secret: string): string[] => [...headersOf(client1), 'Mtls-Proxy-Secret', secret];
    const ofOld = await openBoth(pairOf(backend), withSecret(secrets.old));
    const ofNext = await openBoth(pairOf(backend), withSecret(secrets.next));
    // The proxies send the new one first, and then the old one is replaced.
    current = secrets.next;
    await load.goesOn();
    await endedBy(() => {
      publish(file('old'), secrets.last);
    }, ofOld);
    await load.goesOn();
    expect((await new TestProxy(backend).get('/', withSecret(secrets.old))).status).toBe(403);
    current = secrets.last;
    await load.goesOn();
    await load.end();
    expect(load.lost).toEqual([]);
    expect(ofNext.map(({ isOpen }) => isOpen)).toEqual([true, true]);
  });
});
