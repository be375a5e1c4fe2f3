import { describe, expect, test } from '@jest/globals';
import { type MtlsOptions } from '../../../src/server/options.js';
import { checkOptions } from '../../../src/server/settings.js';
import { checkRevocationPolicy } from '../../../src/revocation/revocation-policy.js';
import { ca } from '../../support/chain.js';
import { failureOf } from '../x509/failure.js';

const minimal = { key: 'server-key.pem', cert: 'server-crt.pem', ca: 'ca-crt.pem' };

function settings(options: object = {}): ReturnType<typeof checkOptions> {
  return checkOptions({ ...minimal, ...options });
}

/** The message of the refusal; its code is asserted. */
function refusal(options: unknown): string {
  const { code, message } = failureOf(() => checkOptions(options as MtlsOptions));
  expect(code).toBe('ERR_MTLS_OPTION_INVALID');
  return message;
}

const root = ca('root');
const aFunction = (): number => 0;
const aLogger = { info: aFunction, warn: aFunction, error: aFunction };
const aLoader = { load: () => Promise.resolve([]) };

test('the defaults are the strictest', () => {
  expect(settings()).toEqual({
    credentials: { key: 'server-key.pem', cert: 'server-crt.pem', passphrase: undefined },
    proxies: undefined,
    ca: ['ca-crt.pem'],
    partialChain: 'deny',
    announceCas: 'all',
    crl: [],
    names: new Map(),
    clients: 'required',
    refusals: 'named',
    onRefused: 'close',
    revocation: {
      scope: 'chain',
      unknown: 'deny',
      stale: 'deny',
      graceMs: 0,
      weakSignature: 'deny',
      warnAt: 0.2,
      opensslEntries: 1000,
    },
    certificates: {
      missingUsage: 'deny',
      version1: 'deny',
      authority: 'deny',
      minRsaBits: 2048,
      minEcBits: 256,
      policies: {
        initialPolicySet: undefined,
        initialExplicitPolicy: false,
        initialPolicyMappingInhibit: false,
        initialInhibitAnyPolicy: false,
      },
    },
    pollMs: 500,
    signals: false,
    resumption: true,
    limits: { handshakeTimeoutMs: 10_000, pendingHandshakes: 1000 },
    logger: undefined,
    tls: {},
    now: Date.now,
  });
});

test('settings cannot be changed', () => {
  const checked = settings({ crl: ['a.crl'] });
  for (const value of [checked, checked.ca, checked.crl, checked.revocation, checked.tls])
    expect(Object.isFrozen(value)).toBe(true);
});

test('settings do not change with the options', () => {
  const options = { ...minimal, ca: ['a.pem'], crl: ['a.crl'], tls: { minVersion: 'TLSv1.3' as const } };
  const checked = checkOptions(options);
  options.ca.push('b.pem');
  options.crl.pop();
  options.tls.minVersion = 'TLSv1.2' as 'TLSv1.3';
  expect(checked).toMatchObject({ ca: ['a.pem'], crl: ['a.crl'], tls: { minVersion: 'TLSv1.3' } });
});

describe('an option is taken', () => {
  const buffer = Buffer.from('PEM or DER');
  const pair = { key: 'server-key.pem', cert: 'server-crt.pem', passphrase: undefined };
  test.each<[string, object, object]>([
    ['key as a Buffer', { key: buffer }, { credentials: { ...pair, key: buffer } }],
    [
      'cert as bytes',
      { cert: new Uint8Array([1, 2]) },
      { credentials: { ...pair, cert: Buffer.from([1, 2]) } },
    ],
    ['passphrase', { passphrase: ' ' }, { credentials: { ...pair, passphrase: ' ' } }],
    ['a path of Windows', { key: 'C:\\key.pem' }, { credentials: { ...pair, key: 'C:\\key.pem' } }],
    ['a path with a colon', { key: 'a:key.pem' }, { credentials: { ...pair, key: 'a:key.pem' } }],
    [
      'PEM behind a text that begins with a URL',
      { ca: `http://a.test/ca.pem\n${root.pem}` },
      { ca: [`http://a.test/ca.pem\n${root.pem}`] },
    ],
    ['several CAs', { ca: ['a', buffer] }, { ca: ['a', buffer] }],
    ['one CRL', { crl: 'a.crl' }, { crl: ['a.crl'] }],
    ['several CRLs', { crl: ['a.crl', buffer, aLoader] }, { crl: ['a.crl', buffer, aLoader] }],
    ['clients', { clients: 'optional' }, { clients: 'optional' }],
    ['refusals', { refusals: 'native' }, { refusals: 'native' }],
    ['watch as false', { watch: false }, { pollMs: undefined }],
    ['watch as empty', { watch: {} }, { pollMs: 500 }],
    ['the least pollMs', { watch: { pollMs: 50 } }, { pollMs: 50 }],
    ['the greatest pollMs', { watch: { pollMs: 3_600_000 } }, { pollMs: 3_600_000 }],
    ['resumption', { resumption: false }, { resumption: false }],
    ['logger', { logger: aLogger }, { logger: aLogger }],
    ['console as the logger', { logger: console }, { logger: console }],
    ['tls', { tls: { ALPNProtocols: ['http/1.1'] } }, { tls: { ALPNProtocols: ['http/1.1'] } }],
    ['now', { now: aFunction }, { now: aFunction }],
    ['each as undefined, but crl', { clients: undefined, watch: undefined, tls: undefined }, { pollMs: 500 }],
  ])('%s', (_what, options, expected) => {
    expect(settings(options)).toMatchObject(expected);
  });
});

