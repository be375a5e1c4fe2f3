import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { describeDistrust, dropOthers, readBlocks } from '../../../src/material/blocks.js';
import {
  type BlockExpectation,
  caBlocks,
  certificateBlocks,
  crlBlocks,
  toPem,
} from '../../../src/material/sources.js';
import { formatPem } from '../../../src/x509/pem.js';
import { purposes } from '../../../src/x509/purpose.js';
import { toIndefinite } from '../../support/ber.js';
import { ca } from '../../support/chain.js';
import { explicit, integer, oid, sequence } from '../../support/der-writer.js';
import { pkcs12 } from '../../support/pkcs12.js';
import { certificateRequest } from '../../support/request.js';
import { failureOf } from '../x509/failure.js';

const root = ca('root');
const crl = root.crl();
describe('the blocks of a source', () => {
  const from = (bytes: string | Buffer): { bytes: Buffer; origin: string } => ({
    bytes: Buffer.from(bytes),
    origin: 'ca.pem',
  });

  test('are all blocks of a bundle, in order', () => {
    const other = ca('other');
    expect(readBlocks(from(`# root\n${root.pem}\ntext\n${other.pem}`), certificateBlocks)).toEqual([
      root.der,
      other.der,
    ]);
    expect(readBlocks(from(crl.pem + crl.pem), crlBlocks)).toEqual([crl.der, crl.der]);
  });

  test('are a single one in DER', () => {
    expect(readBlocks(from(root.der), certificateBlocks)).toEqual([root.der]);
  });

  test.each([
    [
      'a CRL where a certificate was expected',
      crl.pem,
      certificateBlocks,
      'ERR_MTLS_PEM_INVALID',
      'found a PEM block "X509 CRL" where a certificate ("CERTIFICATE") was expected; remove it from this source',
    ],
    [
      'a certificate where a CRL was expected',
      root.pem,
      crlBlocks,
      'ERR_MTLS_CRL_INVALID',
      'found a PEM block "CERTIFICATE" where a CRL ("X509 CRL") was expected; remove it from this source',
    ],
    [
      'a key behind a certificate',
      root.pem + root.keyPem,
      certificateBlocks,
      'ERR_MTLS_PEM_INVALID',
      'found a PEM block "PRIVATE KEY" where a certificate ("CERTIFICATE") was expected; remove it from this source',
    ],
  ])('are rejected for %s', (_what, text, expectation, code, message) => {
    expect(failureOf(() => readBlocks(from(text), expectation))).toMatchObject({
      code,
      message: `ca.pem: ${message}`,
    });
  });

  test('are rejected if one is truncated, even if others are complete', () => {
    const cut = root.pem + root.pem.slice(0, -30);
    expect(failureOf(() => readBlocks(from(cut), certificateBlocks)).code).toBe('ERR_MTLS_PEM_INVALID');
  });

  test('are formatted for node:tls', () => {
    expect(toPem([root.der, root.der], 'CERTIFICATE')).toBe(root.pem + root.pem);
    expect(toPem([], 'CERTIFICATE')).toBe('');
  });
});

const from = (bytes: string | Buffer): { bytes: Buffer; origin: string } => ({
  bytes: Buffer.from(bytes),
  origin: 'ca.pem',
});
const other = ca('other');
const client = root.client('a');
const { privateKey } = client;
const keys: BlockExpectation = {
  ...certificateBlocks,
  beside: ['pkcs8', 'encrypted-pkcs8', 'pkcs1', 'sec1'],
};
const withCrls: BlockExpectation = { ...certificateBlocks, beside: ['crl'] };
const labelled = (label: string, der: Buffer): string => formatPem({ label, der });
const trusted = (...settings: Buffer[]): Buffer => Buffer.concat([root.der, sequence(...settings)]);
const forServers = sequence(oid(purposes.serverAuth));

describe('everything that OpenSSL reads is read', () => {
  test.each<[what: string, bytes: string | Buffer]>([
    ['with a byte order mark', `\ufeff${root.pem}`],
    ['of an old label', labelled('X509 CERTIFICATE', root.der)],
    ['that is trusted', labelled('TRUSTED CERTIFICATE', trusted())],
    [
      'that is trusted for clients',
      labelled('TRUSTED CERTIFICATE', trusted(sequence(oid(purposes.clientAuth)))),
    ],
    ['with lines of dashes around it', `-------- my CA --------\n${root.pem}----- end of list -----\n`],
    ['in DER', root.der],
    ['in DER with a newline', Buffer.concat([root.der, Buffer.from('\r\n')])],
  ])('a CA %s', (_what, bytes) => {
    expect(readBlocks(from(bytes), caBlocks)).toEqual([root.der]);
  });

  test('a CRL with a byte order mark, and in DER with a newline', () => {
    expect(readBlocks(from(`\ufeff${crl.pem}`), crlBlocks)).toEqual([crl.der]);
    expect(readBlocks(from(Buffer.concat([crl.der, Buffer.from('\n')])), crlBlocks)).toEqual([crl.der]);
  });
});

