/**
 * docs/docker.md without Docker: its Dockerfile, step by step in folders, with the packed package. The app then runs as
 * the user of the image, and its health check beside it; where this process may, with a root that is read-only.
 *
 * @module
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { call } from '../support/call.js';
import { readDocument } from '../support/markdown.js';
import { freePort, isListening } from '../support/ports.js';
import { testOn } from '../support/requirements.js';
import { until } from '../support/server.js';
import { packOnce, run } from './tarball.js';

jest.setTimeout(300_000);

const page = readDocument('docs/docker.md');
const isRoot = process.getuid?.() === 0;
/** The user `node` of the image. */
const node = 1000;

/** A file of the page, by the name in its first line. */
function fileOf(name: string): string {
  const [, text] =
    [...page.matchAll(/^```\w+\n(?:\/\/|#) (\S+)\n(.*?)^```$/gms)]
      .map(([, file, content = '']) => [file, content] as const)
      .find(([file]) => file === name) ?? [];
  if (text === undefined) throw new Error(`docs/docker.md has no ${name}`);
  return text;
}

type Instruction = readonly [name: string, rest: string];

const instructions = fileOf('Dockerfile')
  .trim()
  .split('\n')
  .filter((line) => line !== '')
  .map((line): Instruction => {
    const [, name = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    return [name, rest];
  });
/** The instructions of each stage, by its name; the last one has none. */
const stages = new Map<string, Instruction[]>();
for (const instruction of instructions) {
  const [, stage = ''] = /^\S+(?: AS (\S+))?$/.exec(instruction[1]) ?? [];
  if (instruction[0] === 'FROM') stages.set(stage, []);
  else [...stages.values()].at(-1)?.push(instruction);
}
const argumentsOf = (wanted: string): string[] =>
  instructions.filter(([name]) => name === wanted).map(([, rest]) => rest);

let work: string;
let image: string;
let ports: { app: string; probe: string };
const running = new Set<ChildProcess>();

beforeAll(async () => {
  const tarball = packOnce();
  work = mkdtempSync(path.join(path.dirname(tarball), 'docker-'));
  for (const folder of [path.dirname(tarball), work]) chmodSync(folder, 0o755);
  const context = path.join(work, 'context');
  mkdirSync(context);
  ports = { app: await freePort(), probe: await freePort() };
  const mounted = path.join(work, 'mounted');
  const server = fileOf('server.mjs')
    .replace('8443', ports.app)
    .replace('8080', ports.probe)
    .replaceAll('/etc/api', mounted);
  writeFileSync(path.join(context, 'server.mjs'), server);
  mkdirSync(path.join(context, 'certs-dev'));
  writeFileSync(path.join(context, 'certs-dev/ca-key.pem'), 'a key that must stay out of the image');
  run(context, 'npm', 'init', '-y');
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];
  run(context, 'npm', 'install', ...quiet, '--package-lock-only', tarball, 'express', 'pino');
  image = build(context);
  await mount(mounted);
});

afterAll(async () => {
  for (const child of running) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(path.dirname(work), { recursive: true, force: true });
});

/** Follows the instructions of each stage in a folder. Returns the folder of the last stage. */
function build(context: string): string {
  let built = '';
  for (const [stage, steps] of stages) {
    built = path.join(work, `stage-${stage}`, 'app');
    mkdirSync(built, { recursive: true });
    for (const [name, rest] of steps) {
      if (name === 'RUN') run(built, 'sh', '-c', `${rest} --no-audit --no-fund --prefer-offline`);
      if (name === 'COPY') copy(rest, context, built);
    }
  }
  return built;
}

function copy(rest: string, context: string, to: string): void {
  const [, stage, files = ''] = /^(?:--from=(\S+) )?(.*)$/.exec(rest) ?? [];
  const words = files.split(' ');
  const target = words.pop() ?? '';
  for (const word of words) {
    const from = stage === undefined ? path.join(context, word) : path.join(work, `stage-${stage}`, word);
    const place = target.endsWith('/') ? path.join(to, target, word) : path.join(to, target);
    cpSync(from, place, { recursive: true, verbatimSymlinks: true });
  }
}

/** The folders that the Compose file mounts, readable by the user of the image alone. */
async function mount(mounted: string): Promise<void> {
  const ca = await openDevCa(path.join(work, 'certs'));
  const site = await ca.issueServer();
  await ca.issueClient('client1');
  const files = {
    'tls/tls.key': site.keyFile,
    'tls/tls.crt': site.certFile,
    'clients/ca.crt': ca.certFile,
    'clients/ca.crl': ca.crlFile,
  };
  for (const [name, from] of Object.entries(files)) {
    const file = path.join(mounted, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, readFileSync(from), { mode: 0o400 });
    if (isRoot) chownSync(file, node, node);
  }
}