describe('an invalid option is reported with its name, what was given and what was expected', () => {
  const source = 'a path, PEM text, or a Buffer with PEM or DER, and not empty';
  const loader = 'a path, PEM, DER, or an object with a load() method';
  test.each<[unknown, string]>([
    [undefined, 'options is undefined; expected an object'],
    [null, 'options is null; expected an object'],
    ['server-key.pem', 'options is "server-key.pem"; expected an object'],
    [
      { ...minimal, crls: 'a.crl' },
      'options has the unknown key "crls"; did you mean "crl"? known are key, cert, passphrase, credentials, ca, partialChain, announceCas, crl, proxies, sni, clients, refusals, onRefused, revocation, certificates, watch, signals, resumption, limits, logger, tls, now',
    ],
    [{ ...minimal, key: undefined }, `key is undefined; expected ${source}`],
    [{ ...minimal, key: '' }, `key is ""; expected ${source}`],
    [{ ...minimal, key: ' \n' }, `key is " \\n"; expected ${source}`],
    [{ ...minimal, key: Buffer.alloc(0) }, `key is a Buffer of 0 bytes; expected ${source}`],
    [{ ...minimal, key: 5 }, `key is 5; expected ${source}`],
    [{ ...minimal, key: ['a'] }, `key is an array; expected ${source}`],
    [{ ...minimal, cert: true }, `cert is true; expected ${source}`],
    [{ ...minimal, cert: {} }, `cert is an object; expected ${source}`],
    [{ ...minimal, ca: undefined }, `ca is undefined; expected ${source}`],
    [{ ...minimal, ca: [] }, 'ca is [], an empty array; expected at least one'],
    [{ ...minimal, ca: ['a', ''] }, `ca[1] is ""; expected ${source}`],
    [
      { ...minimal, ca: [['a']] },
      'ca[0] is an array; expected a path, PEM, DER, or an object with a load() method',
    ],
    // Given as undefined, a CRL was meant: never silently off.
    [{ ...minimal, crl: undefined }, `crl is undefined; expected ${source}`],
    [{ ...minimal, crl: null }, `crl is null; expected ${source}`],
    [{ ...minimal, crl: '' }, `crl is ""; expected ${source}`],
    [{ ...minimal, crl: [] }, 'crl is [], an empty array; expected at least one'],
    [{ ...minimal, crl: [Buffer.alloc(0)] }, `crl[0] is a Buffer of 0 bytes; expected ${source}`],
    [{ ...minimal, crl: {} }, `crl is an object; expected ${loader}`],
    [{ ...minimal, crl: [{ load: 'a.crl' }] }, `crl[0] is an object; expected ${loader}`],
    [{ ...minimal, crl: aFunction }, `crl is a function; expected ${source}`],
    [
      { ...minimal, ca: new URL('file:///etc/ca.pem') },
      'ca is a URL object; use a path, such as fileURLToPath(url) from node:url returns',
    ],
    [
      { ...minimal, crl: ['a.crl', new URL('file:///etc/a.crl')] },
      'crl[1] is a URL object; use a path, such as fileURLToPath(url) from node:url returns',
    ],
    [
      { ...minimal, key: 'file:///etc/key.pem' },
      'key is text that is a URL; use a path, such as fileURLToPath(url) from node:url returns',
    ],
    [
      { ...minimal, cert: ' FILE:certs/a.pem' },
      'cert is text that is a URL; use a path, such as fileURLToPath(url) from node:url returns',
    ],
    [
      { ...minimal, crl: 'http://a.test/a.crl' },
      'crl is text that is a URL; http: URLs are not fetched; fetch it and pass the file or its content or, for ca and crl, a loader whose load() fetches it',
    ],
    [
      { ...minimal, key: new URL('https://user:secret@a.test/key.pem') },
      'key is a URL object; https: URLs are not fetched; fetch it and pass the file or its content or, for ca and crl, a loader whose load() fetches it',
    ],
    [
      { ...minimal, key: 'data:application/x-pem-file;base64,LS0t' },
      'key is text that is a URL; data: URLs are not fetched; fetch it and pass the file or its content or, for ca and crl, a loader whose load() fetches it',
    ],
    [
      { ...minimal, sni: { 'a.test': { key: new URL('file:///etc/key.pem'), cert: 'a.pem' } } },
      'sni["a.test"].key is a URL object; use a path, such as fileURLToPath(url) from node:url returns',
    ],
    [{ ...minimal, key: new URL('about:blank') }, `key is an object; expected ${source}`],
    [{ ...minimal, clients: 'none' }, `clients is "none"; expected one of 'required', 'optional'`],
    [{ ...minimal, clients: null }, `clients is null; expected one of 'required', 'optional'`],
    [{ ...minimal, refusals: 'loud' }, `refusals is "loud"; expected one of 'named', 'native'`],
    [{ ...minimal, onRefused: 'answer' }, `onRefused is "answer"; expected one of 'close', 'respond'`],
    [
      { ...minimal, onRefused: 'respond', refusals: 'native' },
      "onRefused: 'respond' needs refusals: 'named', because node:tls ends a connection that it refuses itself",
    ],
    [{ ...minimal, revocation: 'deny' }, 'revocation is "deny"; expected an object'],
    [{ ...minimal, revocation: null }, 'revocation is null; expected an object'],
    [
      { ...minimal, revocation: { unknwon: 'deny' } },
      'revocation has the unknown key "unknwon"; did you mean "unknown"? known are scope, unknown, stale, graceMs, maxAgeMs, weakSignature, warnAt, opensslEntries',
    ],
    [{ ...minimal, watch: true }, 'watch is true; expected an object'],
    [{ ...minimal, watch: { poll: 5 } }, 'watch has the unknown key "poll"; known are pollMs'],
    [{ ...minimal, watch: { pollMs: 49 } }, 'watch.pollMs is 49; expected an integer from 50 to 3600000'],
    [
      { ...minimal, watch: { pollMs: 3_600_001 } },
      'watch.pollMs is 3600001; expected an integer from 50 to 3600000',
    ],
    [{ ...minimal, watch: { pollMs: 50.5 } }, 'watch.pollMs is 50.5; expected an integer from 50 to 3600000'],
    [{ ...minimal, watch: { pollMs: NaN } }, 'watch.pollMs is NaN; expected an integer from 50 to 3600000'],
    [
      { ...minimal, watch: { pollMs: '500' } },
      'watch.pollMs is "500"; expected an integer from 50 to 3600000',
    ],
    [{ ...minimal, resumption: 'no' }, 'resumption is "no"; expected true or false'],
    [{ ...minimal, resumption: 0 }, 'resumption is 0; expected true or false'],
    [{ ...minimal, logger: {} }, 'logger.info is undefined; expected a function, as pino has'],
    [
      { ...minimal, logger: { ...aLogger, error: 'stderr' } },
      'logger.error is "stderr"; expected a function, as pino has',
    ],
    [
      { ...minimal, logger: { ...aLogger, warn: undefined } },
      'logger.warn is undefined; expected a function, as pino has',
    ],
    [{ ...minimal, now: 5 }, 'now is 5; expected a function that returns milliseconds since 1970'],
    [
      { ...minimal, tls: { requestCert: false } },
      `tls.requestCert is refused: it is always on; for clients without a certificate, use options.clients: 'optional'`,
    ],
  ])('%#', (options, message) => {
    expect(refusal(options)).toBe(message);
  });

  test.each([[5], [''], [null], [Buffer.from('s3cret')]])(
    'passphrase %#, which is not shown',
    (passphrase) => {
      expect(refusal({ ...minimal, passphrase })).toBe(
        'passphrase must be a non-empty string; omit it for a key that is not encrypted',
      );
    },
  );
});

