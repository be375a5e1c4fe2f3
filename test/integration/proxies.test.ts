/**
 * Clients behind a proxy: whose certificate it forwards is judged here, and a revocation ends what that client has open.
 *
 * @module
 */
import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import {
  clientIdentity,
  type ClientIdentity,
  mtlsErrorHandler,
  type MtlsOptions,
  requireClient,
  requireClientOnUpgrade,
  forwardIdentity,
} from 'express-mtls';
import { ca, type Certificate, type CertificateOptions } from '../support/chain.js';
import { nameConstraints, policyConstraints } from '../support/path-extensions.js';
import { byteSequence, escaped, TestProxy } from '../support/proxied.js';
import {
  nodeShowsIntermediates,
  publish,
  startServer,
  type StartOptions,
  type TestServer,
  until,
} from '../support/server.js';

type Proxies = NonNullable<MtlsOptions['proxies']>;

const root = ca('ca');
const proxyRoot = ca('proxies');
const nginx = proxyRoot.client('nginx');
const client1 = root.client('client1');
const client2 = root.client('client2');

const byCertificate: Proxies = {
  from: { ca: proxyRoot.pem, rule: { commonName: 'nginx' } },
  header: 'nginx',
};

/** An app that answers with what a handler sees of a request. */
function app(seen: IncomingMessage[] = []): RequestListener {
  const made = express();
  made.use(clientIdentity());
  made.get('/held', (_req, res) => {
    res.write('a part');
  });
  made.use((req, res) => {
    seen.push(req);
    const { clientIdentity: identity, headers, headersDistinct, rawHeaders } = req;
    res.json({ identity: identity && shown(identity), headers, headersDistinct, rawHeaders });
  });
  made.use(mtlsErrorHandler());
  return made;
}

function shown({ commonName, source, via, resumed, fingerprint256, policies }: ClientIdentity): object {
  return { commonName, source, via: via?.commonName, resumed, fingerprint256, policies };
}

async function start(
  proxies: Proxies,
  { options, ...given }: StartOptions = {},
): Promise<TestServer & { readonly seen: IncomingMessage[]; proxy(certificate?: Certificate): TestProxy }> {
  const seen: IncomingMessage[] = [];
  const server = await startServer({ root, app: app(seen), options: { proxies, ...options }, ...given });
  const proxy = (certificate?: Certificate): TestProxy =>
    new TestProxy({ port: server.port, ca: root.pem, certificate });
  return { ...server, seen, proxy };
}

/** An answer that is cut off is an error first. */
async function closed(response: IncomingMessage): Promise<void> {
  await new Promise<void>((resolve) => response.once('close', resolve));
}

interface Seen {
  readonly identity?: { readonly commonName: string; readonly source: string; readonly via?: string };
  readonly headers: Record<string, string>;
  readonly headersDistinct: Record<string, string[]>;
  readonly rawHeaders: string[];
}

function seenBy(body: string): Seen {
  return JSON.parse(body) as Seen;
}

