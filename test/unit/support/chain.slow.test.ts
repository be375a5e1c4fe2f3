import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { attributeTypes, ca, largeCrl, purposes, selfSigned } from '../../support/chain.js';
import type { CertificateOptions } from '../../support/chain.js';
import {
  explicit,
  integer,
  integerContent,
  octetString,
  oid,
  sequence,
  text,
  time,
} from '../../support/der-writer.js';

describe('certificates, as node:crypto reads them', () => {
  test('a chain verifies link by link, and only a CA is a CA', () => {
    const root = ca({ commonName: 'Root CA', organization: 'Example' });
    const east = root.intermediate({ commonName: 'east', pathLength: 0 });
    const client1 = east.client({ commonName: 'client1', organizationalUnit: ['ops', 'dev'] });

    expect(client1.x509.subject).toBe('OU=ops\nOU=dev\nCN=client1');
    expect(client1.x509.issuer).toBe('CN=east');
    expect(root.x509.subject).toBe('O=Example\nCN=Root CA');
    expect(client1.x509.checkIssued(east.x509)).toBe(true);
    expect(east.x509.checkIssued(root.x509)).toBe(true);
    expect(client1.x509.checkIssued(root.x509)).toBe(false);
    expect(client1.x509.verify(east.x509.publicKey)).toBe(true);
    expect(east.x509.verify(root.x509.publicKey)).toBe(true);
    expect(root.x509.verify(root.x509.publicKey)).toBe(true);
    expect([root, east, client1].map((certificate) => certificate.x509.ca)).toEqual([true, true, false]);
    expect(client1.x509.checkPrivateKey(client1.privateKey)).toBe(true);
    expect(client1.x509.toString()).toBe(client1.pem);
    expect(client1.x509.serialNumber.toLowerCase()).toBe(client1.serial);
    expect(client1.chainPem).toBe(client1.pem + east.pem);
  });

  test('a client is for clientAuth, a server for serverAuth, and null omits the extension', () => {
    const root = ca();
    expect(root.client().x509.keyUsage).toEqual([purposes.clientAuth]);
    expect(root.server().x509.keyUsage).toEqual([purposes.serverAuth]);
    expect(root.client({ extendedKeyUsage: null }).x509.keyUsage).toBeUndefined();
    expect(root.server().x509.subjectAltName).toBe(
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    expect(root.server({ sans: null }).x509.subjectAltName).toBeUndefined();
  });

  test('every kind of alternative name is written', () => {
    const { x509 } = ca().client({
      sans: {
        dns: ['a.test'],
        email: ['b@c.test'],
        uri: ['spiffe://d.test/e'],
        ip: ['192.0.2.1', '2001:db8::f'],
        upn: ['g@h.test'],
        directoryName: [{ commonName: 'i' }],
      },
    });
    expect(x509.subjectAltName?.split(', ')).toEqual([
      'DNS:a.test',
      'email:b@c.test',
      'URI:spiffe://d.test/e',
      'IP Address:192.0.2.1',
      'IP Address:2001:DB8:0:0:0:0:0:F',
      expect.stringMatching(/^othername:(UPN:+g@h\.test|<unsupported>)$/),
      expect.stringMatching(/^DirName:CN ?= ?i$/),
    ]);
  });

  test.each<[string, CertificateOptions]>([
    ['P-256', { key: 'p256' }],
    ['P-384 with SHA-384', { key: 'p384', hash: 'sha384' }],
    ['P-521 with SHA-512', { key: 'p521', hash: 'sha512' }],
    ['P-256 with SHA-1', { key: 'p256', hash: 'sha1' }],
    ['RSA', { key: 'rsa2048' }],
    ['RSA-PSS', { key: 'rsa2048', pss: true }],
    ['RSA-PSS with SHA-1', { key: 'rsa2048', pss: true, hash: 'sha1' }],
    ['RSA-1024 with MD5', { key: 'rsa1024', hash: 'md5' }],
    ['Ed25519', { key: 'ed25519' }],
    ['Ed448', { key: 'ed448' }],
  ])('a signature by %s is valid', (_name, options) => {
    const root = ca(options);
    expect(root.x509.verify(root.x509.publicKey)).toBe(true);
  });

  test.each([
    [0n, '0'],
    [0x80n, '80'],
    [-1n, '-1'],
    [2n ** 511n + 1n, (2n ** 511n + 1n).toString(16)],
    [Buffer.from('0000ff', 'hex'), 'ff'],
    ['1002', '1002'],
  ])('serial %p is %s', (serial, hex) => {
    expect(ca().client({ serial }).serial).toBe(hex);
  });

  test('a hostile name is written byte for byte', () => {
    const client = ca().client({
      name: [
        [
          { oid: attributeTypes.commonName, type: 'bmp', value: 'é' },
          { oid: attributeTypes.organization, type: 'printable', value: 'x' },
        ],
        [{ oid: attributeTypes.commonName, type: 'utf8', value: Buffer.from('a\0b') }],
      ],
    });
    expect(client.subject.toString('hex')).toContain('0603550403' + '1e0200e9');
    expect(client.subject.toString('hex')).toContain('0603550403' + '0c03610062');
    expect(client.x509.subject).toContain('CN=a\\00b');
    expect(ca().client({ name: [] }).x509.subject).toBeFalsy();
  });

  test('version 1 has no extensions', () => {
    const { x509 } = ca().client({ version: 1 });
    expect(x509.keyUsage).toBeUndefined();
    expect(x509.ca).toBe(false);
  });

  test('dates are the requested ones, before 2050 and after', () => {
    const notBefore = new Date('2049-12-31T23:59:59.900Z');
    const notAfter = new Date('2050-01-01T00:00:00Z');
    const client = ca().client({ notBefore, notAfter });
    expect(new Date(client.x509.validFrom)).toEqual(new Date('2049-12-31T23:59:59Z'));
    expect(new Date(client.x509.validTo)).toEqual(notAfter);
    expect(client.notBefore).toEqual(new Date('2049-12-31T23:59:59Z'));
  });

  test('a forgery names its issuer but was not signed by it', () => {
    const root = ca();
    const forged = root.client({ signWith: ca().privateKey });
    expect(forged.x509.issuer).toBe(root.x509.subject);
    expect(forged.x509.verify(root.x509.publicKey)).toBe(false);
  });

  test('a rollover keeps the name, and the key if asked', () => {
    const root = ca('root');
    const renewed = root.reissue();
    const rolled = root.reissue({ key: 'new' });
    const bridge = root.selfIssued({ privateKey: rolled.privateKey });
    expect([renewed, rolled, bridge].map(({ x509 }) => x509.subject)).toEqual(Array(3).fill('CN=root'));
    expect(renewed.x509.publicKey.equals(root.x509.publicKey)).toBe(true);
    expect(renewed.serial).not.toBe(root.serial);
    expect(rolled.x509.verify(rolled.x509.publicKey)).toBe(true);
    expect(rolled.x509.verify(root.x509.publicKey)).toBe(false);
    expect(bridge.x509.verify(root.x509.publicKey)).toBe(true);
    expect(rolled.client().x509.verify(bridge.x509.publicKey)).toBe(true);
  });

  test('a self-signed client is its own issuer, with the key that was passed', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const { x509 } = selfSigned({ commonName: 'admin', privateKey });
    expect(x509.publicKey.equals(createPublicKey(privateKey))).toBe(true);
    expect(x509.verify(x509.publicKey)).toBe(true);
  });
});

