import { expect, test } from '@jest/globals';
import { attributeType } from '../../../src/x509/name-attribute.js';

test.each([
  ['CN', '2.5.4.3'],
  ['cn', '2.5.4.3'],
  ['commonName', '2.5.4.3'],
  ['L', '2.5.4.7'],
  ['localityName', '2.5.4.7'],
  ['ST', '2.5.4.8'],
  ['stateOrProvinceName', '2.5.4.8'],
  ['O', '2.5.4.10'],
  ['organizationName', '2.5.4.10'],
  ['OU', '2.5.4.11'],
  ['organizationalUnitName', '2.5.4.11'],
  ['C', '2.5.4.6'],
  ['countryName', '2.5.4.6'],
  ['streetAddress', '2.5.4.9'],
  ['domainComponent', '0.9.2342.19200300.100.1.25'],
  ['STREET', '2.5.4.9'],
  ['DC', '0.9.2342.19200300.100.1.25'],
  ['UID', '0.9.2342.19200300.100.1.1'],
  ['userId', '0.9.2342.19200300.100.1.1'],
  ['serialNumber', '2.5.4.5'],
  ['SN', '2.5.4.4'],
  ['emailAddress', '1.2.840.113549.1.9.1'],
  ['organizationIdentifier', '2.5.4.97'],
  ['2.5.4.3', '2.5.4.3'],
  ['1.3.6.1.4.1.99999.1', '1.3.6.1.4.1.99999.1'],
])('%s is %s', (name, dotted) => {
  expect(attributeType(name)).toBe(dotted);
});

test.each([
  '',
  'X',
  'commonNam',
  ' CN',
  'CN ',
  '2',
  '2.',
  '.2.5',
  '2..5',
  '2.5.4.3x',
  '__proto__',
  'constructor',
  'toString',
])('%j is no attribute type', (name) => {
  expect(attributeType(name)).toBeUndefined();
});
