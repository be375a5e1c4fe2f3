/**
 * What a refused client may cause in the process of a server: nothing but its refusal.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect, TLSSocket } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { createServer, protect } from 'express-mtls';
import { ca, selfSigned } from '../support/chain.js';
import { Client, tlsVersions } from '../support/client.js';
import {
  http2Server,
  listen,
  type Material,
  material,
  silent,
  startServer,
  until,
} from '../support/server.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe.each(tlsVersions)('over %s', (version) => {
  test("an app's own 'secureConnection' listener sees the sockets of admitted clients alone", async () => {
    const root = ca('ca');
    const server = await startServer({ root, crl: root.crl({ revoked: [{ serial: '1002' }] }).pem });
    const seen: unknown[] = [];
    const see = (socket: TLSSocket): void => {
      seen.push(socket.getPeerCertificate().subject.CN);
    };
    server.server.on('secureConnection', see).prependListener('secureConnection', see);
    for (const certificate of [undefined, selfSigned('client3'), root.client({ serial: '1002' })])
      expect(await server.as(certificate, { version }).get()).toMatchObject({ status: 'refused' });
    expect(await server.as(root.client('client1'), { version }).get()).toMatchObject({ status: 200 });
    expect(seen).toEqual(['client1', 'client1']);
  });

  test('so it is on servers made elsewhere, where the listener came first', async () => {
    const written = material();
    const plain = https.createServer(
      { ...pairOf(written), requestCert: true, rejectUnauthorized: false },
      (_req, res) => res.end(),
    );
    for (const server of [plain, http2Server(written)]) {
      let seen = 0;
      server.on('secureConnection', () => seen++);
      await protect(server, { ...written.options, logger: silent });
      const target = { port: await listen(server), ca: written.root.pem };
      const stranger = new Client(target, selfSigned('client3'), { version });
      expect(await stranger.get()).toMatchObject({ status: 'refused' });
      expect(seen).toBe(0);
      const opened = await new Client(target, written.root.client(), { version }).open();
      await until(() => seen === 1, 'the good client is seen');
      expect(opened.isClosed).toBe(false);
    }
  });
});

function pairOf({ files: { key, cert } }: Material): { key: Buffer; cert: Buffer } {
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

test('intermediates are asked for once for each certificate, and not for strangers', async () => {
  const asked = jest.spyOn(TLSSocket.prototype, 'getPeerX509Certificate');
  // The clients of this test are in the same process.
  const calls = (): number =>
    asked.mock.contexts.filter((socket) => (socket as { server?: unknown }).server !== undefined).length;
  const root = ca('ca');
  const middle = root.intermediate('middle');
  const good = middle.client('client1');
  const server = await startServer({
    root,
    crl: root.crl().pem,
    options: { revocation: { scope: 'leaf', unknown: 'allow' } },
  });
  for (let each = 0; each < 3; each++) {
    for (const stranger of [selfSigned('client3'), ca('middle').client('client4')])
      expect(await server.as(stranger).get()).toMatchObject({ status: 'refused' });
  }
  expect(calls()).toBe(0);
  const answer = await server.as(good).get();
  if (answer.status === 'refused') {
    // This release of Node shows no intermediates: the refusal says so, and names the CA.
    const [refusal] = server.recorder.events('refused').slice(-1);
    expect(refusal).toMatchObject({
      reason: 'untrusted',
      detail: expect.stringMatching(
        new RegExp(`Node ${process.version} shows no .*; add "CN=middle" to options.ca`),
      ),
    });
  } else expect(answer).toMatchObject({ status: 200 });
  for (let each = 0; each < 3; each++)
    expect(await server.as(good).get()).toMatchObject({ status: answer.status });
  expect(calls()).toBe(1);
  // A certificate that is refused with its intermediates is refused for the same reason each time.
  const late = root.intermediate({ commonName: 'weak', key: 'rsa1024' }).client('client5');
  for (let each = 0; each < 3; each++)
    expect(await server.as(late, { ciphers: 'DEFAULT@SECLEVEL=0' }).get()).toMatchObject({
      status: 'refused',
    });
  const reasons = server.recorder
    .events('refused')
    .slice(-3)
    .map(({ reason }) => reason);
  expect(new Set(reasons).size).toBe(1);
  expect(calls()).toBeLessThanOrEqual(2);
});

test('a server that is closed leaves nothing in memory', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { root, options } = material();
  const open = async (): Promise<WeakRef<object>> => {
    const server = await createServer(options, (_req, res) => res.end());
    // Not by the tests' own helpers, which keep what they are to close.
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const { keyPem: key, pem: cert } = root.client();
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: root.pem, key, cert });
    await once(socket, 'secureConnect');
    socket.resume().end();
    await once(socket, 'close');
    const closed = once(server, 'close');
    server.close();
    await server.mtls.close();
    await closed;
    return new WeakRef(server.mtls);
  };
  const handles: WeakRef<object>[] = [];
  for (let each = 0; each < 3; each++) handles.push(await open());
  await until(() => {
    collect();
    return handles.filter((handle) => handle.deref() !== undefined).length <= 1;
  }, 'the handles are collected');
});
