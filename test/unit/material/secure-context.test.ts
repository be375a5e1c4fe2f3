import { constants } from 'node:crypto';
import tls, { type SecureContextOptions } from 'node:tls';
import { describe, expect, jest, test } from '@jest/globals';
import { type Material } from '../../../src/material/material.js';
import { type MtlsOptions } from '../../../src/server/options.js';
import { type BuiltContext, secureContextOf } from '../../../src/material/secure-context.js';
import { ca, largeCrl } from '../../support/chain.js';
import type { CrlMaterial } from '../../support/crl.js';
import { distinguishedName } from '../../support/names.js';
import { authorityCertificate } from '../../support/path-extensions.js';
import { load, root, server, settingsOf } from './readings.js';

async function bag(
  options: Partial<MtlsOptions> = {},
  enforcer: 'gate' | 'openssl' = 'gate',
): Promise<SecureContextOptions> {
  const { materials } = await load(options, undefined, enforcer);
  return secureContextOf(settingsOf(options), materials.main, { enforcer }).options;
}

const east = root.intermediate('east');
const both = root.pem + east.pem;
const crls = (...lists: CrlMaterial[]): string[] => lists.map(({ pem }) => pem);

describe('the options of a context', () => {
  test('are complete: key, certificate, CAs, CRLs, no renegotiation, session id context', async () => {
    const crl = root.crl().pem;
    expect(await bag({ crl })).toEqual({
      minVersion: 'TLSv1.2',
      key: server.keyPem,
      cert: server.pem,
      ca: root.pem,
      crl: [crl],
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      sessionIdContext: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });

  test('are frozen', async () => {
    expect(Object.isFrozen(await bag())).toBe(true);
  });

  test('include the CAs even if every other option is at its laxest', async () => {
    const loose: Partial<MtlsOptions> = {
      clients: 'optional',
      revocation: { unknown: 'allow', stale: 'allow', scope: 'leaf' },
      resumption: false,
      watch: false,
    };
    for (const enforcer of ['gate', 'openssl'] as const)
      expect((await bag(loose, enforcer)).ca).toBe(root.pem);
    expect((await bag({ ca: [root.der, east.pem] })).ca).toBe(both);
  });

  test('include the passphrase if the key needs one', async () => {
    const passphrase = 'a passphrase';
    const key = server.privateKey
      .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase })
      .toString();
    expect(await bag({ key, passphrase })).toMatchObject({ key, passphrase });
    expect('passphrase' in (await bag())).toBe(false);
  });

  test('only include options of a context', async () => {
    const tls = {
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256',
      ecdhCurve: 'P-256',
      sigalgs: 'ecdsa_secp256r1_sha256',
      honorCipherOrder: true,
      ticketKeys: Buffer.alloc(48, 1),
      sessionTimeout: 60,
    } as const;
    const made = await bag({
      tls: { ...tls, ALPNProtocols: ['http/1.1'], keepAliveTimeout: 5000 },
    });
    expect(made).toMatchObject(tls);
    for (const name of ['ALPNProtocols', 'keepAliveTimeout', 'requestCert']) expect(name in made).toBe(false);
  });

  test('are rejected before anything changes if OpenSSL rejects them', async () => {
    await expect(bag({ tls: { ciphers: 'NONE-SUCH' } })).rejects.toMatchObject({
      code: 'ERR_MTLS_TLS_CONFIG_INVALID',
      message: expect.stringMatching(/^OpenSSL rejects the options as a whole: .*; check options\.tls$/),
    });
  });

  const again = async (options: Partial<MtlsOptions>, inForce?: BuiltContext): Promise<BuiltContext> =>
    secureContextOf(settingsOf(options), (await load(options)).materials.main, {
      enforcer: 'gate',
      inForce,
    });

  test('reuse the context in force if they are unchanged', async () => {
    const crl = root.crl().pem;
    const inForce = await again({ crl });
    expect(await again({ crl }, inForce)).toBe(inForce);
    expect(await again({}, inForce)).not.toBe(inForce);
  });

  test('build no context before it is needed if they only leave out a CRL', async () => {
    const crl = root.crl().pem;
    const inForce = await again({ crl });
    const [without, withCrl] = [await load({}), await load({ crl })].map(({ materials }) => materials.main);
    const build = (material: Material | undefined, before: BuiltContext): BuiltContext =>
      secureContextOf(settingsOf({}), material as Material, { enforcer: 'gate', inForce: before });
    const create = jest.spyOn(tls, 'createSecureContext');
    const next = build(without, inForce);
    expect(create).not.toHaveBeenCalled();
    expect(next.context).toBe(next.context);
    expect(create.mock.calls).toEqual([[next.options]]);
    expect(build(withCrl, next).options.crl).toEqual([crl]);
    expect(create).toHaveBeenCalledTimes(2);
    create.mockRestore();
  });
});

