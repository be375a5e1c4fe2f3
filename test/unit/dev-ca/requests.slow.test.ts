/**
 * Requests created with openssl: what is taken of them, and which
 * are refused.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect } from '@jest/globals';
import { openDevCa, type DevCa } from 'express-mtls/dev-ca';
import { temporaryDirectory } from '../../support/files.js';
import { openssl, testWithOpenssl as test } from '../../support/openssl.js';

let directory: string;
let ca: DevCa;
let elsewhere: string;

beforeEach(async () => {
  directory = temporaryDirectory();
  elsewhere = temporaryDirectory();
  ca = await openDevCa(directory);
});

const p256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

function request(subject: string, extensions: readonly string[] = [], key: readonly string[] = p256): Buffer {
  const asked = extensions.flatMap((extension) => ['-addext', extension]);
  const args = ['-new', '-utf8', ...key, '-nodes', '-keyout', 'key.pem', '-out', 'csr.pem', '-subj', subject];
  openssl(elsewhere, 'req', ...args, ...asked);
  return readFileSync(path.join(elsewhere, 'csr.pem'));
}

const certificateOf = (name: string): X509Certificate =>
  new X509Certificate(readFileSync(path.join(directory, `${name}-crt.pem`)));

describe('a name in a request', () => {
  test('is ignored by default: rules match names, and the requester chose them', async () => {
    const bytes = request('/O=Example/OU=operators/CN=admin', ['subjectAltName=DNS:admin.test']);
    const signed = await ca.signClientRequest('bob', { bytes });
    expect(certificateOf('bob').subject).toBe('CN=bob');
    expect(certificateOf('bob').subjectAltName).toBeUndefined();
    expect(signed.taken).toStrictEqual([]);
    expect(signed.leftOut.map(({ value }) => value)).toStrictEqual([
      'Example',
      'operators',
      'admin',
      'admin.test',
    ]);
  });

  test('is taken on request: commonName, organization, units and subjectAltName', async () => {
    const bytes = request('/O=Exämple/OU=a/OU=b/CN=bob', [
      'subjectAltName=DNS:bob.test,email:bob@example.com,URI:spiffe://example.org/bob,IP:10.0.0.5,IP:::1',
    ]);
    const signed = await ca.signClientRequest('bob', { bytes, names: 'taken' });
    expect(signed).toMatchObject({ outcome: 'made', name: 'bob', kind: 'client', commonName: 'bob' });
    expect(signed.taken.map(({ type, value }) => `${type} ${value}`)).toStrictEqual([
      'organization Exämple',
      'organizationalUnit a',
      'organizationalUnit b',
      'commonName bob',
      'dns bob.test',
      'email bob@example.com',
      'uri spiffe://example.org/bob',
      'ip 10.0.0.5',
      'ip ::1',
    ]);
    expect(signed.leftOut).toStrictEqual([]);
    const certificate = certificateOf('bob');
    expect(certificate.subject).toBe('O=Exämple\nOU=a\nOU=b\nCN=bob');
    expect(certificate.subjectAltName).toBe(
      'DNS:bob.test, IP Address:10.0.0.5, IP Address:0:0:0:0:0:0:0:1, email:bob@example.com, URI:spiffe://example.org/bob',
    );
  });

  test('is not taken if the operator sets it: individually, or the subjectAltName as a whole', async () => {
    const bytes = request('/O=Evil/OU=admins/CN=root', [
      'subjectAltName=DNS:bob.test,email:root@example.com',
    ]);
    const signed = await ca.signClientRequest(
      'bob',
      { bytes, names: 'taken' },
      { commonName: 'bob', organizationalUnit: ['users'], email: 'bob@example.com' },
    );
    expect(certificateOf('bob').subject).toBe('O=Evil\nOU=users\nCN=bob');
    expect(certificateOf('bob').subjectAltName).toBe('email:bob@example.com');
    expect(signed.taken).toStrictEqual([{ type: 'organization', value: 'Evil' }]);
    expect(signed.leftOut.map(({ value }) => value)).toStrictEqual([
      'admins',
      'root',
      'bob.test',
      'root@example.com',
    ]);
  });

  test('never makes the certificate a CA certificate, or extends its purpose', async () => {
    const bytes = request('/C=DE/CN=bob/emailAddress=bob@example.com', [
      'basicConstraints=critical,CA:TRUE',
      'keyUsage=critical,keyCertSign,cRLSign',
      'extendedKeyUsage=serverAuth,codeSigning',
      '1.3.6.1.4.1.55555.1=critical,DER:0500',
    ]);
    const { leftOut } = await ca.signClientRequest('bob', { bytes, names: 'taken' });
    const text = openssl(directory, 'x509', '-in', 'bob-crt.pem', '-noout', '-text');
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE\s/);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature\s/);
    expect(text).toMatch(/Extended Key Usage:\s+TLS Web Client Authentication\s/);
    expect(text).not.toContain('55555');
    expect(leftOut).toStrictEqual([
      { type: 'country', value: 'DE' },
      { type: 'emailAddress', value: 'bob@example.com' },
      { type: 'extension', value: 'basicConstraints' },
      { type: 'extension', value: 'keyUsage' },
      { type: 'extension', value: 'extendedKeyUsage' },
      { type: 'extension', value: '1.3.6.1.4.1.55555.1' },
    ]);
  });

  test('can be missing: the NAME is then the commonName of a client', async () => {
    await ca.signClientRequest('bob', { bytes: request('/C=DE'), names: 'taken' });
    expect(certificateOf('bob').subject).toBe('CN=bob');
  });

  test('is required for a server, unless the operator sets it', async () => {
    const bytes = request('/CN=app.test');
    await expect(ca.signServerRequest({ bytes, names: 'taken' }, { name: 'app' })).rejects.toThrow(
      /dns and ip are both empty/,
    );
    await ca.signServerRequest({ bytes }, { name: 'app', dns: ['app.test'] });
    expect(certificateOf('app').subjectAltName).toBe('DNS:app.test');
    expect(certificateOf('app').keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  });

  test.each([
    ['two commonNames', '/CN=a/CN=b', /the request has 2 values for commonName/],
    ['a commonName with a line break', '/CN=a\nb', /commonName is "a\\nb"; use 1 to 64/],
  ])('is rejected with %s', async (_, subject, message) => {
    const bytes = request(subject);
    await expect(ca.signClientRequest('bob', { bytes, names: 'taken' })).rejects.toThrow(message);
    expect(existsSync(path.join(directory, 'bob-crt.pem'))).toBe(false);
  });
});

describe('the key of a request', () => {
  test.each([
    ['RSA 2048', ['-newkey', 'rsa:2048']],
    ['P-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
    ['P-521', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-521']],
  ])('can be %s, stays elsewhere, and matches the certificate', async (_, key) => {
    await ca.signClientRequest('bob', { bytes: request('/CN=bob', [], key) });
    expect(readdirSync(directory).filter((file) => file.startsWith('bob'))).toStrictEqual(['bob-crt.pem']);
    const verified = openssl(directory, 'verify', '-x509_strict', '-CAfile', 'ca-crt.pem', 'bob-crt.pem');
    expect(verified).toContain('OK');
    const own = openssl(elsewhere, 'pkey', '-in', 'key.pem', '-pubout');
    expect(certificateOf('bob').publicKey.export({ type: 'spki', format: 'pem' })).toBe(own);
  });

  test.each([
    ['RSA 1024', ['-newkey', 'rsa:1024'], /has a key of RSA of 1024 bits; expected RSA of 2048/],
    ['secp256k1', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'], /a key of ec on secp256k1/],
    ['Ed25519', ['-newkey', 'ed25519'], /a key of ed25519/],
  ])('cannot be %s', async (_, key, message) => {
    const bytes = request('/CN=bob', [], key);
    await expect(ca.signClientRequest('bob', { bytes, origin: 'bob.csr' })).rejects.toThrow(message);
  });

  test('must have signed it', async () => {
    const pem = request('/CN=bob');
    const der = Buffer.from(pem.toString().replaceAll(/-----.*-----|\n/g, ''), 'base64');
    const forged = Buffer.from(der.toString('latin1').replace('bob', 'eve'), 'latin1');
    await expect(ca.signClientRequest('bob', { bytes: forged, origin: 'bob.csr' })).rejects.toMatchObject({
      code: 'ERR_MTLS_REQUEST_INVALID',
      message: expect.stringMatching(/^bob\.csr is not signed with its own key/) as unknown,
    });
    expect(await ca.signClientRequest('bob', { bytes: der })).toMatchObject({ outcome: 'made' });
  });
});

test('the same request finds its certificate again, another one does not', async () => {
  const bytes = request('/CN=bob');
  const { serialNumber } = await ca.signClientRequest('bob', { bytes });
  expect(await ca.signClientRequest('bob', { bytes })).toMatchObject({
    outcome: 'kept',
    serialNumber,
    taken: [],
  });
  const other = { bytes: request('/CN=bob') };
  await expect(ca.signClientRequest('bob', other)).rejects.toThrow(/exists with another key/);
  await ca.issueClient('alice');
  await expect(ca.signClientRequest('alice', other)).rejects.toThrow(/alice-key\.pem exists, but the key/);
  expect(await ca.list()).toHaveLength(2);
});

test('a certificate for a request is renewed only with the same key', async () => {
  await ca.signClientRequest('bob', { bytes: request('/O=Example/CN=bob') });
  const before = certificateOf('bob');
  await expect(ca.renew('bob', { key: 'new' })).rejects.toThrow(
    /bob-key\.pem is missing: the key is elsewhere/,
  );
  expect(await ca.renew('bob')).toMatchObject({ name: 'bob', keyFile: undefined });
  expect(certificateOf('bob').publicKey.equals(before.publicKey)).toBe(true);
  expect(certificateOf('bob').subject).toBe(before.subject);
  await expect(ca.writePkcs12('bob')).rejects.toThrow(/bob-key\.pem is missing; a PKCS#12 file needs/);
});

describe('anything but a request', () => {
  test.each([
    ['nothing', Buffer.alloc(0), /it is empty/],
    ['text', Buffer.from('hello\n'), /no PEM block/],
    ['a certificate', undefined, /bob\.csr has "CERTIFICATE"; expected one "CERTIFICATE REQUEST"/],
  ])('is rejected: %s', async (_, given, message) => {
    const bytes = given ?? readFileSync(ca.certFile);
    await expect(ca.signClientRequest('bob', { bytes, origin: 'bob.csr' })).rejects.toMatchObject({
      code: 'ERR_MTLS_PEM_INVALID',
      message: expect.stringMatching(message) as unknown,
    });
  });
});
