/**
 * What a user gets: the packed tarball, installed by npm beside four projects
 * outside this repository.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ca, largeCrl } from '../support/chain.js';
import { pack, root, run } from './tarball.js';

jest.setTimeout(300_000);

const manifest = readJson(path.join(root, 'package.json')) as {
  version: string;
  exports: Record<string, unknown>;
  bin: Record<'express-mtls', string>;
};
// Without the manifest, and without the program of a thread.
const entries = Object.entries(manifest.exports).flatMap(([entry, target]) =>
  typeof target === 'object' ? [entry] : [],
);
const tsc = createRequire(__filename).resolve('typescript/bin/tsc');

let folder: string;
/** Has the tarball and its dependencies installed, and the four projects below it. */
let consumers: string;
/** Has the package alone: no dependency, not even Express. */
let bare: string;

beforeAll(() => {
  const tarball = pack();
  folder = path.dirname(tarball);
  consumers = path.join(folder, 'consumers');
  bare = path.join(folder, 'bare');

  cpSync(path.join(root, 'test/package/projects'), consumers, { recursive: true });
  writeFileSync(path.join(consumers, 'package.json'), '{ "private": true }\n');
  const beside = ['express', 'prom-client', '@types/express', '@types/node'].map(
    (name) => `${name}@${installedVersion(name)}`,
  );
  run(consumers, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball, ...beside);

  const installed = 'node_modules/express-mtls';
  mkdirSync(path.join(bare, 'node_modules'), { recursive: true });
  cpSync(path.join(consumers, installed), path.join(bare, installed), { recursive: true });
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('npm finds no script to approve when it installs the tarball', () => {
  const { scripts } = readJson(path.join(consumers, 'node_modules/express-mtls/package.json')) as {
    scripts: Record<string, string>;
  };
  // What npm 11 lists for the source of a package that is not a registry.
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
    expect(scripts).not.toHaveProperty(name);
});

describe('the packed tarball serves its user', () => {
  const expected =
    'hello client1\nmtls_handshakes_total{outcome="admitted"} 1\nhello client1\n{"ready":true}\nclient1 is good\n';

  test.each(['import', 'require'])('in plain JavaScript, by %s', (project) => {
    expect(node(path.join(consumers, project), 'main.js')).toBe(expected);
  });

  test.each(['ts-esm', 'ts-cjs'])(
    'in strict TypeScript without skipLibCheck or the DOM, as %s',
    (project) => {
      const directory = path.join(consumers, project);
      expect(node(directory, tsc, '--project', '.')).toBe('');
      expect(node(directory, 'out/main.js')).toBe(expected);
    },
  );
});

describe('the two ways in', () => {
  test.each(entries)('export the same names from %s', (entry) => {
    const imported = namesOf('import', entry);

    expect(imported).not.toHaveLength(0);
    expect(namesOf('require', entry)).toEqual(imported);
  });

  test.each([
    ['import', '.'],
    ['import', './revocation'],
    ['import', './status'],
    ['require', '.'],
    ['require', './revocation'],
    ['require', './status'],
  ])('load no other package on %s of %s', (how, entry) => {
    // There is no pino, Express, commander, prom-client or @peculiar/x509: loading one would throw.
    expect(node(bare, ...load(how, entry, 'console.log("loaded")'))).toBe('loaded\n');
  });

  test('lead to the same classes', () => {
    const script = `
      import { createRequire } from 'node:module';
      const required = createRequire(process.cwd() + '/')('express-mtls');
      console.log(Object.keys(required).every((name) => required[name] === entry[name]));
    `;
    expect(node(consumers, ...load('import', '.', script))).toBe('true\n');
  });
});

describe('the command', () => {
  const file = path.join('node_modules', 'express-mtls', manifest.bin['express-mtls']);

  test('ends quietly if its output is not read to the end, as with head', async () => {
    const command = spawn(process.execPath, [file, '--help'], { cwd: consumers });
    command.stdout.destroy();
    const [said, [exitCode]] = await Promise.all([text(command.stderr), once(command, 'exit')]);
    expect({ said, exitCode }).toEqual({ said: '', exitCode: 0 });
  });

  test('runs by npx, and says its version', () => {
    expect(npx(consumers, 'express-mtls', '--version')).toBe(`${manifest.version}\n`);
  });

  test('may be executed, by the Node that is found', () => {
    expect(readFileSync(path.join(consumers, file), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(statSync(path.join(consumers, file)).mode & 0o111).toBe(0o111);
  });

  test('shows its help, and that of each command, without what makes certificates', () => {
    const alone = path.join(folder, 'alone');
    mkdirSync(path.join(alone, 'node_modules'), { recursive: true });
    for (const name of ['express-mtls', 'commander'])
      cpSync(path.join(consumers, 'node_modules', name), path.join(alone, 'node_modules', name), {
        recursive: true,
      });

    const help = node(alone, file, '--help');
    const commands = [...help.matchAll(/^ {2}([a-z][a-z-]*)(?: \[| +<| {2,})/gm)].map(([, name]) => name!);

    expect(commands).toContain('init');
    for (const command of commands) expect(node(alone, file, command, '--help')).toContain('Usage:');
  });
});

test.each(['import', 'require'])('express-mtls/metrics without prom-client says so, by %s', (how) => {
  expect(() => node(bare, ...load(how, './metrics', ''))).toThrow(
    /Cannot find (package|module) 'prom-client'/,
  );
});

describe('a large CRL is loaded on a thread of its own', () => {
  const script = `
    const [key, cert, ca, crl, next, forged, client] = process.argv.slice(1);
    const { readdirSync, readFileSync, renameSync } = await import('node:fs');
    const { X509Certificate } = await import('node:crypto');
    process.on('warning', (warning) => console.log('warning:', warning.message));
    const server = await createServer({ key, cert, ca, crl, watch: false });
    renameSync(next, crl);
    const niceOf = (thread) => Number(readFileSync('/proc/self/task/' + thread + '/stat', 'latin1').split(') ')[1].split(' ')[16]);
    const hasSteppedBack = () => readdirSync('/proc/self/task').some((thread) => niceOf(thread) > niceOf(process.pid));
    let backAt = process.platform === 'linux' ? undefined : 'elsewhere';
    const look = setInterval(() => { try { if (hasSteppedBack()) backAt ??= 'on Linux'; } catch { /* a thread that has ended meanwhile */ } }, 1);
    const { changed, added, removed } = await server.mtls.reload();
    clearInterval(look);
    console.log('after the threads that serve:', backAt !== undefined);
    console.log(changed, added, removed, server.mtls.revocation.crls[0].entries);
    console.log((await server.mtls.reload()).changed);
    renameSync(forged, crl);
    console.log(await server.mtls.reload().catch((error) => error instanceof MtlsError && error.code));
    console.log(server.mtls.revocation.crls[0].number);
    await server.mtls.close();
    const lists = await loadRevocation({ ca, crl });
    console.log(lists.rejected[0].error.code, lists.check([new X509Certificate(readFileSync(client))]).status);
  `;
  const expected = [
    'after the threads that serve: true',
    'true 20001 0 20001',
    'false',
    'ERR_MTLS_CRL_SIGNATURE_INVALID',
    '2',
    'ERR_MTLS_CRL_SIGNATURE_INVALID unknown',
    '',
  ].join('\n');

  test.each(['import', 'require'])('where the package is loaded by %s', (how) => {
    const authority = ca('root');
    const server = authority.server();
    const client = authority.client('client1');
    const directory = mkdtempSync(path.join(folder, 'large-'));
    const forger = ca({ commonName: 'root', subjectKeyId: authority.keyId });
    const files = {
      key: server.keyPem,
      cert: server.pem,
      ca: authority.pem,
      crl: authority.crl({ number: 1 }).pem,
      next: largeCrl(authority, { entries: 20_000, also: [client], number: 2 }).pem,
      forged: largeCrl(forger, { entries: 20_000, number: 3 }).pem,
      client: client.pem,
    };
    const paths = Object.entries(files).map(([name, text]) => {
      writeFileSync(path.join(directory, name), text);
      return path.join(directory, name);
    });
    const names = 'createServer, MtlsError';
    const program =
      how === 'import'
        ? `import { ${names} } from 'express-mtls'; import { loadRevocation } from 'express-mtls/revocation'; ${script}`
        : `const { ${names} } = require('express-mtls'); const { loadRevocation } = require('express-mtls/revocation'); (async () => { ${script} })();`;
    const type = how === 'import' ? 'module' : 'commonjs';
    expect(node(consumers, `--input-type=${type}`, '--eval', program, '--', ...paths)).toBe(expected);
  });
});

function namesOf(how: string, entry: string): string[] {
  const script = 'console.log(JSON.stringify(Object.keys(entry).sort()))';
  return JSON.parse(node(consumers, ...load(how, entry, script))) as string[];
}

/** Arguments of node that load `entry` and run `script` on it. */
function load(how: string, entry: string, script: string): string[] {
  const name = path.posix.join('express-mtls', entry);
  return how === 'import'
    ? ['--input-type=module', '--eval', `import * as entry from '${name}';\n${script}`]
    : ['--input-type=commonjs', '--eval', `const entry = require('${name}');\n${script}`];
}

function node(directory: string, ...args: string[]): string {
  return run(directory, process.execPath, ...args);
}

/** Runs a command that is installed; npx must not go and look for another. */
function npx(directory: string, ...args: string[]): string {
  return run(directory, 'npx', '--no-install', ...args);
}

function installedVersion(name: string): string {
  return (readJson(path.join(root, 'node_modules', name, 'package.json')) as { version: string }).version;
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