describe('a trusted certificate', () => {
  const bytes = from(labelled('TRUSTED CERTIFICATE', trusted(forServers)));

  test('whose settings exclude clients is not a CA for them', () => {
    expect(failureOf(() => readBlocks(bytes, caBlocks))).toMatchObject({
      code: 'ERR_MTLS_CA_INVALID',
      message:
        'ca.pem: a TRUSTED CERTIFICATE in it has trust settings that exclude clientAuth (1.3.6.1.5.5.7.3.2); remove it, or remove its trust settings with "openssl x509 -in FILE -out NEW"',
    });
  });

  test('is an ordinary certificate if it is not an anchor', () => {
    expect(readBlocks(bytes, certificateBlocks)).toEqual([root.der]);
    expect(readBlocks(bytes, { ...certificateBlocks, purpose: purposes.serverAuth })).toEqual([root.der]);
  });

  test('that is damaged is reported with its file', () => {
    const damaged = from(
      labelled('TRUSTED CERTIFICATE', Buffer.concat([root.der, Buffer.from('0500', 'hex')])),
    );
    expect(failureOf(() => readBlocks(damaged, caBlocks))).toMatchObject({
      code: 'ERR_MTLS_PEM_INVALID',
      message: expect.stringMatching(/^ca\.pem: TRUSTED CERTIFICATE has tag 0x5 where 0x30 was expected/),
    });
  });

  test('is reported with why it is not trusted', () => {
    const trust = { certificate: root.der, trusted: undefined, rejected: [purposes.clientAuth] };
    expect(describeDistrust(trust, purposes.clientAuth)).toContain('exclude clientAuth');
    expect(describeDistrust(trust, purposes.serverAuth)).toBeUndefined();
  });
});

describe('allowed other structures are ignored', () => {
  test.each<[what: string, text: string, expectation: BlockExpectation, expected: Buffer[]]>([
    ['a certificate beside CRLs', root.pem + crl.pem, crlBlocks, [crl.der]],
    [
      'a trusted one beside CRLs',
      crl.pem + labelled('TRUSTED CERTIFICATE', trusted(forServers)),
      crlBlocks,
      [crl.der],
    ],
    [
      'a CRL beside certificates, where it is read as one',
      crl.pem + root.pem + crl.pem,
      withCrls,
      [root.der],
    ],
    ['a key beside its certificate', client.keyPem + client.pem, keys, [client.der]],
  ])('%s', (_what, text, expectation, expected) => {
    expect(readBlocks(from(text), expectation)).toEqual(expected);
  });

  test.each<[what: string, text: string | Buffer, expectation: BlockExpectation, message: string]>([
    [
      'a CRL beside CAs, where it is not read as one',
      root.pem + crl.pem,
      caBlocks,
      'found a PEM block "X509 CRL" where a certificate ("CERTIFICATE") was expected; add this source to options.crl too, or remove the CRL from it',
    ],
    [
      'a key beside CAs and CRLs',
      root.pem + crl.pem + root.keyPem,
      withCrls,
      'found a PEM block "PRIVATE KEY" where a certificate ("CERTIFICATE") was expected; remove it from this source',
    ],
    [
      'a key beside CRLs',
      crl.pem + root.keyPem,
      crlBlocks,
      'found a PEM block "PRIVATE KEY" where a CRL ("X509 CRL") was expected; remove it from this source',
    ],
    [
      'nothing but that',
      root.pem,
      crlBlocks,
      'found a PEM block "CERTIFICATE" where a CRL ("X509 CRL") was expected; remove it from this source',
    ],
    [
      'nothing but that, in DER',
      crl.der,
      withCrls,
      'found a CRL in DER where a certificate ("CERTIFICATE") was expected; use a certificate here',
    ],
    [
      'a CRL with the label of a certificate',
      crl.pem + labelled('CERTIFICATE', crl.der),
      crlBlocks,
      'found a PEM block "CERTIFICATE" that holds a CRL where a CRL ("X509 CRL") was expected; remove it from this source',
    ],
  ])('except %s', (_what, text, expectation, message) => {
    expect(failureOf(() => readBlocks(from(text), expectation)).message).toBe(`ca.pem: ${message}`);
  });

  test.each<[what: string, bytes: string | Buffer, expectation: BlockExpectation, expected: boolean]>([
    ['of CAs alone among CRLs', root.pem + other.pem, crlBlocks, true],
    ['of a CA in DER among CRLs', root.der, crlBlocks, true],
    ['of both', root.pem + crl.pem, crlBlocks, false],
    ['of CRLs alone among CAs', crl.pem, withCrls, true],
    ['of CRLs alone among CAs that are not read as those', crl.pem, caBlocks, false],
    ['of a key', root.keyPem, crlBlocks, false],
    ['that is cut off', root.pem.slice(0, -10), crlBlocks, false],
    ['of DER of no kind', Buffer.from('3003020105', 'hex'), crlBlocks, false],
  ])('a file %s is of others: %#', (_what, bytes, expectation, expected) => {
    const file = from(bytes);
    const own = { bytes: Buffer.from('own'), origin: 'own.pem' };
    expect(dropOthers([file, own], () => true, expectation)).toEqual(expected ? [own] : [file, own]);
    expect(dropOthers([file, own], () => false, expectation)).toEqual([file, own]);
    expect(dropOthers([file], () => true, expectation)).toEqual([file]);
  });
});

