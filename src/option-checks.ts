/**
 * The checks that every option passes: each names the option, what was given and what may be.
 *
 * @module
 */
import { combineFaults, MtlsError } from './errors.js';

/** One of a few words; the first is the default. */
export function checkChoice<const Choice extends string>(
  value: unknown,
  name: string,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  if (value === undefined) return choices[0];
  const choice = choices.find((known) => known === value);
  if (choice === undefined) throw invalid(name, value, `one of '${choices.join("', '")}'`);
  return choice;
}

/** An integer within bounds, both included. */
export function checkInteger(
  value: unknown,
  name: string,
  fallback: number,
  low: number,
  high: number,
): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return value;
  throw invalid(name, value, `an integer from ${low} to ${high}`);
}

/** A part of a whole. */
export function checkPart(value: unknown, name: string, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw invalid(name, value, 'a number from 0 to 1');
}

/** `true` or `false`, and nothing like it. */
export function checkBoolean(value: unknown, name: string, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw invalid(name, value, 'true or false');
}

/**
 * Checks a group of options, each by a check of its own, and says all that is wrong with them at once.
 * @param name - The group: `'limits'`.
 * @param checks - By the name of the option. Whatever has none is unknown.
 * @returns What the checks return, frozen.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, with a line for each fault.
 */
export function checkEach<Checks extends Readonly<Record<string, () => unknown>>>(
  given: unknown,
  name: string,
  checks: Checks,
): { readonly [Name in keyof Checks]: ReturnType<Checks[Name]> } {
  const faults = unknownKeys(given, name, Object.keys(checks));
  const checked = Object.entries(checks).map(([key, check]) => {
    try {
      return [key, check()];
    } catch (error) {
      if (!(error instanceof MtlsError)) throw error;
      faults.push(error);
      return [key, undefined];
    }
  });
  throwFaults(faults);
  return Object.freeze(Object.fromEntries(checked)) as { [Name in keyof Checks]: ReturnType<Checks[Name]> };
}

/** Refuses a key that is not among the known ones: a misspelt option must not be a default in silence. */
export function checkKeys(value: unknown, name: string, known: readonly string[]): void {
  throwFaults(unknownKeys(value, name, known));
}

/** Throws one error for several faults; does nothing where there is none. */
export function throwFaults(faults: readonly MtlsError[]): void {
  // One option may rest on another, and meet its fault again.
  const each = new Map(
    faults.flatMap((fault) => fault.errors ?? [fault]).map((fault) => [fault.message, fault]),
  );
  const [first, ...others] = each.values();
  if (first !== undefined) throw combineFaults([first, ...others]);
}

function unknownKeys(value: unknown, name: string, known: readonly string[]): MtlsError[] {
  if (typeof value !== 'object' || value === null) throw invalid(name, value, 'an object');
  return Object.keys(value)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const meant = nearest(key, known);
      const question = meant === undefined ? '' : `did you mean "${meant}"? `;
      return new MtlsError('ERR_MTLS_OPTION_INVALID', {
        seen: `${name} has the unknown key "${key}"`,
        remedy: `${question}known are ${known.join(', ')}`,
      });
    });
}

// A stranger's text never comes here, and an option has a short name.
const longestCompared = 40;

/** The known word that takes the fewest changes to become, if a slip of the keyboard can be all that is between. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > longestCompared) return undefined;
  const most = Math.max(1, Math.floor(word.length / 3));
  const distances = known.map((each) => ({
    each,
    distance: distanceOf(word.toLowerCase(), each.toLowerCase()),
  }));
  const best = distances.reduce((one, other) => (other.distance < one.distance ? other : one));
  return best.distance <= most ? best.each : undefined;
}

/** How many letters have to be put in, left out or replaced, or two neighbours exchanged. */
function distanceOf(one: string, other: string): number {
  let before: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [row, letter] of one.split('').entries()) {
    const next = [row + 1];
    for (const [column, seen] of other.split('').entries()) {
      const replaced = (last[column] as number) + (letter === seen ? 0 : 1);
      const isExchanged = letter === other[column - 1] && seen === one[row - 1];
      const exchanged = isExchanged ? (before[column - 1] as number) + 1 : Infinity;
      next.push(
        Math.min((last[column + 1] as number) + 1, (next[column] as number) + 1, replaced, exchanged),
      );
    }
    before = last;
    last = next;
  }
  return last[other.length] as number;
}

/** The error of an option. */
export function invalid(name: string, seen: unknown, expected: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', { seen: `${name} is ${describe(seen)}`, expected });
}

// What was given may be a key pasted where a path belongs: say its type, show only what is short and plain.
function describe(value: unknown): string {
  if (typeof value === 'string')
    return value.length <= 40 && !value.includes('-----') ? JSON.stringify(value) : 'a long string';
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  if (Array.isArray(value)) return 'an array';
  return value instanceof Uint8Array ? `a Buffer of ${value.length} bytes` : `a ${typeof value}`;
}
