/**
 * Every argument and every file of a folder where a FIFO, a device or a socket may stand: it is named, nothing waits
 * for it, and nothing goes on as if it were empty.
 *
 * @module
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { ca } from '../../support/chain.js';
import { caFolder } from '../../support/ca-folder.js';
import { runCommand } from '../../support/command.js';
import { temporaryDirectory } from '../../support/files.js';
import { specialFiles } from '../../support/special-files.js';

let folder: string;
beforeAll(async () => {
  folder = await caFolder();
});

/** A copy of the CA's folder, which a command may change. */
function copyOfFolder(): string {
  const copy = path.join(temporaryDirectory(), 'certs');
  cpSync(folder, copy, { recursive: true });
  return copy;
}

const root = ca('Old CA');

/** A CA that openssl made. */
function foreignFolder(): string {
  const foreign = temporaryDirectory();
  const files = {
    'ca.crt': root.pem,
    'ca.key': root.keyPem,
    'index.txt': '',
    'demoCA/client.crt': root.client().pem,
  };
  mkdirSync(path.join(foreign, 'demoCA'));
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(foreign, name), content);
  return foreign;
}

/** What is in a folder, by name, but for what is not to be read. */
function contentOf(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => [name, readFileSync(path.join(directory, name), 'latin1')]),
  );
}

describe.each(specialFiles)('%s', (_what, make, called) => {
  test.each<[string, (file: string, dir: string) => string[]]>([
    ['inspect FILE', (file) => ['inspect', file]],
    ['inspect --ca', (file, dir) => ['inspect', `${dir}/client1-crt.pem`, '--ca', file]],
    ['inspect --find', (file, dir) => ['inspect', `${dir}/ca-crl.pem`, '--find', file]],
    ['inspect --password-file', (file, dir) => ['inspect', `${dir}/ca-crt.pem`, '--password-file', file]],
    ['issue client --csr', (file, dir) => ['issue', 'client', 'bob', '--csr', file, '--dir', dir]],
    ['issue server --csr', (file, dir) => ['issue', 'server', 'bob', '--csr', file, '--dir', dir]],
    [
      'issue --p12-password-file',
      (file, dir) => ['issue', 'client', 'bob', '--p12-password-file', file, '--dir', dir],
    ],
    ['revoke FILE', (file, dir) => ['revoke', file, '--dir', dir]],
    ...['issue client bob', 'renew client1', 'revoke client1', 'crl', 'list', 'intermediate x'].map(
      (command): [string, (file: string, dir: string) => string[]] => [
        `${command} --passphrase-file`,
        (file, dir) => [...command.split(' '), '--passphrase-file', file, '--dir', dir],
      ],
    ),
  ])('given to %s is an error, and changes nothing', async (_command, argsOf) => {
    const directory = copyOfFolder();
    const before = contentOf(directory);
    const file = path.join(temporaryDirectory(), 'special.pem');
    make(file);
    const { code, out, err } = await runCommand(argsOf(file, directory));
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(err).toMatch(called);
    expect(err).toContain(`error: ${file} is `);
    expect(contentOf(directory)).toStrictEqual(before);
  });

  test('given to init --passphrase-file is an error, and creates nothing', async () => {
    const directory = path.join(temporaryDirectory(), 'certs');
    const file = path.join(temporaryDirectory(), 'special');
    make(file);
    const { code, err } = await runCommand(['init', directory, '--passphrase-file', file]);
    expect(code).toBe(3);
    expect(err).toMatch(called);
    expect(readdirSync(path.dirname(directory))).toStrictEqual([]);
  });

  test.each(['--cert', '--key', '--ca', '--crl', '--passphrase-file'])(
    'given to doctor %s is an error',
    async (option) => {
      const file = path.join(temporaryDirectory(), 'special.pem');
      make(file);
      const given = {
        '--cert': `${folder}/client1-crt.pem`,
        '--key': `${folder}/client1-key.pem`,
        '--ca': `${folder}/ca-crt.pem`,
        [option]: file,
      };
      const { code, out, err } = await runCommand(['doctor', ...Object.entries(given).flat()]);
      expect({ code, out }).toStrictEqual({ code: 3, out: '' });
      expect(err).toContain(`${option}: cannot read "${file}"`);
    },
  );

  test.each([
    ...['ca-crt.pem', 'ca-key.pem', 'ca-database.txt', 'ca-crlnumber.txt', 'ca-crl.pem'].flatMap((name) =>
      ['list', 'crl', 'issue client bob', 'revoke client1', 'init'].map(
        (command) => [name, command] as const,
      ),
    ),
    ...['client1-crt.pem', 'client1-key.pem'].flatMap((name) =>
      ['renew client1', 'issue client client1', 'issue client client1 --p12'].map(
        (command) => [name, command] as const,
      ),
    ),
    ['client1-p12-password.txt', 'issue client client1 --p12'],
    ['ca-chain.pem', 'issue client bob'],
    ['ca-lock.txt', 'revoke client1'],
  ] as const)('as %s of the CA is an error of %s, and changes nothing', async (name, command) => {
    const directory = copyOfFolder();
    const file = path.join(directory, name);
    rmSync(file, { force: true });
    const before = contentOf(directory);
    make(file);
    const { code, err } = await runCommand([...command.split(' '), '--dir', directory]);
    expect(code).toBe(3);
    expect(err).toMatch(called);
    expect(err).toContain(file);
    expect(contentOf(directory)).toStrictEqual(before);
  });

  test('with the name of a certificate in the folder is not touched', async () => {
    const directory = copyOfFolder();
    make(path.join(directory, 'other-crt.pem'));
    expect(await runCommand(['list', '--dir', directory])).toMatchObject({ code: 0, err: '' });
  });

  test.each(['--ca', '--key'])('given to import %s is an error', async (option) => {
    const file = path.join(temporaryDirectory(), 'special');
    const directory = path.join(temporaryDirectory(), 'certs');
    make(file);
    const { code, err } = await runCommand(['import', foreignFolder(), option, file, '--dir', directory]);
    expect(code).toBe(3);
    expect(err).toMatch(called);
    expect(readdirSync(path.dirname(directory))).toStrictEqual([]);
  });

  test.each([
    ...['ca.crt', 'ca.key', 'index.txt', 'crlnumber', 'serial', 'openssl.cnf', 'crl.pem', 'other.cnf'],
    ...['demoCA/index.txt', 'demoCA/other.crt', 'demoCA/private.key', 'db/list'],
  ])('as %s in a folder to import is an error, not a missing file', async (name) => {
    const foreign = foreignFolder();
    const directory = path.join(temporaryDirectory(), 'certs');
    const file = path.join(foreign, name);
    if (name === 'db/list') {
      mkdirSync(path.dirname(file));
      rmSync(path.join(foreign, 'index.txt'));
      const settings = '[ca]\ndefault_ca = c\n[c]\ndatabase = $dir/db/list\ncertificate = ca.crt\n';
      writeFileSync(path.join(foreign, 'openssl.cnf'), settings);
    }
    rmSync(file, { force: true });
    make(file);
    const { code, err } = await runCommand(['import', foreign, '--dir', directory]);
    expect(code).toBe(3);
    expect(err).toMatch(called);
    expect(err).toContain(file);
    expect(readdirSync(path.dirname(directory))).toStrictEqual([]);
  });
});

