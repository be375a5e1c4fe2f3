import { describe, expect, test } from '@jest/globals';
import { KeyUsage } from '../../../src/x509/certificate-extensions.js';
import { parseCertificate, type Certificate } from '../../../src/x509/certificate.js';
import type { CertificateOptions } from '../../support/chain.js';
import { ca, purposes, selfSigned } from '../../support/chain.js';
import {
  bitString,
  boolean,
  element,
  explicit,
  implicit,
  integer,
  namedBits,
  nullValue,
  octetString,
  oid,
  sequence,
  text,
  utcTime,
} from '../../support/der-writer.js';
import { extension } from '../../support/extensions.js';
import { distinguishedName } from '../../support/names.js';
import { failureOf } from './failure.js';

const root = ca({ commonName: 'root', organization: 'Example' });
const client = (options: CertificateOptions = {}): Certificate =>
  parseCertificate(root.client({ privateKey: root.privateKey, ...options }).der);

const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
type PartName =
  | 'version'
  | 'serial'
  | 'algorithm'
  | 'issuer'
  | 'validity'
  | 'subject'
  | 'publicKey'
  | 'uniqueIds'
  | 'extensions'
  | 'tail';
const parts: Record<PartName, Buffer> = {
  version: explicit(0, integer(2)),
  serial: integer(0x1002),
  algorithm,
  issuer: distinguishedName({ commonName: 'root' }),
  validity: sequence(utcTime('250101000000Z'), utcTime('350101000000Z')),
  subject: distinguishedName({ commonName: 'client1' }),
  publicKey: sequence(algorithm, bitString(Buffer.alloc(1))),
  uniqueIds: Buffer.alloc(0),
  extensions: Buffer.alloc(0),
  tail: Buffer.alloc(0),
};
/** A certificate with the given parts. Its signature is not valid. */
const made = (changes: Partial<typeof parts> = {}): Buffer =>
  sequence(sequence(...Object.values({ ...parts, ...changes })), algorithm, bitString(Buffer.alloc(8)));
const withExtensions = (...extensions: Buffer[]): Buffer =>
  made({ extensions: explicit(3, sequence(...extensions)) });

