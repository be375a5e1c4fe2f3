import { describe, expect, test } from '@jest/globals';
import { parseCrl, type Crl } from '../../../src/x509/crl.js';
import { ca } from '../../support/chain.js';
import type { CrlOptions } from '../../support/crl.js';
import {
  bitString,
  boolean,
  element,
  explicit,
  generalizedTime,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  set,
  text,
  time,
  utcTime,
} from '../../support/der-writer.js';
import {
  authorityKeyIdentifier,
  crlNumber,
  extension,
  issuingDistributionPoint,
} from '../../support/extensions.js';
import { distinguishedName } from '../../support/names.js';
import { failureOf } from './failure.js';

const root = ca({ commonName: 'root', organization: 'Example' });
const client = root.client();
const read = (options: CrlOptions = {}): Crl => parseCrl(root.crl(options).der);

const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
type PartName =
  'version' | 'algorithm' | 'issuer' | 'thisUpdate' | 'nextUpdate' | 'entries' | 'extensions' | 'tail';
const parts: Record<PartName, Buffer> = {
  version: integer(1),
  algorithm,
  issuer: distinguishedName({ commonName: 'root' }),
  thisUpdate: utcTime('250601000000Z'),
  nextUpdate: utcTime('350701000000Z'),
  entries: Buffer.alloc(0),
  extensions: Buffer.alloc(0),
  tail: Buffer.alloc(0),
};
/** A CRL with the given parts. Its signature is not valid. */
const made = (changes: Partial<typeof parts> = {}): Buffer =>
  sequence(sequence(...Object.values({ ...parts, ...changes })), algorithm, bitString(Buffer.alloc(8)));
const withExtensions = (...extensions: Buffer[]): Buffer =>
  made({ extensions: explicit(0, sequence(...extensions)) });

/** An extension of `length` bytes without meaning. */
const extensionOf = (length: number): Buffer => {
  const empty = extension({ oid: '1.2.3', value: Buffer.alloc(60_000) }).length - 60_000;
  return extension({ oid: '1.2.3', value: Buffer.alloc(length - empty) });
};
/** A Name whose content has `length` bytes. */
const nameOf = (length: number): Buffer => {
  const rdn = (value: number): Buffer => set(sequence(oid('2.5.4.3'), text('utf8', 'x'.repeat(value))));
  return sequence(rdn(length - (rdn(60_000).length - 60_000)));
};
const entryWith = (entryExtension: Buffer): Buffer =>
  sequence(sequence(integer(1), time(new Date('2026-01-01T00:00:00Z')), sequence(entryExtension)));

describe('a CRL is read', () => {
  test('its issuer, dates, number and entries', () => {
    const thisUpdate = new Date('2025-06-01T00:00:00Z');
    const nextUpdate = new Date('2055-07-01T00:00:00Z');
    const { der } = root.crl({ revoked: [client, { serial: '0a' }], number: 4, thisUpdate, nextUpdate });
    const crl = parseCrl(der);
    expect(crl).toMatchObject({
      version: 2,
      thisUpdate,
      nextUpdate,
      number: 4n,
      deltaBase: undefined,
      authorityKeyId: root.keyId.toString('hex'),
      issuingDistributionPoint: undefined,
      unknownCriticalExtensions: [],
      entryCount: 2,
    });
    expect(String(crl.issuer)).toBe('CN=root,O=Example');
    expect(crl.raw).toBe(der);
    expect(der.subarray(crl.entries.start, crl.entries.end).includes(client.serialContent)).toBe(true);
    expect(Object.isFrozen(crl)).toBe(true);
  });

  test('version 1', () => {
    expect(read({ version: 1, revoked: [client] })).toMatchObject({
      version: 1,
      number: undefined,
      authorityKeyId: undefined,
      entryCount: 1,
    });
  });

  test('without nextUpdate, with entries and without', () => {
    expect(read({ nextUpdate: null, revoked: [client] })).toMatchObject({
      nextUpdate: undefined,
      entryCount: 1,
    });
    expect(read({ nextUpdate: null })).toMatchObject({ nextUpdate: undefined, entryCount: 0 });
  });

  test('without entries', () => {
    expect(read().entryCount).toBe(0);
  });

  test('with dates in GeneralizedTime where UTCTime was due', () => {
    expect(read({ dates: 'generalized', revoked: [client] }).nextUpdate).toBeInstanceOf(Date);
  });

  test.each([0n, 1n, 127n, 128n, 2n ** 64n, 2n ** 159n, 2n ** 160n - 1n])('of the number %i', (number) => {
    expect(read({ number }).number).toBe(number);
  });

  test('without a number', () => {
    expect(read({ number: null }).number).toBeUndefined();
  });

  test('a delta, with its base', () => {
    expect(read({ delta: 3, number: 5 })).toMatchObject({
      deltaBase: 3n,
      number: 5n,
      unknownCriticalExtensions: [],
    });
  });

  test('with an issuing distribution point', () => {
    expect(read({ idp: { onlyUser: true, indirect: true } }).issuingDistributionPoint).toMatchObject({
      onlyContains: 'userCertificates',
      indirect: true,
    });
  });

  test('with freshestCRL, and other non-critical extensions', () => {
    const extra = { oid: '1.2.3', value: Buffer.from('not DER') };
    const crl = read({ freshest: ['http://a.test/delta.crl'], extraExtensions: [extra] });
    expect(crl.unknownCriticalExtensions).toEqual([]);
    expect(crl.freshestCrl).toMatchObject([
      { name: { kind: 'full', names: [{ kind: 'uri', value: 'http://a.test/delta.crl' }] } },
    ]);
    expect(read().freshestCrl).toEqual([]);
  });

  test('the signed bytes, the algorithm and the signature', () => {
    const { der } = root.crl({ revoked: [client] });
    const { signed } = parseCrl(der);
    expect(der.includes(signed.bytes)).toBe(true);
    expect(signed.algorithm.oid).toBe('1.2.840.10045.4.3.2');
    expect(signed.signature.equals(der.subarray(-signed.signature.length))).toBe(true);
  });
});

