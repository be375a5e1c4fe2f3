/**
 * A project outside this repository with the packed tarball and other packages, as a user has it.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll } from '@jest/globals';
import { type DevCa, openDevCa } from 'express-mtls/dev-ca';
import { isListening } from '../support/ports.js';
import { until } from '../support/server.js';
import { packOnce, root, run } from '../package/tarball.js';

/** Packages and their exact versions. */
export type Versions = Readonly<Record<string, string>>;

/** A folder with the packed package, other packages, and `certs` with the clients `client1` and `client2`. */
export class Project {
  readonly folder: string;
  readonly certs: string;
  /** The packed tarball. */
  readonly tarball: string;
  #ca: DevCa | undefined;

  private constructor(folder: string, tarball: string) {
    this.folder = folder;
    this.tarball = tarball;
    this.certs = path.join(folder, 'certs');
  }

  /**
   * Installs the packed tarball beside other packages, from the registry.
   * @param files - A folder of `test/stack/projects` that is copied into the project.
   */
  static async install(versions: Versions, files?: string): Promise<Project> {
    const tarball = packOnce();
    const folder = path.join(path.dirname(tarball), 'project');
    mkdirSync(folder);
    if (files !== undefined)
      cpSync(path.join(root, 'test/stack/projects', files), folder, { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
    const beside = Object.entries(versions).map(([name, version]) => `${name}@${version}`);
    const options = ['--no-audit', '--no-fund', '--prefer-offline', '--save-exact'];
    run(folder, 'npm', 'install', ...options, tarball, ...beside);
    const project = new Project(folder, tarball);
    await project.issue();
    return project;
  }

  private async issue(): Promise<void> {
    this.#ca = await openDevCa(this.certs);
    await this.#ca.issueServer();
    for (const name of ['client1', 'client2']) await this.#ca.issueClient(name);
  }

  /** The CA of `certs`. */
  get ca(): DevCa {
    if (this.#ca === undefined) throw new Error('the project has no CA yet');
    return this.#ca;
  }

  /** The path of a file in the project. */
  path(...names: string[]): string {
    return path.join(this.folder, ...names);
  }

  /** Writes a file. Returns its path. */
  write(name: string, content: string | Buffer): string {
    const file = this.path(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  }

  /** Runs a command in the project to its end. Returns what it printed. */
  run(command: string, ...args: string[]): string {
    return run(this.folder, command, ...args);
  }

  /** Runs a command of an installed package. */
  npx(...args: string[]): string {
    return run(this.folder, 'npx', '--no-install', ...args);
  }

  /** Starts a server, and waits until it prints `listening <port>`. */
  async serve(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Served> {
    const served = this.start(command, args, env);
    await served.when(() => /^listening \d+$/m.test(served.output));
    return served;
  }

  /** Starts a server, and waits until it listens on a port. */
  async serveOn(port: string, command: string, ...args: readonly string[]): Promise<Served> {
    const served = this.start(command, args);
    await served.when(async () => await isListening(port));
    return served;
  }

  /** Starts a program. */
  start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Served {
    return new Served(
      spawn(command, args, { cwd: this.folder, env: { ...process.env, ...env }, detached: true }),
    );
  }
}

/** Ends a program and what it started: npx runs the command as a child. */
function endGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL');
}

const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) endGroup(child);
});

/** A program in a process of its own. */
export class Served {
  /** What it has written so far, to either stream. */
  output = '';
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Waits until it listens; an error if it ends before. */
  async when(listens: () => boolean | Promise<boolean>): Promise<void> {
    await until(async () => this.hasEnded || (await listens()), 'the server listens', 60_000);
    if (this.hasEnded) throw new Error(`it ended:\n${this.output}`);
  }

  /** The port that it listens on. */
  get port(): number {
    return Number(/^listening (\d+)$/m.exec(this.output)?.[1]);
  }

  stop(): void {
    endGroup(this.#child);
  }
}
