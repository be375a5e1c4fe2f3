import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { type CertificatePolicy, checkCertificatePolicy } from '../../../src/judgement/certificate-policy.js';
import { generateKey } from '../../support/signing.js';
import { type RevocationPolicy } from '../../../src/revocation/revocation-policy.js';
import { judgePath, type OpensslVerdict, refuseForOpenssl } from '../../../src/judgement/judgement.js';
import { type Verdict } from '../../../src/judgement/judges.js';
import {
  describeRefusal,
  abbreviate,
  type Refusal,
  refusalError,
  type RefusalReason,
  refuse,
} from '../../../src/judgement/refusal.js';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { ca, type Certificate, type CertificateOptions, purposes, selfSigned } from '../../support/chain.js';
import type { CrlMaterial } from '../../support/crl.js';
import { checkerOf, day, fromNow } from '../../support/lists.js';

const root = ca('root');
const east = root.intermediate('east');

interface Case {
  readonly leaf: Certificate;
  /** Above the leaf; `undefined`: there is no chain. */
  readonly above?: readonly Certificate[] | undefined;
  /** `undefined`: none was configured. */
  readonly crls?: readonly CrlMaterial[];
  readonly policy?: RevocationPolicy;
  readonly certificates?: CertificatePolicy;
  readonly openssl?: OpensslVerdict;
  readonly at?: Date;
}

const good = [root.crl(), east.crl()];

function judged(of: Case): Verdict {
  const { leaf, crls, policy, openssl = 'trusted', at = new Date() } = of;
  const above = 'above' in of ? of.above : [east, root];
  const certificate = parseCertificate(leaf.der);
  const chain = above && [certificate, ...above.map(({ der }) => parseCertificate(der))];
  const revocation = crls && checkerOf([root, east], crls, policy);
  const { refusal: found, until } = judgePath(
    { certificate, chain, openssl },
    { revocation, certificates: checkCertificatePolicy(of.certificates) },
    at,
  );
  return found === undefined
    ? { admitted: true, until, policies: [], wanted: [] }
    : { admitted: false, refusal: found, wanted: [], isOfPath: false, failedSignatures: 0 };
}

function refusal(of: Case): Refusal {
  const verdict = judged(of);
  if (verdict.admitted) throw new Error('was admitted');
  return verdict.refusal;
}

const client = (options: CertificateOptions = {}): Certificate =>
  east.client({ commonName: 'client1', ...options });
const past = { notBefore: fromNow(-2 * day), notAfter: fromNow(-day) };
const future = { notBefore: fromNow(day), notAfter: fromNow(2 * day) };

describe('a client is admitted', () => {
  test.each<[string, Case]>([
    ['that is good by every measure', { leaf: client(), crls: good }],
    ['where no CRL is configured', { leaf: client() }],
    ['of which OpenSSL is not asked again', { leaf: client(), crls: good, openssl: 'not-asked' }],
    [
      'of more than one purpose',
      { leaf: client({ extendedKeyUsage: [purposes.serverAuth, purposes.clientAuth] }), crls: good },
    ],
    [
      'of which no CRL says anything, where that is allowed',
      { leaf: client(), crls: [root.crl()], policy: { unknown: 'allow' } },
    ],
  ])('%s', (_what, of) => {
    expect(judged(of).admitted).toBe(true);
  });

  describe('until', () => {
    const [first, second, third] = [fromNow(day), fromNow(2 * day), fromNow(3 * day)];
    const intermediate = (notAfter: Date): typeof east =>
      root.intermediate({ commonName: 'east', privateKey: east.privateKey, notAfter });
    test.each<[string, Date, Date, Date]>([
      ['its certificate', first, second, third],
      ['the certificate of a CA above it', second, first, third],
      ['the CRL', third, second, first],
    ])('the first to run out does, which may be %s', (_what, ofLeaf, ofCa, ofCrl) => {
      const crls = [root.crl({ nextUpdate: ofCrl }), east.crl({ nextUpdate: third })];
      const verdict = judged({ leaf: client({ notAfter: ofLeaf }), above: [intermediate(ofCa), root], crls });
      expect(verdict).toMatchObject({ admitted: true, until: first.getTime() });
    });
  });
});

