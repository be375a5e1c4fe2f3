/**
 * Files in the forms in which they come: what a server reads of them works in a handshake, and what it
 * does not read stops its start.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createServer, type MtlsOptions } from 'express-mtls';
import { formatPem } from '../../src/x509/pem.js';
import { purposes } from '../../src/x509/purpose.js';
import { ca } from '../support/chain.js';
import { oid, sequence } from '../support/der-writer.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { publish, startServer, until } from '../support/server.js';

const root = ca('ca');
const [client1, client2] = [root.client('client1'), root.client('client2')];
const serverCertificate = root.server();
const { privateKey, keyPem, pem } = serverCertificate;
const crl = root.crl({ number: 1, revoked: [client2] });
const passphrase = 's3cret';
const cipher = { cipher: 'aes-256-cbc', passphrase } as const;
const newline = Buffer.from('\n');
const trusted = (...settings: Buffer[]): string =>
  formatPem({ label: 'TRUSTED CERTIFICATE', der: Buffer.concat([root.der, sequence(...settings)]) });

/** Answers of a revoked client and of another one. */
async function answersOf(options: Partial<MtlsOptions>): Promise<unknown[]> {
  const server = await startServer({ root, serverCertificate, options: { crl: crl.pem, ...options } });
  return [(await server.as(client1).get()).status, (await server.as(client2).get()).status];
}

describe.each(['named', 'native'] as const)(
  'every readable form works in a handshake, refusals: %s',
  (refusals) => {
    test.each<[form: string, options: Partial<MtlsOptions>]>([
      [
        'byte order marks',
        { key: `\ufeff${keyPem}`, cert: `\ufeff${pem}`, ca: `\ufeff${root.pem}`, crl: `\ufeff${crl.pem}` },
      ],
      [
        'line ends of Windows and of old Macs',
        {
          key: keyPem.replaceAll('\n', '\r'),
          cert: pem.replaceAll('\n', '\r\n'),
          ca: root.pem.replaceAll('\n', '\r'),
          crl: crl.pem.replaceAll('\n', '\r\n'),
        },
      ],
      [
        'lines of dashes',
        {
          key: `---- the key ----\n${keyPem}-----------------\n`,
          cert: `----- the server -----\n${pem}${'-'.repeat(70)}\n`,
          ca: `-------- my CA --------\n${root.pem}----- end of list -----\n`,
          crl: `-----\n${crl.pem}-----\n`,
        },
      ],
      ['a trusted CA', { ca: trusted(sequence(oid(purposes.clientAuth))) }],
      ['an old label', { ca: root.pem.replaceAll('CERT', 'X509 CERT') }],
      [
        'DER with a newline',
        {
          key: Buffer.concat([privateKey.export({ format: 'der', type: 'pkcs8' }), newline]),
          cert: Buffer.concat([serverCertificate.der, newline]),
          ca: Buffer.concat([root.der, newline]),
          crl: Buffer.concat([crl.der, newline]),
        },
      ],
      ['a key in SEC1 in DER', { key: privateKey.export({ format: 'der', type: 'sec1' }) }],
      [
        'an encrypted key',
        { key: privateKey.export({ format: 'der', type: 'pkcs8', ...cipher }), passphrase },
      ],
      [
        'a key encrypted in the old form of OpenSSL',
        { key: privateKey.export({ format: 'pem', type: 'sec1', ...cipher }).toString(), passphrase },
      ],
      ['a CA and its CRL in one', { ca: root.pem + crl.pem, crl: root.pem + crl.pem }],
      ['a key and its certificate in one', { key: keyPem + pem, cert: keyPem + pem }],
    ])('%s', async (_form, options) => {
      expect(await answersOf({ refusals, ...options })).toEqual([200, 'refused']);
    });
  },
);

test('a CA and its CRL in one file are reloaded, and a half-written file changes nothing', async () => {
  const { file } = writeMaterial(temporaryDirectory(), { file: root.pem + root.crl({ number: 1 }).pem });
  const { as, mtls, recorder } = await startServer({
    root,
    serverCertificate,
    options: { ca: file, crl: file },
  });
  const open = as(client2, { keepAlive: true });
  expect((await open.get()).status).toBe(200);
  const next = root.pem + root.crl({ number: 2, revoked: [client2] }).pem;
  writeFileSync(file, next.slice(0, -20));
  await until(() => recorder.events('reload-failed').length > 0, 'the half was refused');
  expect(mtls.fault?.message).toMatch(/"X509 CRL" block without an END line/);
  publish(file, next);
  await until(() => recorder.events('evicted').length > 0, 'the client was evicted');
  expect((await as(client2).get()).status).toBe('refused');
  expect((await as(client1).get()).status).toBe(200);
});

test('CAs and CRLs in one directory are reloaded', async () => {
  const folder = temporaryDirectory();
  writeMaterial(folder, { 'ca.pem': root.pem, 'ca-crl.pem': root.crl({ number: 1 }).pem });
  const { as, recorder } = await startServer({
    root,
    serverCertificate,
    options: { ca: folder, crl: folder },
  });
  const open = as(client2, { keepAlive: true });
  expect((await open.get()).status).toBe(200);
  publish(join(folder, 'ca-crl.pem'), root.crl({ number: 2, revoked: [client2] }).pem);
  await until(() => recorder.events('evicted').length > 0, 'the client was evicted');
});

test.each([
  ['alone', []],
  ['among CAs that are', [root.pem]],
])('a CA whose trust settings exclude clients prevents the start, %s', async (_where, others) => {
  const ca = [...others, trusted(sequence(oid(purposes.serverAuth)))];
  await expect(createServer({ key: keyPem, cert: pem, ca })).rejects.toMatchObject({
    code: 'ERR_MTLS_CA_INVALID',
    message: expect.stringMatching(/trust settings that exclude clientAuth \(1\.3\.6\.1\.5\.5\.7\.3\.2\)/),
  });
});

test('a CA whose trust settings exclude clients changes nothing at a reload', async () => {
  const { as, files, mtls } = await startServer({ root, serverCertificate, crl: null });
  const other = ca('other');
  const rejecting = formatPem({
    label: 'TRUSTED CERTIFICATE',
    der: Buffer.concat([other.der, sequence(sequence(oid(purposes.serverAuth)))]),
  });
  publish(files.ca, root.pem + rejecting);
  await expect(mtls.reload()).rejects.toMatchObject({ code: 'ERR_MTLS_CA_INVALID' });
  expect((await as(client1).get()).status).toBe(200);
  expect((await as(other.client('stranger')).get()).status).toBe('refused');
});
