/**
 * `express-mtls init`.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runCommand } from '../../support/command.js';
import { temporaryDirectory } from '../../support/files.js';

const files = [
  'ca-crl.pem',
  'ca-crlnumber.txt',
  'ca-crt.pem',
  'ca-database.txt',
  'ca-key.pem',
  'client1-crt.pem',
  'client1-key.pem',
  'server-crt.pem',
  'server-key.pem',
];

describe('express-mtls init', () => {
  test('creates everything, and reports it with the next step', async () => {
    const directory = temporaryDirectory();
    const { code, out, err } = await runCommand(['init', directory]);
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    expect(readdirSync(directory).sort()).toStrictEqual(files);
    expect(out).toMatch(/^made {2}.*\/ca-crt\.pem\n(made {2}.*\n){6}\nNext: /);
    expect(out).toMatch(
      /\n {2}curl --cacert \S+\/ca-crt\.pem --cert \S+\/client1-crt\.pem --key \S+\/client1-key\.pem https:\/\/localhost:4433\/\n$/,
    );
  });

  test('gives each CA a name of its own', async () => {
    const names = [temporaryDirectory(), temporaryDirectory()].map(async (directory) => {
      await runCommand(['init', directory]);
      return new X509Certificate(readFileSync(join(directory, 'ca-crt.pem'))).subject;
    });
    const [one, other] = await Promise.all(names);
    expect([one, other]).toEqual([1, 2].map(() => expect.stringMatching(/^CN=ca-[0-9a-f]{8}$/)));
    expect(one).not.toBe(other);
  });

  test('keeps existing files', async () => {
    const directory = temporaryDirectory();
    await runCommand(['init', directory]);
    const before = files.map((file) => readFileSync(join(directory, file), 'utf8'));
    const { code, out } = await runCommand(['init', directory]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^kept {2}.*\/ca-crt\.pem\n(kept {2}.*\n){6}\nThe CA was there before .*:\n {2}express-mtls init FOLDER\n\nNext: /,
    );
    expect(files.map((file) => readFileSync(join(directory, file), 'utf8'))).toStrictEqual(before);
  });

  test('answers as JSON', async () => {
    const directory = temporaryDirectory();
    const { out } = await runCommand(['init', directory, '--client', 'alice', '--json']);
    expect(JSON.parse(out)).toStrictEqual({
      directory,
      ca: {
        outcome: 'made',
        certFile: join(directory, 'ca-crt.pem'),
        keyFile: join(directory, 'ca-key.pem'),
        crlFile: join(directory, 'ca-crl.pem'),
      },
      server: {
        outcome: 'made',
        certFile: join(directory, 'server-crt.pem'),
        keyFile: join(directory, 'server-key.pem'),
      },
      client: {
        outcome: 'made',
        certFile: join(directory, 'alice-crt.pem'),
        keyFile: join(directory, 'alice-key.pem'),
      },
    });
  });

  test('reports an obstacle on one line, with the remedy, and exit code 3', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'ca-crt.pem'), '');
    const { code, out, err } = await runCommand(['init', directory]);
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(err).toMatch(
      /^error: .*ca-key\.pem is missing, but the folder has other files of a CA; restore it, or use an empty folder\n$/,
    );
  });

  test('reports it as JSON too', async () => {
    const directory = temporaryDirectory();
    const { code, out, err } = await runCommand(['init', join(directory, 'x'), '--client', 'ca', '--json']);
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'ERR_MTLS_OPTION_INVALID' } });
  });

  test('accepts the folder as --dir too, like the other commands, but not two folders', async () => {
    const directory = join(temporaryDirectory(), 'certs');
    const { code, out } = await runCommand(['init', '--dir', directory, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ directory });
    const both = await runCommand(['init', 'here', '--dir', 'there']);
    expect(both).toMatchObject({
      code: 3,
      err: 'error: two folders were given, here and --dir there; use one\n',
    });
  });

  test('reports a file-system error on one line too', async () => {
    const { code, err } = await runCommand(['init', '/dev/null/certs']);
    expect(code).toBe(3);
    expect(err).toMatch(
      /^error: not a directory, open '\/dev\/null\/certs\/ca-key\.pem'; a part of the path is a file, not a folder: specify another folder\n$/,
    );
  });

  test('--help shows examples', async () => {
    const { out } = await runCommand(['init', '--help']);
    expect(out).toContain('Usage: express-mtls init [options] [dir]');
    expect(out).toContain('(default: "certs-dev")');
    expect(out).toContain('Examples:\n  $ express-mtls init\n');
  });
});
