/**
 * `express-mtls/oauth` over real TLS, with claims that the test sets. test/examples/oauth.slow.test.ts has a real
 * authorization server and real tokens.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import express, { type Express, type RequestHandler } from 'express';
import { type MtlsOptions, mtlsErrorHandler } from 'express-mtls';
import { type BoundTokenOptions, oidcMtls, requireBoundToken } from 'express-mtls/oauth';
import { asClient, testIdentity } from 'express-mtls/testing';
import request from 'supertest';
import { ca, type Certificate } from '../support/chain.js';
import { escaped, TestProxy } from '../support/proxied.js';
import { publish, startServer, type TestServer, until } from '../support/server.js';

const root = ca('ca');
const [client1, client2] = ['client1', 'client2'].map((name) => root.client(name));

function thumbprint({ der }: Pick<Certificate, 'der'>): string {
  return createHash('sha256').update(der).digest('base64url');
}

const boundTo = (certificate: Pick<Certificate, 'der'>): object => ({
  cnf: { 'x5t#S256': thumbprint(certificate) },
});

/** The claims are in a header, in place of a token that something has verified. */
const verify: RequestHandler = (req, _res, next) => {
  const claims = req.get('x-claims');
  if (claims !== undefined) Object.assign(req, { auth: { payload: JSON.parse(claims) as unknown } });
  next();
};

function appOf(options?: BoundTokenOptions): Express {
  const app = express();
  app.use(verify, requireBoundToken(options), (_req, res) => res.send('reached'));
  app.use(mtlsErrorHandler());
  return app;
}

const start = async (options?: BoundTokenOptions, mtls: Partial<MtlsOptions> = {}): Promise<TestServer> =>
  await startServer({ root, app: appOf(options), options: { clients: 'optional', ...mtls } });

async function call(
  server: TestServer,
  client: Certificate | undefined,
  claims: unknown,
): Promise<[status: unknown, challenge: string | undefined, code: string | undefined]> {
  const headers: Record<string, string> = claims === undefined ? {} : { 'x-claims': JSON.stringify(claims) };
  const { status, headers: answered, body } = await server.as(client).get('/', { headers });
  const { code } = status === 200 ? { code: undefined } : (JSON.parse(body) as { code: string });
  return [status, answered['www-authenticate'], code];
}

const invalid = [401, 'Bearer error="invalid_token"', 'ERR_MTLS_TOKEN_INVALID'];
const passed = [200, undefined, undefined];

describe('requireBoundToken()', () => {
  test('accepts a token on a connection with its certificate, and on no other', async () => {
    const server = await start();
    expect(await call(server, client1, boundTo(client1!))).toEqual(passed);
    expect(await call(server, client2, boundTo(client1!))).toEqual(invalid);
    expect(await call(server, undefined, boundTo(client1!))).toEqual(invalid);
  });

  test('asks for a token without an error code', async () => {
    const server = await start();
    expect(await call(server, client1, undefined)).toEqual([401, 'Bearer', 'ERR_MTLS_TOKEN_REQUIRED']);
    expect(await call(server, client1, null)).toEqual([401, 'Bearer', 'ERR_MTLS_TOKEN_REQUIRED']);
  });

  const own = thumbprint(client1!);
  test.each<[string, unknown]>([
    ['no cnf', {}],
    ['an empty cnf', { cnf: {} }],
    ['a cnf that is null', { cnf: null }],
    ['a cnf that is text', { cnf: own }],
    ['a key of DPoP', { cnf: { jkt: own } }],
    ['a thumbprint that is empty', { cnf: { 'x5t#S256': '' } }],
    ['a list of thumbprints', { cnf: { 'x5t#S256': [own] } }],
    ['padding', { cnf: { 'x5t#S256': `${own}=` } }],
    ['base64 in place of base64url', { cnf: { 'x5t#S256': `${'+/'.repeat(21)}A` } }],
    ['hex', { cnf: { 'x5t#S256': createHash('sha256').update(client1!.der).digest('hex') } }],
    ['white space', { cnf: { 'x5t#S256': ` ${own}` } }],
    ['the SHA-1 thumbprint', { cnf: { x5t: createHash('sha1').update(client1!.der).digest('base64url') } }],
    ['claims that are a list', [boundTo(client1!)]],
    ['claims that are text', 'token'],
    ['claims that are false', false],
  ])('refuses %s', async (_what, claims) => {
    expect(await call(await start(), client1, claims)).toEqual(invalid);
  });

  test('accepts unbound tokens only if the option allows them, and tokens of others never', async () => {
    const server = await start({ unbound: 'allow' });
    expect(await call(server, client1, {})).toEqual(passed);
    expect(await call(server, undefined, { sub: 'alice' })).toEqual(passed);
    expect(await call(server, client2, boundTo(client1!))).toEqual(invalid);
    expect(await call(server, client1, { cnf: { jkt: own } })).toEqual(invalid);
    expect(await call(server, client1, { cnf: null })).toEqual(invalid);
  });

  test('does not take a promise of claims for an unbound token', async () => {
    const server = await start({ unbound: 'allow', claims: async () => ({}) });
    expect(await call(server, client1, {})).toEqual(invalid);
  });

  test('finds the claims with the option claims', async () => {
    const claims = (req: IncomingMessage): unknown => JSON.parse(String(req.headers['x-other']));
    const identity = testIdentity({ commonName: 'client1' });
    const app = asClient(appOf({ claims }), identity);
    const other = (value: string): string => JSON.stringify({ cnf: { 'x5t#S256': value } });
    await request(app).get('/').set('x-other', other(identity.thumbprint)).expect(200);
    await request(app).get('/').set('x-other', other(own)).expect(401);
    // What the function throws is not an answer of this package.
    await request(app).get('/').set('x-other', '{').expect(500);
  });

  test('has its challenge in the answer of Express too', async () => {
    const app = express();
    app.set('env', 'test');
    app.use(requireBoundToken());
    const answer = await request(asClient(app, testIdentity({ commonName: 'client1' }))).get('/');
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  });

  test('refuses a revoked client, whatever its token says', async () => {
    const server = await start();
    const client = server.as(client1, { keepAlive: true });
    const headers = { 'x-claims': JSON.stringify(boundTo(client1!)) };
    expect(await client.get('/', { headers })).toMatchObject({ status: 200 });
    publish(server.files.crl, root.crl({ number: 2, revoked: [client1!] }).pem);
    await until(() => client.connection.isClosed, 'the client is disconnected');
    expect(await client.get('/', { headers })).toMatchObject({ status: 'refused' });
  });

  test('compares the certificate that a proxy forwards', async () => {
    const proxyRoot = ca('proxies');
    const nginx = proxyRoot.client('nginx');
    const from = { ca: proxyRoot.pem, rule: { commonName: 'nginx' } };
    const server = await start({}, { proxies: { from, header: 'nginx' } });
    const proxy = new TestProxy({ port: server.port, ca: root.pem, certificate: nginx });
    const ask = async (client: Certificate, claims: object): Promise<unknown> => {
      const headers = ['x-ssl-client-cert', escaped(client), 'x-claims', JSON.stringify(claims)];
      return (await proxy.get('/', headers)).status;
    };
    expect(await ask(client1!, boundTo(client1!))).toBe(200);
    expect(await ask(client2!, boundTo(client1!))).toBe(401);
    // Not that of the proxy.
    expect(await ask(client1!, boundTo(nginx))).toBe(401);
  });

  test.each<[unknown, RegExp]>([
    [{ unbound: true }, /unbound/],
    [{ claims: 'auth' }, /claims/],
    [{ claim: () => ({}) }, /did you mean "claims"/],
  ])('checks its options: %j', (options, message) => {
    expect(() => requireBoundToken(options as BoundTokenOptions)).toThrow(message);
  });
});

