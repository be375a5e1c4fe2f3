/**
 * What someone who can send requests tries against `proxies`: to get another identity, to show a handler a header that
 * was not judged, to stay after a revocation, to end the process.
 *
 * @module
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import {
  createServer as createHttpServer,
  IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type Http2ServerRequest,
} from 'node:http2';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { createServer, identify, type Mtls, protect, type ProxiedOptions, requestLog } from 'express-mtls';
import { ca, type Certificate } from '../support/chain.js';
import { temporaryDirectory } from '../support/files.js';
import { byteSequence, escaped, headOf, TestProxy } from '../support/proxied.js';
import {
  Clock,
  listen,
  type LogLine,
  nodeShowsIntermediates,
  pause,
  publish,
  Recorder,
  silent,
  startServer,
  until,
} from '../support/server.js';
import { takeWarnings } from '../support/warnings.js';
import { aSecond, ownTime } from '../support/elapsed.js';

const root = ca('ca');
const client1 = root.client('client1');
const client2 = root.client('client2');
const byAddress = { from: { addresses: ['127.0.0.1'] }, header: 'nginx' } as const;
const headerOf = (client: Certificate): string => `X-SSL-Client-Cert: ${escaped(client)}\r\n`;

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Started {
  readonly server: Awaited<ReturnType<typeof createServer>>;
  readonly mtls: Mtls;
  readonly port: number;
  readonly crl: string;
}

async function start(listener: RequestListener, options: Partial<ProxiedOptions> = {}): Promise<Started> {
  const directory = temporaryDirectory();
  const files = { ca: join(directory, 'ca.pem'), crl: join(directory, 'crl.pem') };
  writeFileSync(files.ca, root.pem);
  writeFileSync(files.crl, root.crl({ number: 1 }).pem);
  const server = await createServer({ ...files, logger: silent, proxies: byAddress, ...options }, listener);
  return { server, mtls: server.mtls, port: await listen(server), crl: files.crl };
}

async function revoke({ crl, mtls }: Started, client: Certificate): Promise<void> {
  publish(crl, root.crl({ number: 2, revoked: [{ serial: client.serial }] }).pem);
  await mtls.reload();
}

/** A connection of a proxy, byte by byte, and all that came back over it. */
class RawProxy {
  readonly socket: Socket;
  text = '';

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.socket.setEncoding('latin1').on('data', (part: string) => (this.text += part));
    closers.push(() => this.socket.destroy());
  }

  /** Sends the head of a request. */
  send(line: string, headers: string, body = ''): this {
    this.socket.write(`${line} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n${body}`);
    return this;
  }

  /** Waits for text in what came back. */
  async seen(text: string): Promise<string> {
    await until(() => this.text.includes(text) || this.socket.destroyed, `${text} comes`);
    expect(this.text).toContain(text);
    return this.text;
  }
}

const nameOf = (req: IncomingMessage): string => identify(req)?.commonName ?? 'nobody';

