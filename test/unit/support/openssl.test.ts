import { spawnSync } from 'node:child_process';
import { describe, expect } from '@jest/globals';
import { ca, largeCrl } from '../../support/chain.js';
import type { Certificate, CertificateAuthority } from '../../support/chain.js';
import type { CrlMaterial, CrlOptions } from '../../support/crl.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';
import { testWithOpenssl as test } from '../../support/openssl.js';

describe('the test material according to openssl', () => {
  test('a certificate has the names and extensions that it was created with', () => {
    const client = ca({ commonName: 'root', organization: 'Example' })
      .intermediate('east')
      .client({ commonName: 'client1', sans: { upn: ['a@b.test'], email: ['a@b.test'] }, serial: 0x1002n });
    const out = openssl(['x509', '-noout', '-text', '-nameopt', 'RFC2253'], client.pem);
    expect(out).toMatch(/Issuer: CN=east\n/);
    expect(out).toMatch(/Subject: CN=client1\n/);
    expect(out).toContain('Serial Number: 4098 (0x1002)');
    expect(out).toContain('CA:FALSE');
    expect(out).toContain('Digital Signature');
    expect(out).toContain('TLS Web Client Authentication');
    expect(out).toMatch(/othername: ?(UPN:+)?a@b\.test/);
  });

  test('a chain whose CRLs revoke no one is good; revoked, forged, expired and missing are told apart', () => {
    const root = ca('root');
    const east = root.intermediate('east');
    const client1 = east.client('client1');
    const client2 = east.client('client2');
    const crls = [root.crl(), east.crl({ revoked: [client2], number: 4 })];

    expect(verdict(root, east, client1, crls)).toContain('leaf.pem: OK');
    expect(verdict(root, east, client2, crls)).toContain('certificate revoked');
    expect(verdict(root, east, client1, [root.crl({ revoked: [east] }), east.crl()])).toContain(
      'certificate revoked',
    );
    expect(verdict(root, east, client1, [root.crl(), east.crl({ signWith: root.privateKey })])).toContain(
      'CRL signature failure',
    );
    expect(verdict(root, east, client1, [root.crl(), east.crl({ nextUpdate: new Date(0) })])).toContain(
      'CRL has expired',
    );
    expect(verdict(root, east, client1, [root.crl()])).toContain('unable to get certificate CRL');
    expect(verdict(root, east, east.client({ signWith: root.privateKey }), crls)).toContain(
      'certificate signature failure',
    );
  });

  test.each<[string, CrlOptions, string[]]>([
    [
      'an entry',
      { revoked: [{ serial: '0a', reason: 'keyCompromise', invalidityDate: new Date(0) }] },
      ['Serial Number: 0A', 'Key Compromise', 'Invalidity Date', 'Jan  1 00:00:00 1970 GMT'],
    ],
    ['the number of a full CRL', { number: 2n ** 70n }, ['X509v3 CRL Number', 'No Revoked Certificates']],
    ['a delta', { delta: 3, number: 4 }, ['X509v3 Delta CRL Indicator: critical']],
    [
      'a distribution point',
      {
        idp: {
          fullName: ['http://a.test/1'],
          onlyUser: true,
          onlySomeReasons: ['superseded'],
          indirect: true,
        },
      },
      [
        'Issuing Distribution Point: critical',
        'URI:http://a.test/1',
        'Only User Certificates',
        'Only Some Reasons',
        'Superseded',
        'Indirect CRL',
      ],
    ],
    ['a freshest CRL', { freshest: ['http://a.test/2'] }, ['X509v3 Freshest CRL', 'URI:http://a.test/2']],
    [
      'an old one',
      { version: 1, nextUpdate: null, revoked: [{ serial: 1n }] },
      ['Version 1', 'Next Update: NONE'],
    ],
    ['another issuer', { issuerName: ca('other').subject }, ['CN = other']],
  ])('%s is parsed as it was created', (_name, options, expected) => {
    const out = openssl(['crl', '-noout', '-text', '-nameopt', 'oneline'], ca().crl(options).pem);
    for (const phrase of expected) expect(out).toContain(phrase);
  });

  test('an indirect entry names the issuer of its certificate', () => {
    const other = ca('other');
    const revoked = [{ serial: 5n, certificateIssuer: other.subject }];
    const out = openssl(['crl', '-noout', '-text'], ca().crl({ revoked, idp: { indirect: true } }).pem);
    expect(out).toMatch(/Certificate Issuer: critical\s+DirName:\/?CN ?= ?other/);
  });

  test('a CRL with 10,000 entries is accepted, and its signature is valid', () => {
    const root = ca();
    const client2 = root.client('client2');
    const crl = largeCrl(root, { entries: 10_000, also: [client2], reason: 'superseded' });
    const paths = writeMaterial(temporaryDirectory(), { 'ca.pem': root.pem });
    const out = openssl(['crl', '-text', '-CAfile', paths['ca.pem']], crl.pem);
    expect(out).toContain('verify OK');
    expect(out.match(/Serial Number:/g)).toHaveLength(10_001);
    expect(out).toContain(`Serial Number: ${crl.serialAt(9_999).toUpperCase().padStart(32, '0')}`);
    expect(out).toContain(`Serial Number: ${client2.serial.toUpperCase()}`);
    expect(out).toContain(crl.pem);
  });
});

function verdict(
  root: CertificateAuthority,
  intermediate: CertificateAuthority,
  leaf: Certificate,
  crls: readonly CrlMaterial[],
): string {
  const paths = writeMaterial(temporaryDirectory(), {
    'root.pem': root.pem,
    'intermediate.pem': intermediate.pem,
    'leaf.pem': leaf.pem,
    'crls.pem': crls.map((crl) => crl.pem).join(''),
  });
  return openssl([
    ...['verify', '-x509_strict', '-purpose', 'sslclient', '-crl_check_all', '-CRLfile', paths['crls.pem']],
    ...['-CAfile', paths['root.pem'], '-untrusted', paths['intermediate.pem'], paths['leaf.pem']],
  ]);
}

function openssl(args: readonly string[], input = ''): string {
  const { stdout, stderr } = spawnSync('openssl', args, { input, encoding: 'utf8', maxBuffer: 2 ** 26 });
  return stdout + stderr;
}
