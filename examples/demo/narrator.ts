/**
 * Prints what the demo does, and checks each statement.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util';

/** A step with an unexpected result. */
export class Difference extends Error {
  constructor(what: string, expected: unknown, seen: unknown) {
    super(`${what}\n     expected: ${show(expected)}\n     seen:     ${show(seen)}`);
  }
}

const isSet = (name: string): boolean => !['', '0'].includes(process.env[name] ?? '');
const isColoured = (process.stdout.isTTY || isSet('FORCE_COLOR')) && !isSet('NO_COLOR');
const paint = (code: number, text: string): string => (isColoured ? `\x1b[${code}m${text}\x1b[0m` : text);
let steps = 0;

/** Starts a step. */
export function step(title: string): void {
  steps += 1;
  console.log(`\n${paint(1, `${steps}. ${title}`)}`);
}

/** Prints a statement that needs no check. */
export function tell(text: string): void {
  console.log(`   ${paint(2, text)}`);
}

/** Prints what was seen if it is as expected; otherwise ends the demo. */
export function check(what: string, seen: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(seen, expected)) throw new Difference(what, expected, seen);
  console.log(`   ${paint(32, '✓')} ${what}: ${show(seen)}`);
}

/** Prints the closing lines. */
export function conclude(error?: unknown): void {
  if (error === undefined) {
    console.log(`\n${paint(32, 'demo: ok')}`);
    return;
  }
  console.error(`   ${paint(31, '✗')} ${error instanceof Error ? error.message : 'something was thrown'}`);
  console.error(paint(31, '\ndemo: failed'));
  process.exitCode = 1;
}

/** Waits for something that must happen within ten seconds. */
export async function within<Value>(what: string, coming: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Difference(what, 'within ten seconds', 'nothing'));
    }, 10_000);
  });
  return await Promise.race([coming, late]).finally(() => {
    clearTimeout(timer);
  });
}

function show(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([name, each]) => `${name} ${String(each)}`)
    .join(', ');
}
