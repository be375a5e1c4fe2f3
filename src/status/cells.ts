/**
 * Cells that several tables have in common.
 *
 * @module
 */
import { isolate, type Markup, markup } from './markup.js';
import { type StatusRefusal } from './status-report.js';
import { writeState } from './symbols.js';

/** A subject and its serial number. */
export function writeWho({
  subject,
  serialNumber,
}: Pick<StatusRefusal, 'subject' | 'serialNumber'>): Markup | string {
  if (subject === null || serialNumber === null) return 'no readable certificate';
  return markup`${isolate(subject === '' ? 'no subject' : subject)}${writeSerial(serialNumber)}`;
}

/** A serial number on one line. A very long one is cut by its box, and the tooltip has all of it. */
export function writeSerial(serialNumber: string): Markup {
  return markup`<span class="serial muted" title="serial ${serialNumber}">serial <code>${serialNumber}</code></span>`;
}

/** Words for a fault. */
export function warn(words: string): Markup {
  return writeState('bad', words);
}

/** Words for what may be intended, or needs attention soon. */
export function caution(words: string): Markup {
  return writeState('warning', words);
}

/** Words for what is well. */
export function praise(words: string): Markup {
  return writeState('good', words);
}
