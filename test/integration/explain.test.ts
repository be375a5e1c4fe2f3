import { describe, expect, test } from '@jest/globals';
import { type Explanation, type MtlsOptions, protect, type RefusalReason, requireClient } from 'express-mtls';
import { createServer as createHttpsServer } from 'node:https';
import { ca, type Certificate, type CertificateOptions, selfSigned } from '../support/chain.js';
import { material, startServer, type TestServer } from '../support/server.js';

const root = ca('ca');
const client1 = root.client({ commonName: 'client1', organization: 'Example' });
const hour = 3_600_000;

async function explain(
  certificate: Certificate,
  {
    crl = root.crl({ number: 4, thisUpdate: new Date(Date.now() - 3 * hour) }).pem,
    options = {},
  }: {
    crl?: string | null;
    options?: Partial<MtlsOptions>;
  } = {},
): Promise<Explanation> {
  const { mtls } = await startServer({ root, crl, options });
  return mtls.explain(certificate.pem);
}

test('an admitted client: every check, the CA, the CRL, and the rules', async () => {
  requireClient({ commonName: 'client1' });
  requireClient({ organization: 'Example', organizationalUnit: 'ops' });
  requireClient(function onWeekdays() {
    return true;
  });
  const { text, identity, ...seen } = await explain(client1);
  expect(identity).toMatchObject({ commonName: 'client1', serialNumber: client1.serial });
  expect(seen).toMatchObject({
    admitted: true,
    reason: undefined,
    authorities: ['CN=ca'],
    crls: [{ number: '4', entries: 0, ageMs: expect.any(Number) }],
  });
  expect(seen.crls[0]!.ageMs).toBeGreaterThan(3 * hour - 1000);
  expect(seen.checks.map(({ check, passed }) => [check, passed])).toEqual([
    ['identity', true],
    ['dates', true],
    ['chain', true],
    ['path', true],
    ['revocation', true],
    ['purpose', true],
    ['key', true],
  ]);
  expect(seen.rules).toEqual([
    { rule: '{ commonName: "client1" }', grants: true, refusedBy: [] },
    {
      rule: '{ organization: "Example", organizationalUnit: "ops" }',
      grants: false,
      refusedBy: ['organizationalUnit'],
    },
    { rule: 'function onWeekdays', grants: undefined, refusedBy: ['function onWeekdays'] },
  ]);
  expect(text.split('\n')).toEqual([
    'is admitted',
    `  passed  identity: CN=client1,O=Example, serial ${client1.serial}`,
    expect.stringMatching(/^ {2}passed {2}dates: valid for 2[34] hours more$/),
    '  passed  chain: CN=client1,O=Example, issued by CN=ca',
    '  passed  path: every CA above it permits it',
    '  passed  revocation: not revoked by CRL number 4 of "CN=ca", 3 hours old',
    '  passed  purpose: it is valid as a client certificate',
    '  passed  key: ec 256, ec 256',
    '  allows  { commonName: "client1" }',
    '  forbids { organization: "Example", organizationalUnit: "ops" } (organizationalUnit)',
    '  may forbid function onWeekdays (function onWeekdays)',
  ]);
});

