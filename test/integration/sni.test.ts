/**
 * Server names with certificates, CAs and CRLs of their own: one gate, and no way from one policy to another.
 *
 * @module
 */
import https from 'node:https';
import tls from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { createServerOptions, type MtlsOptions, protect, type ServerNameOptions } from 'express-mtls';
import { ca, type Certificate, type CertificateAuthority } from '../support/chain.js';
import { type Client, type TlsVersion, tlsVersions } from '../support/client.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import {
  material,
  nodeShowsIntermediates,
  publish,
  startServer,
  type TestServer,
  until,
} from '../support/server.js';
import { aSecond, ownTime } from '../support/elapsed.js';

interface World extends TestServer {
  /** The CA whose clients are admitted as `partner.example`, and nowhere else. */
  readonly partner: CertificateAuthority;
  readonly names: Record<'key' | 'cert' | 'ca' | 'crl', string>;
  readonly local: Certificate;
  readonly own: Certificate;
  /** Asks as a client of the partner, by its name. */
  atPartner(
    certificate: Certificate | undefined,
    options?: { version?: TlsVersion; keepAlive?: boolean },
  ): Client;
}

const host = { headers: { Host: 'partner.example' } };

/** A server of `root` with a name whose clients are those of another CA, and one that has a certificate alone. */
async function world(options: Partial<MtlsOptions> = {}): Promise<World> {
  const [root, partner] = [ca('ca'), ca('partner')];
  const [local, own] = [
    root.server({ sans: { dns: ['a.local.example'] } }),
    root.server({ sans: { dns: ['partner.example'] } }),
  ];
  const names = writeMaterial(temporaryDirectory(), {
    key: own.keyPem,
    cert: own.pem,
    ca: partner.pem,
    crl: partner.crl().pem,
  });
  const sni: Record<string, ServerNameOptions> = {
    'Partner.example': names,
    '*.local.example': { key: local.keyPem, cert: local.pem },
  };
  const server = await startServer({ root, options: { sni, ...options } });
  const atPartner: World['atPartner'] = (certificate, given = {}) =>
    server.as(certificate, { servername: 'partner.example', ...given });
  return { ...server, partner, names, local, own, atPartner };
}