describe('unknown critical extensions are listed, so that the CRL is not used', () => {
  const unknown = (type: string): { oid: string; critical: boolean; value: Buffer } => ({
    oid: type,
    critical: true,
    value: nullValue(),
  });

  test('of the list', () => {
    expect(read({ extraExtensions: [unknown('1.2.3'), unknown('1.2.4')] }).unknownCriticalExtensions).toEqual(
      ['1.2.3', '1.2.4'],
    );
  });

  test('of an entry', () => {
    const revoked = [client, { serial: '0a', extraExtensions: [unknown('1.2.5')] }];
    expect(read({ revoked })).toMatchObject({ unknownCriticalExtensions: ['1.2.5'], entryCount: 2 });
  });

  test('each once, however often it occurs', () => {
    const revoked = ['0a', '0b', '0c'].map((serial) => ({ serial, extraExtensions: [unknown('1.2.3')] }));
    expect(read({ revoked, extraExtensions: [unknown('1.2.3')] }).unknownCriticalExtensions).toEqual([
      '1.2.3',
    ]);
  });

  test('at most eight of a thousand', () => {
    const revoked = Array.from({ length: 1000 }, (_, index) => ({
      serial: BigInt(index),
      extraExtensions: [unknown(`1.2.3.${index}`)],
    }));
    expect(read({ revoked }).unknownCriticalExtensions).toHaveLength(8);
  });

  test.each<[string, Buffer, string[]]>([
    ['cRLNumber', extension({ oid: '2.5.29.20', critical: true, value: integer(1) }), ['2.5.29.20']],
    ['authorityKeyIdentifier', extension({ oid: '2.5.29.35', critical: true, value: sequence() }), []],
    ['deltaCRLIndicator', extension({ oid: '2.5.29.27', critical: true, value: integer(1) }), []],
    ['issuingDistributionPoint', issuingDistributionPoint({ onlyUser: true }), []],
    ['issuerAltName', extension({ oid: '2.5.29.18', critical: true, value: nullValue() }), ['2.5.29.18']],
  ])('%s, if it is critical', (_name, der, expected) => {
    expect(parseCrl(withExtensions(der)).unknownCriticalExtensions).toEqual(expected);
  });

  test('an extension of certificates is not known in a CRL', () => {
    const extraExtensions = [unknown('2.5.29.19'), unknown('2.5.29.46')];
    expect(read({ extraExtensions }).unknownCriticalExtensions).toEqual(['2.5.29.19', '2.5.29.46']);
  });
});