describe('CRLs, byte by byte', () => {
  test('a CRL conforms to RFC 5280 section 5.1, and its signature is valid', () => {
    const root = ca({ commonName: 'root', key: 'ed25519' });
    const client2 = root.client('client2');
    const thisUpdate = new Date('2030-01-02T03:04:05Z');
    const nextUpdate = new Date('2050-01-02T03:04:05Z');
    const crl = root.crl({ revoked: [client2], number: 4, authorityKeyId: false, thisUpdate, nextUpdate });

    const signature = crl.der.subarray(-64);
    const tbs = sequence(
      integer(1),
      sequence(oid('1.3.101.112')),
      sequence(Buffer.from('310d300b06035504030c04726f6f74', 'hex')),
      time(thisUpdate),
      time(nextUpdate),
      sequence(sequence(integer(client2.serialContent), time(thisUpdate))),
      explicit(0, sequence(sequence(oid('2.5.29.20'), octetString(integer(4))))),
    );
    expect(crl.der.includes(tbs)).toBe(true);
    expect(verify(null, tbs, root.x509.publicKey, signature)).toBe(true);
  });

  test('a million entries are complete, and reproducible', () => {
    const root = ca();
    const crl = largeCrl(root, { entries: 1_000_000, also: [root.client()] });
    expect(crl.der.length).toBeGreaterThan(35_000_000);
    expect(crl.serialAt(0)).toBe(largeCrl(root, { entries: 1 }).serialAt(0));
    const listed = [0, 999_999].map((index) =>
      crl.der.indexOf(Buffer.from(padded(crl.serialAt(index)), 'hex')),
    );
    expect(listed.every((offset) => offset > 0)).toBe(true);
    expect(crl.pem).toMatch(/^-----BEGIN X509 CRL-----\n[\w+/]{64}\n/);
  });

  test.each([5, 16, 20])('serials of %i bytes are all different, and none is shorter', (serialBytes) => {
    const crl = largeCrl(ca(), { entries: 0, serialBytes });
    const serials = new Set(Array.from({ length: 50_000 }, (_, index) => padded(crl.serialAt(index))));
    expect(serials.size).toBe(50_000);
    expect([...serials].every((serial) => serial.length === 2 * serialBytes && serial < '8')).toBe(true);
  });
});

describe('the DER writer', () => {
  test.each([
    [0n, '00'],
    [127n, '7f'],
    [128n, '0080'],
    [-1n, 'ff'],
    [-128n, '80'],
    [-129n, 'ff7f'],
    [256n, '0100'],
  ])('%p has the content %s', (value, hex) => {
    expect(integerContent(value).toString('hex')).toBe(hex);
  });

  test('object identifiers have arcs of any size', () => {
    expect(oid('1.2.840.113549.1.1.11').toString('hex')).toBe('06092a864886f70d01010b');
    expect(oid('2.999.1').toString('hex')).toBe('0603883701');
  });

  test('strings are in the encoding of their type', () => {
    expect(text('bmp', 'aé').toString('hex')).toBe('1e04006100e9');
    expect(text('universal', '😀').toString('hex')).toBe('1c040001f600');
    expect(text('teletex', 'é').toString('hex')).toBe('1401e9');
  });

  test('the fingerprint of a certificate is the hash of its der', () => {
    const { der, x509 } = ca();
    const digest = createHash('sha256').update(der).digest('hex');
    expect(x509.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(digest);
  });
});

function padded(hex: string): string {
  return hex.padStart(hex.length + (hex.length % 2), '0');
}
