/**
 * `express-mtls/testing`: an app as one client sees it, with supertest and without TLS.
 *
 * @module
 */
import http from 'node:http';
import { networkInterfaces } from 'node:os';
import { beforeEach, describe, expect, test } from '@jest/globals';
import express, { type Express } from 'express';
import express4 from 'express4';
import {
  clientIdentity,
  clientOf,
  createServer,
  forwardIdentity,
  identify,
  mtlsErrorHandler,
  requireClient,
} from 'express-mtls';
import { asClient, testIdentity, type TestIdentityFields } from 'express-mtls/testing';
import request from 'supertest';
import { isTestRun } from '../../src/testing/test-run.js';
import { ca } from '../support/chain.js';
import { Client } from '../support/client.js';
import { listen, material, startServer } from '../support/server.js';
import { takeWarnings } from '../support/warnings.js';

const client1 = testIdentity({ commonName: 'client1', organizationalUnit: ['eng', 'operators'] });
const client2 = testIdentity({ commonName: 'client2' });

function appOf(framework: () => Express): Express {
  const app = framework();
  app.use(clientIdentity());
  app.get('/', (req, res) => res.send(`hello ${req.clientIdentity?.commonName ?? 'stranger'}`));
  app.get('/admin', requireClient({ organizationalUnit: 'operators' }), (req, res) => {
    res.send(`welcome ${clientOf(req).commonName} ${identify(req)?.thumbprint === client1.thumbprint}`);
  });
  app.get(
    '/broken',
    requireClient(() => {
      throw new Error('no database');
    }),
    (_req, res) => res.end(),
  );
  app.use(mtlsErrorHandler());
  return app;
}

describe.each([
  { name: 'Express 5', framework: express },
  { name: 'Express 4', framework: express4 },
])('$name, as a client', ({ framework }) => {
  const app = appOf(framework as () => Express);

  test('has the identity wherever a real one is', async () => {
    await request(asClient(app, client1)).get('/').expect(200, 'hello client1');
    await request(asClient(app, client1)).get('/admin').expect(200, 'welcome client1 true');
  });

  test('is refused by the rules, and answered as in production', async () => {
    const refused = await request(asClient(app, client2)).get('/admin');
    expect([refused.status, refused.body]).toMatchObject([403, { code: 'ERR_MTLS_CLIENT_FORBIDDEN' }]);
    await request(asClient(app, undefined)).get('/').expect(200, 'hello stranger');
    const stranger = await request(asClient(app, undefined)).get('/admin');
    expect([stranger.status, stranger.body]).toMatchObject([401, { code: 'ERR_MTLS_CERTIFICATE_REQUIRED' }]);
  });

  test('shows why a rule failed', async () => {
    await request(asClient(app, client1)).get('/broken').expect(403);
    expect(takeWarnings()).toEqual(['rule-failed, in a test: Error: no database']);
  });
});

test('the app itself, without TLS, has an error that says what to do', async () => {
  await request(appOf(express)).get('/admin').expect(500);
  expect(takeWarnings()).toEqual([expect.stringMatching(/asClient\(\) of express-mtls\/testing$/)]);
});

