/**
 * What other readers say of the same certificates: node:crypto (OpenSSL) and
 * `@peculiar/x509`, with everything in which they differ from this package.
 *
 * @module
 */
import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { X509Certificate as PeculiarCertificate } from '@peculiar/x509';
import fc from 'fast-check';
import { MtlsError } from '../../src/errors.js';
import { identityOf, type CertificateIdentity } from '../../src/identity/client-identity.js';
import { parseCertificate } from '../../src/x509/certificate.js';
import { normaliseIp } from '../../src/x509/general-name.js';
import type { CertificateOptions } from '../support/chain.js';
import { attributeTypes, ca } from '../support/chain.js';
import type { StringType } from '../support/der-writer.js';
import type { NameAttribute } from '../support/names.js';
import { runs } from '../support/runs.js';

const numRuns = Math.ceil(runs(400) / 8);
const timeout = Math.max(30_000, numRuns * 20);

const root = ca('root');
// A Buffer whose memory is its own, as the types of @peculiar/x509 want it.
const certificate = (options: CertificateOptions): Buffer<ArrayBuffer> =>
  Buffer.from(root.client({ privateKey: root.privateKey, ...options }).der);
const identity = (der: Buffer): CertificateIdentity => identityOf(parseCertificate(der));

const separators = Array.from(',=+<>#;"\\/ :\'*\0\n\r\t\u001b\u007f');
const texts: Record<StringType, fc.Arbitrary<string>> = {
  utf8: hostile('aé€🐎\u0085\u202e\ufeff'),
  universal: hostile('aé€\u0085\u202e\ufeff'), // and no more: see below
  bmp: hostile('aé€\u0085\u202e\ufeff'),
  teletex: hostile('aéÿ\u0085'),
  printable: hostile('aZ0'),
  ia5: hostile('aZ0@'),
};

function hostile(letters: string): fc.Arbitrary<string> {
  const unit = fc.oneof(
    fc.constantFrom(...separators),
    fc.constantFrom(...letters),
    fc.constantFrom(...'abcxyz019'),
  );
  return fc.string({ unit, minLength: 1, maxLength: 20 });
}

const attribute: fc.Arbitrary<NameAttribute & { value: string }> = fc
  .constantFrom(...(Object.keys(texts) as StringType[]))
  .chain((type) =>
    fc.record(
      { oid: fc.constantFrom(...Object.values(attributeTypes)), type: fc.constant(type), value: texts[type] },
      { noNullPrototype: true },
    ),
  );
const subject = fc.array(fc.array(attribute, { minLength: 1, maxLength: 3 }), { maxLength: 4 });
const serial = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => {
  const content = Buffer.from(bytes);
  content[0] = 1 + ((content[0] ?? 0) % 0x7f); // positive, and the shortest
  return content;
});
const date = fc
  .integer({ min: Date.parse('1950-01-01') / 1000, max: Date.parse('9999-12-31') / 1000 })
  .map((seconds) => new Date(seconds * 1000));

/** The values of each attribute as they were written, in the order of the certificate. */
function written(rdns: readonly (readonly NameAttribute[])[], der: Buffer): Map<string, string[]> {
  const values = new Map<string, string[]>();
  const read = parseCertificate(der).subject.rdns;
  for (const [index, rdn] of rdns.entries()) {
    // The SET of an RDN is sorted by the writer: the values are the same, in another order.
    const left = rdn.map(({ oid, value }) => `${oid} ${String(value)}`).sort();
    expect(read[index]?.map(({ type, value }) => `${type} ${value ?? ''}`).sort()).toEqual(left);
    for (const { type, value } of read[index] ?? [])
      values.set(type, [...(values.get(type) ?? []), value ?? '']);
  }
  expect(read).toHaveLength(rdns.length);
  return values;
}

describe('serial number, fingerprint and dates', () => {
  test(
    'are those that node:crypto and @peculiar/x509 read',
    () => {
      const options = fc.record({ serial, notBefore: date, notAfter: date }, { noNullPrototype: true });
      fc.assert(
        fc.property(options, (of) => {
          const der = certificate(of);
          const ours = identity(der);
          const node = new X509Certificate(der);
          const peculiar = new PeculiarCertificate(der);
          expect(ours.serialNumber).toBe(withoutZeros(node.serialNumber));
          expect(ours.serialNumber).toBe(withoutZeros(peculiar.serialNumber));
          expect(ours.fingerprint256).toBe(node.fingerprint256);
          expect(ours.notBefore).toEqual(new Date(node.validFrom));
          expect(ours.notAfter).toEqual(new Date(node.validTo));
          expect(ours.notBefore).toEqual(peculiar.notBefore);
          expect(ours.notAfter).toEqual(peculiar.notAfter);
        }),
        { numRuns },
      );
    },
    timeout,
  );

  test.each([
    // Both write whole octets, and leave out the zero that the sign needs.
    ['00', '0', '0', '00'],
    ['01', '1', '01', '01'],
    ['00ff', 'ff', 'FF', 'ff'],
    // A negative number: node writes its sign, @peculiar/x509 loses it, so that -1 and 255 are one.
    ['ff', '-1', '-01', 'ff'],
    ['8000', '-8000', '-8000', '8000'],
  ])('the octets %s are %s here, %s to node:crypto, %s to @peculiar/x509', (hex, ours, node, peculiar) => {
    const der = certificate({ serial: Buffer.from(hex, 'hex') });
    expect(identity(der).serialNumber).toBe(ours);
    expect(new X509Certificate(der).serialNumber).toBe(node);
    expect(new PeculiarCertificate(der).serialNumber).toBe(peculiar);
  });
});