describe('a client that is refused', () => {
  const inMs = (ms: number): Date => new Date(Date.now() + ms);
  test.each<[RefusalReason, CertificateOptions, string[]]>([
    ['expired', { notAfter: inMs(-hour) }, ['dates', 'chain']],
    ['not-yet-valid', { notBefore: inMs(hour) }, ['dates']],
    ['wrong-purpose', { extendedKeyUsage: null }, ['purpose']],
    ['is-a-ca', { isCa: true }, ['purpose']],
    ['weak-key', { key: 'rsa1024' }, ['key']],
    ['weak-key', { key: 'rsa1024', serial: '1003' }, ['revocation', 'key']],
  ])(
    '%s: by each check that fails, and those that hold are told as well',
    async (reason, options, failing) => {
      const certificate = root.client({ commonName: 'x', ...options });
      const crl = root.crl({ number: 4, revoked: [{ serial: '1003' }] }).pem;
      const seen = await explain(certificate, { crl });
      const failed = seen.checks.filter(({ passed }) => !passed).map(({ check }) => check);
      expect(seen.admitted).toBe(false);
      expect(failed).toEqual(expect.arrayContaining(failing.slice(0, 1)));
      if (!failing.includes('revocation')) expect(seen.reason).toBe(reason);
      else expect([seen.reason, failed]).toEqual(['revoked', failing]);
      expect(seen.text).toContain(`is refused: ${seen.reason}`);
    },
  );

  test('revoked: since when, why, and by which CRL', async () => {
    const crl = root.crl({ number: 7, revoked: [client1] }).pem;
    const seen = await explain(client1, { crl });
    expect(seen).toMatchObject({ admitted: false, reason: 'revoked', crls: [{ number: '7', entries: 1 }] });
    expect(seen.checks).toContainEqual({
      check: 'revocation',
      passed: false,
      detail: expect.stringMatching(/^it was revoked at .* by CRL number 7 of "CN=ca"$/),
    });
  });

  test('untrusted: of another CA, and of none', async () => {
    for (const stranger of [ca('other').client('client1'), selfSigned('client1')]) {
      const seen = await explain(stranger);
      expect(seen).toMatchObject({ admitted: false, reason: 'untrusted', authorities: [], crls: [] });
      expect(seen.text).toMatch(/passed {2}dates: valid for \d+ hours more/);
      const detail = 'not checked, because no certification path was found';
      for (const check of ['path', 'revocation']) {
        expect(seen.checks).toContainEqual({ check, passed: undefined, detail });
        expect(seen.text).toContain(`  skipped ${check}: ${detail}`);
      }
    }
  });

  test('identity-invalid: a certificate that does not read', async () => {
    const { mtls } = await startServer({ root });
    const seen = mtls.explain(root.client({ sans: { dns: ['a\u0000b'] } }).der);
    expect(seen).toMatchObject({ admitted: false, reason: 'identity-invalid', identity: undefined });
    expect(seen.text).toMatch(/FAILED {2}identity: certificate .*control character/);
  });
});

test('without a CRL it says so, and where the policy admits what no CRL covers as well', async () => {
  const none = await explain(client1, { crl: null });
  expect(none.checks[4]).toEqual({
    check: 'revocation',
    passed: true,
    detail: 'no CRL is configured, so no certificate is ever revoked',
  });
  const other = ca('other');
  const { mtls } = await startServer({
    root,
    cas: [root, other],
    crl: other.crl().pem,
    options: { revocation: { unknown: 'allow' } },
  });
  expect(mtls.explain(client1.der).checks[4]?.detail).toBe('no CRL covers it, which the policy allows');
});

describe('what can be explained', () => {
  async function started(): Promise<TestServer> {
    return await startServer({ root });
  }

  test('an identity, a certificate of node:crypto, PEM, and DER', async () => {
    const { mtls } = await started();
    const { identity } = mtls.explain(client1.pem);
    for (const subject of [identity!, client1.x509, client1.pem, Buffer.from(client1.pem), client1.der])
      expect(mtls.explain(subject)).toMatchObject({ admitted: true, identity: { commonName: 'client1' } });
  });

  test('a chain: the intermediate that the client would send counts', async () => {
    const { mtls } = await startServer({
      root,
      options: { revocation: { scope: 'leaf', unknown: 'allow' } },
    });
    const below = root.intermediate('middle').client('client1');
    expect(mtls.explain(below.pem)).toMatchObject({ admitted: false, reason: 'untrusted' });
    expect(mtls.explain(below.chainPem)).toMatchObject({
      admitted: true,
      authorities: ['CN=middle', 'CN=ca'],
    });
  });

  test.each(['', 'client1', '-----BEGIN CERTIFICATE-----\nMIIB\n'])('not %p', async (subject) => {
    const { mtls } = await started();
    expect(() => mtls.explain(subject)).toThrow(expect.objectContaining({ code: 'ERR_MTLS_PEM_INVALID' }));
  });
});

test('after a reload it goes by the new CRL, and by the clock that was given', async () => {
  const { mtls, clock } = await startServer({ root });
  expect(mtls.explain(client1.pem).admitted).toBe(true);
  clock.advance(48 * hour);
  expect(mtls.explain(client1.pem)).toMatchObject({ admitted: false, reason: 'expired' });
});

test('a protected server explains as well', async () => {
  const { options } = material({ root });
  const server = createHttpsServer({ requestCert: true, rejectUnauthorized: false });
  const mtls = await protect(server, { ...options, watch: false });
  expect(mtls.explain(client1.pem).admitted).toBe(true);
  await mtls.close();
});