describe('a handler does not see', () => {
  test('a certificate header with an underscore for one of its dashes', async () => {
    const { port } = await start((req, res) => {
      const { headers, headersDistinct, rawHeaders } = req;
      res.end(JSON.stringify({ headers, headersDistinct, rawHeaders }));
    });
    const names = ['Client_Cert-Chain', 'Client-Cert_Chain', 'X_SSL-Client-Cert', 'MTLS_Proxy-Secret'];
    const others = names.flatMap((name) => [name, 'forged']);
    const { body } = await new TestProxy({ port }).get('/', [
      'X-SSL-Client-Cert',
      escaped(client1),
      ...others,
    ]);
    expect(body).toContain('localhost');
    expect(body).not.toContain('forged');
  });

  test('a certificate in a trailer, however it reads the request', async () => {
    const { port } = await start((req, res) => {
      // Without a listener: nothing of the body is read when the trailers have come.
      setTimeout(() => {
        const { complete, rawTrailers, trailers, trailersDistinct } = req;
        res.end(JSON.stringify({ complete, rawTrailers, trailers, trailersDistinct }));
      }, 100);
    });
    const proxy = new RawProxy(port);
    const trailers = 'X-SSL-Client-Cert: forged\r\nclient_cert: forged\r\nX-Other: stays\r\n__proto__: 1\r\n';
    proxy.send(
      'POST /',
      `${headerOf(client1)}Transfer-Encoding: chunked\r\n`,
      `1\r\na\r\n0\r\n${trailers}\r\n`,
    );
    const text = await proxy.seen('trailersDistinct');
    expect(text).toContain('"complete":true');
    expect(text).toContain('stays');
    expect(text).not.toContain('forged');
  });

  test('a certificate in a trailer of HTTP/2', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'ca.pem'), root.pem);
    const seen: unknown[] = [];
    const server = createHttp2Server();
    const mtls = await protect(server, {
      ca: join(directory, 'ca.pem'),
      crl: root.crl({ number: 1 }).der,
      logger: silent,
      proxies: byAddress,
    });
    closers.push(() => void mtls.close());
    server.on('stream', (stream) => {
      stream.on('trailers', (...given: unknown[]) => seen.push(...given));
    });
    server.on('request', (req, res) => {
      req.resume().once('end', () => {
        const { trailers, rawTrailers } = req;
        res.end(JSON.stringify({ trailers, rawTrailers, name: identify(req)?.commonName }));
      });
    });
    const session = connectHttp2(`http://127.0.0.1:${await listen(server)}`);
    closers.push(() => {
      session.destroy();
    });
    const request = session.request(
      { ':method': 'POST', 'x-ssl-client-cert': escaped(client1) },
      { waitForTrailers: true },
    );
    request.once('wantTrailers', () => {
      request.sendTrailers({ 'x-ssl-client-cert': 'forged', client_cert: 'forged', 'x-other': 'stays' });
    });
    request.end('body');
    const { stream } = await headOf(request);
    const [body] = (await once(stream.setEncoding('utf8'), 'data')) as [string];
    expect(body).toContain('"name":"client1"');
    expect(body).toContain('stays');
    expect(body).not.toContain('forged');
    expect(JSON.stringify(seen)).not.toContain('forged');
  });
});

describe('a request is not taken for that of another client', () => {
  test('where a second line of the header hides behind more headers than Node keeps', async () => {
    const { port } = await start((req, res) => res.end(`handled for ${nameOf(req)}`));
    const padding = Array.from({ length: 1500 }, () => 'a:\r\n').join('');
    const proxy = new RawProxy(port);
    proxy.send('GET /', headerOf(client1) + padding + headerOf(client2));
    expect(await proxy.seen('HTTP/1.1')).not.toContain('handled for');
  });

  test('where an upgrade of that client follows on the connection before it is answered', async () => {
    const requests: { req: IncomingMessage; res: ServerResponse }[] = [];
    const { server, port } = await start((req, res) => requests.push({ req, res }));
    let upgraded: IncomingMessage | undefined;
    server.on('upgrade', (req: IncomingMessage) => (upgraded = req));
    const proxy = new RawProxy(port);
    proxy.send('GET /first', headerOf(client1));
    await until(() => requests.length === 1, 'the first request comes');
    proxy.send('GET /second', `${headerOf(client2)}Connection: Upgrade\r\nUpgrade: echo\r\n`);
    await until(() => upgraded !== undefined, 'the upgrade comes');
    expect(requests.map(({ req }) => nameOf(req))).toEqual(['client1']);
    expect(upgraded && nameOf(upgraded)).toBe('client2');
  });

  test('where a listener of checkContinue passes it on', async () => {
    const { server, port } = await start((req, res) => res.end(`handled for ${nameOf(req)}`), {
      clients: 'optional',
    });
    server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
      res.writeContinue();
      server.emit('request', req, res);
    });
    const proxy = new RawProxy(port);
    proxy.send('POST /', `${headerOf(client1)}Content-Length: 1\r\nExpect: 100-continue\r\n`, 'a');
    expect(await proxy.seen('handled for')).toContain('handled for client1');
  });

  test('where the proxy has a secret, and a certificate with an intermediate CA', async () => {
    if (!(await nodeShowsIntermediates())) return;
    const from = { secret: Buffer.alloc(32, 's') };
    const server = await startServer({
      root,
      app: (req, res) => res.end(nameOf(req)),
      options: { proxies: { from, header: 'nginx', direct: 'admit' } },
      crl: null,
    });
    const certificate = root.intermediate('middle').client('proxy');
    const proxy = new TestProxy({ port: server.port, ca: root.pem, certificate });
    const secret = ['Mtls-Proxy-Secret', 's'.repeat(32)];
    const { body } = await proxy.get('/', [...secret, 'X-SSL-Client-Cert', escaped(client1)]);
    expect(body).toBe('client1');
  });
});

