/**
 * HTML templates that escape every value. There is no other way to insert one.
 *
 * @module
 */

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
  return markup`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

/** Isolates a name from the text around it: the name may be written from right to left. */
export function isolate(text: string): Markup {
  return markup`<bdi>${text}</bdi>`;
}
