import { describe, expect, test } from '@jest/globals';
import { DerReader } from '../../../src/x509/der.js';
import {
  readDistributionPoints,
  readIssuingDistributionPoint,
} from '../../../src/x509/distribution-point.js';
import {
  boolean,
  element,
  explicit,
  implicit,
  integer,
  namedBits,
  octetString,
  oid,
  sequence,
  text,
} from '../../support/der-writer.js';
import type { DistributionPointOptions } from '../../support/extensions.js';
import { distributionPoints, issuingDistributionPoint } from '../../support/extensions.js';
import { directoryName, distinguishedName, uriName } from '../../support/names.js';
import { failureOf } from './failure.js';

const subject = { code: 'ERR_MTLS_CRL_INVALID', noun: 'CRL' } as const;
const points = (der: Buffer): ReturnType<typeof readDistributionPoints> =>
  readDistributionPoints(new DerReader(der, subject).enter(0x30));
const idp = (der: Buffer): ReturnType<typeof readIssuingDistributionPoint> =>
  readIssuingDistributionPoint(new DerReader(der, subject));
/** What is inside the OCTET STRING of an extension. */
const valueOf = (extension: Buffer): Buffer => {
  const reader = new DerReader(extension, subject).enter(0x30);
  while (!reader.at(0x04)) reader.next();
  return reader.next().content;
};
const full = (...uris: string[]): Buffer => explicit(0, element(0xa0, Buffer.concat(uris.map(uriName))));
const uris = (...values: string[]): object => ({
  kind: 'full',
  names: values.map((value) => ({ kind: 'uri', value })),
});

describe('the distribution points of a certificate', () => {
  test('one point for each URI', () => {
    const der = valueOf(distributionPoints('2.5.29.31', ['http://a.test/1.crl', 'http://a.test/2.crl']));
    expect(points(der)).toEqual([
      { name: uris('http://a.test/1.crl'), reasons: undefined, crlIssuer: undefined },
      { name: uris('http://a.test/2.crl'), reasons: undefined, crlIssuer: undefined },
    ]);
  });

  test('one point of several URIs, of some reasons, of another issuer', () => {
    const issuer = distinguishedName({ commonName: 'crl issuer' });
    const der = sequence(
      sequence(
        full('http://a.test', 'ldap://a.test'),
        implicit(1, namedBits([1, 8])),
        element(0xa2, directoryName(issuer)),
      ),
    );
    const [point] = points(der);
    expect(point?.name).toEqual(uris('http://a.test', 'ldap://a.test'));
    expect(point?.reasons).toBe((1 << 1) | (1 << 8));
    expect(point?.crlIssuer?.map(String)).toEqual(['CN=crl issuer']);
  });

  test('a name relative to the CRL issuer', () => {
    const attribute = sequence(oid('2.5.4.3'), text('utf8', 'crl1'));
    const [point] = points(sequence(sequence(explicit(0, element(0xa1, attribute)))));
    expect(point?.name).toMatchObject({ kind: 'relative', rdn: [{ type: '2.5.4.3', value: 'crl1' }] });
  });

  test('an issuer that is no directory name is no issuer, but is not forgotten', () => {
    expect(points(sequence(sequence(element(0xa2, uriName('x')))))[0]?.crlIssuer).toEqual([]);
  });

  test('a point that says nothing', () => {
    expect(points(sequence(sequence()))).toEqual([
      { name: undefined, reasons: undefined, crlIssuer: undefined },
    ]);
  });

  test.each([
    ['a point that is no SEQUENCE', sequence(integer(1)), 'has tag 0x2 where 0x30 was expected, at byte 2'],
    [
      'parts out of order',
      sequence(sequence(implicit(1, namedBits([1])), full('x'))),
      'has 7 bytes too many, at byte 8',
    ],
    [
      'a name of neither kind',
      sequence(sequence(explicit(0, element(0xa2, uriName('x'))))),
      'has tag 0xa2 where 0xa1 was expected, at byte 6',
    ],
    [
      'an empty list of names',
      sequence(sequence(explicit(0, element(0xa0, Buffer.alloc(0))))),
      'has an empty list of names, at byte 8',
    ],
    [
      'malformed reasons',
      sequence(sequence(element(0x81, Buffer.alloc(0)))),
      'has a malformed BIT STRING of flags, at byte 4',
    ],
    [
      'an empty issuer',
      sequence(sequence(element(0xa2, Buffer.alloc(0)))),
      'has an empty list of names, at byte 6',
    ],
    [
      'a URI with a NUL',
      sequence(sequence(full('http://a.test\0.evil'))),
      'has a name with control characters, at byte 10',
    ],
  ])('%s is refused', (_name, der, message) => {
    const failure = failureOf(() => points(der));
    expect(failure.code).toBe('ERR_MTLS_CRL_INVALID');
    expect(failure.message).toContain(message);
  });
});

