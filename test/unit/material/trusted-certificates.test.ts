import { expect } from '@jest/globals';
import { isTrustedFor, readTrustedCertificate } from '../../../src/x509/trusted-certificate.js';
import { parsePem } from '../../../src/x509/pem.js';
import { purposes } from '../../../src/x509/purpose.js';
import { ca } from '../../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';
import { openssl, testWithOpenssl } from '../../support/openssl.js';

const { clientAuth } = purposes;

// What OpenSSL makes of its own settings, as a server that verifies clients.
testWithOpenssl.each<[string[], boolean]>([
  [[], true],
  [['-setalias', 'my CA'], true],
  [['-addtrust', 'clientAuth'], true],
  [['-addtrust', 'serverAuth'], false],
  [['-addtrust', 'anyExtendedKeyUsage'], true],
  [['-addreject', 'clientAuth'], false],
  [['-addreject', 'serverAuth'], true],
  [['-addreject', 'anyExtendedKeyUsage'], false],
  [['-addtrust', 'serverAuth', '-addtrust', 'clientAuth'], true],
  [['-addtrust', 'clientAuth', '-addreject', 'emailProtection'], true],
])('a certificate is trusted as by OpenSSL, with %j', (options, expected) => {
  const directory = temporaryDirectory();
  const root = ca('root');
  const files = writeMaterial(directory, { 'ca.pem': root.pem, 'client.pem': root.client('a').pem });
  openssl(directory, 'x509', '-in', 'ca.pem', '-trustout', ...options, '-out', 'trusted.pem');
  const trusted = openssl(directory, 'x509', '-in', 'trusted.pem', '-trustout');
  const [block] = parsePem(Buffer.from(trusted), 'trusted.pem');
  expect(block?.label).toBe('TRUSTED CERTIFICATE');
  const settings = readTrustedCertificate(block?.der ?? Buffer.alloc(0));
  expect(settings.certificate).toEqual(root.der);
  expect(isTrustedFor(settings, clientAuth)).toBe(expected);
  const verify = (): string =>
    openssl(directory, 'verify', '-purpose', 'sslclient', '-trusted', 'trusted.pem', files['client.pem']);
  if (expected) expect(verify()).toContain('client.pem: OK');
  else expect(verify).toThrow('verification failed');
});
