/**
 * Runs `express-mtls` in this process, and says what it printed.
 *
 * @module
 */
import { runProgram } from '../../src/cli/program.js';
import type { World } from '../../src/cli/terminal.js';

/** What a run of the command came to. */
export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command with these arguments. */
export async function runCommand(
  args: readonly string[],
  world: Partial<World> = {},
): Promise<CommandResult> {
  let out = '';
  let err = '';
  const code = await runProgram(args, '1.2.3', {
    writeOut: (text) => {
      out += text;
    },
    writeErr: (text) => {
      err += text;
    },
    hasColours: false,
    showsProgress: false,
    env: {},
    readIn: () => Promise.resolve(''),
    now: Date.now,
    ...world,
  });
  return { code, out, err };
}
