/**
 * What commands that work in the folder of a CA have in common.
 *
 * @module
 */
import path from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { openDevCa, type DevCa } from '../dev-ca/dev-ca.js';
import type { CommonOptions } from './answer.js';
import type { Terminal } from './terminal.js';

/** The options of a command with `directoryOption()`. */
export interface FolderOptions extends CommonOptions {
  readonly dir: string;
}

/** Opens the CA of the folder; unlike `init`, makes none. */
export function openFolder({ world }: Terminal, { dir }: FolderOptions): Promise<DevCa> {
  return openDevCa(dir, { missing: 'fail', now: world.now });
}

/** `--days`: how long something holds. */
export function daysOption(what: string): Option {
  return new Option('--days <days>', what).argParser((text) => {
    const days = Number(text);
    if (text.trim() !== '' && days > 0 && days <= 36_500) return days;
    throw new InvalidArgumentError('Use a number above 0, at most 36500.');
  });
}

/** Options that are there: the library takes no `undefined` for what was not said. */
export function said<Options extends object>(
  options: Options,
): { [Key in keyof Options]: Exclude<Options[Key], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Options]: Exclude<Options[Key], undefined>;
  };
}

/** A line about a file: what became of it, and where it is, seen from here. */
export function fileLine(outcome: string, file: string): string {
  return `${outcome.padEnd(9)}${path.relative('.', file)}`;
}