describe('in a folder to import', () => {
  test.each<[string, (file: string) => void, RegExp]>([
    [
      'a folder',
      (file) => {
        mkdirSync(file);
      },
      /index\.txt is a folder; expected a regular file/,
    ],
    [
      'a link that leads nowhere',
      (file) => {
        symlinkSync('nowhere', file);
      },
      /index\.txt is a link that leads nowhere; expected a regular file/,
    ],
  ])('%s in place of the database is an error', async (_what, make, called) => {
    const foreign = foreignFolder();
    rmSync(path.join(foreign, 'index.txt'));
    make(path.join(foreign, 'index.txt'));
    const { code, err } = await runCommand(['import', foreign, '--dir', path.join(foreign, 'certs')]);
    expect(code).toBe(3);
    expect(err).toMatch(called);
  });

  test('the folder of new certificates is searched too', async () => {
    const [foreign, elsewhere] = [foreignFolder(), temporaryDirectory()];
    const settings = `[ca]\ndefault_ca = c\n[c]\nnew_certs_dir = ${elsewhere}\n`;
    writeFileSync(path.join(foreign, 'openssl.cnf'), settings);
    symlinkSync('/dev/null', path.join(elsewhere, '01.pem'));
    const { code, err } = await runCommand(['import', foreign, '--dir', path.join(foreign, 'certs')]);
    expect(code).toBe(3);
    expect(err).toMatch(/01\.pem is a character device/);
  });

  test('a link in a subfolder is followed', async () => {
    const foreign = foreignFolder();
    const client = root.client('linked');
    writeFileSync(path.join(temporaryDirectory(), 'x'), '');
    const place = path.join(temporaryDirectory(), 'x');
    writeFileSync(place, client.pem);
    symlinkSync(place, path.join(foreign, 'demoCA', 'linked.crt'));
    const { code, out } = await runCommand([
      'import',
      foreign,
      '--dir',
      path.join(foreign, 'certs'),
      '--json',
    ]);
    expect(code).toBe(0);
    expect((JSON.parse(out) as { certificates: object[] }).certificates).toContainEqual(
      expect.objectContaining({ name: 'linked' }),
    );
  });

  test('entries with other names are ignored', async () => {
    const foreign = foreignFolder();
    symlinkSync('/dev/null', path.join(foreign, 'log'));
    symlinkSync('nowhere', path.join(foreign, 'note.txt'));
    mkdirSync(path.join(foreign, 'folder.pem'));
    const importing = runCommand(['import', foreign, '--dir', path.join(foreign, 'certs')]);
    expect(await importing).toMatchObject({ code: 0, err: '' });
  });
});