describe('a certificate that a proxy forwards', () => {
  test('gives the request an identity that names the proxy as its source', async () => {
    const { proxy, recorder } = await start(byCertificate);
    const { status, body } = await proxy(nginx).get('/', ['X-SSL-Client-Cert', escaped(client1)]);
    expect(status).toBe(200);
    expect(seenBy(body).identity).toMatchObject({
      commonName: 'client1',
      source: 'proxy',
      via: 'nginx',
      resumed: false,
    });
    expect(recorder.events('authenticated').map(({ identity }) => identity.commonName)).toEqual(['client1']);
  });

  test('is the same person as on a direct connection', async () => {
    const { proxy, as } = await start({ ...byCertificate, direct: 'admit' });
    const forwarded = seenBy((await proxy(nginx).get('/', ['X-SSL-Client-Cert', escaped(client1)])).body);
    const direct = seenBy((await as(client1).get('/')).body);
    expect(direct.identity).toMatchObject({ source: 'tls' });
    expect({ ...forwarded.identity, source: 'tls', via: undefined }).toEqual({
      ...direct.identity,
      via: undefined,
    });
  });

  test('shares the name of its issuer with the certificates that were admitted before', async () => {
    const { proxy, recorder } = await start(byCertificate);
    for (const client of [client1, client2, root.client('client3')])
      await proxy(nginx).get('/', ['X-SSL-Client-Cert', escaped(client)]);
    const issuers = recorder.events('authenticated').map(({ identity }) => identity.issuer);
    expect(issuers).toHaveLength(3);
    expect(issuers[2]).toBe(issuers[1]);
  });

  test('is an ordinary header without the option, which no handler takes for an identity', async () => {
    const { port } = await startServer({ root, app: app() });
    const direct = new TestProxy({ port, ca: root.pem, certificate: client2 });
    const { body } = await direct.get('/', ['Client-Cert', byteSequence(client1), 'Mtls-Proxy-Secret', 'x']);
    const { identity, headers } = seenBy(body);
    expect(identity).toMatchObject({ commonName: 'client2', source: 'tls' });
    expect(headers).toMatchObject({ 'client-cert': byteSequence(client1), 'mtls-proxy-secret': 'x' });
  });

  test('is removed from every kind of headers, and so is each header that could have held it', async () => {
    const { proxy } = await start(byCertificate);
    const { body } = await proxy(nginx).get('/', [
      ...['X-SSL-Client-Cert', escaped(client1)],
      ...['CLIENT-CERT', byteSequence(client2), 'Client_Cert', byteSequence(client2)],
      ...['X-Forwarded-Client-Cert', 'Hash=1', 'Mtls-Proxy-Secret', 'guess', 'X-Other', 'stays'],
    ]);
    const { headers, headersDistinct, rawHeaders, identity } = seenBy(body);
    expect(identity?.commonName).toBe('client1');
    expect(Object.keys(headers)).toEqual(['host', 'x-other', 'connection']);
    expect(Object.keys(headersDistinct)).toEqual(['host', 'x-other', 'connection']);
    expect(rawHeaders.filter((_, index) => index % 2 === 0)).toEqual(['Host', 'X-Other', 'Connection']);
  });

  test('is refused without an identity where the header is not one certificate', async () => {
    const { proxy, seen, recorder } = await start(byCertificate);
    const through = proxy(nginx);
    const values = ['', '(null)', 'x', `${escaped(client1)}%00`, escaped(client1).slice(0, -20)];
    for (const value of values) {
      const { status, body } = await through.get('/', ['X-SSL-Client-Cert', value]);
      expect({ value, status, code: (JSON.parse(body) as { code: string }).code }).toEqual({
        value,
        status: 400,
        code: 'ERR_MTLS_HEADER_INVALID',
      });
    }
    const twice = ['X-SSL-Client-Cert', escaped(client1), 'x-ssl-client-cert', escaped(client1)];
    expect((await through.get('/', twice)).status).toBe(400);
    expect(seen).toEqual([]);
    expect(new Set(recorder.events('refused').map(({ reason }) => reason))).toEqual(
      new Set(['header-invalid']),
    );
  });

  test('is refused without an end to the connection of the proxy, however long the body is', async () => {
    const stranger = ca('else').client('client1');
    const { proxy, seen } = await start(byCertificate);
    const through = proxy(nginx);
    const body = 'x'.repeat(2_000_000);
    const refused = await through.get('/', ['X-SSL-Client-Cert', escaped(stranger)], body);
    const next = await through.get('/', ['X-SSL-Client-Cert', escaped(client1)], body);
    expect([refused.status, next.status, next.socket === refused.socket]).toEqual([401, 200, true]);
    expect(seen).toHaveLength(1);
  });

  test.each([
    ['a path length', { pathLength: 0 }, /pathLenConstraint/],
    [
      'a name constraint',
      { extraExtensions: [nameConstraints({ excluded: { dns: ['example'] } })] },
      /name/i,
    ],
    ['a policy', { extraExtensions: [policyConstraints({ requireExplicitPolicy: 0 })] }, /polic/i],
  ] satisfies [string, CertificateOptions, RegExp][])(
    'is refused by %s of a CA, without OpenSSL',
    async (_what, own, detail) => {
      const constrained = root.intermediate({ commonName: 'constrained', ...own });
      const middle = constrained.intermediate('middle');
      const below = middle.client({ commonName: 'client1', sans: { dns: ['a.example'] } });
      const { proxy, recorder } = await start(
        { ...byCertificate, header: 'rfc9440' },
        { options: { ca: [root.pem, constrained.pem] } },
      );
      const { status, body } = await proxy(nginx).get('/', [
        ...['Client-Cert', byteSequence(below), 'Client-Cert-Chain', byteSequence(middle)],
      ]);
      expect({ status, body }).toMatchObject({
        status: 401,
        body: expect.stringContaining('not-permitted') as unknown,
      });
      expect(recorder.events('refused')).toMatchObject([
        { reason: 'not-permitted', detail: expect.stringMatching(detail) as unknown },
      ]);
    },
  );

  test('is anonymous where the proxy sends no header, if callers may be', async () => {
    const optional = await start(byCertificate, { options: { clients: 'optional' } });
    expect(seenBy((await optional.proxy(nginx).get('/')).body).identity).toBeUndefined();
    const required = await start(byCertificate);
    expect((await required.proxy(nginx).get('/')).status).toBe(401);
    expect(required.seen).toEqual([]);
  });
});

