/**
 * Redis, PostgreSQL and NATS as child processes on the loopback, each with a folder of its own.
 *
 * @module
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach } from '@jest/globals';
import { type OpenedStore, openStore } from '../../src/cli/store/open-store.js';
import { temporaryDirectory } from './files.js';
import { freePort, isListening } from './ports.js';
import { pause } from './server.js';

/** A store of the tests. */
export type StoreKind = 'redis' | 'postgres' | 'nats';

interface StoreProgram {
  readonly program: string;
  readonly arguments: (folder: string, port: string) => readonly string[];
  /** As at a crash, without the time to say goodbye. */
  readonly kill: NodeJS.Signals;
  readonly url: (port: string) => string;
}

const programs: Readonly<Record<StoreKind, StoreProgram>> = {
  redis: {
    program: 'redis-server',
    arguments: (folder, port) => [
      ...['--port', port, '--bind', '127.0.0.1', '--dir', folder],
      ...['--save', '', '--appendonly', 'yes'],
    ],
    kill: 'SIGKILL',
    url: (port) => `redis://127.0.0.1:${port}/0`,
  },
  postgres: {
    program: 'postgres',
    arguments: (folder, port) => [
      ...['-D', `${folder}/data`, '-p', port, '-k', folder],
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off', '-c', 'max_connections=100'],
    ],
    // SIGKILL would leave processes that keep the next start from happening.
    kill: 'SIGQUIT',
    url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
  },
  nats: {
    program: 'nats-server',
    arguments: (folder, port) => ['-a', '127.0.0.1', '-p', port, '-js', '-sd', folder],
    kill: 'SIGKILL',
    url: (port) => `nats://127.0.0.1:${port}`,
  },
};

// Where Debian has them, and not everyone looks.
const env = {
  ...process.env,
  PATH: [process.env['PATH'] ?? '', '/usr/sbin', ...postgresFolders()].join(':'),
};

function postgresFolders(): string[] {
  try {
    return readdirSync('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`);
  } catch {
    return [];
  }
}

/** Whether a store is installed. */
export function isStoreInstalled(kind: StoreKind): boolean {
  const needed = kind === 'postgres' ? ['postgres', 'initdb'] : [programs[kind].program];
  return needed.every((program) => spawnSync('sh', ['-c', `command -v ${program}`], { env }).status === 0);
}

/** Why a test of a store is skipped. */
export function storeIsMissing(kind: StoreKind): string {
  return `${programs[kind].program} is not installed`;
}

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

// How long a store may take to start on a busy machine.
const startLimitMs = 30_000;

/** A store that runs until the test ends. */
export class RealStore {
  readonly kind: StoreKind;
  readonly port: string;
  readonly #folder: string;
  #child: ChildProcess | undefined;

  private constructor(kind: StoreKind, port: string, folder: string) {
    this.kind = kind;
    this.port = port;
    this.#folder = folder;
  }

  /** Starts a store, empty, on a free port. */
  static async start(kind: StoreKind): Promise<RealStore> {
    const folder = temporaryDirectory();
    const store = new RealStore(kind, await freePort(), folder);
    if (kind === 'postgres') initialize(folder);
    closers.push(() => store.kill());
    await store.restart();
    return store;
  }

  /** Its URL, for the command too. @param port - Where it is reached, if not directly. */
  url(port: string = this.port): string {
    return programs[this.kind].url(port);
  }

  /** Opens it as the command does, until the test ends. */
  async open(query = ''): Promise<OpenedStore> {
    const opened = await openStore(this.url() + query);
    closers.push(() => opened.close().catch(() => undefined));
    return opened;
  }

  /** Starts it again, with what it has kept. */
  async restart(): Promise<void> {
    const { program, arguments: argumentsIn } = programs[this.kind];
    const [command = '', ...args] = [
      ...(this.kind === 'postgres' ? asPostgres() : []),
      program,
      ...argumentsIn(this.#folder, this.port),
    ];
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], cwd: this.#folder });
    this.#child = child;
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-10_000)));
    const started = performance.now();
    while (!(await this.#answers())) {
      if (child.exitCode !== null || performance.now() - started > startLimitMs)
        throw new Error(`${program} does not listen:\n${output}`);
      await pause(20);
    }
  }

  /** Ends it without notice. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(programs[this.kind].kill);
    await exited;
  }

  async #answers(): Promise<boolean> {
    if (!(await isListening(this.port))) return false;
    if (this.kind === 'redis') return true;
    // PostgreSQL listens before it accepts, and NATS before JetStream is ready.
    try {
      const opened = await openStore(this.url());
      try {
        await opened.store.list(1000, AbortSignal.timeout(2000));
      } finally {
        await opened.close();
      }
      return true;
    } catch {
      return false;
    }
  }
}

/** initdb refuses to run as root. */
function asPostgres(): string[] {
  if (process.getuid?.() !== 0) return [];
  return ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--clear-groups'];
}

let template: string | undefined;

/** Makes a cluster of databases in a folder. */
function initialize(folder: string): void {
  const command = [...asPostgres(), 'initdb'];
  const options = ['--auth=trust', '-U', 'postgres', '--no-sync', '-E', 'UTF8', '--locale=C'];
  own(folder);
  if (template === undefined) {
    template = path.join(temporaryDirectory(), 'data');
    own(path.dirname(template));
    execFileSync('env', [...command, '-D', template, ...options], { env, stdio: 'pipe', cwd: folder });
  }
  execFileSync('cp', ['-a', template, `${folder}/data`]);
}

function own(folder: string): void {
  if (process.getuid?.() !== 0) return;
  const [uid, gid] = ['-u', '-g'].map((option) => Number(execFileSync('id', [option, 'postgres'])));
  chownSync(folder, uid as number, gid as number);
  chmodSync(folder, 0o700);
}
