/**
 * Large CRLs are loaded on a thread, and without it where there is none: whatever Node is started with, a revocation
 * comes into force.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { BuiltServer, buildPackage, copyPackage, installSources } from '../support/built-server.js';
import { ca, largeCrl } from '../support/chain.js';
import { temporaryDirectory } from '../support/files.js';
import { material, publish, until } from '../support/server.js';
import { ownTime } from '../support/elapsed.js';

jest.setTimeout(120_000);
// A second is short on a machine that is busy with other tests.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

let folder: string;
beforeAll(() => {
  folder = buildPackage();
});

const root = ca('ca');
const [good, bad, worse] = ['client1', 'client2', 'client3'].map((name) => root.client(name));

interface Scenario {
  readonly execArgv?: readonly string[];
  readonly nodeOptions?: string;
  readonly folder?: string;
  /** What the CRL is when the server starts. */
  readonly startsLarge?: boolean;
  /** How long the first revoked client may stay, in milliseconds. */
  readonly withinMs?: number;
}

/** A CRL that is too long for the main thread. */
function longCrl(number: number, ...also: (typeof good)[]): Buffer {
  return largeCrl(root, { entries: 10_000, number, also: also.map((one) => one!) }).der;
}

/** Revokes a client in a CRL that grows, then another; both are connected. Returns the server. */
async function revokeTwo(scenario: Scenario): Promise<BuiltServer> {
  const { startsLarge = false, withinMs = 1000, ...started } = scenario;
  const files = material({ root, ...(startsLarge ? { crl: longCrl(1) } : {}) });
  const options = { ...files.options, watch: { pollMs: 50 } };
  const server = await BuiltServer.start({ folder, options, ...started });
  expect(server.reports('failed')).toEqual([]);
  const [admitted, first, second] = [good, bad, worse].map((one) =>
    server.as(one!, files, { keepAlive: true }),
  );
  for (const client of [admitted, first, second]) expect(await client!.get()).toMatchObject({ status: 200 });

  const revoke = async (client: typeof first, crl: Buffer, limitMs: number): Promise<void> => {
    publish(files.files.crl, crl);
    const published = ownTime();
    await until(() => client!.connection.isClosed, 'the revoked client is disconnected');
    expect(ownTime() - published).toBeLessThan(limitMs);
    expect(await client!.get()).toMatchObject({ status: 'refused' });
  };
  await revoke(first, longCrl(2, bad), withinMs);
  await revoke(second, longCrl(3, bad, worse), 1000);
  expect(await admitted!.get()).toMatchObject({ status: 200 });
  expect(server.reports('reload-failed')).toEqual([]);
  return server;
}

test('a short CRL does not wait for a long one that is being loaded', async () => {
  const partner = ca('partner');
  const theirs = partner.client();
  const files = material({ root, cas: [root, partner] });
  const long = path.join(files.directory, 'long.crl');
  writeFileSync(long, partner.crl({ number: 1 }).der);
  const server = await BuiltServer.start({
    folder,
    options: { ...files.options, crl: [files.files.crl, long] },
  });
  const [first, second] = [good, theirs].map((one) => server.as(one!, files, { keepAlive: true }));
  for (const client of [first, second]) expect(await client!.get()).toMatchObject({ status: 200 });
  const { der } = largeCrl(partner, { entries: 1_000_000, number: 2, also: [theirs] });
  publish(long, der);
  // By now it is being loaded.
  await new Promise((resolve) => setTimeout(resolve, 150));
  publish(files.files.crl, root.crl({ number: 2, revoked: [good!] }).pem);
  const published = ownTime();
  await until(() => first!.connection.isClosed, 'the client of the short list is disconnected');
  expect(ownTime() - published).toBeLessThan(500);
  expect(second!.connection.isClosed).toBe(false);
  await until(() => second!.connection.isClosed, 'the client of the long list is disconnected', 30_000);
});

interface Preload {
  /** What it does in threads. */
  readonly inThreads?: string;
  readonly everywhere?: string;
}

/** Writes a preload. Returns its path, and Node's option for it as package managers write it. */
function preload(
  { inThreads = '', everywhere = '' }: Preload,
  name = 'preload.cjs',
): { readonly file: string; readonly nodeOptions: string } {
  const directory = path.join(temporaryDirectory(), 'with "quotes" and \\');
  mkdirSync(directory);
  const file = path.join(directory, name);
  const code = `const { isMainThread, parentPort } = require('node:worker_threads');
    const { readFileSync, writeSync } = require('node:fs');
    ${everywhere}
    if (!isMainThread) { writeSync(2, '${loadedInThread}\\n'); ${inThreads} }`;
  writeFileSync(file, code);
  return { file, nodeOptions: `--require "${file.replaceAll(/["\\]/g, '\\$&')}"` };
}

