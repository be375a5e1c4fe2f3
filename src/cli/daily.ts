/**
 * Shared by the everyday commands: `--days`, options that are set, lines about files.
 *
 * @module
 */
import path from 'node:path';
import { InvalidArgumentError, Option } from 'commander';

/** `--days`: a lifetime. */
export function daysOption(what: string): Option {
  return new Option('--days <days>', what).argParser((text) => {
    const days = Number(text);
    if (text.trim() !== '' && days > 0 && days <= 36_500) return days;
    throw new InvalidArgumentError('Use a number above 0, at most 36500.');
  });
}

/** The options that are set. The library does not accept `undefined` for unset options. */
export function said<Options extends object>(options: Options): Said<Options> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Said<Options>;
}

type Said<Options> = { [Key in keyof Options]?: Exclude<Options[Key], undefined> };

/** A line about a file: what happened to it, and its path relative to the current folder. */
export function fileLine(outcome: string, file: string): string {
  return `${outcome.padEnd(9)}${path.relative('.', file)}`;
}
