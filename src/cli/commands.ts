/**
 * Adds commands to the program, and prints their answers.
 *
 * @module
 */
import { type Command, Option } from 'commander';
import { answer, type Answer, type CommonOptions } from './answer.js';
import type { Terminal } from './terminal.js';

/** The default folder of the CA, as in the README. */
export const defaultDirectory = 'certs-dev';

/** Runs a command. `args` are its arguments in order; a variadic one is a list. */
export type Work<Options extends CommonOptions> = (
  terminal: Terminal,
  args: readonly unknown[],
  options: Options,
) => Promise<Answer>;

/** `--dir`: the folder of the CA. */
export function directoryOption(): Option {
  return new Option('--dir <dir>', 'the folder of the CA').default(defaultDirectory);
}

/** An option that can be repeated: a list. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description} (repeatable)`).argParser(
    (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
  );
}

/** Adds commands. */
export interface Commands {
  /** Creates a command with the common options. @param parent - The parent command; the program by default. */
  readonly create: (name: string, parent?: Command) => Command;
  /** Creates a command that only has subcommands. */
  readonly group: (name: string) => Command;
  /** Converts a command's function to an action of commander. */
  readonly answers: <Options extends CommonOptions>(
    work: Work<Options>,
  ) => (...given: unknown[]) => Promise<void>;
}

/** @param onExit - Receives the exit code of the command. */
export function createCommands(
  program: Command,
  terminal: Terminal,
  onExit: (code: number) => void,
): Commands {
  return {
    create: (name, parent = program) => parent.command(name).option('--json', 'print JSON, for errors too'),
    group: (name) => program.command(name),
    answers:
      <Options extends CommonOptions>(work: Work<Options>) =>
      async (...given: unknown[]): Promise<void> => {
        // commander passes the arguments, then the options, then the command.
        const options = given.at(-2) as Options;
        onExit(await answer(terminal, options, () => work(terminal, given.slice(0, -2), options)));
      },
  };
}
