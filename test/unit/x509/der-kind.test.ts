import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { kindOfDer, kindOfLabel } from '../../../src/x509/der-kind.js';
import { toIndefinite } from '../../support/ber.js';
import { ca } from '../../support/chain.js';
import {
  bitString,
  explicit,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  set,
  utcTime,
} from '../../support/der-writer.js';
import { pkcs12 } from '../../support/pkcs12.js';
import { certificateRequest } from '../../support/request.js';

const root = ca('root');
const client = root.client('a');
const { privateKey } = client;
const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
const algorithm = sequence(oid('1.2.3'));
const name = sequence();
const validity = sequence(utcTime(new Date()), utcTime(new Date()));
const signed = (...parts: Buffer[]): Buffer =>
  sequence(sequence(...parts), algorithm, bitString(Buffer.alloc(8)));
const pkcs7 = sequence(oid('1.2.840.113549.1.7.2'), explicit(0, sequence(integer(1))));
const p12 = pkcs12({ password: 'a', certificates: [client], key: client, iterations: 1 });

test.each<[what: string, der: Buffer, kind: ReturnType<typeof kindOfDer>]>([
  ['a certificate', root.der, 'certificate'],
  ['a certificate of version 1', root.client({ version: 1 }).der, 'certificate'],
  [
    'a certificate that says version 1',
    signed(explicit(0, integer(0)), integer(1), algorithm, name, validity),
    'certificate',
  ],
  ['a CRL', root.crl().der, 'crl'],
  ['a CRL of version 1', root.crl({ version: 1 }).der, 'crl'],
  [
    'a CRL from 2050 on',
    root.crl({ thisUpdate: new Date('2050-01-01'), nextUpdate: new Date('2051-01-01') }).der,
    'crl',
  ],
  [
    'a CRL of version 1 from 2050 on',
    root.crl({ version: 1, thisUpdate: new Date('2050-01-01') }).der,
    'crl',
  ],
  ['a request', certificateRequest({ commonName: 'a', privateKey }).der, 'request'],
  ['a request without attributes', signed(integer(0), name, sequence()), 'request'],
  ['PKCS#8', privateKey.export({ format: 'der', type: 'pkcs8' }), 'pkcs8'],
  [
    'encrypted PKCS#8',
    privateKey.export({ format: 'der', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'a' }),
    'encrypted-pkcs8',
  ],
  ['SEC1', privateKey.export({ format: 'der', type: 'sec1' }), 'sec1'],
  ['PKCS#1', rsa.export({ format: 'der', type: 'pkcs1' }), 'pkcs1'],
  ['a public key', createPublicKey(privateKey).export({ format: 'der', type: 'spki' }), 'spki'],
  ['PKCS#7', pkcs7, 'pkcs7'],
  ['PKCS#12', p12, 'pkcs12'],
  ['PKCS#7 in BER', toIndefinite(pkcs7), 'pkcs7'],
  ['PKCS#12 in BER', toIndefinite(p12), 'pkcs12'],
  ['a certificate in BER', toIndefinite(root.der), 'certificate'],
])('%s is told by its bytes', (_what, der, kind) => {
  expect(kindOfDer(der)).toBe(kind);
});

test.each<[what: string, der: Buffer]>([
  ['nothing', Buffer.alloc(0)],
  ['text', Buffer.from(root.pem)],
  ['an empty SEQUENCE', sequence()],
  ['one element', sequence(integer(1))],
  ['a SET', set(integer(1), integer(2), integer(3))],
  ['two numbers, as a public key of RSA alone has', sequence(integer(1), integer(2))],
  ['three things of no kind', sequence(nullValue(), nullValue(), nullValue())],
  ['a signature that is no BIT STRING', sequence(name, name, octetString(Buffer.alloc(1)))],
  ['PKCS#7 without content', sequence(oid('1.2.840.113549.1.7.2'), nullValue())],
  ['an encrypted key with a tail', sequence(algorithm, octetString(Buffer.alloc(1)), nullValue())],
  ['a public key with a tail', sequence(algorithm, bitString(Buffer.alloc(1)), nullValue())],
  ['BER that is cut off', toIndefinite(p12).subarray(0, -1)],
  ['DER that is cut off', root.der.subarray(0, -1)],
])('%s is nothing that is known', (_what, der) => {
  expect(kindOfDer(der)).toBeUndefined();
});

describe('a label of PEM', () => {
  test.each([
    ['CERTIFICATE', 'certificate'],
    ['X509 CERTIFICATE', 'certificate'],
    ['TRUSTED CERTIFICATE', 'certificate'],
    ['X509 CRL', 'crl'],
    ['CERTIFICATE REQUEST', 'request'],
    ['NEW CERTIFICATE REQUEST', 'request'],
    ['PRIVATE KEY', 'pkcs8'],
    ['ENCRYPTED PRIVATE KEY', 'encrypted-pkcs8'],
    ['RSA PRIVATE KEY', 'pkcs1'],
    ['EC PRIVATE KEY', 'sec1'],
    ['PUBLIC KEY', 'spki'],
    ['PKCS7', 'pkcs7'],
    ['CMS', 'pkcs7'],
    ['PKCS #7 SIGNED DATA', 'pkcs7'],
    ['PKCS12', 'pkcs12'],
    ['DH PARAMETERS', undefined],
    ['constructor', undefined],
  ])('%s says %s', (label, kind) => {
    expect(kindOfLabel(label)).toBe(kind);
  });
});
