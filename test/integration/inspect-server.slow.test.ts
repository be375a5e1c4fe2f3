/**
 * `express-mtls inspect`, of servers; and whether what it says of a certificate is what a server does.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { sayHello } from '../../src/cli/inspect/tls12-hello.js';
import { ca, purposes, selfSigned, type Certificate, type CertificateOptions } from '../support/chain.js';
import { runCommand } from '../support/command.js';
import { dial } from '../support/dial.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { listen, startServer, until } from '../support/server.js';
import { ownTime } from '../support/elapsed.js';

const root = ca({ commonName: 'root', organization: 'Example' });
const certificate = root.server();
const files = writeMaterial(temporaryDirectory(), {
  ca: root.pem,
  other: ca({ commonName: 'root', organization: 'Example' }).pem,
});

async function serveTls(options: TlsOptions = {}): Promise<string> {
  const server = createTlsServer({ key: certificate.keyPem, cert: certificate.pem, ...options });
  server.on('secureConnection', (socket) => socket.on('error', () => {}));
  return `https://localhost:${await listen(server)}`;
}

const asking: TlsOptions = { ca: [root.pem, ca('second').pem], requestCert: true, rejectUnauthorized: true };

describe('a server', () => {
  test('is described: TLS, the CAs that it requests certificates from, and its chain', async () => {
    const { port } = await startServer({ root });
    const url = `https://localhost:${port}`;
    const { code, out, err } = await runCommand(['inspect', url, '--ca', files.ca]);
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    const [head, first] = out.replaceAll(url, 'URL').split('\n\n');
    expect(head).toBe(
      [
        'URL: server',
        '  TLS          1.3, TLS_AES_256_GCM_SHA384',
        '  Asks for     a client certificate of',
        '                 CN=root,O=Example',
      ].join('\n'),
    );
    expect(first).toMatch(/^URL(, number 1)?: server certificate\n {2}Subject {6}CN=localhost\n/);
    expect(first).toMatch(/\n {2}Would be accepted as localhost by clients\.\n?$/);
  });

  test('is described as JSON', async () => {
    const { out } = await runCommand(['inspect', await serveTls(asking), '--json']);
    const { items } = JSON.parse(out) as { items: unknown[] };
    expect(items.slice(0, 2)).toMatchObject([
      {
        type: 'server',
        protocol: 'TLSv1.3',
        cipher: expect.any(String),
        asksForCertificate: true,
        acceptableAuthorities: ['CN=root,O=Example', 'CN=second'],
      },
      { type: 'certificate', judgedAs: 'a server certificate', refusals: [] },
    ]);
  });

  test.each<[string, TlsOptions, RegExp]>([
    ['that requests no certificate', {}, /^ {2}Asks for {5}no client certificate$/m],
    [
      'of TLS 1.3 alone, whose wishes are encrypted',
      { ...asking, minVersion: 'TLSv1.3' },
      /^ {2}Asks for {5}unknown: it only speaks TLS 1\.3, where the request is encrypted$/m,
    ],
    [
      'of TLS 1.2 alone',
      { ...asking, rejectUnauthorized: false, maxVersion: 'TLSv1.2' },
      /^ {2}TLS {10}1\.2, ECDHE-.*\n {2}Asks for {5}a client certificate of\n {17}CN=root,O=Example\n {17}CN=second$/m,
    ],
    [
      'with an RSA key, of old ciphers',
      { ...rsa(), maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' },
      /^ {2}TLS {10}1\.2, AES128-SHA\n {2}Asks for {5}no client certificate$/m,
    ],
  ])('%s', async (_what, options, expected) => {
    const { code, out } = await runCommand(['inspect', await serveTls(options)]);
    expect(code).toBe(0);
    expect(out).toMatch(expected);
  });

  test.each<[string, string[], number, string | undefined]>([
    ['by a name that it has', [], 0, undefined],
    ['by a name that it has not', ['--servername', 'a.test'], 1, 'other-name'],
    ['and its CA is not the one that was named', ['--ca', files.other], 1, 'untrusted'],
  ])('called %s', async (_what, options, exitCode, reason) => {
    const { code, out } = await runCommand(['inspect', await serveTls(), ...options, '--json']);
    expect(code).toBe(exitCode);
    const { items } = JSON.parse(out) as { items: { refusals?: { reason: string }[] }[] };
    expect(items[1]?.refusals?.[0]?.reason).toBe(reason);
  });

  test('receives the given server name', async () => {
    const asked: string[] = [];
    const url = await serveTls({
      SNICallback: (name, done) => {
        asked.push(name);
        done(null);
      },
    });
    await runCommand(['inspect', url, '--servername', 'a.test']);
    expect(asked).toStrictEqual(['a.test', 'a.test']);
  });

  test('called by its address', async () => {
    const url = (await serveTls()).replace('localhost', '127.0.0.1');
    const { code, out } = await runCommand(['inspect', url]);
    expect(code).toBe(0);
    expect(out).toContain('Would be accepted as 127.0.0.1 by clients that trust its CA.');
  });
});

describe('anything but a TLS server is reported on one line, with exit code 3', () => {
  test('no server listens', async () => {
    const { code, out, err } = await runCommand(['inspect', 'https://127.0.0.1:1']);
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(err).toMatch(
      /^ERR_MTLS_SERVER_UNREACHABLE: \S+:1: no TLS connection could be made \(ECONNREFUSED\); [^\n]*\n$/,
    );
  });

  test('it speaks HTTP', async () => {
    const port = await listen(createHttpServer());
    const { code, err } = await runCommand(['inspect', `https://localhost:${port}`]);
    expect(code).toBe(3);
    expect(err).toMatch(/no TLS connection could be made/);
  });

  test.each([['http://localhost:80'], ['https://'], ['ftp://a.test']])('%s', async (url) => {
    const { code, err } = await runCommand(['inspect', url]);
    expect(code).toBe(3);
    expect(err).toMatch(/this is not the URL of a TLS server; use https:\/\/HOST:PORT/);
  });

  test('it sends nothing: the connection is closed after five seconds', async () => {
    const start = ownTime();
    const port = await listen(createTcpServer((socket) => socket.on('error', () => {})));
    const { code, err } = await runCommand(['inspect', `https://127.0.0.1:${port}`]);
    expect(code).toBe(3);
    expect(err).toMatch(/no answer in 5 s/);
    expect(ownTime() - start).toBeLessThan(9000);
  });

  test('it sends an endless message: the connection is closed after 100 kB', async () => {
    let left = false;
    const port = await listen(
      createTcpServer((socket) => {
        socket.on('error', () => {});
        socket.once('close', () => (left = true));
        // The beginning of a message of 16 MB, in records of 16,000 bytes; seven of them, and no end.
        const record = Buffer.alloc(16_005);
        record.set([22, 3, 3, 0x3e, 0x80]);
        const first = Buffer.from(record);
        first.set([11, 255, 255, 255], 5);
        socket.once('data', () => socket.write(Buffer.concat([first, ...Array<Buffer>(6).fill(record)])));
      }),
    );
    const start = ownTime();
    await expect(sayHello({ host: '127.0.0.1', port, servername: '' })).resolves.toBe('over');
    expect(ownTime() - start).toBeLessThan(4000);
    await until(() => left, 'the client has left');
  });

  test.each([
    ['an empty Certificate', '16030300040b000000'],
    ['an empty CertificateRequest', '16030300040d000000'],
    ['an empty ServerHello', '160303000402000000'],
    ['an alert', '15030300020228'],
    ['an unfinished record', '160303ffff0b'],
    ['no TLS', '485454502f312e31'],
  ])('it answers with %s', async (_what, hex) => {
    const port = await listen(
      createTcpServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(Buffer.from(hex, 'hex')));
      }),
    );
    await expect(sayHello({ host: '127.0.0.1', port, servername: '' })).resolves.toBe('over');
  });
});

describe('the verdict on a certificate matches the behaviour of a server', () => {
  const past = new Date(Date.now() - 86_400_000);
  const cases: readonly (readonly [string, Certificate])[] = [
    ['good', root.client()],
    ['self-signed', selfSigned()],
    ...(
      [
        ['with two commonNames', { commonName: ['a', 'b'] }],
        ['expired', { notAfter: past }],
        ['not valid yet', { notBefore: new Date(Date.now() + 3_600_000) }],
        ['without a purpose', { extendedKeyUsage: null }],
        ['for servers', { extendedKeyUsage: [purposes.serverAuth] }],
        ['with a short key', { key: 'rsa1024' }],
        ['of version 1', { version: 1 }],
        ['signed with SHA-1', { hash: 'sha1' }],
        ['with a negative number', { serial: Buffer.from('ff01', 'hex') }],
        ['with an unknown critical extension', critical('1.2.3.4', '0500')],
        ['with critical certificatePolicies', critical('2.5.29.32', '3008300606042a030405')],
        ['with a critical inhibitAnyPolicy', critical('2.5.29.54', '020100')],
      ] satisfies [string, CertificateOptions][]
    ).map(([name, options]) => [name, root.client(options)] as const),
    ['a CA', root.intermediate()],
  ];
  const revoked = root.client('gone');
  const crl = root.crl({ revoked: [revoked] });

  test.each([...cases, ['revoked', revoked] as const])('%s', async (_name, client) => {
    const { port, recorder } = await startServer({ root, crl: crl.pem });
    const paths = writeMaterial(temporaryDirectory(), { client: client.pem, crl: crl.pem });
    const args = [paths.client, paths.crl, '--ca', files.ca, '--as', 'client', '--json'];
    const { out } = await runCommand(['inspect', ...args]);
    const [said] = JSON.parse(out) as [{ items: [{ refusals: { reason: string }[] }] }];
    const reasons = said.items[0].refusals.map(({ reason }) => reason);

    await call(port, client);
    await until(
      () => recorder.events('authenticated').length + recorder.events('refused').length > 0,
      'the server has judged',
    );
    const [refused] = recorder.events('refused');
    expect(reasons[0]).toBe(refused?.reason);
  });
});

function critical(oid: string, value: string): CertificateOptions {
  return { extraExtensions: [{ oid, critical: true, value: Buffer.from(value, 'hex') }] };
}

function rsa(): TlsOptions {
  const { keyPem, pem } = root.server({ key: 'rsa2048' });
  return { key: keyPem, cert: pem };
}

/** Connects with any certificate, a short key too, and waits for the server to end it, or to be done. */
async function call(port: number, client: Certificate): Promise<void> {
  const socket = dial({ port, ca: root.pem }, client, { ciphers: 'DEFAULT@SECLEVEL=0' });
  socket.once('secureConnect', () => socket.end('GET / HTTP/1.0\r\n\r\n'));
  socket.resume();
  await once(socket, 'close');
}