const p12 = pkcs12({ password: 'a', certificates: [client], key: client, iterations: 1 });
const pkcs7 = sequence(oid('1.2.840.113549.1.7.2'), explicit(0, sequence(integer(1))));
const request = certificateRequest({ commonName: 'a', privateKey }).der;
const takeOut =
  '"openssl pkcs12 -in FILE -nokeys -out certs.pem" extracts the certificates, and with -cacerts only those of CAs';
const sign = 'it is only a request: have a CA sign it, and use the resulting certificate';
const print = '"openssl pkcs7 -print_certs -in FILE -out certs.pem" writes its certificates as PEM';

describe('another kind is named, with the command to convert it', () => {
  test.each<[what: string, bytes: string | Buffer, seen: string, remedy: string]>([
    ['PKCS#12', p12, 'PKCS#12', takeOut],
    ['PKCS#12 in BER', toIndefinite(p12), 'PKCS#12', takeOut],
    ['PKCS#12 with a newline', Buffer.concat([p12, Buffer.from('\n')]), 'PKCS#12', takeOut],
    ['PKCS#7', pkcs7, 'PKCS#7', print.replace('print_certs', 'print_certs -inform DER')],
    ['PKCS#7 in BER', toIndefinite(pkcs7), 'PKCS#7', print.replace('print_certs', 'print_certs -inform DER')],
    ['PKCS#7 in PEM', labelled('PKCS7', pkcs7), 'a PEM block "PKCS7"', print],
    ['PKCS#7 under the name of CMS', labelled('CMS', pkcs7), 'a PEM block "CMS"', print],
    [
      'PKCS#7 under the name of a certificate',
      labelled('CERTIFICATE', pkcs7),
      'a PEM block "CERTIFICATE" that holds PKCS#7',
      print,
    ],
    [
      'PKCS#7 under its long name',
      labelled('PKCS #7 SIGNED DATA', pkcs7),
      'a PEM block "PKCS #7 SIGNED DATA"',
      `after changing its label to "PKCS7", ${print}`,
    ],
    ['a request', labelled('CERTIFICATE REQUEST', request), 'a PEM block "CERTIFICATE REQUEST"', sign],
    [
      'a request of Windows',
      labelled('NEW CERTIFICATE REQUEST', request),
      'a PEM block "NEW CERTIFICATE REQUEST"',
      sign,
    ],
    ['a request in DER', request, 'a certificate request in DER', sign],
    [
      'a key in DER',
      privateKey.export({ format: 'der', type: 'pkcs8' }),
      'a private key in DER',
      'use a certificate here',
    ],
    [
      'a key of a curve in DER',
      privateKey.export({ format: 'der', type: 'sec1' }),
      'a private key in DER',
      'use a certificate here',
    ],
    [
      'an encrypted key in DER',
      privateKey.export({ format: 'der', type: 'pkcs8', cipher: 'aes-128-cbc', passphrase: 'a' }),
      'an encrypted private key in DER',
      'use a certificate here',
    ],
    [
      'a public key in DER',
      createPublicKey(privateKey).export({ format: 'der', type: 'spki' }),
      'a public key in DER',
      'use a certificate here',
    ],
    ['a CRL in DER', crl.der, 'a CRL in DER', 'use a certificate here'],
    [
      'a key of SSH',
      labelled('OPENSSH PRIVATE KEY', Buffer.alloc(9)),
      'a PEM block "OPENSSH PRIVATE KEY"',
      'remove it from this source',
    ],
    [
      'parameters',
      labelled('DH PARAMETERS', Buffer.alloc(9)),
      'a PEM block "DH PARAMETERS"',
      'remove it from this source',
    ],
  ])('%s', (_what, bytes, seen, remedy) => {
    expect(failureOf(() => readBlocks(from(bytes), certificateBlocks))).toMatchObject({
      code: 'ERR_MTLS_PEM_INVALID',
      message: `ca.pem: found ${seen} where a certificate ("CERTIFICATE") was expected; ${remedy}`,
    });
  });

  test('unknown DER is left to the parser, which reports where it is damaged', () => {
    const bytes = root.der.subarray(0, -1);
    expect(readBlocks(from(bytes), certificateBlocks)).toEqual([bytes]);
  });
});