describe('each reason for refusal, with its code and its sentence', () => {
  const expiredCa = root.intermediate({ commonName: 'east', privateKey: east.privateKey, ...past });
  const lateCa = root.intermediate({ commonName: 'east', privateKey: east.privateKey, ...future });
  const revoked = client();
  const date = new Date('2024-05-06T07:08:09Z');
  const entry = { serial: revoked.serialContent, date, reason: 'keyCompromise' as const };
  const version1 = client({ version: 1 });

  test.each<[string, RefusalReason, Case, RegExp]>([
    ['its date', 'expired', { leaf: client(past), crls: good }, /^"CN=client1" expired at .*Z$/],
    [
      'its date',
      'not-yet-valid',
      { leaf: client(future), crls: good },
      /^"CN=client1" is not valid before .*Z$/,
    ],
    [
      'the date of a CA',
      'expired',
      { leaf: client(), above: [expiredCa, root], crls: good },
      /^"CN=east" expired at .*Z$/,
    ],
    [
      'the date of a CA',
      'not-yet-valid',
      { leaf: client(), above: [lateCa, root], crls: good },
      /^"CN=east" is not valid before .*Z$/,
    ],
    [
      'its date without a chain',
      'expired',
      { leaf: client(past), above: undefined },
      /^"CN=client1" expired at .*Z$/,
    ],
    [
      'no chain',
      'untrusted',
      { leaf: client(), above: undefined, openssl: { error: 'UNABLE_TO_GET_ISSUER_CERT' } },
      /^no configured CA leads to "CN=east", which issued it; use a certificate of a CA in options\.ca; add "CN=east" only if it is an intermediate CA below one of these, or if all its clients should be authenticated$/,
    ],
    [
      'no chain, and a CRL that only OpenSSL misses',
      'untrusted',
      { leaf: client(), above: undefined, openssl: { error: 'UNABLE_TO_GET_CRL' } },
      /^no configured CA leads to "CN=east", which issued it; use /,
    ],
    [
      'no chain, and an intermediate that only OpenSSL saw',
      'untrusted',
      { leaf: client(), above: undefined, openssl: { error: 'CERT_HAS_EXPIRED' } },
      /^no configured CA leads to "CN=east", which issued it; OpenSSL says CERT_HAS_EXPIRED; use /,
    ],
    [
      'no chain any more',
      'untrusted',
      { leaf: client(), above: undefined, openssl: 'not-asked' },
      /^no configured CA leads to "CN=east", which issued it$/,
    ],
    [
      'its own signature',
      'untrusted',
      { leaf: selfSigned('client1'), above: undefined, openssl: { error: 'DEPTH_ZERO_SELF_SIGNED_CERT' } },
      /^no configured CA leads to "CN=client1", /,
    ],
    [
      'a chain that only OpenSSL saw',
      'untrusted',
      { leaf: client(), above: undefined },
      /^no configured CA leads to "CN=east", which issued it; OpenSSL found a path, but Node v[\d.]+ does not expose the other certificates that the client sent; add "CN=east" to options\.ca$/,
    ],
    [
      'a CRL',
      'revoked',
      { leaf: revoked, crls: [root.crl(), east.crl({ revoked: [entry], number: 7 })] },
      /^it was revoked at 2024-05-06T07:08:09\.000Z \(keyCompromise\) by CRL number 7 of "CN=east"$/,
    ],
    [
      'a CRL without a number',
      'revoked',
      { leaf: revoked, crls: [root.crl(), east.crl({ revoked: [entry], number: null })] },
      /^it was revoked at .* by the CRL of "CN=east"$/,
    ],
    [
      'a CRL of a CA above it',
      'revoked',
      { leaf: client(), crls: [root.crl({ revoked: [east] }), east.crl()] },
      /^"CN=east", a CA above it, was revoked at .* \(unspecified\) by CRL number 1 of "CN=root"$/,
    ],
    [
      'no CRL',
      'revocation-unknown',
      { leaf: client(), crls: [root.crl()] },
      /^it cannot be checked for revocation: no CRL of "CN=east" is loaded; add it to options\.crl$/,
    ],
    [
      'no CRL of a CA above it',
      'revocation-unknown',
      { leaf: client(), crls: [east.crl()] },
      /^"CN=east", a CA above it, cannot be checked for revocation: no CRL of "CN=root" is loaded; add it to options\.crl$/,
    ],
    [
      'a CRL for others',
      'revocation-unknown',
      { leaf: client(), crls: [root.crl(), east.crl({ idp: { onlyCa: true } })] },
      /^it cannot be checked for revocation: the CRLs of "CN=east" do not cover it; add the CRL for its distribution point, or the one signed with the key that issued it$/,
    ],
    [
      'its version',
      'wrong-purpose',
      { leaf: version1, crls: good },
      /^it is of X\.509 version 1, so it cannot declare that it is for clients; reissue it with extendedKeyUsage = clientAuth, or admit such certificates with certificates\.version1: 'allow'$/,
    ],
    [
      'being a CA',
      'is-a-ca',
      { leaf: client({ isCa: true }), crls: good },
      /^it is the certificate of a CA; issue one for the client$/,
    ],
    [
      'no purpose',
      'wrong-purpose',
      { leaf: client({ extendedKeyUsage: null }), crls: good },
      /^it has no extendedKeyUsage; reissue it with extendedKeyUsage = clientAuth \(1\.3\.6\.1\.5\.5\.7\.3\.2\), or admit such certificates with certificates\.missingUsage: 'allow'$/,
    ],
    [
      'another purpose',
      'wrong-purpose',
      { leaf: client({ extendedKeyUsage: [purposes.serverAuth, purposes.codeSigning] }), crls: good },
      /^it is for serverAuth \(1\.3\.6\.1\.5\.5\.7\.3\.1\), codeSigning \(1\.3\.6\.1\.5\.5\.7\.3\.3\); reissue it with/,
    ],
    [
      'any purpose',
      'wrong-purpose',
      { leaf: client({ extendedKeyUsage: [purposes.any] }), crls: good },
      /^it is for anyExtendedKeyUsage \(2\.5\.29\.37\.0\); reissue it with/,
    ],
    [
      'its serial number',
      'identity-invalid',
      { leaf: client({ serial: -5n }), crls: good },
      /^its serial number -5 is negative \(RFC 5280 section 4\.1\.2\.2\)$/,
    ],
    [
      'OpenSSL alone',
      'untrusted',
      { leaf: client(), crls: good, openssl: { error: 'PERMITTED_VIOLATION' } },
      /^OpenSSL says PERMITTED_VIOLATION, and every check of this package passed$/,
    ],
  ])('for %s: %s', (_why, reason, of, detail) => {
    const seen = refusal(of);
    expect(seen).toMatchObject({ reason, code: refuse(reason, '').code });
    expect(describeRefusal(seen)).toMatch(detail);
    expect(Object.isFrozen(seen)).toBe(true);
  });

  test('the remedy for a stale CRL is a newer one', () => {
    const leaf = client({ notAfter: fromNow(90 * day) });
    expect(describeRefusal(refusal({ leaf, crls: good, at: fromNow(45 * day) }))).toBe(
      'it cannot be checked for revocation: the CRL of "CN=east" is past its nextUpdate; publish a newer CRL',
    );
  });

  test('only a revocation has the CRL and the date', () => {
    const crls = [root.crl(), east.crl({ revoked: [entry], number: 2n ** 64n })];
    expect(refusal({ leaf: revoked, crls }).revocation).toEqual({
      crlIssuer: 'CN=east',
      crlNumber: '18446744073709551616',
      reason: 'keyCompromise',
      date,
    });
    expect(refusal({ leaf: client(past), crls }).revocation).toBeUndefined();
  });
});

