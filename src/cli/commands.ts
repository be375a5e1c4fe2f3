/**
 * How a command is added to the program, and how its answer gets out.
 *
 * @module
 */
import { type Command, Option } from 'commander';
import { answer, type Answer, type CommonOptions } from './answer.js';
import type { Terminal } from './terminal.js';

/** Where the CA is, where a command is not told: the folder of the README. */
export const defaultDirectory = 'certs-dev';

/** Does the work of a command. `args` are its arguments, in their order; a variadic one is a list. */
export type Work<Options extends CommonOptions> = (
  terminal: Terminal,
  args: readonly unknown[],
  options: Options,
) => Promise<Answer>;

/** `--dir`: where the CA is. */
export function directoryOption(): Option {
  return new Option('--dir <dir>', 'the folder of the CA').default(defaultDirectory);
}

/** An option that may be given several times: a list. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description} (repeatable)`).argParser(
    (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
  );
}

/** What a command is added with. */
export interface Commands {
  /** Makes a command, with the options that all have. @param parent - The program, where it is not a command's own. */
  readonly create: (name: string, parent?: Command) => Command;
  /** Makes a command that only holds others, made with it as their parent. */
  readonly group: (name: string) => Command;
  /** Makes commander's action of the work of a command. */
  readonly answers: <Options extends CommonOptions>(
    work: Work<Options>,
  ) => (...given: unknown[]) => Promise<void>;
}

/** @param onExit - Is told the exit code of the command that ran. */
export function createCommands(
  program: Command,
  terminal: Terminal,
  onExit: (code: number) => void,
): Commands {
  return {
    create: (name, parent = program) => parent.command(name).option('--json', 'answer as JSON, errors too'),
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