describe('renegotiation is off in every context', () => {
  const off = constants.SSL_OP_NO_RENEGOTIATION;
  test.each<[string, Partial<MtlsOptions>]>([
    ['by default', {}],
    ['with options of one’s own', { tls: { secureOptions: constants.SSL_OP_NO_TLSv1_3 } }],
    [
      'with the option that allows it',
      { tls: { secureOptions: constants.SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION } },
    ],
    ['without resumption', { resumption: false }],
    ['for optional clients', { clients: 'optional' }],
  ])('%s', async (_what, options) => {
    for (const enforcer of ['gate', 'openssl'] as const) {
      const { secureOptions = 0 } = await bag(options, enforcer);
      expect(secureOptions & off).toBe(off);
      const given = options.tls?.secureOptions ?? 0;
      expect(secureOptions & given).toBe(given);
      expect((secureOptions & constants.SSL_OP_NO_TICKET) !== 0).toBe(options.resumption === false);
    }
  });
});

describe('the session id context', () => {
  const of = async (options: Partial<MtlsOptions>): Promise<string | undefined> =>
    (await bag(options)).sessionIdContext;

  test('has 32 characters, the maximum of OpenSSL', async () => {
    for (const options of [{}, { ca: both }, { clients: 'optional' } as const])
      expect(await of(options)).toMatch(/^[0-9a-f]{32}$/);
  });

  test('differs for other CAs and another mode, which prevents resumption across them', async () => {
    const contexts = await Promise.all([
      of({}),
      of({ ca: both }),
      of({ ca: [root.pem, ca('other').pem] }),
      of({ ca: ca('root').pem }),
      of({ clients: 'optional' }),
      of({ ca: both, clients: 'optional' }),
    ]);
    expect(new Set(contexts).size).toBe(contexts.length);
  });

  test('is the same for the same CAs, whatever else changes', async () => {
    const renewed = root.server();
    const context = await of({});
    expect(await of({ key: renewed.keyPem, cert: renewed.pem })).toBe(context);
    expect(await of({ crl: root.crl().pem })).toBe(context);
    expect(await of({ ca: root.der })).toBe(context);
  });
});

describe('the CRLs, if the gate decides', () => {
  test('are passed to OpenSSL too, one string each, if it reads them correctly', async () => {
    const lists = crls(root.crl(), east.crl());
    expect((await bag({ ca: both, crl: lists })).crl).toEqual(lists);
    expect((await bag({ ca: both, crl: lists.join('') })).crl).toEqual(lists);
  });

  test('are omitted if none is configured', async () => {
    expect('crl' in (await bag())).toBe(false);
    expect('crl' in (await bag({}, 'openssl'))).toBe(false);
  });

  const strict = { ca: both, crl: crls(root.crl(), east.crl()) };
  test.each<[string, Partial<MtlsOptions>]>([
    ['of which one is missing', { ...strict, crl: root.crl().pem }],
    ['under scope leaf', { ...strict, revocation: { scope: 'leaf' } }],
    ['where unknown is allowed', { ...strict, revocation: { unknown: 'allow' } }],
    ['where stale is allowed', { ...strict, revocation: { stale: 'allow' } }],
    ['within a grace', { ...strict, revocation: { graceMs: 1 } }],
    ['of which one is a delta', { ...strict, crl: [...strict.crl, east.crl({ number: 2, delta: 1 }).pem] }],
    [
      'of which one is for a distribution point',
      { ...strict, crl: crls(root.crl(), east.crl({ idp: { onlyUser: true } })) },
    ],
    ['of which one is indirect', { ...strict, crl: crls(root.crl(), east.crl({ idp: { indirect: true } })) }],
    [
      'with more entries than are allowed',
      { ...strict, crl: [root.crl().pem, largeCrl(east, { entries: 1001 }).pem] },
    ],
    [
      'with an entry where none is allowed',
      {
        ...strict,
        crl: crls(root.crl({ revoked: [{ serial: '0a' }] }), east.crl()),
        revocation: { opensslEntries: 0 },
      },
    ],
  ])('%s are not passed to OpenSSL, which would misread them or slow down', async (_what, options) => {
    expect('crl' in (await bag(options))).toBe(false);
  });

  test('of two CAs with the same name are not passed to OpenSSL, which uses the first', async () => {
    const twin = ca('root');
    expect('crl' in (await bag({ ca: [root.pem, twin.pem], crl: crls(root.crl(), twin.crl()) }))).toBe(false);
    const spelt = ca({ name: distinguishedName({ commonName: ' ROOT' }) });
    expect('crl' in (await bag({ ca: [root.pem, spelt.pem], crl: crls(root.crl(), spelt.crl()) }))).toBe(
      false,
    );
  });

  test('can have the allowed number of entries in total, and not one more', async () => {
    const options = (entries: number): Partial<MtlsOptions> => ({
      ca: both,
      crl: [largeCrl(root, { entries: 400 }).pem, largeCrl(east, { entries }).pem],
    });
    expect('crl' in (await bag(options(600)))).toBe(true);
    expect('crl' in (await bag(options(601)))).toBe(false);
    expect('crl' in (await bag({ ...options(601), revocation: { opensslEntries: 1001 } }))).toBe(true);
  });
});

