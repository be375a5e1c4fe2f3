/**
 * What the daily commands have in common: days, options that were said, lines about files.
 *
 * @module
 */
import path from 'node:path';
import { InvalidArgumentError, Option } from 'commander';

/** `--days`: how long something holds. */
export function daysOption(what: string): Option {
  return new Option('--days <days>', what).argParser((text) => {
    const days = Number(text);
    if (text.trim() !== '' && days > 0 && days <= 36_500) return days;
    throw new InvalidArgumentError('Use a number above 0, at most 36500.');
  });
}

/** Options that are there: the library takes no `undefined` for what was not said. */
export function said<Options extends object>(options: Options): Said<Options> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Said<Options>;
}

type Said<Options> = { [Key in keyof Options]?: Exclude<Options[Key], undefined> };

/** A line about a file: what became of it, and where it is, seen from here. */
export function fileLine(outcome: string, file: string): string {
  return `${outcome.padEnd(9)}${path.relative('.', file)}`;
}
