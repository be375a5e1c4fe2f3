/**
 * `express-mtls intermediate`.
 *
 * @module
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { Budget } from '../../../src/cli/inspect/password-encryption.js';
import { openPkcs12 } from '../../../src/cli/inspect/pkcs12.js';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { ca } from '../../support/chain.js';
import { runCommand } from '../../support/command.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';
import { certificateRequest } from '../../support/request.js';

let directory: string;

beforeEach(async () => {
  directory = temporaryDirectory();
  await openDevCa(directory);
});

function certificateIn(file: string): X509Certificate {
  return new X509Certificate(readFileSync(join(directory, file)));
}

describe('express-mtls intermediate', () => {
  test('creates a folder with a CA, and shows how to configure a server with both CRLs', async () => {
    const { code, out, err } = await runCommand(['intermediate', 'devices', '--dir', directory]);
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    expect(readdirSync(join(directory, 'devices')).sort()).toStrictEqual([
      ...['ca-chain.pem', 'ca-crl.pem', 'ca-crlnumber.txt', 'ca-crt.pem', 'ca-database.txt', 'ca-key.pem'],
    ]);
    expect(out).toMatch(
      /^made {5}.*devices\/ca-crt\.pem\nmade {5}.*ca-key\.pem\nmade {5}.*ca-crl\.pem\nmade {5}.*ca-chain\.pem\n/,
    );
    expect(out).toMatch(/^ {2}express-mtls issue client NAME --dir .*\/devices$/m);
    expect(out).toMatch(
      /^ {2}ca: '.*\/devices\/ca-chain\.pem',\n {2}crl: \['.*\/ca-crl\.pem', '.*\/devices\/ca-crl\.pem'\],$/m,
    );
    expect(out).toMatch(/express-mtls revoke devices --dir .*\n$/);
    const { subject, basicConstraints } = parseCertificate(certificateIn('devices/ca-crt.pem').raw);
    expect(subject.toString()).toBe('CN=devices');
    expect(basicConstraints).toStrictEqual({ ca: true, pathLength: 0 });
  });

  test('every command accepts its folder', async () => {
    await runCommand(['intermediate', 'devices', '--dir', directory]);
    const { code, out } = await runCommand(['init', join(directory, 'devices'), '--client', 'sensor1']);
    expect(code).toBe(0);
    expect(out).toMatch(/^kept .*devices\/ca-crt\.pem$/m);
    expect(certificateIn('devices/sensor1-crt.pem').checkIssued(certificateIn('devices/ca-crt.pem'))).toBe(
      true,
    );
  });

  test('accepts a commonName, days and RSA; keeps existing files; answers as JSON', async () => {
    const args = [
      'intermediate',
      'x',
      '--dir',
      directory,
      '--cn',
      'Staff CA',
      '--days',
      '10',
      '--rsa',
      '4096',
      '--json',
    ];
    const { out } = await runCommand(args);
    const { outcome, ...data } = JSON.parse(out) as { outcome: string; notAfter: string };
    expect(outcome).toBe('made');
    expect(data).toMatchObject({
      name: 'x',
      directory: join(directory, 'x'),
      chainFile: join(directory, 'x/ca-chain.pem'),
    });
    expect(Date.parse(data.notAfter) - Date.now()).toBeLessThan(10 * 86_400_000);
    const made = certificateIn('x/ca-crt.pem');
    expect(made.subject).toBe('CN=Staff CA');
    expect(made.publicKey.asymmetricKeyDetails).toMatchObject({ modulusLength: 4096 });
    expect(JSON.parse((await runCommand(args)).out)).toStrictEqual({ ...data, outcome: 'kept' });
  });

  test('the passphrase of the issuer encrypts its key too', async () => {
    const world = { env: { EXPRESS_MTLS_CA_PASSPHRASE: 'correct horse' } };
    const folder = temporaryDirectory();
    await runCommand(['init', folder], world);
    expect(await runCommand(['intermediate', 'x', '--dir', folder], world)).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'x/ca-key.pem'), 'utf8')).toContain('BEGIN ENCRYPTED PRIVATE KEY');
  });

  test('the issuer lists it under its name', async () => {
    await runCommand(['intermediate', 'x', '--dir', directory, '--cn', 'Staff CA']);
    await expect((await openDevCa(directory)).list()).resolves.toMatchObject([
      { name: 'x', commonName: 'Staff CA' },
    ]);
  });

  test('the name of an existing certificate is rejected', async () => {
    await (await openDevCa(directory)).issueClient('x');
    const { code, err } = await runCommand(['intermediate', 'x', '--dir', directory]);
    expect(code).toBe(3);
    expect(err).toMatch(
      /^error: "x" is already the name of the CA in .* or of a certificate that it issued; set another name with commonName \(--cn\)\n$/,
    );
    const other = await runCommand(['intermediate', 'x', '--dir', directory, '--cn', 'other']);
    expect(other.err).toMatch(
      /x-crt\.pem is a certificate with another subject; nothing is overwritten: move it away with "mv (\S+) \1\.old", or use another name\n$/,
    );
    const own = await runCommand(['intermediate', 'y', '--dir', directory, '--cn', 'ca']);
    expect(own.err).toMatch(/"ca" is already the name of the CA/);
    expect(await (await openDevCa(directory)).list()).toHaveLength(1);
  });

  test('a folder that does not belong to the CA is not touched', async () => {
    mkdirSync(join(directory, 'x'));
    const { code, err } = await runCommand(['intermediate', 'x', '--dir', directory]);
    expect(code).toBe(3);
    expect(err).toMatch(
      /\/x exists, and is not the folder of a CA issued by .*ca-crt\.pem; nothing is overwritten/,
    );
    expect(readdirSync(join(directory, 'x'))).toStrictEqual([]);
  });

  test('a CA with pathlen 0 is rejected with a remedy, and the remedy works', async () => {
    const old = ca({ commonName: 'old', pathLength: 0 });
    const folder = temporaryDirectory();
    writeFileSync(join(folder, 'ca-crt.pem'), old.pem);
    writeFileSync(join(folder, 'ca-key.pem'), old.keyPem);
    writeFileSync(join(folder, 'ca-database.txt'), '');
    writeFileSync(join(folder, 'ca-crlnumber.txt'), '01\n');
    const { code, out, err } = await runCommand(['intermediate', 'x', '--dir', folder]);
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(err).toMatch(
      /allows no CA below it \(pathlen 0\), so .*"express-mtls import .* --dir NEWDIR --remake-ca"/,
    );
    const renewed = join(folder, 'new');
    expect(await runCommand(['import', folder, '--dir', renewed, '--remake-ca'])).toMatchObject({ code: 0 });
    expect(await runCommand(['intermediate', 'x', '--dir', renewed])).toMatchObject({ code: 0 });
  });

  test('an intermediate CA cannot have a CA below it', async () => {
    await runCommand(['intermediate', 'x', '--dir', directory]);
    const { code, err } = await runCommand(['intermediate', 'y', '--dir', join(directory, 'x')]);
    expect(code).toBe(3);
    expect(err).toContain('(pathlen 0)');
  });

  test.each(['old', 'OLD', 'server.p12', 'ca-lock.txt', 'ca-lock.txt.takeover', 'x-crt.pem'])(
    'the name %s is reserved for files and folders of the CA',
    async (name) => {
      const { code, err } = await runCommand(['intermediate', name, '--dir', directory]);
      expect(code).toBe(3);
      expect(err).toMatch(
        /^error: name is ".*", which is reserved for files and folders of the CA; use another/,
      );
      expect(await (await openDevCa(directory)).list()).toStrictEqual([]);
    },
  );

  test('a folder without a CA is an error, and stays empty', async () => {
    const folder = temporaryDirectory();
    const { code, err } = await runCommand(['intermediate', 'x', '--dir', folder]);
    expect(code).toBe(3);
    expect(err).toMatch(/ contains no CA; create one with "express-mtls init", /);
    expect(readdirSync(folder)).toStrictEqual([]);
  });

  test('an intermediate CA is not renewed', async () => {
    await runCommand(['intermediate', 'x', '--dir', directory]);
    const { code, err } = await runCommand(['renew', 'x', '--as', 'client', '--dir', directory]);
    expect(code).toBe(3);
    expect(err).toMatch(/x-crt\.pem is the certificate of a CA; create another CA under another name\n$/);
  });

  test('waits while another process writes to the folder', async () => {
    const lock = join(directory, 'ca-lock.txt');
    writeFileSync(lock, `${process.pid} ${os.hostname()}\n`);
    const making = runCommand(['intermediate', 'x', '--dir', directory]);
    await delay(300);
    expect(existsSync(join(directory, 'x'))).toBe(false);
    rmSync(lock);
    expect(await making).toMatchObject({ code: 0 });
  });

  test('--help shows examples', async () => {
    const { out } = await runCommand(['intermediate', '--help']);
    expect(out).toContain('Usage: express-mtls intermediate [options] <name>');
    expect(out).toContain('Examples:\n  $ express-mtls intermediate devices\n');
  });
});

describe('a certificate of an intermediate CA', () => {
  let devices: string;

  beforeEach(async () => {
    await runCommand(['intermediate', 'devices', '--dir', directory]);
    devices = join(directory, 'devices');
    await run('issue', 'client', 'sensor1');
  });

  const read = (file: string): string => readFileSync(join(devices, file), 'utf8');

  async function run(...args: string[]): Promise<void> {
    const { code, err } = await runCommand([...args, '--dir', devices]);
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
  }

  /** The leaf, after a look at what stands behind it. */
  function leafOf(file: string): X509Certificate {
    const [leaf, behind, ...more] = read(file).split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(behind).toBe(read('ca-crt.pem'));
    expect(more).toStrictEqual([]);
    return new X509Certificate(leaf ?? '');
  }

  test('is sent with the intermediate CA, whether issued or renewed, with the old or a new key', async () => {
    const serials = [leafOf('sensor1-crt.pem').serialNumber];
    for (const options of [[], ['--new-key']]) {
      await run('renew', 'sensor1', ...options);
      const leaf = leafOf('sensor1-crt.pem');
      expect(leaf.checkPrivateKey(createPrivateKey(read('sensor1-key.pem')))).toBe(true);
      serials.push(leaf.serialNumber);
    }
    expect(new Set(serials).size).toBe(3);
    for (const file of readdirSync(join(devices, 'old'))) {
      if (file.endsWith('-crt.pem')) leafOf(join('old', file));
    }
  });

  test('for a request is too', async () => {
    const { p10 } = writeMaterial(temporaryDirectory(), {
      p10: certificateRequest({ commonName: 'sensor2' }).pem,
    });
    await run('issue', 'client', 'sensor2', '--csr', p10);
    expect(leafOf('sensor2-crt.pem').subject).toBe('CN=sensor2');
  });

  test('as PKCS#12 contains the whole chain, with the root last', async () => {
    await run('issue', 'client', 'sensor1', '--p12');
    const { bags } = openPkcs12(readFileSync(join(devices, 'sensor1.p12')), {
      password: read('sensor1-p12-password.txt').trim(),
      budget: new Budget(),
    });
    const subjects = bags.flatMap(({ kind, der }) =>
      kind === 'certificate' ? [new X509Certificate(der).subject] : [],
    );
    expect(subjects).toStrictEqual(['CN=sensor1', 'CN=devices', 'CN=ca']);
  });

  test.each([
    ['its name', () => 'sensor1'],
    ['its file', () => join(devices, 'sensor1-crt.pem')],
  ])('is revoked by %s, only in the CRL of the intermediate CA', async (_, which) => {
    const { serialNumber } = leafOf('sensor1-crt.pem');
    const above = readFileSync(join(directory, 'ca-crl.pem'), 'utf8');
    await run('revoke', which());
    const { out } = await runCommand(['list', '--dir', devices, '--json']);
    expect(JSON.parse(out)).toMatchObject({
      certificates: [{ serialNumber: serialNumber.toLowerCase(), revokedAt: expect.any(String) }],
    });
    expect(readFileSync(join(directory, 'ca-crl.pem'), 'utf8')).toBe(above);
  });
});