describe.each(tlsVersions)('over %s, each name', (version) => {
  test('has its own certificate, and its own clients', async () => {
    const { root, partner, own, local, as, atPartner, served } = await world();
    const [ours, theirs] = [root.client('ours'), partner.client('theirs')];
    expect(await atPartner(theirs, { version }).get('/', host)).toMatchObject({
      status: 200,
      serverFingerprint: own.x509.fingerprint256,
    });
    expect(await as(ours, { version }).get()).toMatchObject({ status: 200 });
    expect(await atPartner(ours, { version }).get('/', host)).toMatchObject({ status: 'refused' });
    expect(await as(theirs, { version }).get()).toMatchObject({ status: 'refused' });
    expect(await as(theirs, { version, servername: '' }).get()).toMatchObject({ status: 'refused' });
    // A name without CAs of its own has the server's clients.
    const atLocal = { version, servername: 'a.local.example' };
    const inside = { headers: { Host: 'a.local.example' } };
    expect(await as(ours, atLocal).get('/', inside)).toMatchObject({
      status: 200,
      serverFingerprint: local.x509.fingerprint256,
    });
    expect(await as(theirs, atLocal).get('/', inside)).toMatchObject({ status: 'refused' });
    expect(served).toEqual(['theirs GET /', 'ours GET /', 'ours GET /']);
  });

  test('resumes no session, neither its own nor that of another name', async () => {
    const { root, partner, as, atPartner } = await world();
    const both = [partner.client('theirs'), root.client('ours')] as const;
    const first = await atPartner(both[0], { version }).get('/', host);
    const second = await as(both[1], { version }).get();
    for (const session of [first.session, second.session]) {
      expect(await atPartner(both[0], { version }).get('/', { ...host, session })).toMatchObject({
        status: 200,
        resumed: false,
      });
      expect(await as(both[1], { version }).get('/', { session })).toMatchObject({
        status: 200,
        resumed: false,
      });
    }
  });

  test('answers 421 to a request for the host of another', async () => {
    const { root, partner, as, atPartner, served } = await world();
    const theirs = atPartner(partner.client('theirs'), { version, keepAlive: true });
    const ours = as(root.client('ours'), { version, keepAlive: true });
    const misdirected = {
      status: 421,
      headers: { 'content-type': 'application/problem+json' },
      body: expect.stringContaining('"ERR_MTLS_REQUEST_MISDIRECTED"'),
    };
    for (const name of [
      'localhost',
      'other.example',
      '127.0.0.1:443',
      '[::1]',
      'a.local.example',
      'partner.example.org',
      '',
    ])
      expect(await theirs.get('/', { headers: { Host: name } })).toMatchObject(misdirected);
    for (const name of [
      'partner.example',
      'PARTNER.example:8443',
      'partner.example.',
      'b.local.example',
      // What one reads as a host of ours, and another as the partner's.
      'x@partner.example',
      'partner.example:x',
      'partner.example:80:80',
      'partner.example/',
      'partner.example,localhost',
    ])
      expect(await ours.get('/', { headers: { Host: name } })).toMatchObject(misdirected);
    // The target counts, whatever Host says; and Host counts, whatever the target says.
    expect(await ours.get('https://partner.example/')).toMatchObject(misdirected);
    expect(await theirs.get('https://partner.example/', { headers: { Host: 'localhost' } })).toMatchObject(
      misdirected,
    );
    expect(await theirs.get('https://localhost/', host)).toMatchObject(misdirected);
    // A host for programs that resolve the target as a URL.
    for (const target of ['//localhost/', '///localhost/', '/\\\\localhost/', 'https:///localhost/'])
      expect(await theirs.get(target, host)).toMatchObject(misdirected);
    expect(served).toEqual([]);
    // The connections are open, and good for what belongs on them.
    const answers = [
      await theirs.get('/', host),
      await ours.get('/', { headers: { Host: 'c.other.example:1' } }),
    ];
    expect(answers).toMatchObject([{ status: 200 }, { status: 200 }]);
    expect(served).toEqual(['theirs GET /', 'ours GET /']);
  });

  test('refuses an upgrade for the host of another name', async () => {
    const { root, as, server } = await world();
    let seen = 0;
    server.on('upgrade', () => seen++);
    const headers = { Connection: 'Upgrade', Upgrade: 'echo', ...host.headers };
    expect(await as(root.client('ours'), { version }).get('/', { headers })).toMatchObject({ status: 421 });
    expect(seen).toBe(0);
  });

  test('is judged by its own CRL, at once and on open connections', async () => {
    const { root, partner, as, atPartner, names, recorder } = await world();
    // The same serial under two CAs.
    const theirs = partner.client({ commonName: 'theirs', serial: 7n });
    const ours = root.client({ commonName: 'ours', serial: 7n });
    const [open, other] = [
      atPartner(theirs, { version, keepAlive: true }),
      as(ours, { version, keepAlive: true }),
    ];
    await open.get('/', host);
    const { localPort } = await other.get();
    publish(names.crl, partner.crl({ number: 2, revoked: [theirs] }).pem);
    const published = ownTime();
    await until(() => open.connection.isClosed, 'the connection is closed');
    expect(ownTime() - published).toBeLessThan(aSecond);
    expect(await atPartner(theirs, { version }).get('/', host)).toMatchObject({ status: 'refused' });
    expect(await other.get()).toMatchObject({ status: 200, localPort });
    expect(recorder.events('evicted')).toMatchObject([
      { reason: 'revoked', identity: { commonName: 'theirs' } },
    ]);
  });
});