/** What a package manager preloads is loaded in threads too. */
const kept = (what: Preload): string => preload(what, '.pnp.cjs').nodeOptions;

const loadedInThread = 'preloaded in a thread';
const posts = `for (const one of [{ 'watch:require': ['/a'] }, { response: {} }, { code: 'ERR_MTLS_CRL_INVALID', message: 'no' }, null])
  parentPort.postMessage(one);`;
const throws = "throw new Error('not in threads');";
const ownFileHandles = `const { promises } = require('node:fs');
  const { open } = promises;
  promises.open = async (...given) => {
    const file = await open(...given);
    return { stat: () => file.stat(), readFile: () => file.readFile(), close: () => file.close() };
  };`;
const blocks = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);';

// Node 20 has the permission model under another name, and newer ones restrict the network as well.
const has = (option: string): boolean => process.allowedNodeEnvironmentFlags.has(option);
const permission = (files = '*'): string[] => [
  has('--permission') ? '--permission' : '--experimental-permission',
  `--allow-fs-read=${files}`,
  ...(has('--allow-net') ? ['--allow-net'] : []),
];

describe('a revoked client is disconnected within a second, by the thread and without a warning,', () => {
  test.each<[string, () => Scenario]>([
    ['with nothing special', () => ({})],
    ['under node --watch, which posts from threads', () => ({ execArgv: ['--watch'] })],
    ['where a preload of NODE_OPTIONS posts from threads', () => preload({ inThreads: posts })],
    ['where a preload of NODE_OPTIONS throws in threads', () => preload({ inThreads: throws })],
    [
      'where a preload of the command line throws in threads',
      () => ({ execArgv: ['-r', preload({ inThreads: throws }).file] }),
    ],
    [
      'where NODE_OPTIONS has options of a process',
      () => ({ nodeOptions: '--title=app --max-http-header-size=20000' }),
    ],
    ['under the permission model', () => ({ execArgv: [...permission(), '--allow-worker'] })],
  ])('%s', async (_when, scenario) => {
    const server = await revokeTwo(scenario());
    noWarning(server);
    expect(server.output).not.toContain(loadedInThread);
  });

  test.each<[string, () => Scenario]>([
    ['that is Yarn’s and posts from threads', () => ({ nodeOptions: kept({ inThreads: posts }) })],
    ['with file handles of its own', () => ({ nodeOptions: kept({ everywhere: ownFileHandles }) })],
    ['of the command line that is Yarn’s', () => ({ execArgv: ['--require', preload({}, '.pnp.cjs').file] })],
  ])('with a preload %s', async (_when, scenario) => {
    const server = await revokeTwo(scenario());
    noWarning(server);
    expect(server.output).toContain(loadedInThread);
  });
});

describe('a revoked client is disconnected within a second, on the main thread and with one warning,', () => {
  test.each<[string, () => Scenario, RegExp]>([
    [
      'where the thread may not start',
      () => ({ execArgv: permission() }),
      /ERR_ACCESS_DENIED|restricted.*start Node with --allow-worker$/,
    ],
    [
      'where it may not, and the CRL is large at the start',
      () => ({ execArgv: permission(), startsLarge: true }),
      /start Node with --allow-worker$/,
    ],
    ['where a preload throws in it', () => ({ nodeOptions: kept({ inThreads: throws }) }), /not in threads/],
    [
      'where a preload ends it',
      () => ({ nodeOptions: kept({ inThreads: 'process.exit();' }) }),
      /it ended before it answered/,
    ],
    [
      'where loading fails in it',
      () => ({
        nodeOptions: kept({ inThreads: "Array.prototype.flat = () => { throw new TypeError('no flat'); };" }),
      }),
      /TypeError: no flat/,
    ],
    [
      'where only a hook of the command line can load its files',
      hooked,
      /SyntaxError.*install express-mtls where Node finds it without the others$/,
    ],
    ['where its file is missing, as the sources are run by tsx', fromSources, /crl-worker\.js is missing/],
    ['where its file is missing', bundled, /crl-worker\.js is missing/],
  ])('%s', async (_when, scenario, message) => {
    oneWarning(await revokeTwo(scenario()), message);
  });
});

