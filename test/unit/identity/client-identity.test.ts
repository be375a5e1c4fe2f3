import { createHash, X509Certificate } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { formatSerial, identityOf, type CertificateIdentity } from '../../../src/identity/client-identity.js';
import { parseCertificate } from '../../../src/x509/certificate.js';
import type { CertificateOptions } from '../../support/chain.js';
import { attributeTypes, ca, purposes } from '../../support/chain.js';
import { element, implicit, oid } from '../../support/der-writer.js';

const root = ca({ commonName: 'root', organization: 'Example' });
const identity = (options: CertificateOptions = {}): CertificateIdentity =>
  identityOf(parseCertificate(root.client({ privateKey: root.privateKey, ...options }).der));

describe('the identifiers of a certificate', () => {
  const { der } = root.client();
  const x509 = new X509Certificate(der);
  const client = identityOf(parseCertificate(der));

  test('the fingerprint has the format of node:crypto', () => {
    expect(client.fingerprint256).toBe(x509.fingerprint256);
  });

  test('the thumbprint is the same hash in base64url (RFC 8705 section 3.1)', () => {
    expect(client.thumbprint).toBe(createHash('sha256').update(der).digest('base64url'));
    expect(Buffer.from(client.thumbprint, 'base64url').toString('hex').toUpperCase()).toBe(
      x509.fingerprint256.replaceAll(':', ''),
    );
    expect(client.thumbprint).toMatch(/^[\w-]{43}$/);
  });

  test('the serial number has the format of node:crypto, in lower case', () => {
    expect(client.serialNumber).toBe(x509.serialNumber.toLowerCase());
  });

  test('the dates are those of node:crypto', () => {
    expect(client.notBefore).toEqual(new Date(x509.validFrom));
    expect(client.notAfter).toEqual(new Date(x509.validTo));
  });

  test('the bytes are the certificate', () => {
    expect(client.raw).toEqual(x509.raw);
  });

  test.each([
    ['00', '0'],
    ['01', '1'],
    ['0a', 'a'],
    ['1002', '1002'],
    ['00ff', 'ff'],
    ['0080', '80'],
    ['7f', '7f'],
    ['ff', '-1'],
    ['80', '-80'],
    ['ff01', '-ff'],
    ['8000', '-8000'],
    [`00${'ff'.repeat(20)}`, 'ff'.repeat(20)],
    [`7f${'00'.repeat(63)}`, `7f${'00'.repeat(63)}`],
  ])('the serial number %s is formatted as %s', (hex, expected) => {
    expect(formatSerial(Buffer.from(hex, 'hex'))).toBe(expected);
    expect(formatSerial(new Uint8Array(Buffer.from(hex, 'hex')))).toBe(expected);
    expect(identity({ serial: Buffer.from(hex, 'hex') }).serialNumber).toBe(expected);
  });

  test('a negative serial number is never mistaken for a positive one', () => {
    expect(formatSerial(Buffer.from('ff', 'hex'))).not.toBe(formatSerial(Buffer.from('00ff', 'hex')));
  });
});

describe('only an unambiguous commonName is usable', () => {
  test.each([
    ['a plain one', 'client1'],
    ['one of 64 characters', 'x'.repeat(64)],
    ['one of one character', 'x'],
    ['one with a space within', 'Client One'],
    ['one that is not ASCII', 'Zürich 東京'],
    ['one with a comma, which is no separator here', 'client1,O=Admins'],
  ])('%s does', (_name, commonName) => {
    expect(identity({ commonName })).toMatchObject({ commonName, commonNames: [commonName] });
  });

  test.each<[string, string | string[]]>([
    ['an empty one', ''],
    ['one of 65 characters', 'x'.repeat(65)],
    ['one of 60,000 characters', 'x'.repeat(60_000)],
    ['a space at the front', ' admin'],
    ['a space at the end', 'admin '],
    ['a no-break space at the end', 'admin\u00a0'],
    ['a NUL', 'admin\0.evil.test'],
    ['a newline', 'admin\nforged log line'],
    ['an escape sequence', '\u001b[2Jadmin'],
    ['a right-to-left override', '\u202enimda'],
    ['a zero-width space', 'ad\u200bmin'],
    ['a Hangul filler', 'admin\u3164'],
    ['a Hangul choseong filler', 'ad\u115fmin'],
    ['a blank of Braille', 'admin\u2800'],
    ['a Mongolian vowel separator', 'ad\u180emin'],
    ['a combining grapheme joiner', 'ad\u034fmin'],
    ['a variation selector', 'admin\ufe0f'],
    ['a variation selector of the supplement', 'admin\u{e0100}'],
    ['a tag', 'admin\u{e0041}'],
    ['a noncharacter', 'admin\uffff'],
    ['a noncharacter of another plane', 'admin\u{1fffe}'],
    ['a private character', 'admin\ue000'],
    ['a character that is not assigned', 'admin\u{50000}'],
    ['two of them', ['client1', 'admin']],
    ['the same one twice', ['admin', 'admin']],
  ])('%s does not, but can be read', (_name, commonName) => {
    const read = identity({ commonName });
    expect(read.commonName).toBeUndefined();
    expect(read.commonNames).toEqual([commonName].flat());
  });

  test('a subject without one yields undefined', () => {
    expect(identity({ name: [] })).toMatchObject({ commonName: undefined, commonNames: [] });
  });

  test('two in one RDN are two', () => {
    const cn = (value: string) => ({ oid: attributeTypes.commonName, type: 'utf8', value }) as const;
    expect(identity({ name: [[cn('admin'), cn('client1')]] }).commonName).toBeUndefined();
  });

  test('a commonName in subjectAltName, or of the issuer, is not the subject’s', () => {
    const read = identity({ name: [], sans: { directoryName: [{ commonName: 'admin' }] } });
    expect(read.commonName).toBeUndefined();
  });

  test('64 characters are 64 characters outside the basic plane too', () => {
    expect(identity({ commonName: '𝒳'.repeat(64) }).commonName).toBe('𝒳'.repeat(64));
  });
});