describe('a reload', () => {
  test('swaps the certificate of a name; connections go on', async () => {
    const { root, partner, atPartner, names, recorder } = await world();
    const client = atPartner(partner.client(), { keepAlive: true });
    const { localPort } = await client.get('/', host);
    const renewed = root.server({ sans: { dns: ['partner.example'] } });
    publish(names.key, renewed.keyPem);
    publish(names.cert, renewed.pem);
    await until(() => recorder.events('reloaded').length > 0, 'the reload is reported');
    expect(await atPartner(partner.client()).get('/', host)).toMatchObject({
      status: 200,
      serverFingerprint: renewed.x509.fingerprint256,
    });
    expect(await client.get('/', host)).toMatchObject({ status: 200, localPort });
  });

  test('disconnects the clients of a CA under the name that no longer has it, and admits those of another', async () => {
    const next = ca('next');
    const { partner, atPartner, names } = await world();
    const client = atPartner(partner.client(), { keepAlive: true });
    await client.get('/', host);
    publish(names.crl, next.crl().pem);
    publish(names.ca, next.pem);
    await until(() => client.connection.isClosed, 'the connection is closed');
    expect(await atPartner(next.client()).get('/', host)).toMatchObject({ status: 200 });
  });

  test('under one name does not wait for a fault under another', async () => {
    const { root, partner, as, atPartner, names, files, mtls } = await world({ watch: false });
    const [ours, theirs] = [root.client('ours'), partner.client('theirs')];
    publish(files.crl, root.crl({ number: 2, revoked: [ours] }).pem);
    publish(names.crl, 'garbage');
    await expect(mtls.reload()).rejects.toMatchObject({
      code: 'ERR_MTLS_PEM_INVALID',
      message: expect.stringContaining(names.crl),
    });
    expect(await as(ours).get()).toMatchObject({ status: 'refused' });
    expect(await atPartner(theirs).get('/', host)).toMatchObject({ status: 200 });
    expect(mtls.faults).toMatchObject([{ source: names.crl, error: { code: 'ERR_MTLS_PEM_INVALID' } }]);
    publish(names.crl, partner.crl({ number: 2, revoked: [theirs] }).pem);
    expect(await mtls.reload()).toMatchObject({ changed: true, added: 1, evicted: 0 });
    expect(mtls.faults).toEqual([]);
    expect(await atPartner(theirs).get('/', host)).toMatchObject({ status: 'refused' });
    expect(await mtls.reload()).toMatchObject({ changed: false });
  });

  test('refuses an older CRL of a name', async () => {
    const { partner, names, mtls } = await world({ watch: false });
    publish(names.crl, partner.crl({ number: 0 }).pem);
    await expect(mtls.reload()).rejects.toMatchObject({ code: 'ERR_MTLS_CRL_ROLLBACK' });
  });

  test('waits for the other half of a name’s pair, and reloads the rest', async () => {
    const { root, as, names, files, mtls } = await world({ watch: false });
    const ours = root.client('ours');
    publish(names.key, root.server().keyPem);
    publish(files.crl, root.crl({ number: 2, revoked: [ours] }).pem);
    await expect(mtls.reload()).rejects.toMatchObject({
      code: 'ERR_MTLS_KEY_MISMATCH',
      message: expect.stringContaining(names.key),
    });
    expect(await as(ours).get()).toMatchObject({ status: 'refused' });
  });
});

describe('events and log lines', () => {
  test('of every name: CAs and CRLs in the log, CRLs in mtls.revocation, and by explain()', async () => {
    const { partner, root, mtls, recorder } = await world();
    expect(recorder.linesOf('listening')).toMatchObject([
      {
        fields: {
          cas: ['CN=ca'],
          sni: { 'partner.example': { cas: ['CN=partner'], crls: [{ issuer: 'CN=partner' }] } },
        },
      },
    ]);
    expect(mtls.revocation.crls.map(({ issuer }) => issuer.toString())).toEqual(['CN=ca', 'CN=partner']);
    const theirs = partner.client();
    expect(mtls.explain(theirs.pem)).toMatchObject({ admitted: false, reason: 'untrusted' });
    expect(mtls.explain(theirs.pem, 'partner.EXAMPLE')).toMatchObject({ admitted: true });
    expect(mtls.explain(root.client().pem, 'b.local.example')).toMatchObject({ admitted: true });
  });

  test('that a name with CAs of its own has no CRL', async () => {
    const { root } = material();
    const own = root.server();
    const { recorder } = await startServer({
      root,
      options: { sni: { 'a.example': { key: own.keyPem, cert: own.pem, ca: ca('partner').pem } } },
    });
    expect(recorder.linesOf('no-crl')).toMatchObject([
      { message: 'under the name a.example no CRL is configured: no certificate is ever revoked' },
    ]);
  });

  test('when the CRL of a name expires', async () => {
    const { partner, clock, names, recorder, mtls } = await world();
    publish(names.crl, partner.crl({ number: 2, nextUpdate: new Date(Date.now() + 3_600_000) }).pem);
    await until(() => recorder.events('reloaded').length > 0, 'the reload is reported');
    expect(mtls.revocation.healthy).toBe(true);
    clock.advance(2 * 3_600_000);
    expect(mtls.revocation.healthy).toBe(false);
  });
});

