/**
 * What the programs that measure have in common: how they end, and where their results come from.
 *
 * @module
 */
import { readFileSync } from 'node:fs';

/** Runs a program. An error ends it with its message alone. */
export async function runProgram(program: () => Promise<void>): Promise<void> {
  try {
    await program();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

/** The results of an earlier run, from the file that its `--json` wrote; those of a new run if there is no file. */
export async function resultsFrom<Results>(
  file: string | undefined,
  measure: () => Promise<Results>,
): Promise<Results> {
  return file === undefined ? await measure() : (JSON.parse(readFileSync(file, 'utf8')) as Results);
}