describe('the other contents', () => {
  test('subject and issuer', () => {
    const read = identity({ commonName: 'client1', organizationalUnit: ['ops', 'dev'] });
    expect(read.subject.get('OU')).toEqual(['ops', 'dev']);
    expect(String(read.subject)).toBe('CN=client1,OU=dev,OU=ops');
    expect(String(read.issuer)).toBe('CN=root,O=Example');
  });

  test('alternative names by kind, in order, without unsupported kinds', () => {
    const read = identity({
      sans: {
        dns: ['b.test', 'a.test'],
        email: ['a@b.test'],
        uri: ['https://a.test', 'urn:x'],
        ip: ['192.0.2.1', '2001:db8::f'],
        upn: ['client1@a.test'],
        directoryName: [{ commonName: 'i' }],
        raw: [implicit(8, oid('1.2.3'))],
      },
    });
    const { directoryName, ...texts } = read.subjectAltNames;
    expect(texts).toEqual({
      dns: ['b.test', 'a.test'],
      email: ['a@b.test'],
      uri: ['https://a.test', 'urn:x'],
      ip: ['192.0.2.1', '2001:db8::f'],
      upn: ['client1@a.test'],
    });
    expect(directoryName.map(String)).toEqual(['CN=i']);
  });

  test('without subjectAltName every list is empty', () => {
    expect(identity().subjectAltNames).toStrictEqual({
      dns: [],
      email: [],
      uri: [],
      ip: [],
      upn: [],
      directoryName: [],
    });
  });

  test('names that are not in the encoding of their type are in none of the lists, and counted by kind', () => {
    const uri = element(0x86, Buffer.from('urn:gerät:1'));
    const read = identity({
      // The builder writes Latin-1 here.
      sans: { email: ['jürgen@a.test', 'a@b.test'], dns: ['müller.test'], uri: ['urn:x'], raw: [uri] },
    });
    expect(read.subjectAltNames).toMatchObject({
      email: ['a@b.test'],
      dns: [],
      uri: ['urn:x'],
      unreadable: ['dns', 'email', 'uri'],
    });
    expect(Object.isFrozen(read.subjectAltNames.unreadable)).toBe(true);
  });

  test('a SPIFFE ID beside an unreadable URI does not count', () => {
    const spiffe = 'spiffe://a.test/b';
    const raw = [element(0x86, Buffer.from('urn:gerät:1'))];
    expect(identity({ sans: { uri: [spiffe] } }).spiffeId).toBe(spiffe);
    expect(identity({ sans: { uri: [spiffe], raw } }).spiffeId).toBeUndefined();
    expect(identity({ sans: { uri: [spiffe], email: ['jürgen@a.test'] } }).spiffeId).toBe(spiffe);
  });

  test('the purposes, and none if the certificate states none', () => {
    expect(identity({ extendedKeyUsage: [purposes.clientAuth, purposes.any] }).extendedKeyUsage).toEqual([
      '1.3.6.1.5.5.7.3.2',
      '2.5.29.37.0',
    ]);
    expect(identity({ extendedKeyUsage: null }).extendedKeyUsage).toEqual([]);
  });

  test.each<[string, string[], string | undefined]>([
    ['the only URI', ['spiffe://example.org/api'], 'spiffe://example.org/api'],
    ['no URI', [], undefined],
    ['a URI of another kind', ['https://example.org/api'], undefined],
    ['one of two URIs', ['spiffe://example.org/api', 'https://example.org'], undefined],
    ['two of them', ['spiffe://example.org/api', 'spiffe://example.org/admin'], undefined],
    ['an invalid one', ['spiffe://example.org/../admin'], undefined],
  ])('a SPIFFE ID: %s', (_name, uri, expected) => {
    expect(identity({ sans: { uri, dns: ['a.test'] } }).spiffeId).toBe(expected);
  });
});

describe('an identity cannot be changed', () => {
  const read = identity({ sans: { dns: ['a.test'], uri: ['x'] } });

  test('it and its lists are frozen', () => {
    const lists = [read.commonNames, read.extendedKeyUsage, ...Object.values(read.subjectAltNames as object)];
    for (const value of [read, read.subject, read.issuer, read.subjectAltNames, ...lists])
      expect(Object.isFrozen(value)).toBe(true);
    expect(() => Object.assign(read, { commonName: 'admin' })).toThrow(TypeError);
    expect(() => (read.subjectAltNames.dns as string[]).push('admin.test')).toThrow(TypeError);
    expect(() => (read.extendedKeyUsage as string[]).push(purposes.any)).toThrow(TypeError);
  });

  test('changing its dates and bytes does not change the certificate', () => {
    const certificate = parseCertificate(ca('root').client('client1').der);
    const before = { notAfter: certificate.notAfter.getTime(), raw: certificate.raw.toString('hex') };
    const { notAfter, raw } = identityOf(certificate);
    notAfter.setFullYear(9999);
    raw.fill(0);
    expect(certificate.notAfter.getTime()).toBe(before.notAfter);
    expect(certificate.raw.toString('hex')).toBe(before.raw);
  });
});
