/**
 * HTML templates that escape every value. There is no other way to insert one.
 *
 * @module
 */

import { count } from '../quantity.js';
import { describeSpan, millisecondsIn } from '../time-span.js';

/** HTML whose values are escaped. */
export class Markup {
  readonly html: string;

  /** @param html - The output of {@link markup}, or a constant. */
  constructor(html: string) {
    this.html = html;
  }
}

type Value = string | number | Markup | readonly Markup[];

/** An HTML template. Strings and numbers are escaped; {@link Markup} is inserted unchanged. */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(parts.reduce((html, part, index) => html + toHtml(values[index - 1] ?? '') + part));
}

function toHtml(value: Value): string {
  if (value instanceof Markup) return value.html;
  if (typeof value === 'object') return value.map(({ html }) => html).join('');
  return String(value).replace(/[&<>"'`]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** `2026-11-27 01:22:05 UTC`, with the full timestamp in an attribute. */
export function writeTime(iso: string): Markup {
  return markup`<time datetime="${iso}">${exact(iso)}</time>`;
}

/** `3 minutes ago` or `in 3 days`, with the exact time as a tooltip. @param now - Milliseconds since 1970. */
export function writeRelative(iso: string, now: number): Markup {
  const distance = Date.parse(iso) - now;
  const span = spanOf(distance);
  if (Math.abs(distance) < millisecondsIn.second) return writeSpan(iso, 'now');
  return writeSpan(iso, distance > 0 ? `in ${span}` : `${span} ago`);
}

/** `40 minutes`, `6 days`, `8 years`: a span without its sign. */
export function spanOf(ms: number): string {
  const span = Math.abs(ms);
  return span < 2 * millisecondsIn.year
    ? describeSpan(span)
    : count(Math.floor(span / millisecondsIn.year), 'year');
}

/** Words for a time, with the exact time as a tooltip. */
export function writeSpan(iso: string, words: string): Markup {
  return markup`<time datetime="${iso}" title="${exact(iso)}">${words}</time>`;
}

function exact(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}

/** Isolates a name from the text around it: the name may be written from right to left. */
export function isolate(text: string): Markup {
  return markup`<bdi>${text}</bdi>`;
}