describe('subject', () => {
  test(
    'every attribute has the value that was written, and that @peculiar/x509 reads',
    () => {
      fc.assert(
        fc.property(subject, (name) => {
          const der = certificate({ name });
          const ours = identity(der).subject;
          const theirs = new PeculiarCertificate(der).subjectName;
          for (const [type, values] of written(name, der)) {
            expect(ours.get(type)).toEqual(values);
            expect(theirs.getField(type)).toEqual(values);
          }
        }),
        { numRuns },
      );
    },
    timeout,
  );

  test(
    'the commonName is the one that node:crypto reads, where it needs no escape',
    () => {
      const plain = fc.string({
        unit: fc.constantFrom(...'abcXYZ 019.-_@é€🐎'),
        minLength: 1,
        maxLength: 20,
      });
      fc.assert(
        fc.property(plain, (commonName) => {
          fc.pre(commonName.trim() === commonName);
          const der = certificate({ commonName });
          expect(`CN=${identity(der).commonName ?? ''}`).toBe(new X509Certificate(der).subject);
        }),
        { numRuns },
      );
    },
    timeout,
  );
});

describe('subjectAltName', () => {
  const ia5 = fc.string({ unit: fc.constantFrom(...'abc019.-_@:/ ,="\\\'+#;<>%'), maxLength: 20 });
  const ip = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );
  const sans = fc.record(
    {
      dns: fc.array(ia5, { maxLength: 3 }),
      email: fc.array(ia5, { maxLength: 3 }),
      uri: fc.array(ia5, { maxLength: 3 }),
      ip: fc.array(
        ip.map((bytes) => Buffer.from(bytes)),
        { maxLength: 3 },
      ),
    },
    { noNullPrototype: true },
  );

  test(
    'is what node:crypto reads',
    () => {
      fc.assert(
        fc.property(sans, (names) => {
          fc.pre(Object.values(names).some((list) => list.length > 0));
          const der = certificate({ sans: names });
          const { dns, email, uri, ip: addresses } = identity(der).subjectAltNames;
          const node = splitAltName(new X509Certificate(der).subjectAltName ?? '');
          expect({ dns, email, uri }).toEqual({ dns: names.dns, email: names.email, uri: names.uri });
          expect({ dns, email, uri }).toEqual({
            dns: node['DNS'] ?? [],
            email: node['email'] ?? [],
            uri: node['URI'] ?? [],
          });
          // node writes all eight groups of IPv6, in upper case.
          expect(addresses).toEqual((node['IP Address'] ?? []).map(normaliseIp));
        }),
        { numRuns },
      );
    },
    timeout,
  );

  test('a control character is refused here, and escaped by node:crypto', () => {
    fc.assert(
      fc.property(ia5, fc.constantFrom('\0', '\n', '\r', '\u001b', '\u007f'), ia5, (left, control, right) => {
        const der = certificate({ sans: { dns: [left + control + right] } });
        expect(() => parseCertificate(der)).toThrow(MtlsError);
        expect(splitAltName(new X509Certificate(der).subjectAltName ?? '')).toEqual({
          DNS: [left + control + right],
        });
      }),
      { numRuns: Math.min(numRuns, 1000) },
    );
  });
});

/** node's one line of all names: quoted as JSON where a name has what would divide it. */
function splitAltName(line: string): Partial<Record<string, string[]>> {
  const names: Partial<Record<string, string[]>> = {};
  const unit = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/y;
  while (unit.lastIndex < line.length) {
    const [, kind = '', value = ''] = unit.exec(line) ?? [];
    if (kind === '') throw new Error(`cannot read ${line}`);
    (names[kind] ??= []).push(value.startsWith('"') ? (JSON.parse(value) as string) : value);
  }
  return names;
}

function withoutZeros(hex: string): string {
  return hex.toLowerCase().replace(/^0+(?=.)/, '');
}

describe('damaged certificates', () => {
  test(
    'what both this package and node:crypto accept, both read alike',
    () => {
      const flips = fc.array(fc.tuple(fc.nat(0xffff_ffff), fc.nat(7)), { minLength: 1, maxLength: 3 });
      const sample = certificate({
        commonName: 'client1',
        organization: 'Example',
        sans: { dns: ['a.test'] },
      });
      let both = 0;
      fc.assert(
        fc.property(flips, (changes) => {
          const der = Buffer.from(sample);
          for (const [place, bit] of changes) {
            const index = Math.floor((place / 2 ** 32) * der.length);
            der[index] = (der[index] ?? 0) ^ (1 << bit);
          }
          const ours = attempt(() => identity(der));
          const node = attempt(() => new X509Certificate(der));
          if (ours === undefined || node === undefined) return;
          both++;
          expect(ours.serialNumber.replace('-', '')).toBe(withoutZeros(node.serialNumber.replace('-', '')));
          expect(ours.fingerprint256).toBe(node.fingerprint256);
          expect(ours.notBefore).toEqual(new Date(node.validFrom));
          expect(ours.notAfter).toEqual(new Date(node.validTo));
        }),
        { numRuns },
      );
      expect(both).toBeGreaterThan(0);
    },
    timeout,
  );
});

function attempt<Value>(run: () => Value): Value | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
