import type { RequestListener } from 'node:http';
import https from 'node:https';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import {
  allOf,
  anyOf,
  clientIdentity,
  createServer,
  mtlsErrorHandler,
  not,
  requireClient,
} from 'express-mtls';
import type { ClientRule, ClientRuleFields } from 'express-mtls';
import { type Certificate, type CertificateAuthority, ca, purposes } from '../support/chain.js';
import { tlsVersions } from '../support/client.js';
import { listen, material, type TestServer, startServer } from '../support/server.js';

/** An app of guarded routes, with the names of the routes whose handlers ran. */
function guarded(rules: Readonly<Record<string, ClientRule>>): { app: RequestListener; reached: string[] } {
  const app = express();
  const reached: string[] = [];
  for (const [route, rule] of Object.entries(rules)) {
    app.get(`/${route}`, requireClient(rule), (_req, res) => {
      reached.push(route);
      res.send(route);
    });
  }
  app.use(mtlsErrorHandler());
  return { app, reached };
}

const problem = (status: number, title: string, code: string): object => ({
  type: 'about:blank',
  title,
  status,
  code,
});
const unauthorized = problem(401, 'Unauthorized', 'ERR_MTLS_CERTIFICATE_REQUIRED');
const forbidden = problem(403, 'Forbidden', 'ERR_MTLS_CLIENT_FORBIDDEN');

describe('requireClient() without a rule', () => {
  const app = express();
  app.get('/', requireClient(), (req, res) =>
    res.send(`hello ${req.clientIdentity?.commonName ?? 'nobody'}`),
  );
  app.use(mtlsErrorHandler());

  test.each(tlsVersions)(
    'serves a client with a certificate, and answers 401 without one, over %s',
    async (version) => {
      const root = ca('ca');
      const server = await startServer({ root, app, options: { clients: 'optional' } });
      expect(await server.as(root.client('client1'), { version }).get()).toMatchObject({
        status: 200,
        body: 'hello client1',
      });
      const refused = await server.as(undefined, { version }).get();
      expect(refused).toMatchObject({
        status: 401,
        headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
      });
      expect(JSON.parse(refused.body)).toEqual(unauthorized);
    },
  );

  test('is a mistake where a rule was meant and is undefined', () => {
    expect(() => requireClient(undefined)).toThrow(
      expect.objectContaining({ code: 'ERR_MTLS_OPTION_INVALID' }),
    );
  });
});

describe.each([
  { order: 'after clientIdentity()', before: [clientIdentity()], after: [] },
  { order: 'before clientIdentity()', before: [], after: [clientIdentity()] },
  { order: 'without clientIdentity()', before: [], after: [] },
])('requireClient() $order', ({ before, after }) => {
  test('serves whom the rule admits, 403 to others, 401 to the anonymous', async () => {
    const root = ca('ca');
    const app = express();
    for (const middleware of before) app.use(middleware);
    app.use(requireClient({ commonName: 'client1' }));
    for (const middleware of after) app.use(middleware);
    app.get('/', (req, res) => res.send(req.clientIdentity?.commonName));
    app.use(mtlsErrorHandler());
    const server = await startServer({ root, app, options: { clients: 'optional' } });
    expect(await server.as(root.client('client1')).get()).toMatchObject({ status: 200, body: 'client1' });
    const second = await server.as(root.client('client2')).get();
    expect([second.status, JSON.parse(second.body)]).toEqual([403, forbidden]);
    const nobody = await server.as().get();
    expect([nobody.status, JSON.parse(nobody.body)]).toEqual([401, unauthorized]);
  });
});

test('the problem details reveal nothing of the certificate or the rule, and the log names the client', async () => {
  const root = ca('ca');
  const client2 = root.client('client2');
  const { app, reached } = guarded({ admin: { commonName: 'client1' } });
  const server = await startServer({ root, app });
  const { body } = await server.as(client2).get('/admin');
  for (const secret of ['client1', 'client2', client2.serial, 'CN='])
    expect(body.toLowerCase()).not.toContain(secret.toLowerCase());
  expect(server.recorder.linesOf('forbidden')).toMatchObject([
    {
      level: 'warn',
      fields: {
        commonName: 'client2',
        serialNumber: client2.serial,
        remoteAddress: '127.0.0.1',
        method: 'GET',
        url: '/admin',
      },
    },
  ]);
  expect(reached).toEqual([]);
});