describe('a sender that is not a proxy', () => {
  const header = ['X-SSL-Client-Cert', escaped(client1)];

  test('gets no request to a handler, whatever header it sends', async () => {
    const { proxy, seen, recorder } = await start({
      ...byCertificate,
      from: { ca: [proxyRoot.pem, root.pem], rule: { commonName: 'nginx' } },
    });
    const outcomes = [
      await proxy().get('/', header),
      await proxy(client2).get('/', header),
      await proxy(proxyRoot.client('other')).get('/', header),
      await proxy(ca('else').client('nginx')).get('/', header),
    ];
    expect(outcomes.map(({ status }) => status)).toEqual(['ended', 'ended', 'ended', 'ended']);
    expect(recorder.events('refused').map(({ reason }) => reason)).toEqual([
      'no-certificate',
      'not-a-proxy',
      'not-a-proxy',
      'not-a-proxy',
    ]);
    expect(seen).toEqual([]);
  });

  test.each([
    { direct: 'refuse', says: 'clients of CN=ca, only through proxies' },
    { direct: 'admit', says: 'clients of CN=ca, also through proxies' },
  ] as const)('is expected with direct: $direct, as the log says at the start', async ({ direct, says }) => {
    const { recorder } = await start({ ...byCertificate, direct });
    expect(recorder.linesOf('listening')).toMatchObject([
      { message: expect.stringMatching(new RegExp(`, ${says}$`)), fields: { direct } },
    ]);
  });

  const untold = 'no-certificate';
  const stranger = ca('else').client('nginx');

  test.each([
    {
      title: 'a client that connects directly',
      as: client1,
      reason: 'not-a-proxy',
      detail: 'only proxies may connect, and no CA in proxies.from.ca leads to "CN=ca", which issued it',
      remedy:
        'if it is a client, connect through the proxy, or set proxies.direct to \'admit\'; if it is the proxy, use a certificate of a CA in proxies.from.ca ("CN=proxies" and "CN=other")',
    },
    {
      title: 'the certificate of another CA',
      as: stranger,
      reason: 'not-a-proxy',
      detail: 'only proxies may connect, and no CA in proxies.from.ca leads to "CN=else", which issued it',
      remedy:
        'if it is a client, connect through the proxy, or set proxies.direct to \'admit\'; if it is the proxy, use a certificate of a CA in proxies.from.ca ("CN=proxies" and "CN=other")',
    },
    {
      title: 'a certificate that the rule does not name',
      as: proxyRoot.client('other'),
      reason: 'not-a-proxy',
      detail: 'only proxies may connect, and proxies.from.rule does not name the certificate',
      remedy:
        "if it is a client, connect through the proxy, or set proxies.direct to 'admit'; if it is the proxy, name its certificate in proxies.from.rule",
    },
    {
      title: 'a proxy of which no CRL is loaded',
      as: nginx,
      isUncovered: true,
      reason: 'revocation-unknown',
      detail: /no CRL of "CN=proxies" is loaded \(judged as the certificate of a proxy\)$/,
      remedy: 'add it to proxies.from.crl',
    },
    {
      title: 'no certificate',
      as: undefined,
      reason: untold,
      detail: 'no certificate was sent, and only proxies may connect',
      remedy:
        'if it is the proxy, have it present its certificate; if it is a client, connect through the proxy',
    },
    {
      title: 'where clients may also connect, the certificate of another CA',
      direct: 'admit',
      as: stranger,
      reason: 'untrusted',
      detail:
        'no configured CA leads to "CN=else", which issued it, and no CA in proxies.from.ca leads to "CN=else", which issued it',
      remedy:
        'if it is the proxy, use a certificate of a CA in proxies.from.ca ("CN=proxies" and "CN=other"); if it is a client, use a certificate of a CA in options.ca ("CN=ca"); add "CN=else" only if it is an intermediate CA below one of these, or if all its clients should be authenticated',
    },
    {
      title: 'where clients may also connect, a certificate that the rule does not name',
      direct: 'admit',
      as: proxyRoot.client('other'),
      reason: 'untrusted',
      detail: 'the certificate is of a CA in proxies.from.ca, but proxies.from.rule does not name it',
      remedy:
        'if it is the proxy, name its certificate in proxies.from.rule; if it is a client, use a certificate of a CA in options.ca',
    },
    {
      title: 'where clients may also connect, a proxy of which no CRL is loaded',
      direct: 'admit',
      as: nginx,
      isUncovered: true,
      reason: 'revocation-unknown',
      detail: /no CRL of "CN=proxies" is loaded \(judged as the certificate of a proxy\)$/,
      remedy: 'add it to proxies.from.crl',
    },
    {
      title: 'where clients may also connect, no certificate',
      direct: 'admit',
      as: undefined,
      reason: untold,
      detail: 'no certificate was sent, neither of a proxy nor of a client',
      remedy:
        'if it is the proxy, have it present its certificate; if it is a client, use a certificate of a CA in options.ca',
    },
  ] as const)(
    'is refused with a true reason and remedy: $title',
    async ({ as, reason, detail, remedy, ...of }) => {
      const other = ca('other');
      const crl = 'isUncovered' in of ? { crl: other.crl().pem } : {};
      const from = { ca: [proxyRoot.pem, other.pem], rule: { commonName: 'nginx' }, ...crl };
      const { proxy, recorder } = await start({
        ...byCertificate,
        from,
        ...('direct' in of ? { direct: of.direct } : {}),
      });
      expect((await proxy(as).get('/')).status).toBe('ended');
      const like = (text: string | RegExp | undefined): unknown =>
        text instanceof RegExp ? expect.stringMatching(text) : text;
      expect(recorder.events('refused')).toMatchObject([
        { reason, detail: like(detail), remedy: like(remedy) },
      ]);
    },
  );

  test('is a client like any other where direct connections are admitted, and its header counts for nothing', async () => {
    const { proxy } = await start({ ...byCertificate, direct: 'admit' });
    const { body } = await proxy(client2).get('/', header);
    expect(seenBy(body).identity).toMatchObject({ commonName: 'client2', source: 'tls' });
    expect(seenBy(body).headers).not.toHaveProperty('x-ssl-client-cert');
  });
});

