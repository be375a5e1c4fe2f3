import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { type ClientIdentity, createServer, createServerOptions, identify, protect } from 'express-mtls';
import { type Certificate, ca, selfSigned } from '../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import {
  RenegotiatingClient,
  type RenegotiatingClientOptions,
  testWithCompiler,
} from '../support/renegotiating-client.js';
import {
  type Material,
  type TestServer,
  listen,
  material,
  publish,
  startServer,
  until,
} from '../support/server.js';
import { testWithOpenssl } from '../support/openssl.js';

const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

describe.each([
  { when: 'with the first context', reload: false },
  { when: 'with a context that a reload has put into force', reload: true },
])('renegotiation over TLS 1.2 is refused $when', ({ reload }) => {
  const root = ca('ca');
  const client1 = root.client('client1');

  async function start(): Promise<{ server: TestServer; seen: (ClientIdentity | undefined)[] }> {
    const seen: (ClientIdentity | undefined)[] = [];
    const server = await startServer({
      root,
      options: { watch: false },
      app: (req, res) => {
        seen.push(identify(req));
        res.end(`served ${req.url ?? ''}`);
      },
    });
    if (reload) {
      publish(server.files.crl, root.crl({ number: 2 }).pem);
      expect(await server.mtls.reload()).toMatchObject({ changed: true });
    }
    return { server, seen };
  }

  testWithOpenssl('to openssl s_client, and the identity stays what it was', async () => {
    const { server, seen } = await start();
    const files = writeMaterial(temporaryDirectory(), {
      crt: client1.pem,
      key: client1.keyPem,
      ca: root.pem,
    });
    const openssl = spawn('openssl', [
      's_client',
      ...['-connect', `127.0.0.1:${server.port}`, '-tls1_2', '-CAfile', files.ca],
      ...['-cert', files.crt, '-key', files.key],
    ]);
    let output = '';
    for (const stream of [openssl.stdout, openssl.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => (output += part));
    openssl.stdin.on('error', () => {});
    const exited = once(openssl, 'exit');
    try {
      await until(() => output.includes('Verify return code: 0 (ok)'), 's_client is connected');
      openssl.stdin.write(request('/before'));
      await until(() => output.includes('served /before'), 'the first request is served');
      openssl.stdin.write('R\n');
      await until(() => output.includes('RENEGOTIATING'), 's_client has asked for it');
      await until(() => output.includes('no renegotiation'), 'the server has declined');
      openssl.stdin.write(request('/after'));
      openssl.stdin.end();
      await exited;
    } finally {
      openssl.kill();
    }
    expect(seen[0]?.commonName).toBe('client1');
    expect(new Set(seen).size).toBe(1);
  });

  test('to node:tls, and the identity stays what it was', async () => {
    const { server, seen } = await start();
    const socket = tls.connect({
      host: '127.0.0.1',
      servername: 'localhost',
      port: server.port,
      ca: root.pem,
      cert: client1.pem,
      key: client1.keyPem,
      maxVersion: 'TLSv1.2',
    });
    socket.on('error', () => {});
    socket.write(request('/before'));
    await once(socket, 'data');
    const outcome = await new Promise<string>((resolve) => {
      socket.once('close', () => {
        resolve('closed');
      });
      socket.renegotiate({}, (error) => {
        resolve(error === null ? 'renegotiated' : 'declined');
      });
    });
    expect(outcome).not.toBe('renegotiated');
    expect(seen.map((identity) => identity?.commonName)).toEqual(['client1']);
    socket.destroy();
  });
});

/** One request, as a handler saw it. */
interface Call {
  readonly url: string | undefined;
  readonly identity: ClientIdentity | undefined;
  readonly presented: string | undefined;
  readonly authorized: boolean;
}

/** Handles every request at once, but `/late` not before it is released. */
class Handler {
  readonly calls: Call[] = [];
  readonly reached: (string | undefined)[] = [];
  release!: () => void;
  readonly #released = new Promise<void>((resolve) => (this.release = resolve));
  #socket: tls.TLSSocket | undefined;

  readonly listener: RequestListener = (req, res) => {
    this.reached.push(req.url);
    this.#socket = req.socket as tls.TLSSocket;
    const waited = req.url === '/late' ? this.#released : Promise.resolve();
    void waited.then(() => {
      const { presented, authorized } = this;
      this.calls.push({ url: req.url, identity: identify(req), presented, authorized });
      res.end(`served ${req.url}`);
    });
  };

  /** Whose certificate node:tls names now. */
  get presented(): string | undefined {
    return this.#socket?.getPeerCertificate().subject.CN as string | undefined;
  }

  /** Whether node:tls calls that client authorized. */
  get authorized(): boolean {
    return this.#socket?.authorized ?? false;
  }

  /** To whom node:tls ascribes which request. */
  get seen(): string[] {
    return this.calls.map(({ url, presented, authorized }) => `${url} of ${presented}, ${authorized}`);
  }
}

interface Kind {
  readonly kind: string;
  /** Which context is asked for. @defaultValue the first */
  readonly servername?: string;
  /** Starts the server, and answers what puts its files into force once more. */
  start(
    files: Material,
    listener: RequestListener,
  ): Promise<{ port: number; reload: () => Promise<unknown> }>;
}

const carelessOptions = ({ files }: Material): https.ServerOptions => ({
  key: readFileSync(files.key),
  cert: readFileSync(files.cert),
  ca: readFileSync(files.ca),
  requestCert: true,
});

const kinds: readonly Kind[] = [
  {
    kind: 'createServer()',
    start: async ({ options }, listener) => {
      const server = await createServer({ ...options, watch: false }, listener);
      return { port: await listen(server), reload: () => server.mtls.reload() };
    },
  },
  {
    kind: 'createServer(), in a context put in with addContext()',
    servername: 'other.example',
    start: async (files, listener) => {
      const server = await createServer({ ...files.options, watch: false }, listener);
      server.addContext('other.example', carelessOptions(files));
      return { port: await listen(server), reload: () => server.mtls.reload() };
    },
  },
  {
    kind: 'https.createServer() with createServerOptions()',
    start: async ({ options }, listener) => {
      const server = https.createServer(await createServerOptions(options), listener);
      const reload = async (): Promise<void> => {
        server.setSecureContext(await createServerOptions(options));
      };
      return { port: await listen(server), reload };
    },
  },
  ...[true, false].map((rejectUnauthorized) => ({
    kind: `protect() on a server with rejectUnauthorized: ${rejectUnauthorized}`,
    start: async (files: Material, listener: RequestListener) => {
      const server = https.createServer({ ...carelessOptions(files), rejectUnauthorized }, listener);
      const mtls = await protect(server, { ...files.options, watch: false });
      return { port: await listen(server), reload: () => mtls.reload() };
    },
  })),
];

describe('a client that renegotiates with a certificate that says CN=admin', () => {
  const root = ca('ca');
  const client1 = root.client('client1');
  const admin = selfSigned('admin');

  const clientOf = (
    port: number,
    { servername = 'localhost', other = admin } = {},
  ): RenegotiatingClientOptions => ({
    port,
    servername,
    ca: root.pem,
    certificate: client1,
    other,
  });

  function expectOneIdentity({ calls }: Handler): void {
    expect(calls[0]?.identity).toMatchObject({ commonName: 'client1' });
    expect(new Set(calls.map(({ identity }) => identity)).size).toBe(1);
  }

  describe.each(kinds)('of $kind', ({ start, servername }) => {
    describe.each([
      { when: 'with the first context', isReloaded: false },
      { when: 'with a context that a reload has put into force', isReloaded: true },
    ])('$when', ({ isReloaded }) => {
      async function connect(handler: Handler): Promise<RenegotiatingClient> {
        const files = material({ root });
        const { port, reload } = await start(files, handler.listener);
        if (isReloaded) {
          publish(files.files.crl, root.crl({ number: 2 }).pem);
          await reload();
        }
        return await RenegotiatingClient.connect(clientOf(port, { servername }));
      }

      testWithCompiler('is declined, and served on as who it is', async () => {
        const handler = new Handler();
        const client = await connect(handler);
        expect(await client.tell('request /before')).toBe('answered');
        expect(await client.tell('renegotiate')).toBe('declined');
        expect(await client.tell('request /after')).toBe('answered');
        expect(handler.seen).toEqual(['/before of client1, true', '/after of client1, true']);
        expectOneIdentity(handler);
      });

      testWithCompiler('is declined before its first request too', async () => {
        const handler = new Handler();
        const client = await connect(handler);
        expect(await client.tell('renegotiate')).toBe('declined');
        expect(await client.tell('request /first')).toBe('answered');
        expect(handler.seen).toEqual(['/first of client1, true']);
        expectOneIdentity(handler);
      });

      testWithCompiler('gets no further than asking while requests are under way', async () => {
        const handler = new Handler();
        const client = await connect(handler);
        await client.tell('request /before');
        await client.tell('send /late');
        await until(() => handler.reached.includes('/late'), 'the handler waits');
        expect(await client.tell('stall')).toBe('declined');
        await client.tell('send /meanwhile');
        await until(() => handler.reached.includes('/meanwhile'), 'the next request has come');
        handler.release();
        await until(() => handler.calls.length === 3, 'all are answered');
        expect(handler.seen).toEqual([
          '/before of client1, true',
          '/meanwhile of client1, true',
          '/late of client1, true',
        ]);
        expectOneIdentity(handler);
      });
    });
  });

  testWithCompiler(
    'changes no identity where it succeeds: on a connection that was accepted while protect() was still reading',
    async () => {
      const handler = new Handler();
      const files = material({ root });
      const server = https.createServer(
        { ...carelessOptions(files), rejectUnauthorized: false },
        handler.listener,
      );
      let publishCrl!: (crls: Buffer[]) => void;
      const crls = new Promise<Buffer[]>((resolve) => (publishCrl = resolve));
      const protecting = protect(server, { ...files.options, crl: { load: () => crls } });
      const accepted = once(server, 'connection');
      const client = await RenegotiatingClient.dial(clientOf(await listen(server)));
      await accepted;
      publishCrl([root.crl().der]);
      await protecting;
      expect(await client.tell('handshake')).toBe('connected');
      expect(await client.tell('request /before')).toBe('answered');
      expect(await client.tell('renegotiate')).toBe('renegotiated');
      expect(await client.tell('request /after')).toBe('answered');
      expect(handler.seen).toEqual(['/before of client1, true', '/after of admin, true']);
      expectOneIdentity(handler);
    },
  );

  // With rejectUnauthorized, node:tls looks again at the end of a renegotiation: at the new certificate alone.
  describe.each([
    { rejectUnauthorized: false, whose: 'signed by itself', finishing: admin },
    { rejectUnauthorized: true, whose: 'of the same CA', finishing: root.client('admin') },
  ])(
    'of a plain server with rejectUnauthorized: $rejectUnauthorized, $whose',
    ({ rejectUnauthorized, finishing }) => {
      async function connect({ listener }: Handler, other: Certificate): Promise<RenegotiatingClient> {
        const options = { ...carelessOptions(material({ root })), rejectUnauthorized };
        const port = await listen(https.createServer(options, listener));
        return await RenegotiatingClient.connect(clientOf(port, { other }));
      }

      testWithCompiler('is an authorized admin, or else the tests above would prove nothing', async () => {
        const handler = new Handler();
        const client = await connect(handler, finishing);
        expect(await client.tell('request /before')).toBe('answered');
        expect(await client.tell('renegotiate')).toBe('renegotiated');
        expect(await client.tell('request /after')).toBe('answered');
        expect(handler.seen).toEqual(['/before of client1, true', '/after of admin, true']);
      });

      testWithCompiler('is an authorized admin to a handler that looks late, where it stalls', async () => {
        const handler = new Handler();
        const client = await connect(handler, admin);
        await client.tell('request /before');
        await client.tell('send /late');
        await until(() => handler.reached.includes('/late'), 'the handler waits');
        expect(await client.tell('stall')).toBe('stalled');
        await until(() => handler.presented === 'admin', 'the server has read the other certificate');
        handler.release();
        await until(() => handler.calls.length === 2, 'both are answered');
        expect(handler.seen).toEqual(['/before of client1, true', '/late of admin, true']);
      });
    },
  );
});