describe('the revocation policy', () => {
  test.each<[object, object]>([
    [{ scope: 'leaf' }, { scope: 'leaf' }],
    [{ unknown: 'allow' }, { unknown: 'allow' }],
    [{ stale: 'allow' }, { stale: 'allow' }],
    [{ graceMs: 2_592_000_000 }, { graceMs: 2_592_000_000 }],
    [{ weakSignature: 'allow' }, { weakSignature: 'allow' }],
    [{ warnAt: 0 }, { warnAt: 0 }],
    [{ warnAt: 1 }, { warnAt: 1 }],
    [{ opensslEntries: 0 }, { opensslEntries: 0 }],
    [{ opensslEntries: 1_000_000 }, { opensslEntries: 1_000_000 }],
  ])('may be %p', (policy, expected) => {
    expect(checkRevocationPolicy(policy)).toMatchObject(expected);
    expect(settings({ revocation: policy }).revocation).toMatchObject(expected);
  });

  test.each<[object, RegExp]>([
    [{ scope: 'root' }, /^revocation\.scope is "root"; expected one of 'chain', 'leaf'$/],
    [{ unknown: true }, /^revocation\.unknown is true; expected one of 'deny', 'allow'$/],
    [{ stale: 'Allow' }, /^revocation\.stale is "Allow"; expected one of 'deny', 'allow'$/],
    [{ graceMs: -1 }, /^revocation\.graceMs is -1; expected an integer from 0 to 2592000000$/],
    [
      { graceMs: 2_592_000_001 },
      /^revocation\.graceMs is 2592000001; expected an integer from 0 to 2592000000$/,
    ],
    [{ graceMs: Infinity }, /^revocation\.graceMs is Infinity; expected an integer from 0 to 2592000000$/],
    [{ weakSignature: null }, /^revocation\.weakSignature is null; expected one of 'deny', 'allow'$/],
    [{ warnAt: -0.1 }, /^revocation\.warnAt is -0\.1; expected /],
    [{ warnAt: 1.1 }, /^revocation\.warnAt is 1\.1; expected /],
    [{ warnAt: NaN }, /^revocation\.warnAt is NaN; expected /],
    [{ warnAt: '0.5' }, /^revocation\.warnAt is "0\.5"; expected /],
    [{ opensslEntries: -1 }, /^revocation\.opensslEntries is -1; expected an integer from 0 to 1000000$/],
    [{ opensslEntries: 0.5 }, /^revocation\.opensslEntries is 0\.5; expected an integer from 0 to 1000000$/],
  ])('may not be %p', (policy, message) => {
    expect(refusal({ ...minimal, revocation: policy })).toMatch(message);
  });
});