describe('a request of one client brings none of another', () => {
  const handled = async (given: string, options: Partial<ProxiedOptions> = {}): Promise<string[]> => {
    const names: string[] = [];
    const { server, port } = await start((req, res) => {
      names.push(`${nameOf(req)} ${req.url}`);
      req.resume().once('end', () => res.end('answered'));
    }, options);
    server.on('upgrade', (req: IncomingMessage, socket: Socket) => {
      names.push(`${nameOf(req)} upgrades ${req.url}`);
      socket.destroy();
    });
    server.on('connect', (req: IncomingMessage, socket: Socket) => {
      names.push(`${nameOf(req)} connects to ${req.url}`);
      socket.destroy();
    });
    const { socket } = new RawProxy(port);
    socket.end(given.replaceAll('\n', '\r\n'));
    await until(() => socket.destroyed, 'the connection is closed');
    return names;
  };
  const [one, two] = [client1, client2].map((client) => `X-SSL-Client-Cert: ${escaped(client)}\n`);
  const hidden = `GET /hidden HTTP/1.1\nHost: localhost\n${two}\n`;
  const length = `Content-Length: ${hidden.replaceAll('\n', '\r\n').length}\n`;

  test.each<[string, string, string[]]>([
    ['in its body', `POST / HTTP/1.1\nHost: localhost\n${one}${length}\n${hidden}`, ['client1 /']],
    [
      'in the body of an upgrade',
      `POST / HTTP/1.1\nHost: localhost\n${one}Connection: Upgrade\nUpgrade: echo\n${length}\n${hidden}`,
      ['client1 upgrades /'],
    ],
    [
      'behind CONNECT',
      `CONNECT inner:443 HTTP/1.1\nHost: inner:443\n${one}\n${hidden}`,
      ['client1 connects to inner:443'],
    ],
    [
      'between two lengths',
      `POST / HTTP/1.1\nHost: localhost\n${one}${length}Content-Length: 0\n\n${hidden}`,
      [],
    ],
    [
      'between a length and chunks',
      `POST / HTTP/1.1\nHost: localhost\n${one}${length}Transfer-Encoding: chunked\n\n0\n\n${hidden}`,
      [],
    ],
    ['in a folded header line', `GET / HTTP/1.1\nHost: localhost\nX-Other: a\n ${two}${one}\n`, []],
    ['behind a space in a name', `GET / HTTP/1.1\nHost: localhost\n${one}X-SSL-Client-Cert : a\n\n`, []],
    [
      'by its URL in absolute form',
      `GET http://client2:2@localhost/ HTTP/1.1\nHost: localhost\n${one}Connection: close\n\n`,
      ['client1 http://client2:2@localhost/'],
    ],
    [
      'by names in Connection',
      `GET / HTTP/1.1\nHost: localhost\n${one}Connection: close, X-SSL-Client-Cert, Mtls-Proxy-Secret\n\n`,
      ['client1 /'],
    ],
    [
      'while it waits to continue',
      `POST / HTTP/1.1\nHost: localhost\n${one}Expect: 100-continue\n${length}\n${hidden}`,
      ['client1 /'],
    ],
  ])('%s', async (_, given, names) => {
    expect(await handled(given)).toEqual(names);
  });

  test('and its own follow one another, each with its own certificate', async () => {
    const get = (path: string, line = ''): string => `GET ${path} HTTP/1.1\nHost: localhost\n${line}\n`;
    const requests = [get('/1', one), get('/2', two), get('/3'), get('/4', one)].join('');
    expect(await handled(requests, { clients: 'optional' })).toEqual([
      ...['client1 /1', 'client2 /2', 'nobody /3', 'client1 /4'],
    ]);
  });
});

