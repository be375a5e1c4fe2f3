/**
 * Child processes: every measured program and every load runs in its own. None outlives the benchmark.
 *
 * @module
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AnswerMessage, CallMessage, Calls } from './calls.js';
import { within } from './clock.js';

const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const callLimitMs = 300_000;

/** A forked program and its functions: a name in `bench/programs`, a URL, or a process that has been forked already. */
export class Child<Answers extends Calls> {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #lastId = 0;

  constructor(program: string | URL | ChildProcess, execArgv: readonly string[] = []) {
    this.#process = isProcess(program) ? program : forkProgram(program, execArgv);
    const name = basename(this.#process.spawnargs.find((arg) => arg.endsWith('.ts')) ?? 'the program', '.ts');
    this.pid = track(this.#process);
    this.#process.on('message', (answer: AnswerMessage) => {
      this.#settle(answer);
    });
    this.#process.once('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`${name} ended early (${code ?? signal})`));
      this.#waiting.clear();
    });
  }

  /** Calls one of the program's functions. */
  async call<Name extends keyof Answers & string>(
    name: Name,
    ...args: Parameters<Answers[Name]>
  ): Promise<Awaited<ReturnType<Answers[Name]>>> {
    const id = ++this.#lastId;
    const answer = new Promise<Awaited<ReturnType<Answers[Name]>>>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.send({ id, name, args } satisfies CallMessage);
    });
    return await within(answer, callLimitMs, name);
  }

  /** Waits for it to end by itself, and returns how; `undefined` if it has not within `limitMs`. */
  async endsItself(limitMs: number): Promise<number | NodeJS.Signals | undefined> {
    const child = this.#process;
    if (child.exitCode === null && child.signalCode === null)
      await once(child, 'exit', { signal: AbortSignal.timeout(limitMs) }).catch(() => undefined);
    return child.exitCode ?? child.signalCode ?? undefined;
  }

  async stop(): Promise<void> {
    await endProcess(this.#process);
  }

  #settle(answer: AnswerMessage): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer.result as never);
  }
}

function isProcess(program: string | URL | ChildProcess): program is ChildProcess {
  return typeof program === 'object' && 'pid' in program;
}

function forkProgram(program: string | URL, execArgv: readonly string[]): ChildProcess {
  const url = program instanceof URL ? program : new URL(`../programs/${program}.ts`, import.meta.url);
  // Its output goes to stderr, because stdout is for results.
  return fork(fileURLToPath(url), {
    execArgv: [...process.execArgv, ...execArgv],
    stdio: ['ignore', 2, 2, 'ipc'],
    serialization: 'advanced',
  });
}

/** Starts another program. Its output is kept for the error if it ends early. */
export function startProgram(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  child.once('exit', (code) => {
    if (code !== 0 && code !== null) console.error(`${command} ended with ${code}: ${said}`);
  });
  track(child);
  return child;
}

/** Ends one process by its id, and waits until it has ended. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const insist = setTimeout(() => child.kill('SIGKILL'), 3000);
  await gone;
  clearTimeout(insist);
}

function track(child: ChildProcess): number {
  running.add(child);
  child.once('exit', () => running.delete(child));
  if (child.pid === undefined) throw new Error(`${child.spawnfile} does not start`);
  return child.pid;
}