describe('the certificate policy', () => {
  test.each<object>([
    { missingUsage: 'allow' },
    { version1: 'allow' },
    { authority: 'allow' },
    { minRsaBits: 1024 },
    { minRsaBits: 8192 },
    { minEcBits: 192 },
    { minEcBits: 521 },
  ])('may be %p', (policy) => {
    expect(settings({ certificates: policy }).certificates).toMatchObject(policy);
  });

  test.each<[object, RegExp]>([
    [{ missingUsage: true }, /^certificates\.missingUsage is true; expected one of 'deny', 'allow'$/],
    [{ version1: 'yes' }, /^certificates\.version1 is "yes"; expected one of 'deny', 'allow'$/],
    [{ authority: 1 }, /^certificates\.authority is 1; expected one of 'deny', 'allow'$/],
    [{ minRsaBits: 1023 }, /^certificates\.minRsaBits is 1023; expected an integer from 1024 to 8192$/],
    [{ minRsaBits: 8193 }, /^certificates\.minRsaBits is 8193; expected an integer from 1024 to 8192$/],
    [{ minEcBits: 191 }, /^certificates\.minEcBits is 191; expected an integer from 192 to 521$/],
    [{ minEcBits: 522 }, /^certificates\.minEcBits is 522; expected an integer from 192 to 521$/],
    [
      { missingUsages: 'allow' },
      /^certificates has the unknown key "missingUsages"; did you mean "missingUsage"\? known are missingUsage, /,
    ],
  ])('may not be %p', (policy, message) => {
    expect(refusal({ ...minimal, certificates: policy })).toMatch(message);
  });
});

