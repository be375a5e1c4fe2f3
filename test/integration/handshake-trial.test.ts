/**
 * What a server does before its secure contexts come into force: a handshake with each. Every verdict on a set of
 * options is compared with real clients.
 *
 * @module
 */
import { constants, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import https from 'node:https';
import tls, { type ConnectionOptions, type SecureContextOptions } from 'node:tls';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, createServerOptions, protect } from 'express-mtls';
import { ca, type Certificate, type CertificateAuthority } from '../support/chain.js';
import { listen, material, type MaterialOptions, publish, startServer } from '../support/server.js';

const root = ca('ca');

const privateKeys = {
  secp256k1: () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey,
  brainpool: () => generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).privateKey,
  'rsa-pss': () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
  'rsa-pss with SHA-512': () =>
    generateKeyPairSync('rsa-pss', {
      modulusLength: 2048,
      hashAlgorithm: 'sha512',
      mgf1HashAlgorithm: 'sha512',
    }).privateKey,
};
const keyTypes = ['p256', 'p384', 'p521', 'rsa2048', 'ed25519', 'ed448'] as const;
type Key = (typeof keyTypes)[number] | keyof typeof privateKeys;

const certificates = new Map<Key, Certificate>();
beforeAll(() => {
  for (const key of keyTypes) certificates.set(key, root.server({ key }));
  for (const [key, make] of Object.entries(privateKeys))
    certificates.set(key as Key, root.server({ privateKey: make() }));
});

const certificateOf = (key: Key): Certificate => certificates.get(key) as Certificate;

/** What becomes of a client at a server of node:tls with these options. */
async function outcomeOf(server: SecureContextOptions, client: ConnectionOptions): Promise<string> {
  const listener = tls.createServer({ ...server, requestCert: true, rejectUnauthorized: false });
  listener.on('secureConnection', (socket) => socket.on('error', () => undefined));
  const port = await listen(listener);
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...client });
  try {
    await once(socket, 'secureConnect');
    return 'served';
  } catch {
    return 'failed';
  } finally {
    socket.destroy();
  }
}

/** Options of the server, a client that does connect, and what a client with the defaults of OpenSSL meets. */
interface Working {
  readonly key: Key;
  readonly options: SecureContextOptions;
  readonly client?: ConnectionOptions;
  readonly usual?: 'failed';
}

const only = (version: 'TLSv1.2' | 'TLSv1.3'): SecureContextOptions => ({
  minVersion: version,
  maxVersion: version,
});

describe('a server starts if some client can connect', () => {
  const working: Working[] = [
    ...[...keyTypes, 'rsa-pss' as const, 'rsa-pss with SHA-512' as const].flatMap((key) => [
      { key, options: {} },
      { key, options: only('TLSv1.2') },
      { key, options: only('TLSv1.3') },
    ]),
    { key: 'p256', options: { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } },
    { key: 'rsa2048', options: { ...only('TLSv1.2'), ciphers: 'AES128-GCM-SHA256' } },
    {
      key: 'rsa2048',
      options: { ...only('TLSv1.2'), ciphers: 'DHE-RSA-AES128-GCM-SHA256', dhparam: 'auto' },
    },
    { key: 'rsa2048', options: { ciphers: 'HIGH:!aNULL:@SECLEVEL=2' } },
    { key: 'p256', options: { ecdhCurve: 'X448' } },
    { key: 'p256', options: { ...only('TLSv1.2'), ecdhCurve: 'X25519' } },
    { key: 'p256', options: { ecdhCurve: 'auto' } },
    { key: 'ed25519', options: { sigalgs: 'ed25519' } },
    { key: 'p256', options: { secureOptions: constants.SSL_OP_NO_TLSv1_3 } },
    {
      key: 'p256',
      options: { ciphers: 'TLS_AES_128_CCM_SHA256' },
      client: { ciphers: 'TLS_AES_128_CCM_SHA256' },
      usual: 'failed',
    },
    {
      key: 'p256',
      options: { ecdhCurve: 'secp256k1' },
      client: { ...only('TLSv1.2'), ecdhCurve: 'secp256k1:prime256v1' },
      usual: 'failed',
    },
    {
      key: 'p256',
      options: { ...only('TLSv1.2'), ecdhCurve: 'brainpoolP512r1' },
      client: { ecdhCurve: 'brainpoolP512r1:prime256v1' },
      usual: 'failed',
    },
    {
      key: 'secp256k1',
      options: {},
      client: { ...only('TLSv1.2'), ecdhCurve: 'X25519:secp256k1' },
      usual: 'failed',
    },
    {
      key: 'brainpool',
      options: only('TLSv1.2'),
      client: { ecdhCurve: 'X25519:brainpoolP256r1' },
      usual: 'failed',
    },
    { key: 'rsa2048', options: { sigalgs: 'RSA+SHA256' }, client: only('TLSv1.2'), usual: 'failed' },
    { key: 'p256', options: { sigalgs: 'ECDSA+SHA384' }, client: only('TLSv1.2'), usual: 'failed' },
  ];

  test.each(working)('$key with $options', async ({ key, options, client, usual }) => {
    const { keyPem, pem } = certificateOf(key);
    const server = { key: keyPem, cert: pem, ca: root.pem, ...options };
    expect(await outcomeOf(server, client ?? {})).toBe('served');
    const { recorder } = await startServer({
      root,
      serverCertificate: certificateOf(key),
      options: { tls: options },
    });
    const warnings = recorder.linesOf('few-clients');
    if (usual === undefined) {
      expect(warnings).toEqual([]);
      return;
    }
    expect(await outcomeOf(server, {})).toBe('failed');
    expect(warnings).toMatchObject([
      {
        level: 'warn',
        fields: { code: expect.stringMatching(/^ERR_SSL_NO_/) },
        message: expect.stringMatching(
          /^handshakes with most clients fail: OpenSSL says "no .*" \(ERR_SSL_NO_\w+\); .* use another type of key/,
        ),
      },
    ]);
  });
});

