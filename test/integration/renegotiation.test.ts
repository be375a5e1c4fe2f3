import { spawn } from 'node:child_process';
import { once } from 'node:events';
import tls from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { type ClientIdentity, identify } from 'express-mtls';
import { ca } from '../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { type TestServer, publish, startServer, until } from '../support/server.js';
import { testWithOpenssl } from '../unit/dev-ca/openssl.js';

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