describe('an identity for tests', () => {
  test('has what its certificate says, and is frozen', () => {
    const identity = testIdentity({
      subject: 'CN=client1,OU=sales,O=Example',
      issuer: 'CN=Staff CA,C=DE',
      dns: 'client1.example',
      email: 'client1@example.org',
      uri: ['spiffe://example.org/client1'],
      ip: ['192.0.2.1', '2001:db8::1', '::'],
      upn: 'client1@corp.example',
      serialNumber: '0A0b',
      notAfter: new Date('2051-01-01T00:00:00Z'),
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.2', '1.3.6.1.4.1.99999.1'],
      policies: ['2.5.29.32.0'],
      resumed: true,
    });
    expect(identity).toMatchObject({
      source: 'tls',
      via: undefined,
      commonName: 'client1',
      spiffeId: 'spiffe://example.org/client1',
      serialNumber: 'a0b',
      notAfter: new Date('2051-01-01T00:00:00Z'),
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.2', '1.3.6.1.4.1.99999.1'],
      policies: ['2.5.29.32.0'],
      resumed: true,
      subjectAltNames: {
        dns: ['client1.example'],
        email: ['client1@example.org'],
        ip: ['192.0.2.1', '2001:db8::1', '::'],
        upn: ['client1@corp.example'],
      },
    });
    expect([String(identity.subject), String(identity.issuer)]).toEqual([
      'CN=client1,OU=sales,O=Example',
      'CN=Staff CA,C=DE',
    ]);
    for (const part of [identity, identity.policies, identity.subjectAltNames])
      expect(Object.isFrozen(part)).toBe(true);
  });

  test('is the same for the same fields, and another for others', () => {
    expect(testIdentity({ commonName: 'client1' })).toEqual(testIdentity({ commonName: 'client1' }));
    expect(testIdentity({ commonName: 'client1' }).thumbprint).not.toBe(client2.thumbprint);
  });

  test('is passed on to a backend like any other', () => {
    let headers: unknown;
    const app = asClient((req, res) => {
      headers = forwardIdentity(req);
      res.end();
    }, client1);
    return request(app)
      .get('/')
      .expect(200)
      .then(() => {
        expect(headers).toEqual({ 'Client-Cert': `:${client1.raw.toString('base64')}:` });
      });
  });

  test.each([
    [{}, /no name/],
    [{ commonName: '' }, /none empty/],
    [{ commonname: 'client1' }, /did you mean "commonName"/],
    [{ subject: 'CN=a', commonName: 'a' }, /given both subject and commonName/],
    [{ commonName: 'a', ip: 'localhost' }, /IP address/],
    [{ commonName: 'a', serialNumber: 'g' }, /hex/],
    [{ commonName: 'a', extendedKeyUsage: ['clientAuth'] }, /object identifiers/],
    [{ commonName: 'a', notAfter: new Date(Number.NaN) }, /Date/],
    [{ commonName: 'a', dns: [] }, /none empty/],
  ])('is not made of %j', (fields, message) => {
    expect(() => testIdentity(fields as TestIdentityFields)).toThrow(message);
  });

  test('is admitted by no server: its signature is not valid', async () => {
    const { mtls } = await startServer();
    expect(mtls.explain(client1)).toMatchObject({ admitted: false });
  });
});

describe('asClient()', () => {
  const app = asClient((req, res) => res.end(identify(req)?.commonName), client1);

  beforeEach(() => {
    takeWarnings();
  });

  test.each<[string, Parameters<typeof isTestRun>[0], boolean]>([
    ['jest', { env: { JEST_WORKER_ID: '1' }, execArgv: [], globals: {} }, true],
    ['vitest', { env: { VITEST_WORKER_ID: '1' }, execArgv: [], globals: {} }, true],
    ['node --test', { env: { NODE_TEST_CONTEXT: 'child-v8' }, execArgv: [], globals: {} }, true],
    ['node --test without isolation', { env: {}, execArgv: ['--test'], globals: {} }, true],
    ['mocha', { env: {}, execArgv: [], globals: { describe, it: test, before: test, after: test } }, true],
    ['NODE_ENV=test alone', { env: { NODE_ENV: 'test' }, execArgv: [], globals: {} }, false],
    ['nothing', { env: { JEST_WORKER_ID: '' }, execArgv: [], globals: {} }, false],
  ])('knows whether tests run: %s', (_what, state, expected) => {
    expect(isTestRun(state)).toBe(expected);
  });

  test('is refused on a server with the gate, and over TLS', async () => {
    const root = ca('ca');
    const { options } = material({ root });
    const server = await createServer({ ...options, watch: false }, app);
    const client = new Client({ port: await listen(server), ca: root.pem }, root.client());
    expect(await client.get()).toMatchObject({
      status: 500,
      body: expect.stringContaining('ERR_MTLS_STATE_INVALID'),
    });
    expect(takeWarnings()).toEqual([expect.stringContaining('through a server that has TLS or the gate')]);
  });

  test('is refused from another machine', async () => {
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const other = addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
    if (other === undefined) return;
    const server = http.createServer(app).listen(0, other);
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const status = await new Promise((resolve) =>
      http.get({ host: other, port }, (res) => {
        res.resume();
        resolve(res.statusCode);
      }),
    );
    server.close();
    expect(status).toBe(500);
    expect(takeWarnings()).toEqual([expect.stringContaining('came from another machine')]);
  });

  test.each([
    [() => asClient(undefined as never, client1), /asClient\(app\)/],
    [() => asClient(app, { commonName: 'client1' } as never), /asClient\(app, identity\)/],
    [() => asClient(app, client1, { outsideTests: 'yes' as never }), /outsideTests/],
  ])('checks what it is given: %#', (call, message) => {
    expect(call).toThrow(message);
  });
});
