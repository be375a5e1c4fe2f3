import { describe, expect, test } from '@jest/globals';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { parseCrl } from '../../../src/x509/crl.js';
import { placeInCertificate, placeInCrl } from '../../../src/x509/place.js';
import { attributeTypes, ca } from '../../support/chain.js';
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
  utcTime,
} from '../../support/der-writer.js';
import { extension, reasonCode } from '../../support/extensions.js';
import { distinguishedName } from '../../support/names.js';
import { failureOf } from './failure.js';
import { startCpuClock } from '../../support/cpu-time.js';

type CertificatePart =
  | 'version'
  | 'serial'
  | 'algorithm'
  | 'issuer'
  | 'validity'
  | 'subject'
  | 'publicKey'
  | 'extensions'
  | 'tail';
type CrlPart =
  'version' | 'algorithm' | 'issuer' | 'thisUpdate' | 'nextUpdate' | 'entries' | 'extensions' | 'tail';
const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
const attribute = (type: string, value: Buffer): Buffer => sequence(oid(type), value);
const utf8InPrintable = text('printable', Buffer.from('Mobilität'));
/** A name whose second part has an invalid value. */
const oddName = (type: string): Buffer =>
  sequence(
    set(attribute(attributeTypes.country, text('printable', 'DE'))),
    set(
      attribute('2.5.4.3', text('utf8', 'a')),
      attribute(type, type === '' ? nullValue() : utf8InPrintable),
    ),
  );

describe('the error about a certificate names the field', () => {
  const parts: Record<CertificatePart, Buffer> = {
    version: explicit(0, integer(2)),
    serial: integer(1),
    algorithm,
    issuer: distinguishedName({ commonName: 'ca' }),
    validity: sequence(utcTime('250101000000Z'), utcTime('350101000000Z')),
    subject: distinguishedName({ commonName: 'client1' }),
    publicKey: sequence(algorithm, bitString(Buffer.alloc(1))),
    extensions: Buffer.alloc(0),
    tail: Buffer.alloc(0),
  };
  const made = (
    changes: Partial<typeof parts>,
    behind: Buffer[] = [algorithm, bitString(Buffer.alloc(8))],
  ): Buffer => sequence(sequence(...Object.values({ ...parts, ...changes })), ...behind);
  const withExtensions = (...list: Buffer[]): Buffer => made({ extensions: explicit(3, sequence(...list)) });
  const basicConstraints = extension({
    oid: '2.5.29.19',
    critical: true,
    value: sequence(element(1, Buffer.from([1]))),
  });
  const keyUsage = extension({ oid: '2.5.29.15', value: bitString(Buffer.from([0x80]), 7) });

  test.each([
    ['version', made({ version: explicit(0, integer(3)) }), 'in the version'],
    ['serial number', made({ serial: integer(Buffer.from([0, 1])) }), 'in serialNumber'],
    ['serial number whose length does not read', made({ serial: Buffer.from([2, 0x80]) }), 'in serialNumber'],
    ['algorithm', made({ algorithm: sequence(nullValue()) }), 'in the signature algorithm'],
    [
      'issuer',
      made({ issuer: oddName(attributeTypes.organization) }),
      'in the organizationName of the issuer',
    ],
    ['subject', made({ subject: oddName('2.5.4.3') }), 'in the commonName of the subject'],
    [
      'subject, of an unknown attribute',
      made({ subject: oddName('1.2.3.4') }),
      'in the 1.2.3.4 of the subject',
    ],
    ['subject, no attribute', made({ subject: sequence(set(sequence(nullValue()))) }), 'in the subject'],
    ['subject, no RDN', made({ subject: sequence(nullValue()) }), 'in the subject'],
    ['subject, no name', made({ subject: nullValue() }), 'in the subject'],
    ['no dates', made({ validity: sequence() }), 'in the validity'],
    [
      'first date',
      made({ validity: sequence(utcTime('25010100Z'), utcTime('350101000000Z')) }),
      'in notBefore',
    ],
    [
      'second date',
      made({ validity: sequence(utcTime('250101000000Z'), utcTime('3501010000Z')) }),
      'in notAfter',
    ],
    ['second date missing', made({ validity: sequence(utcTime('250101000000Z')) }), 'behind notBefore'],
    ['key', made({ publicKey: sequence(nullValue()) }), 'in the public key'],
    [
      'extension',
      withExtensions(keyUsage, basicConstraints),
      'in the extension basicConstraints (2.5.29.19)',
    ],
    [
      'extension without a name',
      withExtensions(sequence(oid('1.2.3'), element(1, Buffer.from([1])), octetString(nullValue()))),
      'in the extension 1.2.3',
    ],
    [
      'extension with a long number',
      withExtensions(sequence(oid(`1.2${'.3'.repeat(100)}`), nullValue())),
      `in the extension 1.2${'.3'.repeat(48)}…`,
    ],
    [
      'extension without a value',
      withExtensions(sequence(oid('2.5.29.15'))),
      'behind the extension keyUsage (2.5.29.15)',
    ],
    ['extension that is none', withExtensions(nullValue()), 'in the extensions'],
    ['extensions that are none', made({ extensions: explicit(3, nullValue()) }), 'in the extensions'],
    [
      'extensions of version 1',
      made({ version: Buffer.alloc(0), extensions: explicit(3, sequence(keyUsage)) }),
      'in the extensions',
    ],
    [
      'algorithm behind',
      made({}, [sequence(nullValue()), bitString(Buffer.alloc(8))]),
      'in the signature algorithm',
    ],
    ['signature', made({}, [algorithm, nullValue()]), 'in the signature'],
    ['signature missing', made({}, [algorithm]), 'behind the signature algorithm'],
  ])('%s', (_name, der, place) => {
    const { message } = failureOf(() => parseCertificate(der));
    expect(message).toContain(`, ${place}; the certificate is damaged, or its CA violates DER`);
  });

  test.each([
    ['that is cut off', made({}).subarray(0, -1)],
    ['with bytes behind it', Buffer.concat([made({}), nullValue()])],
    ['that is no certificate', sequence(sequence(text('utf8', 'a')), algorithm, bitString(Buffer.alloc(1)))],
    ['with an element behind the extensions', made({ tail: nullValue() })],
    ['without a signature algorithm', made({}, [])],
    ['that is no SEQUENCE', set(sequence())],
    ['whose parts are none', sequence(nullValue())],
  ])('but not of one %s', (_name, der) => {
    const { message } = failureOf(() => parseCertificate(der));
    expect(message).toMatch(/, at byte \d+; it is damaged or not a DER-encoded certificate$/);
  });
});