describe('a certificate is read', () => {
  test('its names, dates, serial number and key', () => {
    const notBefore = new Date('2025-01-02T03:04:05Z');
    const notAfter = new Date('2050-06-07T08:09:10Z');
    const leaf = root.client({
      commonName: 'client1',
      organizationalUnit: 'ops',
      serial: 0x1002n,
      notBefore,
      notAfter,
    });
    const certificate = parseCertificate(leaf.der);
    expect(certificate).toMatchObject({
      version: 3,
      serial: Buffer.from('1002', 'hex'),
      notBefore,
      notAfter,
    });
    expect(String(certificate.subject)).toBe('CN=client1,OU=ops');
    expect(String(certificate.issuer)).toBe('CN=root,O=Example');
    expect(certificate.raw).toBe(leaf.der);
    expect(certificate.publicKey).toEqual(leaf.x509.publicKey.export({ type: 'spki', format: 'der' }));
  });

  test('every extension', () => {
    const certificate = client({
      isCa: true,
      pathLength: 3,
      keyUsage: ['digitalSignature', 'keyCertSign', 'cRLSign', 'decipherOnly'],
      extendedKeyUsage: [purposes.clientAuth, purposes.any],
      sans: { dns: ['a.test'], uri: ['spiffe://a.test/b'] },
      subjectKeyId: Buffer.from('0102', 'hex'),
      authorityKeyId: Buffer.from('abcd', 'hex'),
      crlDistributionPoints: ['http://a.test/a.crl'],
    });
    expect(certificate).toMatchObject({
      basicConstraints: { ca: true, pathLength: 3 },
      keyUsage: KeyUsage.digitalSignature | KeyUsage.keyCertSign | KeyUsage.crlSign | (1 << 8),
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0'],
      subjectAltNames: [
        { kind: 'dns', value: 'a.test' },
        { kind: 'uri', value: 'spiffe://a.test/b' },
      ],
      subjectKeyId: '0102',
      authorityKeyId: 'abcd',
      crlDistributionPoints: [
        { name: { kind: 'full', names: [{ kind: 'uri', value: 'http://a.test/a.crl' }] } },
      ],
    });
  });

  const none = {
    basicConstraints: undefined,
    keyUsage: undefined,
    extendedKeyUsage: undefined,
    subjectAltNames: [],
    subjectKeyId: undefined,
    authorityKeyId: undefined,
    crlDistributionPoints: [],
    freshestCrl: [],
  };
  test('version 3 without any extension', () => {
    const bare = {
      isCa: null,
      keyUsage: null,
      extendedKeyUsage: null,
      subjectKeyId: false,
      authorityKeyId: false,
    } as const;
    expect(client(bare)).toMatchObject({ version: 3, ...none });
    expect(parseCertificate(withExtensions())).toMatchObject({ version: 3, ...none });
  });

  test('version 1', () => {
    expect(client({ version: 1 })).toMatchObject({ version: 1, ...none });
  });

  test('version 2, with unique identifiers', () => {
    const uniqueIds = Buffer.concat([
      implicit(1, bitString(Buffer.alloc(2))),
      implicit(2, bitString(Buffer.alloc(2))),
    ]);
    expect(parseCertificate(made({ version: explicit(0, integer(1)), uniqueIds }))).toMatchObject({
      version: 2,
    });
    expect(parseCertificate(made({ uniqueIds: implicit(2, bitString(Buffer.alloc(2))) }))).toMatchObject({
      version: 3,
    });
  });

  test.each([
    ['one byte', '01'],
    ['zero', '00'],
    ['a leading zero that the sign needs', '00ff'],
    ['negative', 'ff'],
    ['twenty bytes', `7f${'00'.repeat(19)}`],
    ['sixty-four bytes', '55'.repeat(64)],
  ])('a serial number of %s keeps its bytes', (_name, hex) => {
    expect(client({ serial: Buffer.from(hex, 'hex') }).serial.toString('hex')).toBe(hex);
  });

  test('basicConstraints of every form', () => {
    const of = (value: Buffer): Certificate['basicConstraints'] =>
      parseCertificate(withExtensions(extension({ oid: '2.5.29.19', value }))).basicConstraints;
    expect(of(sequence())).toEqual({ ca: false, pathLength: undefined });
    expect(of(sequence(boolean(false)))).toEqual({ ca: false, pathLength: undefined });
    expect(of(sequence(boolean(true)))).toEqual({ ca: true, pathLength: undefined });
    expect(of(sequence(boolean(true), integer(0)))).toEqual({ ca: true, pathLength: 0 });
    expect(of(sequence(integer(1)))).toEqual({ ca: false, pathLength: 1 });
  });

  test('an authority key identifier by issuer and serial number', () => {
    const issuer = distinguishedName({ commonName: 'ca' });
    const value = sequence(element(0xa1, element(0xa4, issuer)), implicit(2, integer(258)));
    const { authorityKeyId, authorityCertificate } = parseCertificate(
      withExtensions(extension({ oid: '2.5.29.35', value })),
    );
    expect(authorityKeyId).toBeUndefined();
    expect(authorityCertificate?.serial.toString('hex')).toBe('0102');
    expect(authorityCertificate?.issuer.map(({ value: name }) => String(name))).toEqual(['CN=ca']);
  });

  test('an authority key identifier with an empty list of names, or without a serial number, names no certificate', () => {
    for (const parts of [
      [element(0xa1, Buffer.alloc(0)), implicit(2, integer(1))],
      [implicit(2, integer(1))],
    ]) {
      const der = withExtensions(extension({ oid: '2.5.29.35', value: sequence(...parts) }));
      expect(parseCertificate(der).authorityCertificate).toBeUndefined();
    }
  });

  test('unknown extensions are skipped, critical or not', () => {
    const leaf = client({
      extraExtensions: [
        { oid: '1.2.3.4', critical: true, value: Buffer.from('not DER') },
        { oid: '1.2.3.5', value: Buffer.alloc(0) },
      ],
      sans: { dns: ['a.test'] },
    });
    expect(leaf.subjectAltNames).toHaveLength(1);
  });

  test('the empty subject of a certificate that has its names in subjectAltName', () => {
    const leaf = client({ name: [], sans: { dns: ['a.test'] } });
    expect(leaf.subject.isEmpty).toBe(true);
    expect(leaf.subjectAltNames).toHaveLength(1);
  });

  test('the signed bytes, the algorithm and the signature', () => {
    const leaf = selfSigned();
    const { signed } = parseCertificate(leaf.der);
    expect(leaf.der.includes(signed.bytes)).toBe(true);
    expect(signed.algorithm).toMatchObject({
      oid: '1.2.840.10045.4.3.2',
      scheme: { keyType: 'ec', hash: 'sha256' },
    });
    expect(signed.signature.equals(leaf.der.subarray(-signed.signature.length))).toBe(true);
  });

  test('the certificate is frozen', () => {
    expect(Object.isFrozen(client())).toBe(true);
  });
});

