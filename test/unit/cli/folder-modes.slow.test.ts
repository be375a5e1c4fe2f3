/**
 * Who else can read and write what the commands make, under any umask.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { root as repository } from '../../support/program.js';
import { builtProgram } from '../../support/built-source.js';
import { ca } from '../../support/chain.js';
import { runCommand } from '../../support/command.js';
import { temporaryDirectory } from '../../support/files.js';
import { testOn, testWith } from '../../support/requirements.js';

const root = ca('Old CA');

function modeOf(place: string): string {
  return (statSync(place).mode & 0o7777).toString(8).padStart(4, '0');
}

function runUnder(
  umask: string,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): void {
  const script = `umask ${umask} && exec "$0" "$@"`;
  const { status, stderr } = spawnSync('sh', ['-c', script, process.execPath, ...command], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    cwd: repository,
  });
  expect({ status, stderr }).toStrictEqual({ status: 0, stderr: '' });
}

/** A CA that openssl made, with the modes that it leaves under a wide umask. */
function foreignFolder(): string {
  const folder = temporaryDirectory();
  const client = root.client('client');
  const files = {
    'ca.crt': root.pem,
    'ca.key': root.keyPem,
    'client.crt': client.pem,
    'client.key': client.keyPem,
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(path.join(folder, name), content);
    chmodSync(path.join(folder, name), 0o666);
  }
  return folder;
}

const isSecret = (name: string): boolean => /-key\b|\.p12|password/.test(name);

/** Everything that commands have made in a folder, by path. */
function modesBelow(directory: string): [place: string, mode: string][] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return names.map((name) => [name, modeOf(path.join(directory, name))]);
}

const testAsRoot = testWith(process.getuid?.() === 0, 'under umask 777 only root can read what it has made');

const title = 'folders are for their owner alone, and so are keys, from the first moment on';

test.each(['000', '027'])(`under umask %s ${title}`, runEachCommandUnder, 120_000);
testAsRoot.each(['777'])(`under umask %s ${title}`, runEachCommandUnder, 120_000);

function runEachCommandUnder(umask: string): void {
  const parent = temporaryDirectory();
  const [above, log] = [path.join(parent, 'above'), path.join(parent, 'log')];
  const directory = path.join(above, 'certs');
  // Under these no folder can be made in one that was made just now, but by root.
  if (umask === '777') mkdirSync(above);
  writeFileSync(log, '');
  for (const command of [
    ['init', directory],
    ['issue', 'client', 'alice', '--p12', '--dir', directory],
    ['renew', 'alice', '--new-key', '--dir', directory],
    ['intermediate', 'devices', '--dir', directory],
    ['issue', 'client', 'sensor', '--dir', path.join(directory, 'devices')],
    ['import', foreignFolder(), '--dir', path.join(above, 'imported')],
  ])
    runUnder(
      umask,
      ['--require', builtProgram('record-modes-program'), builtProgram('command-program'), ...command],
      { RECORD_MODES: log },
    );

  for (const folder of ['certs', 'certs/old', 'certs/devices', 'imported'])
    expect([folder, modeOf(path.join(above, folder))]).toStrictEqual([folder, '0700']);
  const secrets = modesBelow(above).filter(([place]) => isSecret(place));
  expect(secrets.length).toBeGreaterThan(8);
  for (const secret of secrets) expect(secret).toStrictEqual([secret[0], '0600']);
  for (const [place, mode] of modesBelow(above))
    expect([place, Number.parseInt(mode, 8) & 0o022]).toEqual([place, 0]);

  const records = readFileSync(log, 'utf8').trim().split('\n');
  const first = records.map((line) => [line.slice(5), Number.parseInt(line, 8)] as const);
  for (const [place, mode] of first.filter(([name]) => isSecret(path.basename(name))))
    expect([place, mode & 0o077]).toStrictEqual([place, 0]);
  expect(first.filter(([name]) => name.endsWith('.tmp') && isSecret(name)).length).toBeGreaterThan(2);
  for (const folder of [directory, path.join(directory, 'old'), path.join(directory, 'devices')])
    expect(first).toContainEqual([folder, expect.any(Number)]);
  for (const [place, mode] of first.filter(([name]) => !/\.(?:pem|txt|p12|tmp|attr)$/.test(name)))
    expect([place, mode & 0o077]).toStrictEqual([place, 0]);
}

test('`npm run certs` creates its folder for its owner only', () => {
  const directory = path.join(temporaryDirectory(), 'certs');
  const tsx = path.join(repository, 'node_modules/tsx/dist/cli.mjs');
  runUnder('000', [tsx, 'certs-dev/generate.ts', '--dir', directory]);
  expect(modeOf(directory)).toBe('0700');
});

const testOnPosix = testOn(process.platform !== 'win32', 'Windows has no modes of folders');

testOnPosix.each([
  [0o777, 'every user'],
  [0o1777, 'every user'],
  [0o775, 'its group'],
])('a folder with mode %o is reported by every command, and not changed', async (mode, who) => {
  const directory = temporaryDirectory();
  chmodSync(directory, mode);
  const octal = mode.toString(8).padStart(4, '0');
  const message = `${directory} can be written to by ${who} (mode ${octal}), who can replace keys and certificates in it; expected only its owner: chmod go-w ${directory}`;
  for (const command of [
    ['init', directory],
    ['issue', 'client', 'alice', '--dir', directory],
    ['list', '--dir', directory],
  ]) {
    expect(await runCommand(command)).toMatchObject({ code: 0, err: `warning: ${message}\n` });
    const { code, out, err } = await runCommand([...command, '--json']);
    expect(code).toBe(0);
    expect(() => JSON.parse(out) as unknown).not.toThrow();
    expect(JSON.parse(err)).toStrictEqual({ warning: { message } });
  }
  expect(modeOf(directory)).toBe(octal);
});

testOnPosix('import reports the folder that it imports into', async () => {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o777);
  const { code, err } = await runCommand(['import', foreignFolder(), '--dir', directory]);
  expect(code).toBe(0);
  expect(err).toMatch(/^warning: .* can be written to by every user \(mode 0777\)/);
});

testOnPosix('openDevCa() reports such a folder as a warning of the process', () => {
  const module = path.join(path.dirname(builtProgram('command-program')), '../../src/dev-ca/index.js');
  const program = `require(${JSON.stringify(module)}).openDevCa(process.argv[1])`;
  for (const [mode, warning] of [
    [0o700, /^$/],
    [0o755, /^$/],
    [0o770, /MtlsWarning: \S+ can be written to by its group \(mode 0770\), who can replace keys /],
  ] as const) {
    const directory = temporaryDirectory();
    chmodSync(directory, mode);
    const { status, stderr } = spawnSync(process.execPath, ['-e', program, directory], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stderr).toMatch(warning);
  }
});
