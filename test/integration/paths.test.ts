/**
 * A client is admitted if one path satisfies every check, and never by parts of two paths: OpenSSL's and ours, or two of
 * ours.
 *
 * @module
 */
import { describe, expect, test } from '@jest/globals';
import { type Certificate, type CertificateAuthority, ca } from '../support/chain.js';
import { day, fromNow, minute } from '../support/lists.js';
import { authorityCertificate, nameConstraints } from '../support/path-extensions.js';
import { nodeShowsIntermediates, publish, startServer, until } from '../support/server.js';

const constrained = { extraExtensions: [nameConstraints({ permitted: { dns: ['inside.example'] } })] };
const outside = { sans: { dns: ['a.outside.example'] } };

interface Bypass {
  readonly root: CertificateAuthority;
  /** The unconstrained certificate of the intermediate, which is revoked, and the constrained one of the same key. */
  readonly old: CertificateAuthority;
  readonly now: CertificateAuthority;
  /** Outside the constraint; its authorityKeyIdentifier names the old one by issuer and serial number. */
  readonly client: Certificate;
}

function bypass(limits: Parameters<CertificateAuthority['reissue']>[0] = constrained): Bypass {
  const root = ca('ca');
  const old = root.intermediate('middle');
  const now = old.reissue(limits);
  const client = old.client({
    ...outside,
    authorityKeyId: false,
    extraExtensions: [authorityCertificate(old)],
  });
  return { root, old, now, client };
}

describe('an intermediate that has an unconstrained certificate, now revoked, and a constrained one that is configured', () => {
  test.each([
    ['a short CRL', 0, {}],
    ['a CRL of 1,500 entries', 1500, {}],
    ['CRLs that OpenSSL does not get', 0, { revocation: { opensslEntries: 0 } }],
  ])('refuses a client outside the constraint, with %s', async (_what, entries, options) => {
    const { root, old, now, client } = bypass();
    const many = Array.from({ length: entries }, (_, index) => ({
      serial: (index + 0x1000).toString(16).padStart(8, '0'),
    }));
    const server = await startServer({
      root,
      cas: [root, now],
      crl: root.crl({ revoked: [old, ...many] }).pem + now.crl().pem,
      options,
    });
    expect(await server.as(client, { chain: client.pem + old.pem }).get()).toMatchObject({
      status: 'refused',
    });
    const [refused] = server.recorder.events('refused');
    expect(['untrusted', 'revoked']).toContain(refused?.reason);
    // A client within the constraint comes by the configured one.
    const inside = now.client({ sans: { dns: ['b.inside.example'] } });
    expect(await server.as(inside).get()).toMatchObject({ status: 200 });
  });

  test('is recognised by the revoked certificate, if this Node shows it', async () => {
    const { root, old, now, client } = bypass();
    const crl = root.crl({ revoked: [old] }).pem + now.crl().pem;
    const server = await startServer({
      root,
      cas: [root, now],
      crl,
      options: { revocation: { opensslEntries: 0 } },
    });
    await server.as(client, { chain: client.pem + old.pem }).get();
    const [refused] = server.recorder.events('refused');
    expect(refused?.reason).toBe((await nodeShowsIntermediates()) ? 'revoked' : 'untrusted');
  });
});

describe('its kin: the intermediate that is configured', () => {
  test('may have no CA below it, and the revoked one may', async () => {
    const root = ca('ca');
    const old = root.intermediate('middle');
    const now = old.reissue({ pathLength: 0 });
    const lower = old.intermediate({
      commonName: 'lower',
      authorityKeyId: false,
      extraExtensions: [authorityCertificate(old)],
    });
    const client = lower.client();
    const crl = root.crl({ revoked: [old] }).pem + now.crl().pem + lower.crl().pem;
    const server = await startServer({
      root,
      cas: [root, now, lower],
      crl,
      options: { revocation: { opensslEntries: 0 } },
    });
    expect(await server.as(client, { chain: client.pem + lower.pem + old.pem }).get()).toMatchObject({
      status: 'refused',
    });
  });

  test('has a CRL that is within its grace, and the client is outside the constraint', async () => {
    const { root, old, now, client } = bypass();
    const late = { thisUpdate: fromNow(-2 * day), nextUpdate: fromNow(-60 * minute) };
    const server = await startServer({
      root,
      cas: [root, now],
      crl: root.crl({ revoked: [old], ...late }).pem + now.crl(late).pem,
      options: { revocation: { graceMs: day, opensslEntries: 0 } },
    });
    expect(await server.as(client, { chain: client.pem + old.pem }).get()).toMatchObject({
      status: 'refused',
    });
  });

  test.each<[string, (root: CertificateAuthority, old: CertificateAuthority) => string]>([
    [
      'a delta CRL',
      (root, old) => root.crl({ number: 1 }).pem + root.crl({ number: 2, delta: 1, revoked: [old] }).pem,
    ],
    [
      'a CRL for CAs alone',
      (root, old) =>
        root.crl({ revoked: [old], idp: { onlyCa: true } }).pem + root.crl({ idp: { onlyUser: true } }).pem,
    ],
  ])(
    'is not revoked, and the old one is by %s: the client is outside the constraint',
    async (_what, lists) => {
      const { root, old, now, client } = bypass();
      const server = await startServer({ root, cas: [root, now], crl: lists(root, old) + now.crl().pem });
      expect(await server.as(client, { chain: client.pem + old.pem }).get()).toMatchObject({
        status: 'refused',
      });
      const shown = (await nodeShowsIntermediates()) ? 'revoked' : 'untrusted';
      expect(server.recorder.events('refused')).toMatchObject([{ reason: shown }]);
      const inside = now.client({ sans: { dns: ['b.inside.example'] } });
      expect(await server.as(inside).get()).toMatchObject({ status: 200 });
    },
  );

  test('has taken the place of the old one at a reload: its client is refused, and its open connection is closed', async () => {
    const root = ca('ca');
    const old = root.intermediate('middle');
    const now = old.reissue(constrained);
    const [client, inside] = [
      old.client(outside),
      old.client({ commonName: 'i', sans: { dns: ['x.inside.example'] } }),
    ];
    const server = await startServer({ root, cas: [root, old], crl: null });
    const [out, stays] = [client, inside].map((one) => server.as(one, { keepAlive: true }));
    expect([(await out?.get())?.status, (await stays?.get())?.status]).toEqual([200, 200]);
    publish(server.files.ca, root.pem + now.pem);
    await until(() => out?.connection.isClosed === true, 'the connection is closed');
    expect(server.recorder.events('evicted')).toMatchObject([{ reason: 'not-permitted' }]);
    expect(await stays?.get()).toMatchObject({ status: 200 });
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
  });
});

