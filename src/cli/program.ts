/**
 * The program, from its arguments to its exit code.
 *
 * @module
 */
import { Command, CommanderError } from 'commander';
import { exitCodes } from './answer.js';
import { createCommands } from './commands.js';
import { addCrl } from './commands/crl.js';
import { addDoctor } from './commands/doctor.js';
import { addFleet } from './commands/fleet.js';
import { addImport } from './commands/import.js';
import { addInit } from './commands/init.js';
import { addInspect } from './commands/inspect.js';
import { addIntermediate } from './commands/intermediate.js';
import { addIssue } from './commands/issue.js';
import { addList } from './commands/list.js';
import { addPublish } from './commands/publish.js';
import { addRenew } from './commands/renew.js';
import { addRevoke } from './commands/revoke.js';
import { Terminal, type World } from './terminal.js';
import { helpFormat, helpWidthOf, reportMistakes } from './usage.js';

const adders = [
  ...[addInit, addIssue, addRenew, addRevoke, addCrl, addList],
  ...[addIntermediate, addImport, addPublish, addFleet, addInspect, addDoctor],
];

/**
 * Runs the program.
 * @param args - The arguments after its name.
 * @param version - The output of `--version`.
 * @returns The exit code, one of {@link exitCodes}.
 */
export async function runProgram(args: readonly string[], version: string, world: World): Promise<number> {
  const terminal = new Terminal(world);
  let exitCode: number = exitCodes.done;
  const program = new Command('express-mtls')
    .description(
      'Issues and revokes client certificates for development, publishes CRLs to a fleet, and finds out why a client is refused.',
    )
    .version(version, '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        terminal.out(text.trimEnd(), helpWidthOf());
      },
      writeErr: (text) => {
        terminal.err(text.trimEnd(), helpWidthOf());
      },
      getOutHelpWidth: () => helpWidthOf(world.outWidth),
      getErrHelpWidth: () => helpWidthOf(world.errWidth),
    })
    .configureHelp(helpFormat)
    .addHelpText(
      'after',
      `
Examples:
  $ express-mtls init
  $ express-mtls issue client alice --p12
  $ express-mtls revoke alice --reason keyCompromise
  $ express-mtls issue client --help

Exit codes: 0 success, 1 the answer is no, 2 called incorrectly, 3 failed.`,
    );
  const isJson = args.includes('--json');
  reportMistakes(program, terminal, isJson);
  const commands = createCommands(program, terminal, {
    isJson,
    onExit: (code) => {
      exitCode = code;
    },
  });
  for (const add of adders) add(commands);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // commander has already printed the error.
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
  return exitCode;
}
