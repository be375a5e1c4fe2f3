/**
 * HTML whose every value is escaped, because there is no other way to put one in.
 *
 * @module
 */

/** HTML that was written here, its values escaped. */
export class Markup {
  readonly html: string;

  /** @param html - What {@link markup} has put together, or a constant. */
  constructor(html: string) {
    this.html = html;
  }
}

type Value = string | number | Markup | readonly Markup[];

/** A template of HTML: strings and numbers become text, {@link Markup} stays what it is. */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(parts.reduce((html, part, index) => html + toHtml(values[index - 1] ?? '') + part));
}

function toHtml(value: Value): string {
  if (value instanceof Markup) return value.html;
  if (typeof value === 'object') return value.map(({ html }) => html).join('');
  return String(value).replace(/[&<>"'`]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** `2026-11-27 01:22:05 UTC`, with the whole of it for programs. */
export function writeTime(iso: string): Markup {
  return markup`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

/** A name may be written from right to left, and what stands beside it is not. */
export function isolate(text: string): Markup {
  return markup`<bdi>${text}</bdi>`;
}