describe('every field of a rule decides over TLS', () => {
  const root = ca({ commonName: 'ca', organization: 'Example' });
  const sans = {
    dns: ['client1.example.org', 'second.example.org'],
    email: ['client1@example.org'],
    uri: ['spiffe://example.org/client1'],
    ip: ['192.0.2.1', '2001:db8::1'],
    upn: ['client1@corp.example.org'],
  };
  const client1 = root.client({
    commonName: 'client1',
    organization: 'Example',
    organizationalUnit: ['Build', 'Test'],
    sans,
    extendedKeyUsage: [purposes.clientAuth, purposes.codeSigning],
  });
  const fields: [keyof ClientRuleFields, ClientRuleFields[keyof ClientRuleFields], string | RegExp][] = [
    ['commonName', 'client1', 'client'],
    ['organization', /^Exam.*$/, 'example'],
    ['organizationalUnit', ['Nobody', 'Test'], 'Tes'],
    ['dns', 'SECOND.example.org', '*.example.org'],
    ['email', 'client1@EXAMPLE.org', 'Client1@example.org'],
    ['uri', 'spiffe://example.org/client1', 'spiffe://example.org/'],
    ['ip', '2001:0db8:0::1', '192.0.2.2'],
    ['upn', 'CLIENT1@corp.example.org', 'client1@example.org'],
    ['spiffeId', /^spiffe:\/\/example\.org\/.+$/, 'spiffe://example.org/client2'],
    ['spiffeTrustDomain', 'example.org', 'example.com'],
    ['issuer', 'CN=CA,  O=example', 'CN=ca'],
    ['fingerprint256', client1.x509.fingerprint256, root.client().x509.fingerprint256],
    ['serialNumber', client1.x509.serialNumber, '1'],
    ['extendedKeyUsage', purposes.codeSigning, purposes.serverAuth],
  ];

  test.each(fields)('%s', async (field, admits, refuses) => {
    const { app, reached } = guarded({ yes: { [field]: admits }, no: { [field]: refuses } });
    const server = await startServer({ root, app });
    expect(await server.as(client1).get('/yes')).toMatchObject({ status: 200, body: 'yes' });
    expect(await server.as(client1).get('/no')).toMatchObject({ status: 403 });
    // A certificate without the field is not admitted either.
    expect(await server.as(ca('other').client()).get('/yes')).toMatchObject({ status: 'refused' });
    expect(reached).toEqual(['yes']);
  });

  test('two fields must both hold', async () => {
    const { app, reached } = guarded({
      both: { commonName: 'client1', organization: 'Example' },
      one: { commonName: 'client1', organization: 'Elsewhere' },
    });
    const server = await startServer({ root, app });
    expect(await server.as(client1).get('/both')).toMatchObject({ status: 200 });
    expect(await server.as(client1).get('/one')).toMatchObject({ status: 403 });
    expect(reached).toEqual(['both']);
  });

  test('a field that the certificate does not have matches no value', async () => {
    const { app, reached } = guarded({
      mail: { email: /^.*$/ },
      unit: { organizationalUnit: /^.*$/ },
      spiffe: { spiffeId: /^.*$/ },
      name: { commonName: /^.*$/ },
    });
    const server = await startServer({ root, app });
    const bare = root.client({ name: [] });
    for (const route of ['mail', 'unit', 'spiffe', 'name'])
      expect(await server.as(bare).get(`/${route}`)).toMatchObject({ status: 403 });
    expect(reached).toEqual([]);
  });
});

