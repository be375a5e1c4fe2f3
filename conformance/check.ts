/**
 * A check: one sentence that is true of a good server, and how to find out.
 *
 * @module
 */
import type { Feature } from './adapter.js';
import type { Stage } from './harness/stage.js';

/** The groups, in their order. */
export const groups = {
  who: 'Who gets in',
  path: 'Certification paths',
  revocation: 'Revocation',
  live: 'Open connections and resumed sessions',
  identity: 'What the app is told',
  changes: 'Changes of files',
  bounds: 'Bounds',
} as const;

export type Group = keyof typeof groups;

export interface Check {
  /** Its group, a dot, and its name: `'live.keep-alive'`. */
  readonly id: `${Group}.${string}`;
  /** True of a good server. */
  readonly sentence: string;
  /** The clause, the vulnerability or the test of another suite behind it. */
  readonly reference: string;
  /** What is done. */
  readonly steps: string;
  readonly needs?: readonly Feature[];
  /** Whether it takes half a minute: it begins first, and is not tried again. */
  readonly isLong?: boolean;
  /**
   * Tries it.
   * @returns What was seen, if the sentence is true of the server.
   * @throws {@link Failure} with what was seen, if it is not.
   */
  run(stage: Stage): Promise<string>;
}

/** The sentence of a check is not true of a server. */
export class Failure extends Error {}

/** Ends a check with what was seen. */
export function fail(seen: string): never {
  throw new Failure(seen);
}