describe('an invalid CRL is rejected', () => {
  const good = root.crl({ revoked: [client] }).der;
  test.each([
    ['nothing', Buffer.alloc(0), 'ends where an element was expected, at byte 0'],
    ['PEM', Buffer.from(root.crl().pem), 'has tag 0x2d where 0x30 was expected, at byte 0'],
    ['a certificate', root.der, 'has tag 0xa0 where 0x30 was expected'],
    ['a CRL that is cut off', good.subarray(0, -1), 'left, at byte 0'],
    [
      'a byte behind it',
      Buffer.concat([good, Buffer.alloc(1)]),
      `has 1 bytes too many, at byte ${good.length}`,
    ],
    ['an element behind the extensions', made({ tail: nullValue() }), 'has 2 bytes too many'],
    [
      'extensions before the entries',
      made({ entries: explicit(0, sequence()), extensions: sequence() }),
      'has 2 bytes too many',
    ],
    ['version 1 that is written', made({ version: integer(0) }), 'has a version other than 1 or 2'],
    ['version 3', made({ version: integer(2) }), 'has a version other than 1 or 2'],
    [
      'no date',
      made({ thisUpdate: Buffer.alloc(0), nextUpdate: Buffer.alloc(0) }),
      'ends where an element was expected',
    ],
    ['a date that is none', made({ thisUpdate: utcTime('250631000000Z') }), 'has an invalid date'],
    ['an empty name that is none', made({ issuer: nullValue() }), 'has tag 0x5 where 0x30 was expected'],
    [
      'another algorithm within than without',
      made({ algorithm: sequence(oid('1.2.840.10045.4.3.3')) }),
      'has two different signature algorithms',
    ],
    [
      'the same algorithm with other parameters',
      made({ algorithm: sequence(oid('1.2.840.10045.4.3.2'), nullValue()) }),
      'has two different signature algorithms',
    ],
    [
      'an entry that is none',
      made({ entries: sequence(nullValue()) }),
      'has tag 0x5 where 0x30 was expected',
    ],
    ['a number twice', withExtensions(crlNumber(1), crlNumber(2)), 'has the extension 2.5.29.20 twice'],
    [
      'an unknown extension twice',
      withExtensions(...['a', 'b'].map((value) => extension({ oid: '1.2.3', value: Buffer.from(value) }))),
      'has the extension 1.2.3 twice',
    ],
    ['a negative number', withExtensions(crlNumber(-1)), 'has a CRL number out of range'],
    ['a number of 22 octets', withExtensions(crlNumber(2n ** 168n)), 'has a CRL number out of range'],
    [
      'a number with a tail',
      withExtensions(extension({ oid: '2.5.29.20', value: Buffer.concat([integer(1), nullValue()]) })),
      'has 2 bytes too many',
    ],
    [
      'a number that is none',
      withExtensions(extension({ oid: '2.5.29.20', value: octetString(Buffer.alloc(1)) })),
      'has tag 0x4 where 0x2 was expected',
    ],
    [
      'a negative base',
      withExtensions(extension({ oid: '2.5.29.27', value: integer(-1) })),
      'has a CRL number out of range',
    ],
    [
      'a base with a tail',
      withExtensions(extension({ oid: '2.5.29.27', value: Buffer.concat([integer(1), nullValue()]) })),
      'has 2 bytes too many',
    ],
    [
      'an issuing distribution point that is none',
      withExtensions(extension({ oid: '2.5.29.28', value: nullValue() })),
      'has tag 0x5 where 0x30 was expected',
    ],
    [
      'an authority key identifier that is none',
      withExtensions(extension({ oid: '2.5.29.35', value: nullValue() })),
      'has tag 0x5 where 0x30 was expected',
    ],
    [
      'a place of deltas that is none',
      withExtensions(extension({ oid: '2.5.29.46', value: nullValue() })),
      'has tag 0x5 where 0x30 was expected',
    ],
    [
      'a place of deltas with a tail',
      withExtensions(extension({ oid: '2.5.29.46', value: Buffer.concat([sequence(), nullValue()]) })),
      'has 2 bytes too many',
    ],
    [
      'an issuer that is too long',
      made({ issuer: nameOf(65_537) }),
      'has an issuer of 65537 bytes, above the maximum of 65536',
    ],
    [
      'extensions that are too long',
      withExtensions(extensionOf(65_537)),
      'has extensions of 65537 bytes, above the maximum of 65536',
    ],
    [
      'an entry with extensions that are too long',
      made({ entries: entryWith(extensionOf(65_537)) }),
      'has an entry with extensions of 65537 bytes, above the maximum of 65536',
    ],
    [
      'an extension without a value',
      withExtensions(sequence(oid('1.2.3'))),
      'ends where an element was expected',
    ],
    [
      'an extension with a tail',
      withExtensions(sequence(oid('1.2.3'), boolean(true), octetString(nullValue()), nullValue())),
      'has 2 bytes too many',
    ],
    [
      'extensions that are no list',
      made({ extensions: explicit(0, nullValue()) }),
      'has tag 0x5 where 0x30 was expected',
    ],
    [
      'a signature of broken octets',
      sequence(sequence(...Object.values(parts)), algorithm, bitString(Buffer.alloc(8), 1)),
      'has a BIT STRING that is not of whole octets',
    ],
    [
      'an element behind the signature',
      sequence(sequence(...Object.values(parts)), algorithm, bitString(Buffer.alloc(8)), nullValue()),
      'has 2 bytes too many',
    ],
    [
      'no signature',
      sequence(sequence(...Object.values(parts)), algorithm),
      'ends where an element was expected',
    ],
  ])('%s', (_name, der, message) => {
    const failure = failureOf(() => parseCrl(der));
    expect(failure.code).toBe('ERR_MTLS_CRL_INVALID');
    expect(failure.message).toMatch(
      /^CRL .+, at byte \d+(?:; it is damaged or not a DER-encoded CRL|, (?:in|behind) .+; the CRL is damaged, or its CA violates DER: fetch it again, or have it reissued)$/,
    );
    expect(failure.message).toContain(message);
  });

  test('but not one of the maximum length', () => {
    const crl = parseCrl(
      made({
        issuer: nameOf(65_536),
        entries: entryWith(extensionOf(65_536)),
        extensions: explicit(0, sequence(extensionOf(65_536))),
      }),
    );
    expect(crl.entryCount).toBe(1);
    expect(crl.issuer.get('CN')[0]?.length).toBeGreaterThan(65_500);
  });

  test('a CRL that is truncated anywhere', () => {
    for (let length = 0; length < good.length; length++)
      expect(failureOf(() => parseCrl(good.subarray(0, length))).code).toBe('ERR_MTLS_CRL_INVALID');
  });

  // Strict DER everywhere, and what the comments in the reader say of numbers and versions.
  test.each([
    ['a number of 161 bits, which are 21 octets without a sign’s', withExtensions(crlNumber(2n ** 160n))],
    [
      'an authority key identifier with a tail',
      withExtensions(extension({ oid: '2.5.29.35', value: Buffer.concat([sequence(), nullValue()]) })),
    ],
    [
      'an element behind the list of extensions',
      made({ extensions: explicit(0, Buffer.concat([sequence(), nullValue()])) }),
    ],
    [
      'extensions in version 1',
      made({
        version: Buffer.alloc(0),
        extensions: explicit(0, sequence(authorityKeyIdentifier(Buffer.alloc(1)))),
      }),
    ],
    [
      'an element of no known kind behind the key identifier',
      withExtensions(
        extension({ oid: '2.5.29.35', value: sequence(element(0x80, Buffer.alloc(1)), nullValue()) }),
      ),
    ],
  ])('%s', (_name, der) => {
    expect(failureOf(() => parseCrl(der)).code).toBe('ERR_MTLS_CRL_INVALID');
  });
});