describe('oidcMtls()', () => {
  const { getCertificate, certificateAuthorized, certificateSubjectMatches } = oidcMtls();

  async function seen<Result>(
    identity: Parameters<typeof asClient>[1],
    ask: (req: IncomingMessage) => Result,
  ): Promise<Result> {
    let result: Result | undefined;
    const app = asClient((req, res) => {
      result = ask(req);
      res.end();
    }, identity);
    await request(app).get('/');
    return result as Result;
  }

  const identity = testIdentity({
    subject: 'CN=client1,OU=sales,O=Example',
    dns: 'Client1.example',
    email: 'client1@example.org',
    uri: 'spiffe://example.org/client1',
    ip: '2001:db8::1',
  });

  test('has no certificate of a stranger', async () => {
    expect(await seen(undefined, (req) => [getCertificate({ req }), certificateAuthorized({ req })])).toEqual(
      [undefined, false],
    );
    expect(
      await seen(undefined, (req) =>
        certificateSubjectMatches({ req }, 'tls_client_auth_subject_dn', 'CN=client1'),
      ),
    ).toBe(false);
  });

  test('has the certificate of a client as PEM', async () => {
    const pem = await seen(identity, (req) => certificateAuthorized({ req }) && getCertificate({ req }));
    expect(pem).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    expect(Buffer.from(String(pem).replaceAll(/-----.*-----|\n/g, ''), 'base64')).toEqual(identity.raw);
  });

  test.each([
    ['subject_dn', 'CN=client1,OU=sales,O=Example', true],
    ['subject_dn', 'cn=CLIENT1, ou=Sales, o=example', true],
    ['subject_dn', 'O=Example,OU=sales,CN=client1', false],
    ['subject_dn', 'CN=client1', false],
    ['subject_dn', '', false],
    ['subject_dn', 'client1', false],
    ['san_dns', 'client1.EXAMPLE', true],
    ['san_dns', 'other.example', false],
    ['san_email', 'client1@example.org', true],
    ['san_email', 'Client1@example.org', false],
    ['san_uri', 'spiffe://example.org/client1', true],
    ['san_uri', 'spiffe://example.org/', false],
    ['san_ip', '2001:0db8:0::1', true],
    ['san_ip', '2001:db8::2', false],
    ['san_ip', 'localhost', false],
    ['san_dns', '', false],
    ['constructor', 'client1', false],
  ])('compares %s with %j: %p', async (property, expected, result) => {
    const found = await seen(identity, (req) =>
      certificateSubjectMatches({ req }, `tls_client_auth_${property}`, expected),
    );
    expect(found).toBe(result);
  });

  test('matches no name in a certificate without a subject', async () => {
    const nameless = testIdentity({ uri: 'spiffe://example.org/client1' });
    expect(
      await seen(nameless, (req) => certificateSubjectMatches({ req }, 'tls_client_auth_subject_dn', '')),
    ).toBe(false);
  });
});