describe('a revocation', () => {
  test('ends the response of its client and no other, and leaves the connection of the proxy', async () => {
    const { proxy, files, mtls, recorder } = await start(byCertificate);
    const [one, other] = [proxy(nginx), proxy(nginx)];
    const headerOf = (client: Certificate): string[] => ['X-SSL-Client-Cert', escaped(client)];
    const held = await one.open('/held', headerOf(client1));
    const heldByOther = await other.open('/held', headerOf(client2));
    const shared = proxy(nginx);
    const before = await shared.get('/', headerOf(client1));
    expect(before.status).toBe(200);
    const ended = closed(held);
    publish(files.crl, root.crl({ number: 2, revoked: [{ serial: client1.serial }] }).pem);
    await mtls.reload();
    await ended;
    expect(held.complete).toBe(false);
    expect(heldByOther.destroyed).toBe(false);
    const after = await shared.get('/', headerOf(client1));
    expect({ status: after.status, isSame: after.socket === before.socket }).toEqual({
      status: 401,
      isSame: true,
    });
    const ofOther = await shared.get('/', headerOf(client2));
    expect({ status: ofOther.status, isSame: ofOther.socket === before.socket }).toEqual({
      status: 200,
      isSame: true,
    });
    expect(recorder.events('evicted').map(({ identity }) => identity?.commonName)).toEqual(['client1']);
  });

  test('ends the upgraded socket of its client', async () => {
    const server = await start(byCertificate);
    const guard = requireClientOnUpgrade();
    server.server.on('upgrade', (req: IncomingMessage, socket) => {
      void guard(req, socket).then((identity) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
        socket.write(identity?.commonName ?? 'nobody');
      });
    });
    const socket = await server.proxy(nginx).upgrade('/', ['X-SSL-Client-Cert', escaped(client1)]);
    const [said] = (await once(socket, 'data')) as [Buffer];
    expect(said.toString()).toBe('client1');
    const closed = once(socket, 'close');
    publish(server.files.crl, root.crl({ number: 2, revoked: [{ serial: client1.serial }] }).pem);
    await server.mtls.reload();
    await closed;
  });

  test('of the proxy closes its connection, and every request that came through it', async () => {
    const { proxy, mtls, directory, recorder } = await startWithProxyCrl();
    const through = proxy(nginx);
    const held = await through.open('/held', ['X-SSL-Client-Cert', escaped(client1)]);
    const ended = closed(held);
    publish(
      `${directory}/proxies.pem`,
      proxyRoot.crl({ number: 2, revoked: [{ serial: nginx.serial }] }).pem,
    );
    await mtls.reload();
    await ended;
    expect((await proxy(nginx).get('/', ['X-SSL-Client-Cert', escaped(client1)])).status).toBe('ended');
    await until(() => recorder.events('refused').length > 0, 'the proxy is refused');
    expect(recorder.events('refused').map(({ reason }) => reason)).toEqual(['revoked']);
  });
});