describe('the CRLs, if OpenSSL alone decides', () => {
  test('are all passed, whatever the policy', async () => {
    const lists = crls(root.crl());
    expect((await bag({ ca: both, crl: lists }, 'openssl')).crl).toEqual(lists);
    expect((await bag({ ca: both, crl: lists, revocation: { unknown: 'allow' } }, 'openssl')).crl).toEqual(
      lists,
    );
    const large = largeCrl(root, { entries: 2000 }).pem;
    expect((await bag({ crl: large }, 'openssl')).crl).toEqual([large]);
  });

  test.each<[string, CrlMaterial, string]>([
    ['a delta', root.crl({ number: 2, delta: 1 }), 'delta CRLs (options.crl[1])'],
    [
      'one for a distribution point',
      root.crl({ idp: { onlyUser: true } }),
      'CRLs with an issuing distribution point (options.crl[1])',
    ],
    ['one of another CA of the name', ca('x').crl(), 'two CRLs with the same issuer name (options.crl[1])'],
  ])('are rejected with %s among them, which it misreads', async (_what, list, fault) => {
    const twin = ca('root');
    const second = fault.startsWith('two') ? twin.crl() : list;
    await expect(
      bag({ ca: [root.pem, twin.pem], crl: crls(root.crl(), second) }, 'openssl'),
    ).rejects.toMatchObject({
      code: 'ERR_MTLS_CRL_UNSUPPORTED',
      message: `OpenSSL misreads ${fault}, and with createServerOptions() alone nothing else checks revocation; use createServer(), or protect() the server`,
    });
  });
});

describe('a CRL that OpenSSL would not find', () => {
  const spelt = root.crl({ issuerName: distinguishedName({ commonName: 'ROOT' }) });
  const twin = ca('root');
  test.each<[string, Partial<MtlsOptions>, string]>([
    [
      'by one of two keys of the name',
      { ca: [root.pem, twin.pem], crl: root.crl().pem },
      'the CRL of a CA with several keys (options.crl)',
    ],
    [
      'under the name of its CA in another spelling',
      { ca: root.pem, crl: spelt.pem },
      'a CRL that spells the name of its CA differently (options.crl)',
    ],
    [
      'that names another certificate of its CA, as one from before the renewal of the CA does',
      {
        ca: root.reissue().pem,
        crl: root.crl({ authorityKeyId: false, extraExtensions: [authorityCertificate(root)] }).pem,
      },
      'a CRL whose authorityKeyIdentifier names another certificate of its CA (options.crl)',
    ],
    [
      'with an entry that lifts',
      { ca: root.pem, crl: root.crl({ revoked: [{ serial: '0a', reason: 'removeFromCRL' }] }).pem },
      'a full CRL with an entry with the reason removeFromCRL (options.crl)',
    ],
  ])('%s is not passed to it, and rejected if it alone decides', async (_what, options, fault) => {
    expect('crl' in (await bag(options))).toBe(false);
    await expect(bag(options, 'openssl')).rejects.toMatchObject({
      code: 'ERR_MTLS_CRL_UNSUPPORTED',
      message: expect.stringContaining(`OpenSSL misreads ${fault}, and with`),
    });
  });
});

test('a CRL that names the certificate of its CA by issuer and serial number is passed to OpenSSL', async () => {
  const crl = root.crl({ authorityKeyId: false, extraExtensions: [authorityCertificate(root)] }).pem;
  expect((await bag({ crl })).crl).toEqual([crl]);
});

describe('a large CRL', () => {
  const large = largeCrl(root, { entries: 40_000 });

  test('is passed to OpenSSL if it alone decides, or on request', async () => {
    expect((await bag({ crl: large.der }, 'openssl')).crl).toEqual([large.pem]);
    const revocation = { opensslEntries: 1_000_000 };
    expect((await bag({ crl: large.der, revocation })).crl).toEqual([large.pem]);
  });

  test('whose bytes were not kept is an error, not omitted', async () => {
    const { materials } = await load({ crl: large.der });
    expect(() => secureContextOf(settingsOf(), materials.main, { enforcer: 'openssl' })).toThrow(
      expect.objectContaining({ code: 'ERR_MTLS_CRL_UNSUPPORTED' }),
    );
  });
});