test('names are shortened for the log', () => {
  const long = 'n'.repeat(60_000);
  const bigCa = ca(long);
  const name = `"CN=${'n'.repeat(196)}…"`;
  const leaf = bigCa.client({ commonName: long });
  expect(refusal({ leaf, above: undefined }).detail).toContain(`leads to ${name}, which`);
  expect(refusal({ leaf, above: [bigCa], at: fromNow(365 * day) }).detail).toMatch(
    new RegExp(`^${name} expired`),
  );
  expect(abbreviate(parseCertificate(ca('n'.repeat(197)).der).subject)).toBe(`CN=${'n'.repeat(197)}`);
  expect(abbreviate(parseCertificate(ca('n'.repeat(198)).der).subject)).toBe(`CN=${'n'.repeat(196)}…`);
});

describe('a date counts', () => {
  const [notBefore, notAfter] = [fromNow(day), fromNow(2 * day)];
  const leaf = client({ notBefore, notAfter });
  test.each<[string, Date, string]>([
    ['before notBefore', new Date(notBefore.getTime() - 1), 'not-yet-valid'],
    ['at notBefore', notBefore, 'admitted'],
    ['before notAfter', new Date(notAfter.getTime() - 1), 'admitted'],
    ['at notAfter', notAfter, 'expired'],
  ])('%s', (_when, at, expected) => {
    const verdict = judged({ leaf, at });
    expect(verdict.admitted ? 'admitted' : verdict.refusal.reason).toBe(expected);
  });
});

