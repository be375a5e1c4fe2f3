/**
 * Runs TypeScript programs as a user would, each in a process of its own.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach } from '@jest/globals';
import { isListening } from './ports.js';

export const root = path.resolve(__dirname, '../..');

const running = new Set<ChildProcess>();
afterEach(async () => {
  await Promise.all(
    [...running].map(async (child) => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }),
  );
});

export interface ProgramOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Code that runs before the program. */
  readonly before?: string;
  readonly cwd?: string;
  /** How many files it may have open. By default as many as the test. */
  readonly descriptors?: number;
  /** The descriptor of a socket that becomes its descriptor 3, as a service manager passes one on. */
  readonly passes?: number;
}

/** A program that was started. */
export class Program {
  /** What it has written so far, to either stream. */
  output = '';
  readonly #child: ChildProcess;
  #exitCode: number | undefined;

  constructor(
    file: string,
    { args = [], env = {}, before, cwd = root, descriptors, passes }: ProgramOptions = {},
  ) {
    const imports = [
      pathToFileURL(require.resolve('tsx')).href,
      ...(before ? [`data:text/javascript,${encodeURIComponent(before)}`] : []),
    ];
    const command = [
      process.execPath,
      ...imports.flatMap((module) => ['--import', module]),
      path.resolve(root, file),
      ...args,
    ];
    const limited = ['sh', '-c', `ulimit -n ${descriptors ?? ''}; exec "$@"`, 'sh', ...command];
    const [name = '', ...given] = descriptors === undefined ? command : limited;
    this.#child = spawn(name, given, {
      cwd,
      env: { ...process.env, TSX_TSCONFIG_PATH: path.join(root, 'tsconfig.json'), ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...(passes === undefined ? [] : [passes])],
    });
    running.add(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.#child.once('exit', () => running.delete(this.#child));
    this.#child.once('close', (code: number | null) => (this.#exitCode = code ?? -1));
  }

  /** What it was to the end, and its exit code. */
  async ended(): Promise<{ output: string; exitCode: number }> {
    if (this.#exitCode === undefined) await once(this.#child, 'close');
    return { output: this.output, exitCode: this.#exitCode ?? -1 };
  }

  /** Sends it a signal. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves once it has written something that matches; rejects if it ends without. */
  async wrote(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      if (this.#exitCode !== undefined)
        throw new Error(`it ended without writing ${pattern}:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Resolves once it listens on a port; rejects if it ends before. */
  async listens(port: string): Promise<void> {
    while (!(await isListening(port))) {
      if (this.#exitCode !== undefined) throw new Error(`it ended without listening:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Runs a program to its end. */
export async function run(
  file: string,
  options?: ProgramOptions,
): Promise<{ output: string; exitCode: number }> {
  return await new Program(file, options).ended();
}