describe('an invalid certificate is rejected', () => {
  const sanExtension = (value: Buffer): Buffer => withExtensions(extension({ oid: '2.5.29.17', value }));
  test.each([
    ['nothing', Buffer.alloc(0), 'ends where an element was expected, at byte 0'],
    ['PEM', Buffer.from(root.pem), 'has tag 0x2d where 0x30 was expected, at byte 0'],
    ['a CRL', root.crl().der, 'has tag 0x17 where 0x30 was expected'],
    ['a certificate that is cut off', root.der.subarray(0, -1), 'left, at byte 0'],
    [
      'a byte behind it',
      Buffer.concat([root.der, Buffer.alloc(1)]),
      `has 1 bytes too many, at byte ${root.der.length}`,
    ],
    [
      'two certificates',
      Buffer.concat([root.der, root.der]),
      `has ${root.der.length} bytes too many, at byte ${root.der.length}`,
    ],
    ['an element behind the extensions', made({ tail: nullValue() }), 'has 2 bytes too many'],
    [
      'an element behind the signature',
      sequence(sequence(...Object.values(parts)), algorithm, bitString(Buffer.alloc(8)), nullValue()),
      'has 2 bytes too many',
    ],
    ['an empty serial number', made({ serial: integer(Buffer.alloc(0)) }), 'has an empty INTEGER'],
    [
      'a serial number with a zero too many',
      made({ serial: integer(Buffer.from([0, 1])) }),
      'has an INTEGER that is not in the shortest form',
    ],
    [
      'a serial number that is none',
      made({ serial: octetString(Buffer.alloc(1)) }),
      'has tag 0x4 where 0x2 was expected',
    ],
    ['a negative version', made({ version: explicit(0, integer(-1)) }), 'has an INTEGER out of range'],
    ['no dates', made({ validity: sequence() }), 'ends where an element was expected'],
    [
      'one date',
      made({ validity: sequence(utcTime('250101000000Z')) }),
      'ends where an element was expected',
    ],
    [
      'a date that is none',
      made({ validity: sequence(utcTime('250101000000Z'), utcTime('259901000000Z')) }),
      'an invalid date',
    ],
    ['a key that is none', made({ publicKey: nullValue() }), 'has tag 0x5 where 0x30 was expected'],
    [
      'extensions that are no list',
      made({ extensions: explicit(3, nullValue()) }),
      'has tag 0x5 where 0x30 was expected',
    ],
    [
      'an extension without a value',
      withExtensions(sequence(oid('1.2.3'))),
      'ends where an element was expected',
    ],
    [
      'an extension of two values',
      withExtensions(sequence(oid('1.2.3'), octetString(Buffer.alloc(0)), octetString(Buffer.alloc(0)))),
      'has 2 bytes too many',
    ],
    [
      'an extension that is critical in BER alone',
      withExtensions(sequence(oid('1.2.3'), element(1, Buffer.from([1])), octetString(Buffer.alloc(0)))),
      'has a BOOLEAN of "01", where DER writes',
    ],
    [
      'a NUL in a DNS name',
      root.client({ sans: { dns: ['good.test\0.evil.test'] } }).der,
      'has a name with control characters',
    ],
    [
      'a newline in a URI',
      root.client({ sans: { uri: ['spiffe://a.test/b\n'] } }).der,
      'has a name with control characters',
    ],
    ['an empty subjectAltName', sanExtension(sequence()), 'has an empty list of names'],
    [
      'two subjectAltNames in one',
      sanExtension(Buffer.concat([sequence(implicit(2, text('ia5', 'a'))), sequence()])),
      'has 2 bytes too many',
    ],
    [
      'a subject key identifier that is no octets',
      withExtensions(extension({ oid: '2.5.29.14', value: integer(1) })),
      'has tag 0x2 where 0x4 was expected',
    ],
    [
      'a key usage with a tail',
      withExtensions(extension({ oid: '2.5.29.15', value: Buffer.concat([namedBits([0]), nullValue()]) })),
      'has 2 bytes too many',
    ],
    [
      'basicConstraints with a tail',
      withExtensions(extension({ oid: '2.5.29.19', value: sequence(integer(1), boolean(true)) })),
      'has 3 bytes too many',
    ],
    [
      'a negative path length',
      withExtensions(extension({ oid: '2.5.29.19', value: sequence(boolean(true), integer(-1)) })),
      'has an INTEGER out of range',
    ],
    [
      'a purpose that is no OID',
      withExtensions(extension({ oid: '2.5.29.37', value: sequence(integer(1)) })),
      'has tag 0x2 where 0x6 was expected',
    ],
    [
      'a distribution point that is none',
      withExtensions(extension({ oid: '2.5.29.31', value: sequence(integer(1)) })),
      'has tag 0x2 where 0x30 was expected',
    ],
  ])('%s', (_name, der, message) => {
    const failure = failureOf(() => parseCertificate(der));
    expect(failure.code).toBe('ERR_MTLS_CERTIFICATE_INVALID');
    expect(failure.message).toMatch(
      /^certificate .+, at byte \d+(?:; it is damaged or not a DER-encoded certificate|, (?:in|behind) .+; the certificate is damaged, or its CA violates DER: fetch it again, or have it reissued)$/,
    );
    expect(failure.message).toContain(message);
  });

  test.each([
    '2.5.29.14',
    '2.5.29.15',
    '2.5.29.17',
    '2.5.29.19',
    '2.5.29.31',
    '2.5.29.35',
    '2.5.29.37',
    '1.2.3.4',
  ])('the extension %s twice', (type) => {
    const value = {
      '2.5.29.14': octetString(Buffer.alloc(1)),
      '2.5.29.15': namedBits([0]),
      '2.5.29.17': sequence(implicit(2, text('ia5', 'a'))),
    }[type];
    const twice = extension({ oid: type, value: value ?? sequence() });
    expect(parseCertificate(withExtensions(twice)).version).toBe(3);
    expect(failureOf(() => parseCertificate(withExtensions(twice, twice))).message).toContain(
      `has the extension ${type} twice`,
    );
  });

  test('a certificate that is truncated anywhere', () => {
    for (let length = 0; length < root.der.length; length++)
      expect(failureOf(() => parseCertificate(root.der.subarray(0, length))).code).toBe(
        'ERR_MTLS_CERTIFICATE_INVALID',
      );
  });

  // The interface says 1, 2 or 3, that version 1 has no extensions, and strict DER everywhere.
  test.each([
    ['a version 4', made({ version: explicit(0, integer(3)) })],
    ['a version 2^31', made({ version: explicit(0, integer(2 ** 31 - 1)) })],
    ['a version 1 that is written (X.690 section 11.5)', made({ version: explicit(0, integer(0)) })],
    [
      'an element behind the version',
      made({ version: explicit(0, Buffer.concat([integer(2), integer(2)])) }),
    ],
    [
      'extensions in version 1',
      made({
        version: Buffer.alloc(0),
        extensions: explicit(3, sequence(extension({ oid: '2.5.29.15', value: namedBits([0]) }))),
      }),
    ],
    [
      'a third date',
      made({ validity: sequence(utcTime('250101000000Z'), utcTime('350101000000Z'), nullValue()) }),
    ],
    ['another algorithm within than without', made({ algorithm: sequence(oid('1.2.840.10045.4.3.3')) })],
    [
      'an element behind the list of extensions',
      made({ extensions: explicit(3, Buffer.concat([sequence(), nullValue()])) }),
    ],
  ])('%s', (_name, der) => {
    expect(failureOf(() => parseCertificate(der)).code).toBe('ERR_MTLS_CERTIFICATE_INVALID');
  });
});

test('an OID with an arc of a UUID (X.667) does not make a certificate unreadable', () => {
  const type = '2.25.329800735698586629295641978511506172918';
  expect(
    parseCertificate(root.client({ extendedKeyUsage: [purposes.clientAuth, type] }).der).extendedKeyUsage,
  ).toEqual([purposes.clientAuth, type]);
});
