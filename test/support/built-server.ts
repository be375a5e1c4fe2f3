/**
 * A server of the package as it is built, in a process of its own: where a test is about what Node is started with.
 *
 * @module
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterEach } from '@jest/globals';
import type { MtlsOptions } from 'express-mtls';
import type { Certificate } from './chain.js';
import { Client, type ClientOptions } from './client.js';
import { temporaryDirectory } from './files.js';
import { type Material, until } from './server.js';

const root = path.resolve(__dirname, '../..');
const tsc = createRequire(__filename).resolve('typescript/bin/tsc');

/** Compiles the package as the build does, without the types. Returns the folder that it is installed in. */
export function buildPackage(): string {
  const folder = temporaryDirectory();
  const installed = path.join(folder, 'node_modules/express-mtls');
  const built = path.join(installed, 'dist/cjs');
  const options = ['-p', 'tsconfig.build.json', '--noCheck', '--removeComments', '--outDir', built];
  execFileSync(process.execPath, [tsc, ...options], { cwd: root });
  writeFileSync(path.join(built, 'package.json'), '{ "type": "commonjs" }\n');
  cpSync(path.join(root, 'package.json'), path.join(installed, 'package.json'));
  writeFileSync(path.join(folder, 'server.js'), program);
  return folder;
}

/** Installs a second copy of a package that was built. */
export function copyPackage(from: string): string {
  const folder = temporaryDirectory();
  cpSync(from, folder, { recursive: true });
  return folder;
}

/** Installs the package as its TypeScript sources. */
export function installSources(from: string): string {
  const folder = temporaryDirectory();
  const installed = path.join(folder, 'node_modules/express-mtls');
  mkdirSync(installed, { recursive: true });
  symlinkSync(path.join(root, 'src'), path.join(installed, 'src'));
  writeFileSync(path.join(installed, 'package.json'), '{ "type": "module", "exports": "./src/index.ts" }\n');
  cpSync(path.join(from, 'server.js'), path.join(folder, 'server.js'));
  return folder;
}

/** Writes what happens as lines of JSON. SIGUSR2 closes the server. */
const program = `
const { createServer, identify, MtlsError } = require('express-mtls');
const report = (event, more) => console.log(JSON.stringify({ event, ...more }));
const errorOf = (error) => ({ isMtlsError: error instanceof MtlsError, code: error.code, message: error.message });
process.on('warning', ({ code, message }) => {
  if (code === 'MTLS_NO_WORKER') report('warning', { code, message });
});
createServer(JSON.parse(process.argv[2]), (req, res) => res.end(identify(req)?.commonName)).then(
  (server) => {
    // An idle connection stays, so that one that ends was closed for a reason.
    server.keepAliveTimeout = 0;
    server.mtls.on('reload-failed', ({ error }) => report('reload-failed', errorOf(error)));
    process.once('SIGUSR2', () => {
      server.close();
      void server.mtls.close();
    });
    server.listen(0, '127.0.0.1', () => report('listening', { port: server.address().port }));
  },
  (error) => report('failed', errorOf(error)),
);
`;

const running = new Set<ChildProcess>();
afterEach(async () => {
  await Promise.all(
    [...running].map(async (child) => {
      const exited = once(child, 'exit');
      // The whole group: under --watch, the server is a child of the process that was started.
      process.kill(-(child.pid as number), 'SIGKILL');
      await exited;
    }),
  );
});

export interface BuiltServerOptions {
  /** The folder of {@link buildPackage}. */
  readonly folder: string;
  readonly options: MtlsOptions;
  /** Options of Node. */
  readonly execArgv?: readonly string[];
  readonly nodeOptions?: string;
}

/** What such a server reports. */
export interface BuiltServerReport {
  readonly event: 'listening' | 'failed' | 'reload-failed' | 'warning';
  readonly port?: number;
  readonly isMtlsError?: boolean;
  readonly code?: string;
  readonly message?: string;
}

export class BuiltServer {
  /** What it has written so far, to either stream. */
  output = '';
  readonly #child: ChildProcess;

  private constructor({ folder, options, execArgv = [], nodeOptions }: BuiltServerOptions) {
    const { NODE_OPTIONS: _ours, ...inherited } = process.env;
    const env = { ...inherited, TSX_TSCONFIG_PATH: path.join(root, 'tsconfig.json') };
    this.#child = spawn(process.execPath, [...execArgv, 'server.js', JSON.stringify(options)], {
      cwd: folder,
      env: nodeOptions === undefined ? env : { ...env, NODE_OPTIONS: nodeOptions },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const child = this.#child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
  }

  /** Starts a server, and waits until it listens or has failed. */
  static async start(options: BuiltServerOptions): Promise<BuiltServer> {
    const server = new BuiltServer(options);
    await until(
      () => server.#hasEnded || /"(?:listening|failed)"/.test(server.output),
      'the server listens or has failed',
    );
    return server;
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** What it has reported of an event so far. */
  reports(event: BuiltServerReport['event']): BuiltServerReport[] {
    const lines = this.output.split('\n').slice(0, -1);
    return lines
      .filter((line) => line.startsWith(`{"event":"${event}"`))
      .map((line) => JSON.parse(line) as BuiltServerReport);
  }

  /** Waits until it has reported an event. */
  async reported(event: BuiltServerReport['event']): Promise<void> {
    await until(() => this.reports(event).length > 0, `the server reports "${event}"`, 60_000);
  }

  /** Has the server closed, and waits until its process has ended by itself. */
  async ends(): Promise<void> {
    this.#child.kill('SIGUSR2');
    await until(() => this.#hasEnded, 'the process has ended');
  }

  /** A client with this certificate. */
  as(certificate: Certificate, { root: { pem } }: Material, options?: ClientOptions): Client {
    const port = this.reports('listening')[0]?.port ?? 0;
    return new Client({ port, ca: pem }, certificate, options);
  }
}