async function startWithProxyCrl(): Promise<Awaited<ReturnType<typeof start>>> {
  const { mkdtempSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const directory = mkdtempSync(`${tmpdir()}/express-mtls-proxies-`);
  publish(`${directory}/proxies.pem`, proxyRoot.crl({ number: 1 }).pem);
  const from = { ...byCertificate.from, crl: `${directory}/proxies.pem` };
  return { ...(await start({ ...byCertificate, from })), directory };
}

test('an app passes its client on to a backend that takes it for a proxy', async () => {
  const middle = root.intermediate('middle');
  const below = middle.client('below');
  const backend = await start({ ...byCertificate, header: 'rfc9440' }, { crl: null });
  const asProxy = backend.proxy(nginx);
  const front = express();
  front.get('/', requireClient(), (req, res, next) => {
    const headers = Object.entries(forwardIdentity(req)).flat();
    asProxy.get('/', headers).then(({ status, body }) => res.status(Number(status)).send(body), next);
  });
  front.use(mtlsErrorHandler());
  const { as } = await startServer({ root, app: front, crl: null, options: { clients: 'optional' } });
  const direct = await as(client1).get('/');
  expect(seenBy(direct.body).identity).toMatchObject({
    commonName: 'client1',
    source: 'proxy',
    via: 'nginx',
  });
  expect((await as().get('/')).status).toBe(401);
  if (!(await nodeShowsIntermediates())) return;
  expect(seenBy((await as(below).get('/')).body).identity).toMatchObject({ commonName: 'below' });
});

test('signatures that fail share one budget, which admitted clients do not need', async () => {
  // Without key identifiers each of them may have signed the forgery, and is tried: an Ed25519 signature names no key.
  const others = Array.from({ length: 60 }, () =>
    ca({ commonName: 'ca', key: 'ed25519', subjectKeyId: false }),
  );
  const ofSameName = ca({ commonName: 'ca', key: 'ed25519' }).client({
    commonName: 'forged',
    authorityKeyId: false,
  });
  const unknown = ca('unknown').client('stranger');
  const cas = [root, ...others].map(({ pem }) => pem).join('');
  const { proxy, seen } = await start(byCertificate, { options: { ca: cas } });
  const through = proxy(nginx);
  const headerOf = (client: Certificate): string[] => ['X-SSL-Client-Cert', escaped(client)];
  expect((await through.get('/', headerOf(client1))).status).toBe(200);
  const statuses = new Set<unknown>();
  for (let count = 0; count < 100; count++) statuses.add((await through.get('/', headerOf(unknown))).status);
  expect([...statuses]).toEqual([401]);
  const attempts: unknown[] = [];
  while (attempts.at(-1) !== 503 && attempts.length < 20)
    attempts.push((await through.get('/', headerOf(ofSameName))).status);
  expect(attempts.at(-1)).toBe(503);
  expect(attempts.length).toBeGreaterThan(5);
  expect((await through.get('/', headerOf(client1))).status).toBe(200);
  expect(seen).toHaveLength(2);
});