describe('known faults of CA software are named, with the software', () => {
  const entry = (date: Buffer): Buffer => sequence(sequence(integer(0x1002), date));
  test.each([
    [
      'version 1 with extensions',
      made({ version: Buffer.alloc(0), extensions: explicit(0, sequence(crlNumber(1))) }),
      /^CRL is of version 1 and has extensions, which require version 2 .+, in the extensions; update the CA, or have it write version 2; known causes are phpseclib .+ Vault/,
    ],
    [
      'a revocation date with an offset',
      made({ entries: entry(utcTime('250601000000+0200')) }),
      /^CRL has a time that is not YYMMDDHHMMSSZ but 250601000000\+0200, with an offset from UTC .+, in the revocationDate of entry 1 of revokedCertificates \(serial 1002\); update the CA, or have it write UTC; .+ Vault/,
    ],
    [
      'a revocation date as GeneralizedTime with an offset',
      made({ entries: entry(generalizedTime('20250601000000-0530')) }),
      /not YYYYMMDDHHMMSSZ but 20250601000000-0530, with an offset from UTC .+; update the CA/,
    ],
    [
      'a thisUpdate with an offset',
      made({ thisUpdate: utcTime('250601000000+0200') }),
      /with an offset from UTC .+, in thisUpdate; update the CA/,
    ],
    [
      'an empty list of revoked certificates',
      made({ entries: sequence() }),
      /^CRL has an empty revokedCertificates, which must be omitted .+, in revokedCertificates; update the CA, .+ cfssl/,
    ],
    [
      'an empty issuing distribution point',
      withExtensions(extension({ oid: '2.5.29.28', critical: true, value: sequence() })),
      /^CRL has an empty issuingDistributionPoint .+, in the extension issuingDistributionPoint \(2\.5\.29\.28\); the CRL is damaged, or its CA violates DER/,
    ],
  ])('%s', (_name, der, message) => {
    const failure = failureOf(() => parseCrl(der));
    expect(failure.code).toBe('ERR_MTLS_CRL_INVALID');
    expect(failure.message).toMatch(message);
  });
});