/** Options with which every client fails, and what the error says of OpenSSL and of the remedy. */
interface Failing {
  readonly key: Key;
  readonly options: SecureContextOptions;
  readonly says: string;
  readonly remedy: RegExp;
}

const noKeyOf = (type: string): RegExp =>
  new RegExp(
    `^tls.ciphers, tls.sigalgs and tls.ecdhCurve allow nothing that clients support with a key of the type ${type}; remove`,
  );

describe('a server does not start if every handshake would fail', () => {
  const failing: Failing[] = [
    {
      key: 'p256',
      options: { ...only('TLSv1.2'), ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
      says: '"no shared cipher" (ERR_SSL_NO_SHARED_CIPHER)',
      remedy: noKeyOf('ec \\(prime256v1\\)'),
    },
    {
      key: 'rsa2048',
      options: { ...only('TLSv1.2'), ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
      says: '"no shared cipher" (ERR_SSL_NO_SHARED_CIPHER)',
      remedy: noKeyOf('rsa'),
    },
    {
      key: 'rsa2048',
      options: { ...only('TLSv1.2'), ciphers: 'DHE-RSA-AES128-GCM-SHA256' },
      says: '"no shared cipher" (ERR_SSL_NO_SHARED_CIPHER)',
      remedy: noKeyOf('rsa'),
    },
    {
      key: 'p256',
      options: { maxVersion: 'TLSv1.2', ciphers: 'TLS_AES_128_GCM_SHA256' },
      says: '"no ciphers available" (ERR_SSL_NO_CIPHERS_AVAILABLE)',
      remedy: /^tls.ciphers has no cipher for a TLS version from tls.minVersion to tls.maxVersion; change/,
    },
    {
      key: 'p256',
      options: { sigalgs: 'RSA-PSS+SHA256' },
      says: '"no suitable signature algorithm" (ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM)',
      remedy: noKeyOf('ec \\(prime256v1\\)'),
    },
    {
      key: 'rsa-pss with SHA-512',
      options: { sigalgs: 'rsa_pss_pss_sha256' },
      says: '"no suitable signature algorithm" (ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM)',
      remedy: noKeyOf('rsa-pss'),
    },
    {
      key: 'p256',
      options: { minVersion: 'TLSv1.3', ecdhCurve: 'secp224r1' },
      says: '"no suitable key share" (ERR_SSL_NO_SUITABLE_KEY_SHARE)',
      remedy: noKeyOf('ec \\(prime256v1\\)'),
    },
    {
      key: 'p256',
      options: { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' },
      says: '"no protocols available" (ERR_SSL_NO_PROTOCOLS_AVAILABLE)',
      remedy: /^tls.minVersion, tls.maxVersion and tls.secureOptions exclude every TLS version; change/,
    },
    {
      key: 'p256',
      options: { secureOptions: constants.SSL_OP_NO_TLSv1_2 | constants.SSL_OP_NO_TLSv1_3 },
      says: '"no protocols available" (ERR_SSL_NO_PROTOCOLS_AVAILABLE)',
      remedy: /^tls.minVersion, tls.maxVersion and tls.secureOptions exclude every TLS version; change/,
    },
  ];

  test.each(failing)('$key with $options', async ({ key, options, says, remedy }) => {
    const { keyPem, pem } = certificateOf(key);
    expect(await outcomeOf({ key: keyPem, cert: pem, ca: root.pem, ...options }, {})).toBe('failed');
    const given = material({ root, serverCertificate: certificateOf(key) });
    const start = `every handshake fails: OpenSSL says ${says}; `;
    const refused = {
      code: 'ERR_MTLS_TLS_CONFIG_INVALID',
      message: expect.stringMatching(new RegExp(`^${start.replaceAll(/[().]/g, '\\$&')}`)),
    };
    const error: unknown = await createServer({ ...given.options, tls: options }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject(refused);
    expect((error as Error).message.slice(start.length)).toMatch(remedy);
    await expect(createServerOptions({ ...given.options, tls: options })).rejects.toMatchObject(refused);
    const server = https.createServer({ requestCert: true, rejectUnauthorized: false });
    await expect(protect(server, { ...given.options, tls: options })).rejects.toMatchObject(refused);
  });

  test('under only one name in sni, which the error names', async () => {
    const own = certificateOf('p256');
    const { options } = material({ root, serverCertificate: certificateOf('rsa2048') });
    const sni = { 'a.example': { key: own.keyPem, cert: own.pem } };
    const rsaOnly = { ...only('TLSv1.2'), ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' };
    await expect(createServer({ ...options, tls: rsaOnly, sni })).rejects.toMatchObject({
      message: expect.stringMatching(
        /^sni\["a\.example"\]: every handshake fails: OpenSSL says "no shared cipher"/,
      ),
    });
  });
});

describe('a CA of the server’s own certificate that is too weak for OpenSSL', () => {
  const tls = { ciphers: 'DEFAULT:@SECLEVEL=2' };
  let weak: CertificateAuthority;
  let given: MaterialOptions;
  beforeAll(() => {
    weak = ca({ commonName: 'weak', key: 'rsa1024' });
    given = { root: weak, serverCertificate: weak.server(), crl: null };
  });
  const refused = {
    code: 'ERR_MTLS_TLS_CONFIG_INVALID',
    message: expect.stringMatching(
      /^every handshake fails: OpenSSL says "ca key too small" \(ERR_SSL_CA_KEY_TOO_SMALL\); the server sends the CAs .* have a stronger CA issue the server's certificate, or set a lower @SECLEVEL/,
    ),
  };

  test('prevents the start: OpenSSL uses it from the client CAs, and fails in every handshake', async () => {
    await expect(createServer({ ...material(given).options, tls })).rejects.toMatchObject(refused);
  });

  test('is rejected at a reload, and clients are served as before', async () => {
    const { mtls, files, as } = await startServer({ ...given, cas: [root], options: { tls, watch: false } });
    publish(files.ca, root.pem + weak.pem);
    await expect(mtls.reload()).rejects.toMatchObject(refused);
    expect(mtls.authorities).toHaveLength(1);
    const client = as(root.client(), { ciphers: 'DEFAULT:@SECLEVEL=1' });
    expect(await client.get()).toMatchObject({ status: 200 });
  });
});

describe('a reload', () => {
  const rsaOnly = { ...only('TLSv1.2'), ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' };

  test('rejects a key for which the other options leave no cipher', async () => {
    const { mtls, files, as } = await startServer({
      root,
      serverCertificate: certificateOf('rsa2048'),
      options: { tls: rsaOnly, watch: false },
    });
    publish(files.key, certificateOf('p256').keyPem);
    publish(files.cert, certificateOf('p256').pem);
    await expect(mtls.reload()).rejects.toMatchObject({
      message: expect.stringMatching(/^every handshake fails: OpenSSL says "no shared cipher"/),
    });
    expect(await as(root.client()).get()).toMatchObject({ status: 200 });
  });

  // The warning is the trace that a trial leaves.
  test('tries new credentials and new CAs, each context once, but never only a new CRL', async () => {
    const tlsOptions = { sigalgs: 'RSA+SHA256:ECDSA+SHA384' };
    const own = root.server({ key: 'rsa2048', sans: { dns: ['a.example'] } });
    const { mtls, files, recorder } = await startServer({
      root,
      serverCertificate: certificateOf('rsa2048'),
      crl: root.crl({ number: 1 }).pem,
      options: {
        tls: tlsOptions,
        watch: false,
        sni: {
          'a.example': { key: own.keyPem, cert: own.pem },
          'same.example': { key: certificateOf('rsa2048').keyPem, cert: certificateOf('rsa2048').pem },
        },
      },
    });
    const trials = (): number => recorder.linesOf('few-clients').length;
    expect(recorder.linesOf('few-clients').map(({ message }) => message.slice(0, 30))).toEqual([
      'handshakes with most clients f',
      'sni["a.example"]: handshakes w',
    ]);
    publish(files.crl, root.crl({ number: 2 }).pem);
    expect(await mtls.reload()).toMatchObject({ changed: true });
    expect(trials()).toBe(2);
    const renewed = root.server({ key: 'rsa2048' });
    publish(files.key, renewed.keyPem);
    publish(files.cert, renewed.pem);
    await mtls.reload();
    // That of the first name has not changed. The second was like the server's own, and is so no longer.
    expect(trials()).toBe(3);
    publish(files.cert, root.server({ privateKey: renewed.privateKey }).pem);
    await mtls.reload();
    expect(trials()).toBe(4);
    const other = ca('other');
    publish(files.ca, root.pem + other.pem);
    publish(files.crl, root.crl({ number: 3 }).pem + other.crl().pem);
    await mtls.reload();
    expect(trials()).toBe(7);
  });
});
