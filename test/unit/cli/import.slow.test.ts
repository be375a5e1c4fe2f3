/**
 * `express-mtls import`.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { ImportReport } from '../../../src/dev-ca/import-ca.js';
import type { ImportWarning } from '../../../src/dev-ca/import-warnings.js';
import { ca, type Certificate } from '../../support/chain.js';
import { runCommand } from '../../support/command.js';
import { temporaryDirectory } from '../../support/files.js';

const passphrase = 'correct horse';
const root = ca({ commonName: 'Old CA', organization: 'Example' });
const client = root.client({ commonName: 'client1', serial: 0x1001n, version: 1 });
const past = {
  notBefore: new Date(Date.now() - 2 * 86_400_000),
  notAfter: new Date(Date.now() - 86_400_000),
};
const both = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];
const encryption = { cipher: 'aes-256-cbc', passphrase } as const;

function folderWith(keyPem: string): { folder: string; certs: string } {
  const folder = temporaryDirectory();
  const files = {
    'ca.crt': root.pem,
    'ca.key': keyPem,
    'client1.crt': client.pem,
    'client1.key': client.keyPem,
    'index.txt': '',
    'crl.pem': root.crl({ number: 7 }).pem,
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return { folder, certs: join(folder, 'certs') };
}

async function importJson(folder: string, certs: string): Promise<ImportReport> {
  return JSON.parse((await runCommand(['import', folder, '--dir', certs, '--json'])).out) as ImportReport;
}

describe('express-mtls import', () => {
  test('reports what was imported, its faults, and the next step', async () => {
    const { folder, certs } = folderWith(root.keyPem);
    const now = (): number => Date.UTC(2030, 0, 1);
    const { code, out, err } = await runCommand(['import', folder, '--dir', certs], { now });
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    const lines = out.split('\n');
    expect(lines[0]).toMatch(/^imported into .*certs:$/);
    expect(lines.slice(2, 5)).toStrictEqual([
      'ca       Old CA, its certificate kept, its key without a passphrase',
      'client1  client1, serial 1001, with its key',
      'crl      number 8, 0 revoked, next due 2030-01-31 00:00:00 UTC (in 30 days)',
    ]);
    expect(out).toMatch(/^warning: database: it lacked client1, probably issued with openssl x509 -req\.$/m);
    expect(out).toMatch(
      /^warning: client1: it is of X\.509 version 1, which cannot state its purpose; it expired at .*\.\n {2}renew it: express-mtls renew client1 --as client --dir .*certs$/m,
    );
    expect(out).toMatch(
      /\nNext: configure the servers with .*certs\/ca-crt\.pem and .*certs\/ca-crl\.pem, and continue here:\n {2}express-mtls list --dir .*certs\n$/,
    );
  });

  test('answers as JSON', async () => {
    const { folder, certs } = folderWith(root.keyPem);
    const { out } = await runCommand(['import', folder, '--dir', certs, '--json']);
    expect(JSON.parse(out)).toStrictEqual({
      source: {
        directory: folder,
        certificate: join(folder, 'ca.crt'),
        key: join(folder, 'ca.key'),
        database: join(folder, 'index.txt'),
      },
      directory: certs,
      caName: 'Old CA',
      caCertificate: 'kept',
      caKey: 'copied',
      certificates: [
        {
          name: 'client1',
          serialNumber: '1001',
          commonName: 'client1',
          file: join(folder, 'client1.crt'),
          key: 'copied',
        },
      ],
      crl: { file: join(certs, 'ca-crl.pem'), number: '8', nextUpdate: expect.any(String), entries: 0 },
      warnings: [
        { about: 'database', faults: [expect.any(String)], remedy: expect.any(String) },
        { about: 'client1', faults: [expect.any(String)], remedy: expect.any(String) },
      ],
    });
  });

  test.each([
    ['PKCS#8', { type: 'pkcs8', format: 'pem', ...encryption }, 'BEGIN ENCRYPTED PRIVATE KEY'],
    ['the old form', { type: 'sec1', format: 'pem', ...encryption }, 'Proc-Type: 4,ENCRYPTED'],
  ] as const)(
    'a CA key that is encrypted as %s stays encrypted, and its passphrase is requested once',
    async (_, form, expected) => {
      const { folder, certs } = folderWith(root.privateKey.export(form).toString());
      const questions: string[] = [];
      const askSecret = async (question: string): Promise<string> => {
        questions.push(question);
        return passphrase;
      };
      const { code, out } = await runCommand(['import', folder, '--dir', certs], { askSecret });
      expect(code).toBe(0);
      expect(questions).toStrictEqual([`Passphrase of ${join(folder, 'ca.key')}: `]);
      expect(out).toMatch(/^ca +Old CA, its certificate kept, its key still encrypted$/m);
      expect(readFileSync(join(certs, 'ca-key.pem'), 'utf8')).toContain(expected);
      const env = { EXPRESS_MTLS_CA_PASSPHRASE: passphrase };
      expect(await runCommand(['init', certs, '--client', 'new'], { env })).toMatchObject({ code: 0 });
      const without = await runCommand(['import', folder, '--dir', join(folder, 'other')]);
      expect(without).toMatchObject({ code: 3, out: '' });
      expect(without.err).toMatch(
        /ca\.key is encrypted, and there is no terminal to ask for its passphrase; set it with --passphrase-file FILE or EXPRESS_MTLS_CA_PASSPHRASE\n$/,
      );
    },
  );

  test('accepts the paths of certificate and key, and reissues the certificate', async () => {
    const folder = temporaryDirectory();
    const old = ca({ commonName: 'v1', version: 1 });
    writeFileSync(join(folder, 'a'), old.pem);
    writeFileSync(join(folder, 'b'), old.keyPem);
    const told = ['--ca', join(folder, 'a'), '--key', join(folder, 'b')];
    const { code, out } = await runCommand([
      'import',
      folder,
      '--dir',
      join(folder, 'certs'),
      ...told,
      '--remake-ca',
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(/^ca +v1, its certificate reissued, its key without a passphrase$/m);
  });

  test.each([
    ['a folder without a CA', (folder: string) => [folder], /no CA certificate was found in /],
    ['a folder that is not there', (folder: string) => [join(folder, 'x')], /^error: /],
  ])('%s is an error in one line, with exit code 3', async (_, args, says) => {
    const folder = temporaryDirectory();
    mkdirSync(join(folder, 'empty'));
    const { code, out, err } = await runCommand(['import', ...args(folder), '--dir', join(folder, 'certs')]);
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(err).toMatch(says);
    expect(err.match(/\n/g)).toHaveLength(1);
  });

  test.each<[string, string, Certificate]>([
    ['version 1', 'c', root.client({ commonName: 'c', version: 1 })],
    ['no purpose', 'c', root.client({ commonName: 'c', extendedKeyUsage: null })],
    ['another purpose', 'c', root.client({ commonName: 'c', extendedKeyUsage: ['1.3.6.1.5.5.7.3.4'] })],
    ['SHA-1', 'c', root.client({ commonName: 'c', hash: 'sha1' })],
    ['its end behind it', 'c', root.client({ commonName: 'c', ...past })],
    ['both purposes, and SHA-1', 'c', root.client({ commonName: 'c', hash: 'sha1', extendedKeyUsage: both })],
    [
      "both purposes, a server's name, and SHA-1",
      'server',
      root.server({ hash: 'sha1', extendedKeyUsage: both }),
    ],
    ['no hosts', 's', root.server({ sans: null })],
  ])('the command in the warning fixes a certificate with %s', async (_, name, certificate) => {
    const { folder, certs } = folderWith(root.keyPem);
    writeFileSync(join(folder, `${name}.crt`), certificate.pem);
    writeFileSync(join(folder, `${name}.key`), certificate.keyPem);
    const { warnings } = await importJson(folder, certs);
    const { remedy } = warnings.find(({ about }) => about === name) as ImportWarning;
    const command = /express-mtls (.*)$/
      .exec(remedy)?.[1]
      ?.replace('NEW', 'new')
      .replace('HOST', 'localhost');
    const { code, err } = await runCommand(command?.split(' ') ?? []);
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    const renewed = command?.includes(' new ') === true ? 'new' : name;
    const again = await importJson(certs, join(folder, 'again'));
    expect(again.certificates).toContainEqual(expect.objectContaining({ name: renewed, key: 'copied' }));
    expect(again.warnings.filter(({ about }) => about === renewed)).toStrictEqual([]);
    const pem = readFileSync(join(certs, `${renewed}-crt.pem`));
    const kind = /server|^s$/.test(name) ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2';
    expect(new X509Certificate(pem).keyUsage).toStrictEqual([kind]);
  });

  test('an encrypted key of a certificate is copied, and the renewal reports the remedy', async () => {
    const { folder, certs } = folderWith(root.keyPem);
    const encrypted = client.privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption }).toString();
    writeFileSync(join(folder, 'client1.key'), encrypted);
    const { certificates } = await importJson(folder, certs);
    expect(certificates).toMatchObject([{ name: 'client1', key: 'copied-encrypted' }]);
    const renewal = ['renew', 'client1', '--as', 'client', '--dir', certs];
    const { code, err } = await runCommand(renewal);
    expect(code).toBe(3);
    expect(err).toMatch(/client1-key\.pem is encrypted; .*; decrypt it with "openssl pkey /);
    writeFileSync(join(certs, 'client1-key.pem'), client.keyPem);
    expect(await runCommand(renewal)).toMatchObject({ code: 0 });
  });

  test('waits while another process writes to the folder', async () => {
    const { folder, certs } = folderWith(root.keyPem);
    mkdirSync(certs);
    const lock = join(certs, 'ca-lock.txt');
    writeFileSync(lock, `${process.pid} ${os.hostname()}\n`);
    const importing = runCommand(['import', folder, '--dir', certs]);
    await delay(300);
    expect(readdirSync(certs)).toStrictEqual(['ca-lock.txt']);
    rmSync(lock);
    expect(await importing).toMatchObject({ code: 0 });
    expect(existsSync(lock)).toBe(false);
  });

  test('--help shows examples', async () => {
    const { out } = await runCommand(['import', '--help']);
    expect(out).toContain('Usage: express-mtls import [options] <folder>');
    expect(out).toContain('Examples:\n  $ express-mtls import ');
  });
});