test('an anonymous caller is asked for the right host too, where clients are optional', async () => {
  const { as, atPartner } = await world({ clients: 'optional' });
  expect(await as().get('/', host)).toMatchObject({ status: 421 });
  expect(await atPartner(undefined).get('/', host)).toMatchObject({ status: 200 });
});

describe('sni is refused', () => {
  const own = ca('ca').server();
  const pair = { key: own.keyPem, cert: own.pem };
  const options: MtlsOptions = { ...pair, ca: own.pem, sni: { 'a.example': pair } };
  const invalid = (text: string): unknown =>
    expect.objectContaining({ code: 'ERR_MTLS_OPTION_INVALID', message: expect.stringContaining(text) });

  test('by createServerOptions(), which checks no request', async () => {
    await expect(createServerOptions(options)).rejects.toEqual(invalid('sni is only for createServer()'));
  });

  test('by protect(), which cannot replace the contexts', async () => {
    const server = https.createServer({ ...pair, requestCert: true, rejectUnauthorized: false });
    await expect(protect(server, options)).rejects.toEqual(invalid('sni is only for createServer()'));
  });

  test('with a store of sessions', async () => {
    const { server } = await world();
    expect(() => server.on('resumeSession', () => undefined)).toThrow(/resumes sessions/);
  });
});

test.each([
  ['two hosts', 'GET / HTTP/1.1\r\nHost: partner.example\r\nHost: localhost\r\n\r\n'],
  ['no host, as HTTP/1.0 may', 'GET / HTTP/1.0\r\n\r\n'],
  ['an empty host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
])('a request with %s is for no name', async (_what, request) => {
  const { root, partner, port, served } = await world();
  const theirs = partner.client('theirs');
  const { keyPem: key, pem: cert } = theirs;
  const target = { host: '127.0.0.1', port, servername: 'partner.example', ca: root.pem, key, cert };
  const socket = tls.connect(target, () => socket.write(request));
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => (text += part));
  await until(() => text.includes('\r\n\r\n'), 'it is answered');
  socket.destroy();
  expect(text).toMatch(/^HTTP\/1.1 421 /);
  expect(served).toEqual([]);
});

test('a client that changes its mind about the name in the middle of nothing is still judged by the first', async () => {
  const { root, partner, port, served } = await world();
  const theirs = partner.client('theirs');
  const socket = tls.connect({
    host: '127.0.0.1',
    port,
    servername: 'partner.example',
    ca: root.pem,
    key: theirs.keyPem,
    cert: theirs.pem,
  });
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => (text += part));
  // Two requests in one flight: the second is for another name.
  socket.write('GET / HTTP/1.1\r\nHost: partner.example\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await until(() => text.includes(' 421 '), 'both are answered');
  socket.destroy();
  expect(text.startsWith('HTTP/1.1 200 ')).toBe(true);
  expect(served).toEqual(['theirs GET /']);
});

test('a client whose intermediate one name refuses is admitted under another', async () => {
  const root = ca('ca');
  const middle = root.intermediate('middle');
  const own = root.server({ sans: { dns: ['partner.example'] } });
  const names = writeMaterial(temporaryDirectory(), {
    key: own.keyPem,
    cert: own.pem,
    ca: root.pem,
    crl: root.crl({ revoked: [middle] }).pem,
  });
  const server = await startServer({
    root,
    crl: null,
    options: { sni: { 'partner.example': names }, revocation: { opensslEntries: 0 } },
  });
  const client = middle.client();
  const atPartner = server.as(client, { servername: 'partner.example' });
  expect(await atPartner.get('/', host)).toMatchObject({ status: 'refused' });
  const status = (await nodeShowsIntermediates()) ? 200 : 'refused';
  expect(await server.as(client).get()).toMatchObject({ status });
});
