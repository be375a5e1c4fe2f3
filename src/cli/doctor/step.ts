/**
 * One step of the doctor: what was checked, what was seen, what to do.
 *
 * @module
 */

import { type ErrorDetails, sentenceOf } from '../../errors.js';

/** A step, as printed with `--json`. */
export interface Step {
  /** What was checked: `'file'`, `'key'`, `'chain'`, … */
  readonly step: string;
  /** `'note'`: not a reason to refuse, but possibly an explanation. */
  readonly outcome: 'ok' | 'fails' | 'skipped' | 'note';
  /** What was seen; for a skipped step, why it was skipped. */
  readonly detail: string;
  /** What to do. */
  readonly remedy?: string;
}

/** The check passed. */
export function passed(step: string, detail: string): Step {
  return { step, outcome: 'ok', detail };
}

/** The check was not possible. */
export function skipped(step: string, detail: string): Step {
  return { step, outcome: 'skipped', detail };
}

/** Additional information. */
export function noted(step: string, detail: string): Step {
  return { step, outcome: 'note', detail };
}

/** The check failed. */
export function failed(step: string, detail: string, remedy?: string): Step {
  return { step, outcome: 'fails', detail, ...(remedy === undefined ? {} : { remedy }) };
}

/**
 * The check failed with an error of this package.
 * @param remedy - For an error without one.
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