test.each([
  ['an unknown field', { commonname: 'client1' }],
  ['no field', {}],
  ['an empty list', { commonName: [] }],
  ['an empty string', { commonName: '' }],
  ['undefined as a value', { commonName: undefined }],
  ['a RegExp without anchors', { commonName: /client1/ }],
  ['a RegExp of which one alternative has no anchor', { commonName: /^client1|client2$/ }],
  ['a RegExp that remembers', { commonName: /^client1$/g }],
  ['a list of common names', ['client1']],
  ['a common name', 'client1'],
  ['null', null],
])('%s as a rule stops the app when it starts', (_title, rule) => {
  for (const make of [requireClient, allOf, anyOf, not])
    expect(() => make(rule as unknown as ClientRule)).toThrow(
      expect.objectContaining({ code: 'ERR_MTLS_OPTION_INVALID' }),
    );
});

describe('rules of one’s own', () => {
  const later =
    <Value>(value: Value) =>
    async (): Promise<Value> => {
      await new Promise(setImmediate);
      return value;
    };
  const fails = (): never => {
    throw new Error('the directory is down');
  };
  const failsLater = async (): Promise<never> => {
    await new Promise(setImmediate);
    return fails();
  };
  const only = (value: unknown): ClientRule => (() => value) as unknown as ClientRule;
  const rules: [string, ClientRule, number][] = [
    ['true', () => true, 200],
    ['false', () => false, 403],
    ['a promise of true', later(true), 200],
    ['a promise of false', later(false), 403],
    ['an identity that it asks about', ({ commonName }) => commonName === 'client1', 200],
    ['a request that it asks about', (_identity, { url }) => url === '/elsewhere', 403],
    ['the string "false"', only('false'), 403],
    ['1', only(1), 403],
    ['undefined', only(undefined), 403],
    ['an object', only({}), 403],
    ['a promise of an identity', later('client1') as unknown as ClientRule, 403],
    ['a throw', fails, 403],
    ['a rejection', failsLater, 403],
    ['allOf: all hold', allOf({ commonName: 'client1' }, later(true)), 200],
    ['allOf: the last does not', allOf(later(true), { commonName: 'client2' }), 403],
    ['allOf: one throws', allOf({ commonName: 'client1' }, fails), 403],
    ['allOf: one rejects', allOf(failsLater, later(true)), 403],
    ['allOf: one gives something that is not true', allOf(only(1), () => true), 403],
    ['anyOf: the first holds', anyOf({ commonName: 'client1' }, fails), 200],
    ['anyOf: the last holds', anyOf({ commonName: 'client2' }, later(true)), 200],
    ['anyOf: none holds', anyOf({ commonName: 'client2' }, later(false)), 403],
    ['anyOf: one throws first', anyOf(fails, { commonName: 'client1' }), 403],
    [
      'anyOf: one gives something that is not true',
      anyOf(only(1), later('yes') as unknown as ClientRule),
      403,
    ],
    ['not: what does not hold', not({ commonName: 'client2' }), 200],
    ['not: what holds', not({ commonName: 'client1' }), 403],
    ['not: what holds later', not(later(true)), 403],
    ['not: a throw is no permission', not(fails), 403],
    ['not: a rejection is no permission', not(failsLater), 403],
    ['not: silence is no permission', not(only(undefined)), 403],
    ['not: a promise of silence is no permission', not(later(undefined) as unknown as ClientRule), 403],
    ['nested', allOf(anyOf({ commonName: 'client1' }, later(false)), not({ commonName: 'client2' })), 200],
  ];

  test.each(rules)('%s', async (_title, rule, status) => {
    const root = ca('ca');
    const { app, reached } = guarded({ route: rule });
    const server = await startServer({ root, app });
    expect(await server.as(root.client('client1')).get('/route')).toMatchObject({ status });
    expect(reached).toEqual(status === 200 ? ['route'] : []);
  });

  test('a rule that throws is reported in the log, and not to the client', async () => {
    const root = ca('ca');
    const { app } = guarded({ now: fails, later: failsLater });
    const server = await startServer({ root, app });
    for (const route of ['/now', '/later']) {
      const { body } = await server.as(root.client('client1')).get(route);
      expect(JSON.parse(body)).toEqual(forbidden);
    }
    expect(server.recorder.linesOf('rule-failed')).toMatchObject([
      { fields: { err: { message: 'the directory is down' }, commonName: 'client1', url: '/now' } },
      { fields: { err: { message: 'the directory is down' }, commonName: 'client1', url: '/later' } },
    ]);
  });

  test('a client that is revoked while its rule is being asked does not reach the handler', async () => {
    const root = ca('ca');
    const client2 = root.client('client2');
    let ask: (() => void) | undefined;
    const asked = new Promise<void>((resolve) => (ask = resolve));
    let answer: (() => void) | undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const { app, reached } = guarded({
      slow: async () => {
        ask?.();
        await answered;
        return true;
      },
    });
    const server = await startServer({ root, app, options: { watch: false } });
    const call = server.as(client2).get('/slow');
    await asked;
    await revoke(server, root, [client2]);
    answer?.();
    expect(await call).toMatchObject({ status: 'refused' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(reached).toEqual([]);
  });
});

test('a client that hangs up while its rule is being asked is reported with its address', async () => {
  const { options, root } = material({ root: ca('ca') });
  let ask: (() => void) | undefined;
  const asked = new Promise<void>((resolve) => (ask = resolve));
  let leave: (() => void) | undefined;
  const left = new Promise<void>((resolve) => (leave = resolve));
  const { app } = guarded({
    slow: async () => {
      ask?.();
      await left;
      return false;
    },
  });
  // Nobody listens for 'authenticated', which would read the address at the handshake.
  const server = await createServer({ ...options, watch: false }, app);
  const reported = new Promise((resolve) => server.mtls.on('forbidden', resolve));
  server.on('secureConnection', (socket) => socket.once('close', () => leave?.()));
  const port = await listen(server);
  const { keyPem: key, chainPem: cert } = root.client('client1');
  const call = https.get({
    port,
    path: '/slow',
    key,
    cert,
    ca: root.pem,
    servername: 'localhost',
    agent: false,
  });
  call.on('error', () => undefined);
  await asked;
  call.destroy();
  expect(await reported).toMatchObject({ remoteAddress: '127.0.0.1', identity: { commonName: 'client1' } });
});

test('an error of the handler behind a guard is its own, not a refusal', async () => {
  const root = ca('ca');
  const app = express();
  app.get('/', requireClient({ commonName: 'client1' }), () => {
    throw new Error('a fault of the handler');
  });
  const seen: unknown[] = [];
  app.use(mtlsErrorHandler());
  app.use((error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    seen.push(error.message);
    res.status(500).end();
  });
  const server = await startServer({ root, app });
  expect(await server.as(root.client('client1')).get()).toMatchObject({ status: 500 });
  expect(seen).toEqual(['a fault of the handler']);
});

describe.each(tlsVersions)('the first flight of a refused client, over %s', (version) => {
  test.each(['required', 'optional'] as const)(
    'never reaches a handler, with clients: %s',
    async (clients) => {
      const root = ca('ca');
      const revoked = root.client('client2');
      const reached: string[] = [];
      const server = await startServer({
        root,
        crl: root.crl({ revoked: [revoked] }).pem,
        options: { clients },
        app: (req, res) => {
          reached.push(`${req.method ?? ''} ${req.url ?? ''}`);
          res.end('reached');
        },
      });
      server.server.on('upgrade', (req) => reached.push(`upgrade ${req.url ?? ''}`));
      const callers: (Certificate | undefined)[] = [
        revoked,
        ca('ca').client('client1'),
        root.server(),
        root.client({ extendedKeyUsage: null }),
        root.client({ notAfter: new Date(Date.now() - 1000) }),
        ...(clients === 'required' ? [undefined] : []),
      ];
      for (const caller of callers) {
        expect(await server.as(caller, { version }).firstFlight('/secret')).toBe('');
      }
      expect(reached).toEqual([]);
      expect(server.recorder.events('refused')).toHaveLength(callers.length);
      expect(await server.as(root.client('client1'), { version }).firstFlight('/open')).toContain('reached');
      expect(reached).toEqual(['GET /open']);
    },
  );
});

async function revoke(
  { mtls, files }: TestServer,
  root: CertificateAuthority,
  revoked: readonly Certificate[],
): Promise<void> {
  const { writeFileSync } = await import('node:fs');
  writeFileSync(files.crl, root.crl({ number: 2, revoked }).pem);
  await mtls.reload();
}
