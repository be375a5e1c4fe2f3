/**
 * One step of the doctor: what was looked at, what was seen, what to do.
 *
 * @module
 */

import { type ErrorDetails, sentenceOf } from '../../errors.js';

/** A step, as `--json` has it. */
export interface Step {
  /** What was looked at: `'file'`, `'key'`, `'chain'`, … */
  readonly step: string;
  /** `'note'`: nothing is refused for it, and it may explain something. */
  readonly outcome: 'ok' | 'fails' | 'skipped' | 'note';
  /** What was seen; of a step that was skipped, why. */
  readonly detail: string;
  /** What to do. */
  readonly remedy?: string;
}

/** It holds. */
export function passed(step: string, detail: string): Step {
  return { step, outcome: 'ok', detail };
}

/** It could not be looked at. */
export function skipped(step: string, detail: string): Step {
  return { step, outcome: 'skipped', detail };
}

/** It is worth knowing. */
export function noted(step: string, detail: string): Step {
  return { step, outcome: 'note', detail };
}

/** It fails. */
export function failed(step: string, detail: string, remedy?: string): Step {
  return { step, outcome: 'fails', detail, ...(remedy === undefined ? {} : { remedy }) };
}

/**
 * It fails with an error of this package.
 * @param remedy - Where the error has none.
 */
export function failedWith(
  step: string,
  { source, seen, expected, remedy: own }: ErrorParts,
  remedy?: string,
): Step {
  const sentence = sentenceOf({ seen, expected });
  return failed(step, source === undefined ? sentence : `${source}: ${sentence}`, own ?? remedy);
}

type ErrorParts = Pick<ErrorDetails, 'source' | 'seen' | 'expected' | 'remedy'>;
