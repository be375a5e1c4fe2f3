import { describe, expect, test } from '@jest/globals';
import type { CertificatePolicy, ErrorCode, RefusalReason } from 'express-mtls';
import {
  attributeTypes,
  type Certificate,
  type CertificateAuthority,
  type CertificateOptions,
  ca,
  purposes,
} from '../support/chain.js';
import { type TlsVersion, tlsVersions } from '../support/client.js';
import {
  type StartOptions,
  type TestServer,
  nodeShowsIntermediates,
  startServer,
  until,
} from '../support/server.js';
import { takeWarnings } from '../support/warnings.js';

interface World extends StartOptions {
  /** Who calls; `undefined`: with no certificate. */
  readonly caller: Certificate | undefined;
  readonly prepare?: (server: TestServer) => void;
}

interface Case {
  readonly title: string;
  readonly make: (root: CertificateAuthority) => World;
  readonly reason: RefusalReason;
  readonly code: ErrorCode;
  /** What OpenSSL's own refusal is taken for, where it comes first and knows less. */
  readonly nativeReason?: RefusalReason;
  readonly detail: RegExp;
}

const hour = 3_600_000;
const inMs = (ms: number): Date => new Date(Date.now() + ms);

const cases: Case[] = [
  {
    title: 'no certificate',
    make: () => ({ caller: undefined }),
    reason: 'no-certificate',
    code: 'ERR_MTLS_CERTIFICATE_REQUIRED',
    detail: /sent no certificate/,
  },
  {
    title: 'a certificate of another CA',
    make: () => ({ caller: ca('other').client('client1') }),
    reason: 'untrusted',
    code: 'ERR_MTLS_CERTIFICATE_UNTRUSTED',
    nativeReason: 'untrusted',
    detail: /no configured CA leads to "CN=other"/,
  },
  {
    title: 'a certificate of another CA of the same name',
    make: () => ({ caller: ca('ca').client('client1') }),
    reason: 'untrusted',
    code: 'ERR_MTLS_CERTIFICATE_UNTRUSTED',
    detail: /no configured CA leads to "CN=ca"/,
  },
  {
    title: 'an expired certificate',
    make: (root) => ({ caller: root.client({ commonName: 'client1', notAfter: inMs(-hour) }) }),
    reason: 'expired',
    code: 'ERR_MTLS_CERTIFICATE_EXPIRED',
    detail: /"CN=client1" expired at/,
  },
  {
    title: 'a certificate that has expired by the clock that was given',
    make: (root) => ({
      caller: root.client({ commonName: 'client1', notAfter: inMs(hour) }),
      prepare: ({ clock }) => {
        clock.advance(2 * hour);
      },
    }),
    reason: 'expired',
    code: 'ERR_MTLS_CERTIFICATE_EXPIRED',
    detail: /"CN=client1" expired at/,
  },
  {
    title: 'a certificate that is not valid yet',
    make: (root) => ({ caller: root.client({ commonName: 'client1', notBefore: inMs(hour) }) }),
    reason: 'not-yet-valid',
    code: 'ERR_MTLS_CERTIFICATE_INVALID',
    detail: /"CN=client1" is not valid before/,
  },
  {
    title: 'a revoked certificate',
    make: (root) => {
      const caller = root.client('client2');
      const revoked = [{ serial: caller.serialContent, reason: 'keyCompromise' as const }];
      return { caller, crl: root.crl({ revoked, number: 17 }).pem };
    },
    reason: 'revoked',
    code: 'ERR_MTLS_CERTIFICATE_REVOKED',
    detail: /it was revoked at .* \(keyCompromise\) by CRL number 17 of "CN=ca"/,
  },
  {
    title: 'a certificate of a CA that no CRL is loaded of',
    make: (root) => {
      const second = ca('second');
      return { caller: second.client('client1'), cas: [root, second] };
    },
    reason: 'revocation-unknown',
    code: 'ERR_MTLS_REVOCATION_UNKNOWN',
    detail: /no CRL of "CN=second" is loaded; add it to options\.crl/,
  },
  {
    title: 'a certificate whose CRL has gone stale',
    make: (root) => ({
      caller: root.client('client1'),
      crl: root.crl({ nextUpdate: inMs(hour) }).pem,
      prepare: ({ clock }) => {
        clock.advance(2 * hour);
      },
    }),
    reason: 'revocation-unknown',
    code: 'ERR_MTLS_REVOCATION_UNKNOWN',
    detail: /the CRL of "CN=ca" is past its nextUpdate; publish a newer CRL/,
  },
  {
    title: 'a certificate for servers alone',
    make: (root) => ({ caller: root.client({ extendedKeyUsage: [purposes.serverAuth] }) }),
    reason: 'wrong-purpose',
    code: 'ERR_MTLS_CERTIFICATE_INVALID',
    detail:
      /it is for serverAuth \(1\.3\.6\.1\.5\.5\.7\.3\.1\); reissue it with extendedKeyUsage = clientAuth/,
  },
  {
    title: 'a certificate without extendedKeyUsage',
    make: (root) => ({ caller: root.client({ extendedKeyUsage: null }) }),
    reason: 'wrong-purpose',
    code: 'ERR_MTLS_CERTIFICATE_INVALID',
    detail: /it has no extendedKeyUsage/,
  },
  {
    title: 'a certificate for any purpose, which is not said to be for clients',
    make: (root) => ({ caller: root.client({ extendedKeyUsage: [purposes.any] }) }),
    reason: 'wrong-purpose',
    code: 'ERR_MTLS_CERTIFICATE_INVALID',
    detail: /it is for anyExtendedKeyUsage \(2\.5\.29\.37\.0\)/,
  },
  {
    title: 'a certificate of X.509 version 1, as the old tutorials make them',
    make: (root) => ({ caller: root.client({ version: 1 }) }),
    reason: 'wrong-purpose',
    code: 'ERR_MTLS_CERTIFICATE_INVALID',
    detail: /X\.509 version 1, so it cannot declare that it is for clients/,
  },
  {
    title: "the server's own certificate",
    make: (root) => {
      const serverCertificate = root.server();
      return { serverCertificate, caller: serverCertificate };
    },
    reason: 'wrong-purpose',
    code: 'ERR_MTLS_CERTIFICATE_INVALID',
    detail: /reissue it with extendedKeyUsage = clientAuth/,
  },
  {
    title: 'a CA that comes as a client',
    make: (root) => {
      const caller = root.intermediate({
        commonName: 'middle',
        keyUsage: ['digitalSignature', 'keyCertSign'],
        extendedKeyUsage: [purposes.clientAuth],
      });
      return { caller };
    },
    reason: 'is-a-ca',
    code: 'ERR_MTLS_CERTIFICATE_INVALID',
    detail: /the certificate of a CA/,
  },
  {
    title: 'the root that comes as a client',
    make: () => {
      const root = ca({ commonName: 'ca', keyUsage: ['digitalSignature', 'keyCertSign', 'cRLSign'] });
      return { root, caller: root };
    },
    reason: 'is-a-ca',
    code: 'ERR_MTLS_CERTIFICATE_INVALID',
    detail: /the certificate of a CA/,
  },
  {
    title: 'a negative serial number',
    make: (root) => ({ caller: root.client({ serial: '-05' }) }),
    reason: 'identity-invalid',
    code: 'ERR_MTLS_CERTIFICATE_INVALID',
    detail: /serial number -5 is negative/,
  },
  {
    title: 'a name that no two programs read alike',
    make: (root) => ({ caller: root.client({ sans: { dns: ['client1.example\u0000.example.org'] } }) }),
    reason: 'identity-invalid',
    code: 'ERR_MTLS_CERTIFICATE_INVALID',
    detail: /control character/,
  },
  {
    title: 'an unknown critical extension',
    make: (root) => ({
      caller: root.client({
        extraExtensions: [{ oid: '1.2.3.4', critical: true, value: Buffer.from([0x05, 0x00]) }],
      }),
    }),
    reason: 'unsupported-extension',
    code: 'ERR_MTLS_CERTIFICATE_INVALID',
    detail: /^it has the critical extension 1\.2\.3\.4, which is not supported/,
  },
  {
    title: 'a chain that is longer than its CA allows',
    make: (root) => {
      const middle = root.intermediate({ commonName: 'middle', pathLength: 0 });
      const lower = middle.intermediate('lower');
      return {
        caller: lower.client('client1'),
        cas: [root, middle, lower],
        crl: root.crl().pem + middle.crl().pem + lower.crl().pem,
      };
    },
    reason: 'not-permitted',
    code: 'ERR_MTLS_CERTIFICATE_UNTRUSTED',
    detail: /^"CN=middle" may have 0 CAs below it \(basicConstraints, pathLenConstraint\), but there are 1/,
  },
  {
    title: 'a client below an intermediate that is revoked',
    make: (root) => {
      const middle = root.intermediate('middle');
      return {
        caller: middle.client('client1'),
        cas: [root, middle],
        crl: root.crl({ revoked: [middle], number: 9 }).pem + middle.crl().pem,
      };
    },
    reason: 'revoked',
    code: 'ERR_MTLS_CERTIFICATE_REVOKED',
    detail: /"CN=middle", a CA above it, was revoked .* by CRL number 9 of "CN=ca"/,
  },
  {
    title: 'a client below an intermediate that was not configured, and that no CRL covers',
    make: (root) => ({ caller: root.intermediate('middle').client('client1') }),
    reason: 'untrusted',
    code: 'ERR_MTLS_CERTIFICATE_UNTRUSTED',
    detail: /no configured CA leads to "CN=middle".*add "CN=middle" only if it is an intermediate CA/,
  },
];

