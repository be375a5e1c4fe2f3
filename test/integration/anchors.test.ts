/**
 * Trust anchors that OpenSSL does not have: CAs without their root, and CAs whose names are not sent.
 *
 * @module
 */
import { createServer as createHttpsServer } from 'node:https';
import { describe, expect, test } from '@jest/globals';
import { createServer, createServerOptions, type MtlsOptions, protect } from 'express-mtls';
import { ca, type CertificateAuthority } from '../support/chain.js';
import { tlsVersions } from '../support/client.js';
import { runCommand } from '../support/command.js';
import { nameConstraints } from '../support/path-extensions.js';
import { material, publish, startServer, type TestServer, until } from '../support/server.js';

interface World {
  readonly root: CertificateAuthority;
  readonly middle: CertificateAuthority;
  readonly sibling: CertificateAuthority;
}

function world(): World {
  const root = ca('ca');
  return { root, middle: root.intermediate('middle'), sibling: root.intermediate('sibling') };
}

/** The client checks the server by the root, which the server's `ca` does not have. */
async function serve({ root, middle }: World, options: Partial<MtlsOptions> = {}): Promise<TestServer> {
  const crl = middle.crl({ number: 1 }).pem;
  return await startServer({ root, cas: [middle], crl, options: { partialChain: 'allow', ...options } });
}

describe.each(tlsVersions)("partialChain: 'allow' over %s", (version) => {
  test('admits the clients of the CA, and not those of a sibling, whatever they send', async () => {
    const one = world();
    const server = await serve(one);
    const { middle, sibling, root } = one;
    expect(await server.as(middle.client(), { version }).get()).toMatchObject({ status: 200 });
    const stranger = sibling.client();
    for (const chain of [stranger.pem, stranger.pem + sibling.pem, stranger.pem + sibling.pem + root.pem])
      expect(await server.as(stranger, { version, chain }).get()).toMatchObject({ status: 'refused' });
    expect(server.recorder.events('refused').map(({ reason }) => reason)).toEqual(Array(3).fill('untrusted'));
  });

  test('a revocation ends open connections, and resumed sessions are judged', async () => {
    const one = world();
    const server = await serve(one);
    const client = one.middle.client();
    const open = server.as(client, { version, keepAlive: true });
    const first = await open.get();
    expect(first).toMatchObject({ status: 200 });
    publish(server.files.crl, one.middle.crl({ number: 2, revoked: [client] }).pem);
    await until(() => open.connection.isClosed, 'the connection is closed');
    const again = await server.as(client, { version }).get('/', { session: first.session });
    expect(again).toMatchObject({ status: 'refused' });
    expect(server.recorder.events('refused')).toMatchObject([{ reason: 'revoked' }]);
  });
});

describe("partialChain: 'allow'", () => {
  test('checks the rest of the path: constraints of the anchor, and CAs below it that are revoked', async () => {
    const root = ca('ca');
    const middle = root.intermediate({
      commonName: 'middle',
      extraExtensions: [nameConstraints({ permitted: { dns: ['inside.example'] } })],
    });
    const lower = middle.intermediate('lower');
    const server = await startServer({
      root,
      cas: [middle, lower],
      crl: middle.crl({ revoked: [lower] }).pem + lower.crl().pem,
      options: { partialChain: 'allow' },
    });
    const [inside, outside, below] = [
      middle.client({ sans: { dns: ['a.inside.example'] } }),
      middle.client({ sans: { dns: ['a.example'] } }),
      lower.client({ sans: { dns: ['a.inside.example'] } }),
    ];
    expect(await server.as(inside).get()).toMatchObject({ status: 200 });
    for (const client of [outside, below])
      expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
    expect(server.recorder.events('refused')).toMatchObject([
      { reason: 'not-permitted' },
      { reason: 'revoked' },
    ]);
  });

  test('a root that is configured leads: its intermediates are no anchors', async () => {
    const { root, middle } = world();
    const old = root.intermediate({ commonName: 'old', notBefore: new Date(0), notAfter: new Date(1000) });
    const server = await startServer({
      root,
      cas: [root, middle, old],
      crl: null,
      options: { partialChain: 'allow' },
    });
    expect(server.mtls.explain(middle.client().der).authorities).toEqual(['CN=middle', 'CN=ca']);
    expect(server.mtls.explain(old.client().der)).toMatchObject({ admitted: false, reason: 'expired' });
  });

  test('a CA whose root was removed is no anchor until every source of CAs reads', async () => {
    const { root, middle } = world();
    const other = ca('other');
    const { ca: second } = material({ root, cas: [middle] }).files;
    const written = material({ root, cas: [root, other] });
    const first = written.files.ca;
    const server = await startServer({
      root,
      crl: root.crl({ revoked: [middle] }).pem + middle.crl().pem + other.crl().pem,
      options: { partialChain: 'allow', ca: [first, second] },
    });
    const client = middle.client();
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
    publish(second, 'broken');
    publish(first, other.pem);
    await expect(server.mtls.reload()).rejects.toBeDefined();
    expect(server.mtls.explain(other.client().der).admitted).toBe(true);
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
    publish(second, middle.pem);
    publish(server.files.crl, middle.crl().pem + other.crl().pem);
    await server.mtls.reload();
    expect(await server.as(client).get()).toMatchObject({ status: 200 });
  });

  test('without it the start fails, and the error says what the root would admit', async () => {
    const { root, middle } = world();
    const { options } = material({ root, cas: [middle], crl: null });
    await expect(createServer(options)).rejects.toMatchObject({
      code: 'ERR_MTLS_CA_INVALID',
      remedy:
        "add the root, which admits clients of every CA below it unless requireClient({ issuer: … }) restricts them; or make the CA a trust anchor with partialChain: 'allow'",
    });
  });

  test('a leaf is no anchor', async () => {
    const { root, middle } = world();
    const { options } = material({ root, cas: [middle, middle.client()], crl: null });
    await expect(createServer({ ...options, partialChain: 'allow' })).rejects.toMatchObject({
      code: 'ERR_MTLS_CA_INVALID',
    });
  });
});

