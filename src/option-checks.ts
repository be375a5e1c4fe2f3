/**
 * The checks that every option passes: each names the option, what was given and what may be.
 *
 * @module
 */
import { MtlsError } from './errors.js';

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

/** Refuses a key that is not among the known ones: a misspelt option must not be a default in silence. */
export function checkKeys(value: unknown, name: string, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null) throw invalid(name, value, 'an object');
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      throw new MtlsError(
        'ERR_MTLS_OPTION_INVALID',
        `${name} has the unknown key "${key}"; known are ${known.join(', ')}`,
      );
    }
  }
}

/** The error of an option. */
export function invalid(name: string, seen: unknown, expected: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', `${name} is ${describe(seen)}; expected ${expected}`);
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