test('a revocation ends hundreds of streams of its client within a second, and none of another', async () => {
  const directory = temporaryDirectory();
  const crl = join(directory, 'crl.pem');
  writeFileSync(crl, root.crl({ number: 1 }).pem);
  const server = createHttp2Server((_req, res) => res.write('a part'));
  const options = { ca: root.pem, crl, logger: silent };
  const mtls = await protect(server, { ...options, proxies: byAddress });
  closers.push(() => void mtls.close());
  const session = connectHttp2(`http://127.0.0.1:${await listen(server)}`);
  closers.push(() => {
    session.destroy();
  });
  const open = async (client: Certificate): ReturnType<typeof headOf> => {
    const held = await headOf(session.request({ 'x-ssl-client-cert': escaped(client) }));
    held.stream.resume();
    return held;
  };
  const some = Array.from({ length: 300 }, () => undefined);
  const mine = await Promise.all(some.map(async () => await open(client1)));
  const others = await Promise.all(some.map(async () => await open(client2)));
  publish(crl, root.crl({ number: 2, revoked: [{ serial: client1.serial }] }).pem);
  const published = ownTime();
  await until(() => mine.every(({ stream }) => stream.closed), 'all of them are closed');
  expect(ownTime() - published).toBeLessThan(aSecond);
  expect(others.filter(({ stream }) => stream.closed)).toEqual([]);
  expect([...mtls.connections]).toHaveLength(300);
});

describe('before the sources are read', () => {
  test('no request reaches a handler, one without a certificate neither', async () => {
    let handled = 0;
    const server = createHttpServer((_req, res) => {
      handled++;
      res.end();
    });
    const options = { ca: '/nowhere/ca.pem', clients: 'optional', logger: silent } as const;
    await expect(protect(server, { ...options, proxies: byAddress })).rejects.toThrow('/nowhere/ca.pem');
    const { status } = await new TestProxy({ port: await listen(server) }).get('/');
    expect({ status, handled }).toEqual({ status: 401, handled: 0 });
  });
});