describe.each(tlsVersions)('%s', (version) => {
  test.each(cases)('named: $title', async ({ make, reason, code, detail }) => {
    const { server, caller } = await refusedIn(make, version, 'named');
    const [event, ...others] = server.recorder.events('refused');
    expect(others).toEqual([]);
    expect(`${event?.detail ?? ''}; ${event?.remedy ?? ''}`).toMatch(detail);
    expect(event).toMatchObject({
      reason,
      code,
      remoteAddress: '127.0.0.1',
      tlsVersion: version,
      resumed: false,
    });
    expect(server.recorder.linesOf('refused')).toMatchObject([
      {
        level: 'warn',
        fields: {
          reason,
          code,
          detail: event?.detail,
          remedy: event?.remedy,
          remoteAddress: '127.0.0.1',
          tlsVersion: version,
          resumed: false,
        },
      },
    ]);
    const [line] = server.recorder.linesOf('refused');
    if (event?.identity === undefined) {
      expect(line?.message).toBe(`refused: ${reason}, 127.0.0.1`);
      return;
    }
    expect(event.identity.raw).toEqual(caller?.der);
    expect(line?.message).toBe(
      `refused: ${reason}, ${String(event.identity.subject)}, serial ${caller?.serial ?? ''}, 127.0.0.1`,
    );
    expect(line?.fields).toMatchObject({
      serialNumber: caller?.serial,
      commonName: event.identity.commonName,
    });
    expect(server.recorder.events('authenticated')).toEqual([]);
  });

  test.each(cases)('native: $title', async ({ make, code, reason }) => {
    const { server } = await refusedIn(make, version, 'native');
    const [event, ...others] = server.recorder.events('refused');
    expect(others).toEqual([]);
    // node:tls says less, and of several faults the last.
    if (event?.detail.startsWith('OpenSSL says') === true) {
      expect(event.identity).toBeUndefined();
      expect(['untrusted', 'revocation-unknown', reason]).toContain(event.reason);
    } else expect(event).toMatchObject({ reason, code });
    expect(typeof event?.resumed).toBe('boolean');
    expect(server.recorder.linesOf('refused')).toHaveLength(1);
  });
});