describe('of several reasons the most relevant is reported', () => {
  // It has every fault. They are removed one by one, in this order.
  const faults: [RefusalReason, Partial<Case>, CertificateOptions][] = [
    ['expired', {}, past],
    ['untrusted', { above: undefined }, {}],
    ['revoked', { crls: [] }, {}],
    ['is-a-ca', {}, { isCa: true }],
    ['wrong-purpose', {}, { extendedKeyUsage: null }],
    ['identity-invalid', {}, { serial: -5n }],
    ['revocation-unknown', { openssl: { error: 'CRL_HAS_EXPIRED' } }, {}],
  ];

  test.each(faults.map(([reason], index) => [reason, index] as const))('%s', (reason, first) => {
    const rest = faults.slice(first);
    const options = Object.assign({}, ...rest.map(([, , more]) => more)) as CertificateOptions;
    const leaf = client(options);
    const isRevoked = rest.some(([name]) => name === 'revoked');
    const of: Case = {
      ...(Object.assign({}, ...rest.map(([, more]) => more)) as Partial<Case>),
      leaf,
      crls: [root.crl(), east.crl({ revoked: isRevoked ? [leaf] : [] })],
    };
    expect(refusal(of).reason).toBe(reason);
  });

  test('not the last that OpenSSL saw', () => {
    const leaf = client();
    const crls = [root.crl(), east.crl({ revoked: [leaf] })];
    expect(refusal({ leaf, crls, openssl: { error: 'UNABLE_TO_GET_CRL' } }).reason).toBe('revoked');
    expect(refusal({ leaf: client(past), crls, openssl: { error: 'UNABLE_TO_GET_CRL' } }).reason).toBe(
      'expired',
    );
    const version1 = client({ version: 1, isCa: true, serial: -5n });
    expect(refusal({ leaf: version1, crls }).reason).toBe('wrong-purpose');
  });
});

describe('the key', () => {
  const rsa1024 = generateKey('rsa1024');
  const rsa2048 = generateKey('rsa2048');
  const p224 = generateKeyPairSync('ec', { namedCurve: 'secp224r1' }).privateKey;

  test.each<[string, CertificateOptions]>([
    ['RSA of 2048 bits', { privateKey: rsa2048 }],
    ['P-256', {}],
    ['P-521', { key: 'p521' }],
    ['Ed25519', { key: 'ed25519' }],
    ['Ed448', { key: 'ed448' }],
  ])('may be %s', (_name, options) => {
    expect(judged({ leaf: client(options), crls: good }).admitted).toBe(true);
  });

  test.each<[string, CertificateOptions, RegExp]>([
    [
      'RSA of 1024 bits',
      { privateKey: rsa1024 },
      /^its key is RSA with 1024 bits; at least 2048 are required \(certificates\.minRsaBits\); reissue/,
    ],
    [
      'P-224',
      { privateKey: p224 },
      /^its key is EC with 224 bits; at least 256 are required \(certificates\.minEcBits\); reissue/,
    ],
    [
      'on an unknown curve',
      { privateKey: generateKeyPairSync('ec', { namedCurve: 'secp112r1' }).privateKey },
      /^its key is of an unknown kind \(ec\)$/,
    ],
  ])('may not be %s', (_name, options, detail) => {
    const seen = refusal({ leaf: client(options), crls: good });
    expect(seen).toMatchObject({ reason: 'weak-key', code: 'ERR_MTLS_CERTIFICATE_INVALID' });
    expect(describeRefusal(seen)).toMatch(detail);
  });

  test('is measured by the policy, to the bit', () => {
    const leaf = client({ privateKey: rsa2048 });
    expect(judged({ leaf, crls: good, certificates: { minRsaBits: 2048 } }).admitted).toBe(true);
    expect(judged({ leaf, crls: good, certificates: { minRsaBits: 2049 } }).admitted).toBe(false);
    expect(judged({ leaf: client(), crls: good, certificates: { minEcBits: 384 } }).admitted).toBe(false);
    const short = client({ privateKey: rsa1024 });
    expect(judged({ leaf: short, crls: good, certificates: { minRsaBits: 1024 } }).admitted).toBe(true);
  });

  test('of a CA above it counts as well', () => {
    const weak = root.intermediate({ commonName: 'weak', privateKey: rsa1024 });
    expect(refusal({ leaf: weak.client(), above: [weak, root] })).toMatchObject({
      reason: 'weak-key',
      detail: expect.stringMatching(/^the key of "CN=weak", a CA above it, is RSA with 1024 bits/),
    });
  });
});