test('a thread that says nothing is given up after ten seconds, and none is started again', async () => {
  const server = await revokeTwo({ nodeOptions: kept({ inThreads: blocks }), withinMs: 15_000 });
  oneWarning(server, /it has not started within 10 s/);
  expect(server.output.split(loadedInThread)).toHaveLength(2);
  // Nor does it keep the process from ending.
  await server.ends();
});

function noWarning(server: BuiltServer): void {
  expect(server.reports('warning')).toEqual([]);
}

function oneWarning(server: BuiltServer, message: RegExp): void {
  expect(server.reports('warning')).toHaveLength(1);
  expect(server.reports('warning')[0]?.message).toMatch(message);
}

test('lists that are loaded at the same time without a thread share one warning', () => {
  const { files } = material({ root, crl: longCrl(1) });
  const code = `const { loadRevocation } = require('express-mtls/revocation');
    const [ca, crl] = process.argv.slice(1);
    process.on('warning', ({ code }) => console.log(code));
    const loading = [1, 2, 3].map(() => loadRevocation({ ca, crl }));
    Promise.all(loading).then((all) => console.log(all.length));`;
  const args = [...permission(), '--eval', code, '--', files.ca, files.crl];
  const output = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  expect(output.split('\n').filter((line) => /^(MTLS|3)/.test(line))).toEqual(['MTLS_NO_WORKER', '3']);
});

test.each(['the command line', 'NODE_OPTIONS'])(
  'the thread may read only what its process may, by the permission model of %s',
  async (where) => {
    const inThreads = `let found = 'all';
      try { require('node:fs').readdirSync('/'); } catch ({ code }) { found = code; }
      writeSync(2, 'it reads ' + found + '\\n');`;
    const permissions = [...permission(`${tmpdir()}/*`), '--allow-worker'];
    const { nodeOptions } = preload({ inThreads }, '.pnp.cjs');
    const server = await revokeTwo(
      where === 'NODE_OPTIONS'
        ? { nodeOptions: [...permissions, nodeOptions].join(' ') }
        : { execArgv: permissions, nodeOptions },
    );
    noWarning(server);
    expect(server.output).toContain('it reads ERR_ACCESS_DENIED');
    expect(server.output).not.toContain('it reads all');
  },
);

test('a thread that exhausts its memory fails the reload, and not the process', async () => {
  const files = material({ root });
  const options = { ...files.options, watch: { pollMs: 50 } };
  const nodeOptions = `--max-old-space-size=60 ${kept({ inThreads: 'let last; for (;;) last = [last, Math.random(), {}];' })}`;
  const server = await BuiltServer.start({ folder, options, nodeOptions });
  const client = server.as(good!, files, { keepAlive: true });
  const { localPort } = await client.get();
  publish(files.files.crl, longCrl(2));
  await server.reported('reload-failed');
  expect(server.reports('reload-failed')[0]).toMatchObject({
    isMtlsError: true,
    code: 'ERR_MTLS_CRL_INVALID',
    message: expect.stringContaining('--max-old-space-size'),
  });
  expect(await client.get()).toMatchObject({ status: 200, localPort });
  await until(
    () => server.output.split(loadedInThread).length > 2,
    'the next try is made by a thread as well',
  );
  noWarning(server);
});

/** A package of which a file is encoded, and what decodes it. */
function hooked(): Scenario {
  const copy = copyPackage(folder);
  const encoded = path.join(copy, 'node_modules/express-mtls/dist/cjs/material/crl-loading.js');
  writeFileSync(encoded, `:${readFileSync(encoded, 'base64')}`);
  const hook = path.join(copy, 'hook.cjs');
  const code = `const load = require.extensions['.js'];
    require.extensions['.js'] = (module, file) => {
      const text = require('node:fs').readFileSync(file, 'utf8');
      if (!text.startsWith(':')) return load(module, file);
      module._compile(Buffer.from(text, 'base64').toString(), file);
    };`;
  writeFileSync(hook, code);
  return { folder: copy, execArgv: ['--require', hook] };
}

/** The TypeScript sources, and what runs them. */
function fromSources(): Scenario {
  const tsx = pathToFileURL(require.resolve('tsx')).href;
  return { folder: installSources(folder), execArgv: ['--import', tsx] };
}

/** A package without the thread's file, as a bundler leaves it. */
function bundled(): Scenario {
  const copy = copyPackage(folder);
  rmSync(path.join(copy, 'node_modules/express-mtls/dist/cjs/material/crl-worker.js'));
  return { folder: copy };
}