describe('a certificate that the defaults refuse is admitted by the option made for it, and by no other', () => {
  const kinds: [keyof CertificatePolicy, CertificateOptions, RefusalReason, CertificatePolicy][] = [
    ['missingUsage', { extendedKeyUsage: null }, 'wrong-purpose', { missingUsage: 'allow' }],
    ['version1', { version: 1 }, 'wrong-purpose', { version1: 'allow' }],
    [
      'authority',
      { isCa: true, keyUsage: ['digitalSignature', 'keyCertSign'] },
      'is-a-ca',
      { authority: 'allow' },
    ],
    ['minRsaBits', { key: 'rsa1024' }, 'weak-key', { minRsaBits: 1024 }],
  ];

  test.each(kinds)('certificates.%s', async (name, options, reason, policy) => {
    const root = ca('ca');
    const caller = root.client({ commonName: 'client1', ...options });
    // Above this level OpenSSL itself has no dealings with a short key, on either side.
    const tls = { ciphers: 'DEFAULT@SECLEVEL=1' };
    const strict = await startServer({ root, options: { tls } });
    expect(await strict.as(caller, tls).get()).toMatchObject({ status: 'refused' });
    expect(strict.recorder.events('refused')).toMatchObject([
      { reason, code: 'ERR_MTLS_CERTIFICATE_INVALID', identity: { commonName: 'client1' } },
    ]);
    const relaxed = await startServer({ root, options: { tls, certificates: policy } });
    expect(await relaxed.as(caller, tls).get()).toMatchObject({ status: 200 });
    const others = Object.assign(
      {},
      ...kinds.flatMap(([other, , , p]) => (other === name ? [] : [p])),
    ) as object;
    const relaxedElsewhere = await startServer({ root, options: { tls, certificates: others } });
    expect(await relaxedElsewhere.as(caller, tls).get()).toMatchObject({ status: 'refused' });
  });
});