describe('the error about a CRL names the field', () => {
  const parts: Record<CrlPart, Buffer> = {
    version: integer(1),
    algorithm,
    issuer: distinguishedName({ commonName: 'ca' }),
    thisUpdate: utcTime('250601000000Z'),
    nextUpdate: utcTime('350701000000Z'),
    entries: Buffer.alloc(0),
    extensions: Buffer.alloc(0),
    tail: Buffer.alloc(0),
  };
  const made = (changes: Partial<typeof parts>): Buffer =>
    sequence(sequence(...Object.values({ ...parts, ...changes })), algorithm, bitString(Buffer.alloc(8)));
  const date = utcTime('250601000000Z');
  const entries = (...list: Buffer[]): Buffer => made({ entries: sequence(...list) });
  const good = sequence(integer(7), date);
  const reasonTwice = sequence(integer(0x1234), date, sequence(reasonCode(1), reasonCode(1)));

  test.each([
    ['version', made({ version: integer(2) }), 'in the version'],
    ['algorithm', made({ algorithm: sequence(nullValue()) }), 'in the signature algorithm'],
    ['issuer', made({ issuer: oddName(attributeTypes.country) }), 'in the countryName of the issuer'],
    ['thisUpdate', made({ thisUpdate: utcTime('25Z') }), 'in thisUpdate'],
    ['thisUpdate, no time', made({ thisUpdate: nullValue() }), 'in thisUpdate'],
    ['nextUpdate', made({ nextUpdate: utcTime('25Z') }), 'in nextUpdate'],
    ['nextUpdate, GeneralizedTime', made({ nextUpdate: generalizedTime('25Z') }), 'in nextUpdate'],
    ['entry', entries(good, nullValue()), 'in entry 2 of revokedCertificates'],
    [
      'entry, serial number',
      entries(sequence(integer(Buffer.alloc(0)))),
      'in entry 1 of revokedCertificates',
    ],
    ['entry without a date', entries(good, sequence(integer(7))), 'behind entry 2 of revokedCertificates'],
    [
      'entry, date',
      entries(good, good, sequence(integer(Buffer.from('7f01', 'hex')), utcTime('25Z'))),
      'in the revocationDate of entry 3 of revokedCertificates (serial 7f01)',
    ],
    [
      'entry, long serial number',
      entries(sequence(integer(Buffer.alloc(64, 0x55)), utcTime('25Z'))),
      `in the revocationDate of entry 1 of revokedCertificates (serial ${'55'.repeat(21)})`,
    ],
    [
      'entry, extension',
      entries(reasonTwice),
      'in the extension reasonCode (2.5.29.21) of entry 1 of revokedCertificates (serial 1234)',
    ],
    [
      'entry, extensions',
      entries(sequence(integer(7), date, nullValue())),
      'in entry 1 of revokedCertificates (serial 07)',
    ],
    [
      'extension',
      made({ extensions: explicit(0, sequence(extension({ oid: '2.5.29.20', value: nullValue() }))) }),
      'in the extension cRLNumber (2.5.29.20)',
    ],
    ['extensions', made({ extensions: explicit(0, boolean(true)) }), 'in the extensions'],
  ])('%s', (_name, der, place) => {
    const { message } = failureOf(() => parseCrl(der));
    expect(message).toContain(`, ${place}; the CRL is damaged, or its CA violates DER`);
  });

  test.each([
    ['that is a certificate', ca().der],
    ['with an element of no known kind', made({ tail: nullValue() })],
    ['that is cut off', made({}).subarray(0, -1)],
  ])('but not of one %s', (_name, der) => {
    const { message } = failureOf(() => parseCrl(der));
    expect(message).toMatch(/, at byte \d+; it is damaged or not a DER-encoded CRL$/);
  });
});

test('the place of any byte in any input is found quickly, or there is none', () => {
  const root = ca({ commonName: 'root', organization: 'Example' });
  const { der } = root.client({ sans: { dns: ['a.test'] } });
  const crl = root.crl({
    revoked: Array.from({ length: 50 }, (_, index) => ({ serial: BigInt(index) })),
  }).der;
  const cpuTime = startCpuClock();
  for (const bytes of [der, crl, Buffer.alloc(300, 0x30), Buffer.alloc(0)]) {
    for (let offset = -1; offset <= bytes.length + 1; offset++) {
      for (const place of [placeInCertificate(bytes, offset), placeInCrl(bytes, offset)])
        expect(place === undefined || place.length > 0).toBe(true);
    }
  }
  expect(cpuTime()).toBeLessThan(5000);
});
