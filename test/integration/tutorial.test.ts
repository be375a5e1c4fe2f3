/**
 * The classic tutorial of mutual TLS with Node, step by step, on this package.
 *
 * @module
 */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { beforeAll, expect, test } from '@jest/globals';
import express from 'express';
import { clientIdentity, createServer, mtlsErrorHandler, requestLog, requireClient } from 'express-mtls';
import type { MtlsOptions, MtlsServer } from 'express-mtls';
import { type DevCa, openDevCa } from 'express-mtls/dev-ca';
import request from 'supertest';
import { temporaryDirectory } from '../support/files.js';
import { Recorder, listen, until } from '../support/server.js';
import { aSecond, ownTime } from '../support/elapsed.js';

let folder: string;
let devCa: DevCa;

beforeAll(() => {
  folder = temporaryDirectory();
});

test('step 1, the CA: a self-signed certificate that may sign certificates and CRLs, and its key', async () => {
  devCa = await openDevCa(folder);
  const certificate = certificateOf('ca');
  expect(certificate).toMatchObject({ subject: 'CN=ca', issuer: 'CN=ca', ca: true });
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(keyOf('ca'))).toBe(true);
  expect(statSync(file('ca-key.pem')).mode & 0o777).toBe(0o600);
});

test("step 2, the server's key: its own, for its owner alone", async () => {
  await devCa.issueServer();
  expect(keyOf('server').asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  expect(statSync(file('server-key.pem')).mode & 0o777).toBe(0o600);
  expect(certificateOf('ca').checkPrivateKey(keyOf('server'))).toBe(false);
});

test("step 3, the server's request: what it asks for is what the certificate says", () => {
  const certificate = certificateOf('server');
  expect(certificate.subject).toBe('CN=localhost');
  expect(certificate.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
  expect(certificate.checkPrivateKey(keyOf('server'))).toBe(true);
});

test("step 4, the server's certificate: signed by the CA, for servers", () => {
  const certificate = certificateOf('server');
  expect(certificate.checkIssued(certificateOf('ca'))).toBe(true);
  expect(certificate.verify(certificateOf('ca').publicKey)).toBe(true);
  expect(certificate).toMatchObject({ ca: false, keyUsage: ['1.3.6.1.5.5.7.3.1'] });
});

test('step 5, the https server: it serves with the key and the certificate, over TLS 1.2 at the least', async () => {
  const { port } = await start({ clients: 'optional' });
  const seen = await new Promise<TLSSocket>((resolve, reject) => {
    const call = https.get(
      `https://localhost:${port}/`,
      { ca: read('ca-crt.pem'), agent: false },
      (answer) => {
        resolve(answer.socket as TLSSocket);
        answer.resume();
      },
    );
    call.once('error', reject);
  });
  expect(seen.getProtocol()).toBe('TLSv1.3');
  await expect(
    request(`https://localhost:${port}`).get('/').ca(read('ca-crt.pem')).disableTLSCerts(),
  ).resolves.toMatchObject({ status: 200 });
});

test('step 6, a client with the CA: it accepts the server, and without the CA it does not', async () => {
  const { url } = await start({ clients: 'optional' });
  await request(url).get('/').ca(read('ca-crt.pem')).expect(200, 'hello nobody\n');
  await expect(request(url).get('/')).rejects.toMatchObject({
    code: expect.stringMatching(/^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/),
  });
});

test('step 7, the keys and certificates of two clients: each its own, for clients', async () => {
  for (const name of ['client1', 'client2']) {
    await devCa.issueClient(name);
    expect(certificateOf(name)).toMatchObject({
      subject: `CN=${name}`,
      ca: false,
      keyUsage: ['1.3.6.1.5.5.7.3.2'],
    });
    expect(certificateOf(name).checkPrivateKey(keyOf(name))).toBe(true);
  }
  expect(certificateOf('client1').serialNumber).not.toBe(certificateOf('client2').serialNumber);
});

test('step 8, verify: both are signed by the CA', () => {
  for (const name of ['client1', 'client2']) {
    expect(certificateOf(name).checkIssued(certificateOf('ca'))).toBe(true);
    expect(certificateOf(name).verify(certificateOf('ca').publicKey)).toBe(true);
    expect(certificateOf(name).verify(certificateOf('server').publicKey)).toBe(false);
  }
});

test('step 9, requestCert: with a certificate of the CA the caller is served, without one it gets no answer', async () => {
  const { url, recorder } = await start();
  await as('client1', url).expect(200, 'hello client1\n');
  await expect(request(url).get('/').ca(read('ca-crt.pem'))).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(recorder.events('refused')).toMatchObject([{ reason: 'no-certificate' }]);
});

test('step 10, the CN in the log: client1 is allowed where client2 is forbidden, and each line names the client', async () => {
  const { url, recorder } = await start();
  await as('client1', url, '/admin').expect(200, 'welcome\n');
  const refused = await as('client2', url, '/admin').expect(403);
  expect(refused.headers['content-type']).toBe('application/problem+json');
  expect(refused.body).toEqual({
    type: 'about:blank',
    title: 'Forbidden',
    status: 403,
    code: 'ERR_MTLS_CLIENT_FORBIDDEN',
  });
  const requests = (): object[] =>
    recorder.lines.flatMap(({ fields }) => ('durationMs' in fields && 'url' in fields ? [fields] : []));
  await until(() => requests().length === 2, 'both requests are logged');
  expect(requests()).toMatchObject([
    {
      remoteAddress: '127.0.0.1',
      commonName: 'client1',
      serialNumber: serialOf('client1'),
      method: 'GET',
      url: '/admin',
      status: 200,
    },
    { remoteAddress: '127.0.0.1', commonName: 'client2', serialNumber: serialOf('client2'), status: 403 },
  ]);
});

test('step 11, revoke: client2 is put on a new CRL, and the server has it within a second', async () => {
  const { url, server, recorder } = await start();
  await as('client2', url).expect(200, 'hello client2\n');
  const { outcome } = await devCa.revoke('client2', { reason: 'keyCompromise' });
  const revokedAt = ownTime();
  expect(outcome).toBe('revoked');
  await until(() => recorder.events('reloaded').length > 0, 'the CRL is reloaded');
  expect(ownTime() - revokedAt).toBeLessThan(aSecond);
  expect(recorder.events('reloaded')).toMatchObject([{ changed: true, added: 1, removed: 0 }]);
  expect(server.mtls.revocation.crls).toMatchObject([{ number: '2', entries: 1 }]);
});

test('step 12, the CRL: client2 is refused and client1 is served', async () => {
  const { url, recorder } = await start();
  await expect(as('client2', url)).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(recorder.linesOf('refused')).toMatchObject([
    {
      level: 'warn',
      message: `refused: revoked, CN=client2, serial ${serialOf('client2')}, 127.0.0.1`,
      fields: { revocation: { crlIssuer: 'CN=ca', crlNumber: '2', reason: 'keyCompromise' } },
    },
  ]);
  await as('client1', url).expect(200, 'hello client1\n');
});

interface Running {
  readonly server: MtlsServer;
  readonly port: number;
  readonly url: string;
  readonly recorder: Recorder;
}

/** The tutorial's server, on the CA's folder. */
async function start(options: Partial<MtlsOptions> = {}): Promise<Running> {
  const recorder = new Recorder();
  const app = express();
  app.use(requestLog({ logger: recorder.logger }));
  app.use(clientIdentity());
  app.get('/', (req, res) => res.send(`hello ${req.clientIdentity?.commonName ?? 'nobody'}\n`));
  app.get('/admin', requireClient({ commonName: 'client1' }), (_req, res) => res.send('welcome\n'));
  app.use(mtlsErrorHandler());
  const server = await createServer(
    {
      key: file('server-key.pem'),
      cert: file('server-crt.pem'),
      ca: file('ca-crt.pem'),
      crl: file('ca-crl.pem'),
      logger: recorder.logger,
      ...options,
    },
    app,
  );
  recorder.listenTo(server.mtls);
  const port = await listen(server);
  return { server, port, url: `https://localhost:${port}`, recorder };
}

function as(name: string, url: string, path = '/'): request.Test {
  return request(url)
    .get(path)
    .ca(read('ca-crt.pem'))
    .cert(read(`${name}-crt.pem`))
    .key(read(`${name}-key.pem`));
}

function file(name: string): string {
  return join(folder, name);
}

function read(name: string): Buffer {
  return readFileSync(file(name));
}

function certificateOf(name: string): X509Certificate {
  return new X509Certificate(read(`${name}-crt.pem`));
}

function keyOf(name: string): ReturnType<typeof createPrivateKey> {
  return createPrivateKey(read(`${name}-key.pem`));
}

function serialOf(name: string): string {
  return BigInt(`0x${certificateOf(name).serialNumber}`).toString(16);
}
