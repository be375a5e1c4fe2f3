/**
 * The texts of commander, in the form of this program: help that fits the terminal, and a mistake in one sentence.
 *
 * @module
 */
import { type Command, Help, type HelpConfiguration } from 'commander';
import { usualWidth } from './display-width.js';
import type { Terminal } from './terminal.js';

// Longer lines are hard to read.
const widestHelp = 100;

/** The width of a help text. @param width - Of the terminal, if there is one. */
export function helpWidthOf(width: number = usualWidth): number {
  return Math.min(width, widestHelp);
}

/** On a narrow terminal, the description of an option is below it rather than beside it. */
export const helpFormat: HelpConfiguration = {
  minWidthToWrap: 20,
  formatItem(term: string, termWidth: number, description: string, helper: Help): string {
    const isNarrow = termWidth + 4 > helpWidthOf(helper.helpWidth) * 0.45;
    return isNarrow && description !== ''
      ? `  ${term}\n      ${description}`
      : Help.prototype.formatItem.call(helper, term, termWidth, description, helper);
  },
};

/**
 * Reports mistakes on stderr: what was seen, what was expected, and what to type; with `--json` as JSON.
 * @param command - The command whose arguments have the mistake.
 */
export function reportMistakes(command: Command, terminal: Terminal, isJson: boolean): Command {
  return command.configureOutput({
    outputError: (text) => {
      const message = describeMistake(text, command);
      if (isJson) terminal.errJson({ error: { code: 'ERR_MTLS_OPTION_INVALID', message } });
      else terminal.err(`${terminal.style('bad', 'error')}: ${message}`);
    },
  });
}

/** @param text - Of commander: the mistake, and on a second line perhaps what may be meant, in parentheses. */
function describeMistake(text: string, command: Command): string {
  const [fault = '', meant] = text
    .replace(/^error: /, '')
    .trim()
    .split('\n');
  const question = meant?.replace(/^\(Did you mean (.*)\?\)$/, 'did you mean $1? ') ?? '';
  const usage = `usage: ${fullNameOf(command)} ${command.usage()} (--help explains it)`;
  return `${fault.replace(/\.$/, '')}; ${question}${usage}`;
}

function fullNameOf(command: Command): string {
  return command.parent === null ? command.name() : `${fullNameOf(command.parent)} ${command.name()}`;
}