describe('after a revocation', () => {
  test('an upload goes no further, and does not seem to be whole, though it was answered before', async () => {
    const events: string[] = [];
    let body = '';
    const started = await start((req, res) => {
      req.on('data', (part: Buffer) => (body += part.toString()));
      for (const name of ['end', 'close']) req.on(name, () => events.push(name));
      res.end('answered');
    });
    const proxy = new RawProxy(started.port);
    proxy.send('POST /', `${headerOf(client1)}Content-Length: 10\r\n`, 'abcde');
    await proxy.seen('answered');
    await until(() => body === 'abcde', 'the first half is read');
    await pause(20);
    await revoke(started, client1);
    proxy.socket.write('fghij');
    await until(() => proxy.socket.destroyed, 'the connection is closed');
    expect(body).toBe('abcde');
    await until(() => events.includes('close'), 'the request is closed');
    expect(events).not.toContain('end');
  });

  test.each<[string, (req: Http2ServerRequest, seen: string[], mayGoOn: Promise<void>) => void]>([
    [
      'that is read slowly',
      (req, seen, mayGoOn) => {
        const read = async (): Promise<void> => {
          for await (const part of req) {
            seen.push(String(part));
            await mayGoOn;
          }
        };
        read().then(
          () => seen.push('whole'),
          () => seen.push('cut off'),
        );
      },
    ],
    [
      'that is read as it comes',
      (req, seen) => {
        req.on('data', (part) => seen.push(String(part)));
        req.on('end', () => seen.push('whole'));
        req.on('close', () => seen.push('cut off'));
      },
    ],
  ])(
    'an upload over HTTP/2 %s does not seem to be whole, although node:http2 ends it',
    async (_what, read) => {
      const seen: string[] = [];
      let goOn: () => void = () => undefined;
      const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
      const server = createHttp2Server((req) => {
        read(req, seen, mayGoOn);
      });
      const crl = join(temporaryDirectory(), 'crl.pem');
      writeFileSync(crl, root.crl({ number: 1 }).pem);
      const mtls = await protect(server, { ca: root.pem, crl, logger: silent, proxies: byAddress });
      closers.push(() => void mtls.close());
      const session = connectHttp2(`http://127.0.0.1:${await listen(server)}`);
      closers.push(() => {
        session.destroy();
      });
      const stream = session.request({ ':method': 'POST', 'x-ssl-client-cert': escaped(client1) });
      stream.on('error', () => {});
      stream.write('first');
      await until(() => seen.includes('first'), 'the first part is read');
      stream.write('second');
      await pause(50);
      publish(crl, root.crl({ number: 2, revoked: [{ serial: client1.serial }] }).pem);
      await mtls.reload();
      await until(() => stream.closed, 'the stream is closed');
      goOn();
      await until(() => seen.some((what) => what === 'whole' || what === 'cut off'), 'the handler is told');
      expect(seen).not.toContain('whole');
    },
  );

  test('a response that ends between the slices of the evictions leaves its connection to others', async () => {
    const held = new Map<string, ServerResponse>();
    const started = await start((req, res) => {
      if (req.url === '/other') res.end('answered other');
      else held.set(req.url ?? '', res);
    });
    const proxies = Array.from({ length: 30 }, () => new RawProxy(started.port));
    for (const [index, proxy] of proxies.entries()) {
      proxy.send(`GET /${index}`, headerOf(client1));
      await until(() => held.size === index + 1, 'it has come');
    }
    // The first slice closes eight of them.
    held.get('/0')?.req.socket.once('close', () => held.get('/29')?.end('just in time'));
    await revoke(started, client1);
    const last = proxies.at(-1) as RawProxy;
    await last.seen('just in time');
    expect(last.socket.destroyed).toBe(false);
    last.send('GET /other', headerOf(client2));
    await last.seen('answered other');
  });

  test('an answered request whose rest was not read is not kept', async () => {
    const { mtls, port } = await start((req, res) => {
      req.once('data', () => {
        req.pause();
        // By then the whole body has arrived.
        setTimeout(() => res.end('answered'), 20);
      });
    });
    const proxy = new RawProxy(port);
    const body = '5\r\nabcde\r\n5\r\nfghij\r\n0\r\n\r\n';
    proxy.send('POST /', `${headerOf(client1)}Transfer-Encoding: chunked\r\n`, body);
    await proxy.seen('answered');
    await until(() => [...mtls.connections].length === 0, 'it is not kept', 2000);
    expect(proxy.socket.destroyed).toBe(false);
  });

  test("no listener for 'dropRequest' sees the headers of a proxy", async () => {
    const { server, port } = await start((_req, res) => res.end('answered'));
    server.maxRequestsPerSocket = 1;
    const dropped: IncomingMessage[] = [];
    server.on('dropRequest', (req) => dropped.push(req));
    const proxy = new RawProxy(port);
    proxy.send('GET /', headerOf(client1));
    proxy.send('GET /', headerOf(client1));
    await proxy.seen('503');
    expect(dropped).toEqual([]);
  });

  test('requests of a connection that ended while they waited are no longer kept', async () => {
    let handled = 0;
    const { mtls, port } = await start(() => handled++);
    const proxy = new RawProxy(port);
    for (let count = 0; count < 5; count++) proxy.send('GET /', headerOf(client1));
    await until(() => handled === 5, 'all have come');
    expect([...mtls.connections]).toHaveLength(5);
    proxy.socket.destroy();
    await until(() => [...mtls.connections].length === 0, 'none is kept', 2000);
  });
});

describe('the process', () => {
  test('does not end when a header is called __proto__, at which some releases of Node throw', async () => {
    class Message extends IncomingMessage {
      constructor(socket: Socket) {
        super(socket);
        let isAsked = false;
        const get = (): unknown => {
          if (isAsked) return Reflect.get(IncomingMessage.prototype, 'headersDistinct', this);
          isAsked = true;
          Reflect.get(IncomingMessage.prototype, 'headersDistinct', this);
          throw new TypeError('dest[field].push is not a function');
        };
        Object.defineProperty(this, 'headersDistinct', { get, configurable: true });
      }
    }
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'ca.pem'), root.pem);
    const server = createHttpServer({ IncomingMessage: Message }, (req, res) => {
      res.end(JSON.stringify([req.headers, req.headersDistinct]));
    });
    const options = { ca: join(directory, 'ca.pem'), crl: root.crl({ number: 1 }).der, logger: silent };
    const mtls = await protect(server, { ...options, proxies: byAddress });
    closers.push(() => void mtls.close());
    const proxy = new RawProxy(await listen(server));
    proxy.send('GET /', `${headerOf(client1)}__proto__: 1\r\nConnection: close\r\n`);
    expect(await proxy.seen('localhost')).not.toContain('CERTIFICATE');
  });

  test('does not judge without an end when the clock is set, and a proxy is connected', async () => {
    const clock = new Clock();
    let asked = 0;
    const now = (): number => {
      asked++;
      return clock.now();
    };
    const { port } = await start((_req, res) => res.end('answered'), { now });
    const proxy = new RawProxy(port);
    proxy.send('GET /', headerOf(client1));
    await proxy.seen('answered');
    clock.advance(60_000);
    await pause(800);
    asked = 0;
    await pause(200);
    expect(asked).toBeLessThan(20);
  });
});

