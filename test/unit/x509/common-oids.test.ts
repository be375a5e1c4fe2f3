import { expect, test } from '@jest/globals';
import { findCommonOid } from '../../../src/x509/common-oids.js';
import { DerReader, Tag } from '../../../src/x509/der.js';

const subject = { code: 'ERR_MTLS_CERTIFICATE_INVALID', noun: 'certificate' } as const;

function decode(hex: string): string {
  const content = Buffer.from(hex, 'hex');
  return new DerReader(Buffer.from([Tag.oid, content.length, ...content]), subject).oid();
}

test.each([
  ['550403', '2.5.4.3'],
  ['551d0e', '2.5.29.14'],
  ['2a8648ce3d040302', '1.2.840.10045.4.3.2'],
  ['2a864886f70d01010b', '1.2.840.113549.1.1.11'],
  ['2b06010505070302', '1.3.6.1.5.5.7.3.2'],
  ['0992268993f22c640119', '0.9.2342.19200300.100.1.25'],
])('the common object identifier %s is %s', (hex, dotted) => {
  const content = Buffer.from(hex, 'hex');
  expect(findCommonOid(content, 0, content.length)).toBe(dotted);
  expect(decode(hex)).toBe(dotted);
});

test('octets with the same hash are another object identifier', () => {
  // 0x1c × 31 + 0x2d = 0x1d × 31 + 0x0e
  expect(decode('551c2d')).toBe('2.5.28.45');
  // Leading zeros do not change the hash.
  const padded = Buffer.from('00550403', 'hex');
  expect(findCommonOid(padded, 0, padded.length)).toBeUndefined();
  expect(decode('00550403')).toBe('0.0.85.4.3');
});

test('only the octets between the offsets count', () => {
  const bytes = Buffer.from('06035504030603', 'hex');
  expect(findCommonOid(bytes, 2, 5)).toBe('2.5.4.3');
  expect(findCommonOid(bytes, 2, 6)).toBeUndefined();
});
