/**
 * Takes the lock of a folder, again and again, and writes into a file when it has it and when it gives it back.
 *
 * @module
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { withLock } from '../../src/dev-ca/lock.js';

/** What it is told, as JSON. */
export interface LockProgramOptions {
  readonly directory: string;
  /** Gets lines such as `enter 4711`, `leave 4711`, `held 4711`. */
  readonly log?: string;
  /** How often it takes the lock. @defaultValue `1` */
  readonly times?: number;
  /** How long it keeps the lock, in milliseconds. @defaultValue `2` */
  readonly keepMs?: number;
  /** How long it waits for the lock, in milliseconds. @defaultValue `10_000` */
  readonly patience?: number;
  /** Out of a hundred times that it has the lock, how often it ends by SIGKILL then. @defaultValue `0` */
  readonly deaths?: number;
}

const given = JSON.parse(process.argv[2] ?? '') as LockProgramOptions;
const { directory, log, times = 1, keepMs = 2, patience = 10_000, deaths = 0 } = given;

function write(what: string): void {
  if (log !== undefined) appendFileSync(log, `${what} ${process.pid}\n`);
}

async function run(): Promise<void> {
  for (let each = 0; each < times; each++) {
    await withLock(
      directory,
      async () => {
        write('enter');
        await delay(keepMs);
        if (Math.random() * 100 < deaths) process.kill(process.pid, 'SIGKILL');
        write('leave');
      },
      patience,
    );
    await delay(Math.random() * keepMs);
  }
}

run().catch((error: unknown) => {
  write('failed');
  console.error(error);
  process.exitCode = 1;
});