describe('a stranger', () => {
  test('does not get signatures verified without an end by a chain of certificates that it made itself', async () => {
    const { port } = await start((_req, res) => res.end(), { proxies: { ...byAddress, header: 'rfc9440' } });
    const above = [ca('nobody').intermediate('1')];
    while (above.length < 8)
      above.unshift((above[0] as (typeof above)[0]).intermediate(`${above.length + 1}`));
    const leaf = (above[0] as (typeof above)[0]).client('client1');
    const headers = [
      'Client-Cert',
      byteSequence(leaf),
      'Client-Cert-Chain',
      above.map(byteSequence).join(', '),
    ];
    const proxy = new TestProxy({ port });
    const reasons = new Set<unknown>();
    // The budget refills over time, and a slow machine would not use it up.
    const stopped = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
    closers.push(() => {
      stopped.mockRestore();
    });
    for (let count = 0; count < 150 && !reasons.has('overloaded'); count++) {
      const { body } = await proxy.get('/', headers);
      reasons.add((JSON.parse(body) as { reason: unknown }).reason);
    }
    expect([...reasons]).toEqual(['untrusted', 'overloaded']);
  });
});

describe('each start warns', () => {
  const events = ['proxies-by-address', 'secret-in-clear'];
  const linesOf = async (
    proxies: ProxiedOptions['proxies'],
    host: string,
    logged = true,
  ): Promise<readonly LogLine[]> => {
    const recorder = new Recorder();
    const logger = logged ? recorder.logger : undefined;
    const options = { ca: root.der, crl: root.crl({ number: 1 }).der, logger };
    const server = await createServer({ ...options, proxies });
    closers.push(() => server.close());
    await once(server.listen(0, host), 'listening');
    return events.flatMap((event) => recorder.linesOf(event));
  };
  const bySecret = { from: { secret: Buffer.alloc(32, 's') }, header: 'nginx' } as const;

  test('of proxies that are known by their address', async () => {
    const from = { addresses: ['127.0.0.1', '10.0.0.0/8'] };
    const lines = await linesOf({ from, header: 'nginx' }, '127.0.0.1');
    expect(lines).toMatchObject([
      { level: 'warn', fields: { event: 'proxies-by-address', addressCount: 2 } },
    ]);
    expect(lines[0]?.fields['addresses']).toEqual(expect.arrayContaining(['127.0.0.1/32', '10.0.0.0/8']));
  });

  test('of a secret that is sent without TLS', async () => {
    const lines = await linesOf(bySecret, '0.0.0.0');
    expect(lines).toMatchObject([{ level: 'warn', fields: { event: 'secret-in-clear' } }]);
    expect(JSON.stringify(lines)).not.toContain('sssss');
    expect(await linesOf(bySecret, '127.0.0.1')).toEqual([]);
  });

  test('of both where there is no logger, as warnings of the process', async () => {
    await linesOf(bySecret, '0.0.0.0', false);
    expect(takeWarnings()).toEqual([expect.stringContaining('is sent without TLS')]);
    await linesOf(byAddress, '127.0.0.1', false);
    expect(takeWarnings()).toEqual([expect.stringContaining('every program that can connect from')]);
  });
});

describe('requestLog()', () => {
  test('has the address of the client, as an authenticated proxy says it', async () => {
    const lines: LogLine['fields'][] = [];
    const log = requestLog({ logger: { info: (fields) => void lines.push(fields as LogLine['fields']) } });
    const { port } = await start(
      (req, res) => {
        log(req, res, () => res.end());
      },
      { proxies: { ...byAddress, clientAddress: 'x-forwarded-for' } },
    );
    await new TestProxy({ port }).get('/', [
      ...['X-SSL-Client-Cert', escaped(client1), 'X-Forwarded-For', '192.0.2.1'],
    ]);
    await until(() => lines.length === 1, 'the line is written');
    expect(lines[0]).toMatchObject({ remoteAddress: '192.0.2.1', commonName: 'client1' });
  });
});