describe("announceCas: 'none'", () => {
  test('sends no names, and admits by the path alone', async () => {
    const root = ca('ca');
    const client = root.client();
    const crl = root.crl({ number: 1 }).pem;
    const server = await startServer({ root, crl, options: { announceCas: 'none' } });
    const { out } = await runCommand([
      'inspect',
      `https://localhost:${server.port}`,
      '--ca',
      server.files.ca,
    ]);
    expect(out).toContain('a client certificate of any CA');
    expect(await server.as(client).get()).toMatchObject({ status: 200 });
    expect(await server.as(ca('other').client()).get()).toMatchObject({ status: 'refused' });
    const open = server.as(client, { keepAlive: true });
    expect(await open.get()).toMatchObject({ status: 200 });
    publish(server.files.crl, root.crl({ number: 2, revoked: [client] }).pem);
    await until(() => open.connection.isClosed, 'the connection is closed');
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
  });

  test('takes more CAs than a handshake has room for', async () => {
    const root = ca('ca');
    const cas = Array.from({ length: 400 }, (_, index) =>
      ca({
        commonName: `${index} ${'x'.repeat(50)}`,
        organization: 'y'.repeat(60),
        organizationalUnit: 'z'.repeat(60),
      }),
    );
    const { options } = material({ root, cas: [root, ...cas], crl: null });
    await expect(createServer(options)).rejects.toMatchObject({ code: 'ERR_MTLS_CA_INVALID' });
    const server = await startServer({
      root,
      cas: [root, ...cas],
      crl: null,
      options: { announceCas: 'none' },
    });
    for (const one of [root, cas[399]])
      expect(await server.as((one as CertificateAuthority).client()).get()).toMatchObject({ status: 200 });
  });
});

describe.each([{ partialChain: 'allow' }, { announceCas: 'none' }] as const)('%j', (choice) => {
  test('admits a client that sends expired CAs beside its certificate, though OpenSSL has no others', async () => {
    const past = { notBefore: new Date(0), notAfter: new Date(1000) };
    const now = { notBefore: new Date(0), notAfter: new Date(Date.now() + 86_400_000) };
    const oldRoot = ca({ commonName: 'ca', ...past });
    const root = oldRoot.reissue(now);
    const oldMiddle = root.intermediate({ commonName: 'middle', ...past });
    const middle = oldMiddle.reissue(now);
    const client = middle.client();
    const server = await startServer({ root, cas: [root, middle], crl: null, options: choice });
    for (const sent of [oldMiddle.pem, middle.pem + oldRoot.pem, oldMiddle.pem + oldRoot.pem])
      expect(await server.as(client, { chain: client.pem + sent }).get()).toMatchObject({ status: 200 });
  });
});

describe.each([{ partialChain: 'allow' }, { announceCas: 'none' }] as const)('%j is refused', (choice) => {
  const [name] = Object.keys(choice) as [string];

  test("with refusals: 'native'", async () => {
    const { options } = material();
    await expect(createServer({ ...options, ...choice, refusals: 'native' })).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      seen: expect.stringContaining(`${name}: `),
    });
  });

  test('by createServerOptions()', async () => {
    const { options } = material();
    await expect(createServerOptions({ ...options, ...choice })).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      seen: expect.stringMatching(new RegExp(`^${name}: .* needs the gate`)),
    });
  });

  test('by protect() of a server that refuses by itself', async () => {
    const { options } = material();
    const server = createHttpsServer({ requestCert: true, rejectUnauthorized: true });
    await expect(protect(server, { ...options, ...choice })).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      remedy: 'create it with rejectUnauthorized: false',
    });
  });
});