describe('the issuing distribution point of a CRL', () => {
  const nothing = { name: undefined, onlyContains: 'all', onlySomeReasons: undefined, indirect: false };
  test.each<[name: string, options: DistributionPointOptions, expected: object]>([
    ['a name', { fullName: ['http://a.test/a.crl'] }, { ...nothing, name: uris('http://a.test/a.crl') }],
    ['user certificates alone', { onlyUser: true }, { ...nothing, onlyContains: 'userCertificates' }],
    ['CA certificates alone', { onlyCa: true }, { ...nothing, onlyContains: 'caCertificates' }],
    [
      'attribute certificates alone',
      { onlyAttribute: true },
      { ...nothing, onlyContains: 'attributeCertificates' },
    ],
    [
      'two of these, which is nothing',
      { onlyUser: true, onlyCa: true },
      { ...nothing, onlyContains: 'nothing' },
    ],
    [
      'all of these, which is nothing',
      { onlyUser: true, onlyCa: true, onlyAttribute: true },
      { ...nothing, onlyContains: 'nothing' },
    ],
    [
      'some reasons',
      { onlySomeReasons: ['keyCompromise', 'aACompromise'] },
      { ...nothing, onlySomeReasons: (1 << 1) | (1 << 8) },
    ],
    [
      'no reason at all, which is not every reason',
      { onlySomeReasons: [] },
      { ...nothing, onlySomeReasons: 0 },
    ],
    ['indirect', { indirect: true }, { ...nothing, indirect: true }],
    [
      'everything',
      { fullName: ['x', 'y'], onlyCa: true, onlySomeReasons: ['superseded'], indirect: true },
      { name: uris('x', 'y'), onlyContains: 'caCertificates', onlySomeReasons: 1 << 4, indirect: true },
    ],
  ])('%s', (_name, options, expected) => {
    const der = valueOf(issuingDistributionPoint(options));
    expect(idp(der)).toEqual({ ...expected, der });
  });

  test('flags that are written though they are false are false', () => {
    const off = [1, 2, 4, 5].map((number) => implicit(number, boolean(false)));
    expect(idp(sequence(...off))).toMatchObject(nothing);
  });

  test.each([
    [
      'bytes behind it',
      Buffer.concat([sequence(), octetString(Buffer.alloc(0))]),
      'has 2 bytes too many, at byte 2',
    ],
    ['a part that it lacks', sequence(element(0x86, Buffer.alloc(1))), 'has 3 bytes too many, at byte 2'],
    [
      'an empty one, which section 5.2.5 forbids',
      sequence(),
      'has an empty issuingDistributionPoint (RFC 5280 section 5.2.5), at byte 0',
    ],
    [
      'a name by full names and relative to the issuer',
      sequence(
        explicit(
          0,
          Buffer.concat([
            element(0xa0, uriName('http://a.test')),
            element(0xa1, sequence(oid('2.5.4.3'), text('utf8', 'a'))),
          ]),
        ),
      ),
      'bytes too many',
    ],
    [
      'flags out of order',
      sequence(implicit(2, boolean(true)), implicit(1, boolean(true))),
      'has 3 bytes too many, at byte 5',
    ],
    [
      'a flag twice',
      sequence(implicit(1, boolean(true)), implicit(1, boolean(true))),
      'has 3 bytes too many, at byte 5',
    ],
    [
      'an empty flag',
      sequence(element(0x81, Buffer.alloc(0))),
      'has a BOOLEAN of "", where DER writes 00 for false and ff for true (X.690 section 11.1), at byte 2',
    ],
    [
      'a flag of two octets',
      sequence(element(0x84, Buffer.alloc(2))),
      'has a BOOLEAN of "0000", where DER writes 00 for false and ff for true (X.690 section 11.1), at byte 2',
    ],
    [
      'malformed reasons',
      sequence(element(0x83, Buffer.from([8, 0]))),
      'has a malformed BIT STRING of flags, at byte 2',
    ],
  ])('%s is refused', (_name, der, message) => {
    const failure = failureOf(() => idp(der));
    expect(failure.code).toBe('ERR_MTLS_CRL_INVALID');
    expect(failure.message).toContain(message);
  });

  test('a flag that is true only in BER is rejected, as by der.boolean()', () => {
    expect(failureOf(() => idp(sequence(element(0x81, Buffer.from([1]))))).message).toContain('BOOLEAN');
  });
});