const asNode = isRoot ? { uid: node, gid: node } : {};

/** Starts `CMD`, behind other commands if given, and waits until it listens. */
async function start(before: readonly string[] = [], as: object = asNode): Promise<ChildProcess> {
  const [command = '', ...args] = [...before, ...(JSON.parse(argumentsOf('CMD')[0] ?? '') as string[])];
  const child = spawn(command, args, { cwd: image, stdio: ['ignore', 'ignore', 'inherit'], ...as });
  running.add(child);
  child.once('exit', () => running.delete(child));
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      return (await isListening(ports.app)) && (await isListening(ports.probe));
    },
    'the app listens',
    60_000,
  );
  return child;
}

async function stop(child: ChildProcess): Promise<number | null> {
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

const answer = async (): Promise<string> =>
  await call(`https://localhost:${ports.app}`, { certs: path.join(work, 'certs'), as: 'client1' });

function isHealthy(): boolean {
  const check = argumentsOf('HEALTHCHECK')[0]?.replace(/^CMD /, '').replace('8080', ports.probe) ?? '';
  const [command = '', ...args] = JSON.parse(check) as string[];
  return spawnSync(command, args, { cwd: image, ...asNode }).status === 0;
}

describe('the image of the page', () => {
  test('has the dependencies of the app, and neither its tests nor a key', () => {
    expect([...stages.keys()]).toEqual(['dependencies', '']);
    expect(existsSync(path.join(image, 'node_modules/express-mtls/dist/cjs/index.js'))).toBe(true);
    const listed = execFileSync('find', [image, '-name', '*.pem', '-o', '-name', '*.key'], {
      encoding: 'utf8',
    });
    expect(listed).toBe('');
  });

  test('runs as a user who cannot write to it, passes its health check, and ends at SIGTERM', async () => {
    expect(argumentsOf('USER')).toEqual(['node']);
    const steps = stages.get('') ?? [];
    // Before USER, all that is copied belongs to root.
    expect(steps.findLastIndex(([name]) => name === 'COPY')).toBeLessThan(
      steps.findIndex(([name]) => name === 'USER'),
    );
    const child = await start();
    expect(await answer()).toBe('200 hello client1\n');
    expect(isHealthy()).toBe(true);
    expect(await stop(child)).toBe(0);
    expect(isHealthy()).toBe(false);
  });

  testOn(mayRemount(), 'a read-only root takes root on Linux')(
    'runs with a read-only root and without capabilities',
    async () => {
      const readOnly = 'mount --make-rprivate / && mount -o remount,ro,bind / && exec "$@"';
      const bare = ['setpriv', `--reuid=${node}`, `--regid=${node}`, '--clear-groups', '--no-new-privs'];
      const unprivileged = [...bare, '--bounding-set=-all', '--inh-caps=-all'];
      const child = await start(['unshare', '--mount', 'sh', '-c', readOnly, 'sh', ...unprivileged], {});
      expect(await answer()).toBe('200 hello client1\n');
      expect(readFileSync(`/proc/${child.pid}/status`, 'utf8')).toMatch(
        /^Uid:\t1000\t[^]*^CapBnd:\t0+\n[^]*^NoNewPrivs:\t1\n/m,
      );
      expect(readFileSync(`/proc/${child.pid}/mounts`, 'utf8')).toMatch(/^\S+ \/ \S+ ro,/m);
      expect(await stop(child)).toBe(0);
    },
  );
});

/** Whether this process may make the root of a namespace of its own read-only. */
function mayRemount(): boolean {
  const script = 'mount --make-rprivate / && mount -o remount,ro,bind / && ! touch /tmp 2>/dev/null';
  return isRoot && spawnSync('unshare', ['--mount', 'sh', '-c', script]).status === 0;
}

test('the Compose file has what the page says: a read-only root, no capabilities, and folders as volumes', () => {
  const compose = fileOf('compose.yaml');
  for (const line of ['read_only: true', 'cap_drop: [ALL]', "security_opt: ['no-new-privileges:true']"])
    expect(compose).toContain(`    ${line}\n`);
  const volumes = [...compose.matchAll(/^ +- \.\/(\w+):\/etc\/api\/(\w+):ro$/gm)].map(([, from, to]) => [
    from,
    to,
  ]);
  expect(volumes).toEqual([
    ['tls', 'tls'],
    ['clients', 'clients'],
  ]);
  const read = [...fileOf('server.mjs').matchAll(/'\/etc\/api\/(\w+)\/[\w.]+'/g)].map(([, folder]) => folder);
  expect([...new Set(read)]).toEqual(['tls', 'clients']);
});