describe('no message shows a secret in the wrong option', () => {
  const { keyPem } = ca();
  const secret = 'correct horse battery staple, and so on';
  const body = keyPem.split('\n')[1]!;
  test.each<[string, object]>([
    ['a key for clients', { clients: keyPem }],
    ['a key for refusals', { refusals: keyPem }],
    ['a key for resumption', { resumption: keyPem }],
    ['a key for the policy', { revocation: { stale: keyPem } }],
    ['a key for a number', { watch: { pollMs: keyPem } }],
    ['a key for the policy itself', { revocation: keyPem }],
    ['a key for the clock', { now: keyPem }],
    ['a key for a method of the logger', { logger: { ...aLogger, warn: keyPem } }],
    ['keys for a key', { key: [keyPem] }],
    ['an object with a key', { key: { pem: keyPem } }],
    ['keys within the list of CRLs', { crl: [[keyPem]] }],
    ['a list of passphrases', { passphrase: [secret] }],
    ['a Buffer with a passphrase', { passphrase: Buffer.from(secret) }],
    ['a key for tls.ciphers’ neighbour', { tls: { minVersion: keyPem } }],
    ['a passphrase in tls', { tls: { passphrase: secret } }],
    ['a key in tls', { tls: { key: keyPem } }],
    ['ticket keys as text', { tls: { ticketKeys: secret } }],
  ])('%s', (_what, options) => {
    const message = refusal({ ...minimal, ...options });
    expect(message).not.toContain(secret);
    expect(message).not.toContain(body);
    expect(message).not.toContain('PRIVATE KEY');
  });
});

describe('faults that were found', () => {
  test.each([[null], ['pino'], [5]])('a logger that is %p is refused with a code', (logger) => {
    expect(refusal({ ...minimal, logger })).toMatch(/^logger/);
  });

  test.each([['TLSv1.3'], [true], [5]])('tls that is %p is refused', (tls) => {
    expect(refusal({ ...minimal, tls })).toMatch(/^tls/);
  });
});

test.each(['revocation', 'certificates', 'watch', 'limits', 'sni'])(
  '%s: null is no group of options',
  (name) => {
    expect(refusal({ ...minimal, [name]: null })).toBe(`${name} is null; expected an object`);
  },
);

describe('all faults are reported together', () => {
  test('a line for each option', () => {
    expect(
      refusal({
        key: '',
        ca: 'ca.pem',
        crls: 'a.crl',
        clients: 'some',
        limits: { pendingHandshakes: 0 },
      }).split('\n'),
    ).toStrictEqual([
      expect.stringMatching(/^options has the unknown key "crls"; did you mean "crl"\?/),
      expect.stringMatching(/^key is ""/),
      expect.stringMatching(/^cert is undefined/),
      expect.stringMatching(/^clients is "some"/),
      expect.stringMatching(/^limits\.pendingHandshakes is 0/),
    ]);
  });

  test('a line for each option within an option', () => {
    const given = {
      ...minimal,
      revocation: { scope: 'all', graceMs: -1 },
      tls: { requestCert: true, minVersion: 'TLSv1', SNICallback: () => undefined },
    };
    expect(refusal(given).split('\n')).toStrictEqual([
      expect.stringMatching(/^revocation\.scope is "all"/),
      expect.stringMatching(/^revocation\.graceMs is -1/),
      expect.stringMatching(/^tls\.requestCert is refused: it is always on/),
      expect.stringMatching(/^tls\.SNICallback is refused/),
      expect.stringMatching(/^tls\.minVersion is refused/),
    ]);
  });

  test('a fault that affects two options is reported once, and each name of sni has its own', () => {
    const sni = {
      'c.example': { key: 'c.key', cert: 'c.pem', crl: 'c.crl' },
      'a.example': { key: 'a.key', cert: '', crl: 'a.crl' },
      'b.example': { key: 5, cert: 'b.pem' },
    };
    expect(refusal({ ...minimal, ca: [], sni }).split('\n')).toStrictEqual([
      'ca is [], an empty array; expected at least one',
      expect.stringMatching(/^sni\["a\.example"\]\.cert is ""/),
      expect.stringMatching(/^sni\["b\.example"\]\.key is 5/),
    ]);
  });
});

describe('a misspelt option', () => {
  test.each([
    ['CRL', 'crl'],
    ['lgoger', 'logger'],
    ['onRefuse', 'onRefused'],
    ['passphrse', 'passphrase'],
    ['certificate', 'certificates'],
    ['watches', 'watch'],
  ])('%s: the intended option is suggested', (given, meant) => {
    expect(refusal({ ...minimal, [given]: 'x' })).toContain(
      `unknown key "${given}"; did you mean "${meant}"? known are`,
    );
  });

  test.each(['pfx', 'requestCert', 'x'.repeat(100)])(
    '%s resembles no option, and nothing is suggested',
    (given) => {
      expect(refusal({ ...minimal, [given]: 'x' })).toContain(`unknown key "${given}"; known are`);
    },
  );
});
