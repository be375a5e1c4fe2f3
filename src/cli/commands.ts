/**
 * Adds commands to the program, and prints their answers.
 *
 * @module
 */
import { type Command, Option } from 'commander';
import { answer, type Answer, type CommonOptions } from './answer.js';
import type { Terminal } from './terminal.js';
import { reportMistakes } from './usage.js';

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

/** The arguments that select the folder of the CA in another command; none for the default folder. */
export function directoryArguments(dir: string): readonly string[] {
  return dir === defaultDirectory ? [] : ['--dir', dir];
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

/** How {@link createCommands} creates commands. */
export interface CommandsParams {
  /** Whether mistakes in the arguments are reported as JSON. */
  readonly isJson: boolean;
  /** Receives the exit code of the command. */
  readonly onExit: (code: number) => void;
}

/** Creates what adds commands to a program. */
export function createCommands(
  program: Command,
  terminal: Terminal,
  { isJson, onExit }: CommandsParams,
): Commands {
  const add = (name: string, parent: Command): Command =>
    reportMistakes(parent.command(name), terminal, isJson);
  return {
    create: (name, parent = program) => add(name, parent).option('--json', 'print JSON, for errors too'),
    group: (name) => add(name, program),
    answers:
      <Options extends CommonOptions>(work: Work<Options>) =>
      async (...given: unknown[]): Promise<void> => {
        // commander passes the arguments, then the options, then the command.
        const options = given.at(-2) as Options;
        onExit(await answer(terminal, options, () => work(terminal, given.slice(0, -2), options)));
      },
  };
}
