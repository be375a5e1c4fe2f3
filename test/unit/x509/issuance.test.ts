import { describe, expect, test } from '@jest/globals';
import { type Certificate, parseCertificate } from '../../../src/x509/certificate.js';
import { isCa, isSelfIssued, keyIdentifiersAgree, mayIssue, mayMean } from '../../../src/x509/issuance.js';
import { ca, type CertificateOptions, selfSigned } from '../../support/chain.js';
import { element, raw, sequence } from '../../support/der-writer.js';
import { generalNames } from '../../support/names.js';
import { authorityCertificate } from '../../support/path-extensions.js';

const read = ({ der }: { readonly der: Buffer }): Certificate => parseCertificate(der);
const root = ca('root');

describe('a CA', () => {
  test('is what says that it is one', () => {
    expect(isCa(read(root))).toBe(true);
    expect(isCa(read(root.intermediate()))).toBe(true);
    expect(isCa(read(root.client()))).toBe(false);
    expect(isCa(read(root.intermediate({ isCa: null })))).toBe(false);
    expect(isCa(read(selfSigned({ isCa: null })))).toBe(false);
    expect(isCa(read(selfSigned()))).toBe(false);
  });

  test('of version 1 is what has one name for subject and issuer', () => {
    expect(isCa(read(ca({ version: 1 })))).toBe(true);
    expect(isCa(read(root.intermediate({ version: 1 })))).toBe(false);
  });

  test.each<[CertificateOptions, boolean]>([
    [{}, true],
    [{ keyUsage: null }, true],
    [{ keyUsage: ['keyCertSign'] }, true],
    [{ keyUsage: ['cRLSign', 'digitalSignature'] }, false],
    [{ isCa: false, keyUsage: ['keyCertSign'] }, false],
    [{ isCa: false, keyUsage: null }, false],
  ])('%p may issue: %p', (options, may) => {
    expect(mayIssue(read(root.intermediate(options)))).toBe(may);
  });

  test('has issued itself where the names are equal, in any letter case', () => {
    expect(isSelfIssued(read(root))).toBe(true);
    expect(isSelfIssued(read(root.client('ROOT')))).toBe(true);
    expect(isSelfIssued(read(root.client('rooT2')))).toBe(false);
  });
});

test.each([
  ['aa', 'aa', true],
  ['aa', 'bb', false],
  ['aa', undefined, true],
  [undefined, 'bb', true],
  [undefined, undefined, true],
])('of the key identifiers %p and %p, one may mean the other: %p', (authority, subject, agree) => {
  expect(keyIdentifiersAgree(authority, subject)).toBe(agree);
});

describe('authorityKeyIdentifier', () => {
  const east = root.intermediate('east');
  const renewed = east.reissue();
  const other = ca('other').intermediate({
    commonName: 'east',
    privateKey: east.privateKey,
    serial: east.serial,
  });

  /** A client whose identifier is this; without it there is none. */
  const clientOf = (...parts: Buffer[]): Certificate =>
    read(
      east.client({
        authorityKeyId: false,
        extraExtensions: parts.length === 0 ? [] : [{ oid: '2.5.29.35', value: sequence(...parts) }],
      }),
    );
  const keyId = (id: Buffer): Buffer => element(0x80, id);
  const serial = element(0x82, east.serialContent);
  const issuer = (...names: Buffer[]): Buffer => element(0xa1, Buffer.concat(names));
  const [name, otherName, uri] = [
    ...generalNames({ directoryName: [{ commonName: 'root' }, { commonName: 'other' }] }),
    ...generalNames({ uri: ['https://a.test'] }),
  ] as [Buffer, Buffer, Buffer];
  const cas = [east, renewed, other].map(read) as [Certificate, Certificate, Certificate];
  /** Whether a client may mean the CA, its renewal, and one of the same key and serial number by another. */
  const meant = (client: Certificate): boolean[] => cas.map((one) => mayMean(client, one));

  test('may mean every certificate of the key that it names, and no other key', () => {
    expect(meant(clientOf())).toEqual([true, true, true]);
    expect(meant(clientOf(keyId(east.keyId)))).toEqual([true, true, true]);
    expect(meant(clientOf(keyId(raw([1]))))).toEqual([false, false, false]);
    expect(mayMean(clientOf(keyId(raw([1]))), read(root.intermediate({ subjectKeyId: false })))).toBe(true);
  });

  test('means the one certificate of that issuer and serial number', () => {
    expect(
      meant(read(east.client({ authorityKeyId: false, extraExtensions: [authorityCertificate(east)] }))),
    ).toEqual([true, false, false]);
    expect(meant(clientOf(issuer(name), serial))).toEqual([true, false, false]);
    expect(meant(clientOf(issuer(otherName), serial))).toEqual([false, false, true]);
    expect(meant(clientOf(issuer(name, otherName), serial))).toEqual([true, false, true]);
    expect(meant(clientOf(issuer(uri, name), serial))).toEqual([true, false, false]);
    expect(meant(clientOf(issuer(name), element(0x82, raw([5]))))).toEqual([false, false, false]);
  });

  test('means it by its key as well', () => {
    expect(meant(clientOf(keyId(east.keyId), issuer(name), serial))).toEqual([true, false, false]);
    expect(meant(clientOf(keyId(raw([1])), issuer(name), serial))).toEqual([false, false, false]);
  });

  test('is ignored if incomplete: only the issuer, only the serial number, or no directory name', () => {
    expect(meant(clientOf(issuer(name)))).toEqual([true, true, true]);
    expect(meant(clientOf(serial))).toEqual([true, true, true]);
    expect(meant(clientOf(issuer(uri), element(0x82, raw([5]))))).toEqual([true, true, true]);
    expect(meant(clientOf(issuer(), serial))).toEqual([true, true, true]);
  });
});
