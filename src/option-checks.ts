/**
 * Checks of options. Each error names the option, the given value and what is allowed.
 *
 * @module
 */
import { combineFaults, MtlsError } from './errors.js';

/** One of a few words. The first is the default. */
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

/** An integer between two bounds, both included. */
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

/** A fraction from 0 to 1. */
export function checkPart(value: unknown, name: string, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw invalid(name, value, 'a number from 0 to 1');
}

/** `true` or `false`, without coercion. */
export function checkBoolean(value: unknown, name: string, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw invalid(name, value, 'true or false');
}

/**
 * Checks a group of options and reports all faults together.
 * @param name - The name of the group, such as `'limits'`.
 * @param checks - The check of each option, by name. An option without a check is unknown.
 * @returns What the checks return, frozen.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, with one line per fault.
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

/** Rejects unknown keys, so that a misspelt option does not silently become a default. */
export function checkKeys(value: unknown, name: string, known: readonly string[]): void {
  throwFaults(unknownKeys(value, name, known));
}

/** Throws one error for several faults, and nothing for none. */
export function throwFaults(faults: readonly MtlsError[]): void {
  // Two options that depend on a third report the same fault.
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

// Option names are short. Longer keys are not compared.
const longestCompared = 40;

/** The known word that needs the fewest edits, if a typing error can explain the difference. */
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

/** The number of insertions, deletions, replacements and exchanges of neighbours between two words. */
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

/** The error for an invalid option. */
export function invalid(name: string, seen: unknown, expected: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', { seen: `${name} is ${describe(seen)}`, expected });
}

// The value may be a private key pasted in place of a path. Only short, plain values are shown; otherwise the type.
function describe(value: unknown): string {
  if (typeof value === 'string')
    return value.length <= 40 && !value.includes('-----') ? JSON.stringify(value) : 'a long string';
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Uint8Array) return `a Buffer of ${value.length} bytes`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