test('a CA that is renewed keeps its clients, although its CRL names the old certificate by its serial number', async () => {
  const old = ca('ca');
  const [client, revoked] = [old.client('good'), old.client('bad')];
  const crl = old.crl({
    revoked: [revoked],
    authorityKeyId: false,
    extraExtensions: [authorityCertificate(old)],
  });
  const root = old.reissue();
  const server = await startServer({ root, crl: crl.pem });
  expect(await server.as(client).get()).toMatchObject({ status: 200 });
  expect(await server.as(revoked).get()).toMatchObject({ status: 'refused' });
});

describe('of several paths', () => {
  test.each([0, 1000])(
    'the first that satisfies everything admits, and OpenSSL has a say where it gets the CRLs (%i entries)',
    async (opensslEntries) => {
      const root = ca('ca');
      const old = root.intermediate('middle');
      const now = old.reissue();
      const client = now.client();
      for (const cas of [
        [root, old, now],
        [root, now, old],
      ]) {
        const crl = root.crl({ revoked: [old] }).pem + now.crl().pem;
        const server = await startServer({ root, cas, crl, options: { revocation: { opensslEntries } } });
        expect(server.mtls.explain(client.der)).toMatchObject({ admitted: true });
        const { status } = await server.as(client).get();
        const [refused] = server.recorder.events('refused');
        // It looks at one path alone.
        if (status === 'refused')
          expect([opensslEntries, refused?.detail]).toEqual([
            1000,
            'OpenSSL says CERT_REVOKED, and every check of this package passed',
          ]);
      }
    },
  );

  test('none admits a client that is revoked itself', async () => {
    const root = ca('ca');
    const old = root.intermediate('middle');
    const now = old.reissue();
    const client = now.client();
    const crl = root.crl().pem + now.crl({ revoked: [client] }).pem;
    const server = await startServer({ root, cas: [root, old, now], crl });
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
    expect(server.recorder.events('refused')).toMatchObject([{ reason: 'revoked' }]);
  });

  test('each that fails is reported by mtls.explain(), the one that passed the most checks first', async () => {
    const root = ca('ca');
    const old = root.intermediate({ commonName: 'middle', pathLength: 3, ...constrained });
    const now = old.reissue({ notBefore: fromNow(-2 * day), notAfter: fromNow(-day) });
    const client = old.client(outside);
    const server = await startServer({ root, cas: [root, old, now], crl: null });
    const { reason, otherPaths, text } = server.mtls.explain(client.der);
    expect(reason).toBe('not-permitted');
    expect(otherPaths).toMatchObject([{ authorities: ['CN=middle', 'CN=ca'], reason: 'expired' }]);
    expect(text).toContain('the path through "CN=middle", "CN=ca" also fails: "CN=middle" expired at ');
  });
});

describe('a hundred CAs of one name', () => {
  const size = 100;

  test.each([
    ['with key identifiers', true],
    ['without', false],
  ])('%s admit the clients of each', async (_what, subjectKeyId) => {
    const cas = Array.from({ length: size }, () => ca({ commonName: 'ca', subjectKeyId }));
    const root = cas[0] as CertificateAuthority;
    const server = await startServer({ root, cas, crl: null, options: { tls: {} } });
    for (const one of [cas[0], cas[50], cas[99]]) {
      const client = one?.client({ authorityKeyId: subjectKeyId });
      const explained = server.mtls.explain(client?.der ?? '');
      expect(explained).toMatchObject({ admitted: true, authorities: ['CN=ca'] });
    }
  });

  test('that certify each other: a client of the last is admitted, and a stranger is refused because there is no path', async () => {
    const roots = Array.from({ length: 40 }, (_, index) =>
      ca({ commonName: 'ca', organization: `${index % 2}` }),
    );
    const bridges = roots.slice(1).map((one, index) =>
      (roots[index] as CertificateAuthority).intermediate({
        commonName: 'ca',
        organization: `${(index + 1) % 2}`,
        privateKey: one.privateKey,
      }),
    );
    const root = roots[0] as CertificateAuthority;
    const server = await startServer({ root, cas: [...bridges, ...roots], crl: null });
    const client = (roots[39] as CertificateAuthority).client();
    expect(await server.as(client).get()).toMatchObject({ status: 200 });
    const stranger = ca({ commonName: 'ca', organization: '1' }).client();
    const { admitted, checks } = server.mtls.explain(stranger.der);
    expect(admitted).toBe(false);
    expect(checks.find(({ passed }) => !passed)).toMatchObject({ check: 'chain' });
  });
});