describe('what a certificate must be can be relaxed, one thing at a time', () => {
  const cases: [keyof CertificatePolicy, CertificateOptions, RefusalReason, RegExp][] = [
    ['missingUsage', { extendedKeyUsage: null }, 'wrong-purpose', /certificates\.missingUsage: 'allow'$/],
    ['version1', { version: 1 }, 'wrong-purpose', /certificates\.version1: 'allow'$/],
    ['authority', { isCa: true }, 'is-a-ca', /certificate of a CA/],
  ];
  test.each(cases)('%s', (name, options, reason, detail) => {
    const leaf = client(options);
    const seen = refusal({ leaf, crls: good });
    expect(seen.reason).toBe(reason);
    expect(describeRefusal(seen)).toMatch(detail);
    expect(judged({ leaf, crls: good, certificates: { [name]: 'allow' } }).admitted).toBe(true);
    for (const [other] of cases) {
      if (other === name) continue;
      expect(judged({ leaf, crls: good, certificates: { [other]: 'allow' } }).admitted).toBe(false);
    }
  });

  test('but never admits a certificate for another purpose', () => {
    const leaf = client({ extendedKeyUsage: [purposes.serverAuth] });
    const certificates = { missingUsage: 'allow', version1: 'allow', authority: 'allow' } as const;
    expect(refusal({ leaf, crls: good, certificates }).reason).toBe('wrong-purpose');
  });
});

describe('a refusal', () => {
  const codes: Record<RefusalReason, [string, number]> = {
    'no-certificate': ['ERR_MTLS_CERTIFICATE_REQUIRED', 401],
    untrusted: ['ERR_MTLS_CERTIFICATE_UNTRUSTED', 401],
    expired: ['ERR_MTLS_CERTIFICATE_EXPIRED', 401],
    'not-yet-valid': ['ERR_MTLS_CERTIFICATE_INVALID', 401],
    revoked: ['ERR_MTLS_CERTIFICATE_REVOKED', 401],
    'revocation-unknown': ['ERR_MTLS_REVOCATION_UNKNOWN', 503],
    'wrong-purpose': ['ERR_MTLS_CERTIFICATE_INVALID', 401],
    'is-a-ca': ['ERR_MTLS_CERTIFICATE_INVALID', 401],
    'not-permitted': ['ERR_MTLS_CERTIFICATE_UNTRUSTED', 401],
    'weak-key': ['ERR_MTLS_CERTIFICATE_INVALID', 401],
    'weak-signature': ['ERR_MTLS_CERTIFICATE_INVALID', 401],
    'unsupported-extension': ['ERR_MTLS_CERTIFICATE_INVALID', 401],
    'identity-invalid': ['ERR_MTLS_CERTIFICATE_INVALID', 401],
    'not-a-proxy': ['ERR_MTLS_PROXY_UNTRUSTED', 403],
    'header-invalid': ['ERR_MTLS_HEADER_INVALID', 400],
    overloaded: ['ERR_MTLS_OVERLOADED', 503],
  };
  test.each(Object.entries(codes) as [RefusalReason, [string, number]][])(
    '%s becomes an error with only the reason for the client',
    (reason, [code, status]) => {
      const made = refuse(reason, 'CN=client2, serial 1002');
      expect(made).toEqual({ reason, code, detail: 'CN=client2, serial 1002', revocation: undefined });
      expect(refusalError(made)).toMatchObject({ code, status });
      const what =
        status === 400 || status === 403 || code === 'ERR_MTLS_OVERLOADED' ? 'request' : 'client certificate';
      expect(refusalError(made).message).toBe(`the ${what} is refused: ${reason}`);
    },
  );

  test.each<[string, RefusalReason]>([
    ['CERT_REVOKED', 'revoked'],
    ['CERT_HAS_EXPIRED', 'expired'],
    ['CERT_NOT_YET_VALID', 'not-yet-valid'],
    ['CRL_HAS_EXPIRED', 'revocation-unknown'],
    ['CRL_NOT_YET_VALID', 'revocation-unknown'],
    ['UNABLE_TO_GET_CRL', 'revocation-unknown'],
    ['INVALID_PURPOSE', 'wrong-purpose'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'untrusted'],
    ['UNAUTHORIZED', 'untrusted'],
    ['', 'untrusted'],
  ])('of OpenSSL’s, %s is %s', (code, reason) => {
    expect(refuseForOpenssl(code)).toMatchObject({ reason, detail: `OpenSSL says ${code}` });
  });

  test('by OpenSSL alone says that every other check passed', () => {
    const leaf = client();
    expect(refusal({ leaf, crls: good, openssl: { error: 'UNSPECIFIED' } })).toMatchObject({
      reason: 'untrusted',
      detail: 'OpenSSL says UNSPECIFIED, and every check of this package passed',
    });
  });
});