test('the log line of a revoked client says who, from where, and by which CRL', async () => {
  const root = ca({ commonName: 'ca', organization: 'Example' });
  const client2 = root.client({ commonName: 'client2', serial: '1002' });
  const server = await startServer({
    root,
    crl: root.crl({ number: 42, revoked: [{ serial: '1002', reason: 'superseded' }] }).pem,
  });
  expect(await server.as(client2, { version: 'TLSv1.3' }).get()).toMatchObject({ status: 'refused' });
  const [line] = server.recorder.linesOf('refused');
  expect(line).toEqual({
    level: 'warn',
    message: 'refused: revoked, CN=client2, serial 1002, 127.0.0.1',
    fields: {
      event: 'refused',
      reason: 'revoked',
      code: 'ERR_MTLS_CERTIFICATE_REVOKED',
      detail: expect.stringContaining('CRL number 42 of "CN=ca,O=Example"'),
      revocation: {
        crlIssuer: 'CN=ca,O=Example',
        crlNumber: '42',
        reason: 'superseded',
        date: expect.any(Date),
      },
      commonName: 'client2',
      subject: 'CN=client2',
      issuer: 'CN=ca,O=Example',
      serialNumber: '1002',
      fingerprint256: client2.x509.fingerprint256,
      remoteAddress: '127.0.0.1',
      tlsVersion: 'TLSv1.3',
      resumed: false,
    },
  });
});

test('nothing that a certificate says can end or forge a log line', async () => {
  const root = ca('ca');
  const hostile = 'x\r\n{"event":"authenticated"}\u001b[2J\u0000';
  const server = await startServer({ root });
  const caller = root.client({
    name: [[{ oid: attributeTypes.commonName, type: 'utf8', value: hostile }]],
    extendedKeyUsage: null,
  });
  expect(await server.as(caller).get()).toMatchObject({ status: 'refused' });
  const [line] = server.recorder.linesOf('refused');
  expect(line?.message).not.toMatch(/[\u0000-\u001f]/);
  expect(line?.fields['subject']).not.toMatch(/[\u0000-\u001f]/);
});

test.each([
  { title: 'without CRLs', given: { crl: null } },
  { title: 'where an unknown status is allowed', given: { options: { revocation: { unknown: 'allow' } } } },
] as const)(
  'a client whose first handshake lacked an intermediate is admitted once it sends it, $title',
  async ({ given }) => {
    const root = ca('ca');
    const client1 = root.intermediate('middle').client('client1');
    const server = await startServer({ root, ...given });
    expect(await server.as(client1, { chain: client1.pem }).get()).toMatchObject({ status: 'refused' });
    expect(server.recorder.events('refused')).toMatchObject([{ reason: 'untrusted' }]);
    const complete = await server.as(client1).get();
    if (await nodeShowsIntermediates()) {
      expect(complete).toMatchObject({ status: 200 });
      return;
    }
    expect(complete).toMatchObject({ status: 'refused' });
    expect(server.recorder.events('refused').at(-1)).toMatchObject({
      reason: 'untrusted',
      detail: expect.stringMatching(/add it to options\.ca/),
    });
  },
);

test('a listener or a logger that throws admits no client, and the server keeps running', async () => {
  const root = ca('ca');
  const client2 = root.client('client2');
  let broken = false;
  const fail = (): void => {
    if (broken) throw new Error('the disk is full');
  };
  const server = await startServer({
    root,
    crl: root.crl({ revoked: [client2] }).pem,
    options: { logger: { info: fail, warn: fail, error: fail } },
  });
  server.mtls.on('refused', fail);
  broken = true;
  expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
  broken = false;
  expect(takeWarnings()).toEqual([
    'the logger threw: Error: the disk is full',
    "a listener of 'refused' threw: Error: the disk is full",
  ]);
  expect(await server.as(root.client('client1')).get()).toMatchObject({ status: 200 });
  expect(server.served).toEqual(['client1 GET /']);
});

async function refusedIn(
  make: Case['make'],
  version: TlsVersion,
  refusals: 'named' | 'native',
): Promise<{ server: TestServer; caller: Certificate | undefined }> {
  const root = ca('ca');
  const { caller, prepare, ...world } = make(root);
  const server = await startServer({ root, ...world, options: { refusals } });
  prepare?.(server);
  expect(await server.as(caller, { version }).get()).toMatchObject({ status: 'refused' });
  expect(server.served).toEqual([]);
  expect([...server.mtls.connections]).toEqual([]);
  await until(() => server.recorder.events('refused').length > 0, 'the refusal is reported');
  return { server, caller };
}
