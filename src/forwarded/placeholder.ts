/**
 * What proxies send in the place of a certificate where there is none.
 *
 * @module
 */
import { excerpt, refuse } from './refusal.js';

const without = 'have the proxy leave the header out where the client sent no certificate';

const forms: readonly { readonly pattern: RegExp; readonly seen: string; readonly remedy: string }[] = [
  { pattern: /^$/, seen: 'is empty', remedy: without },
  {
    pattern: /^::$/,
    seen: 'is "::", an empty Byte Sequence, as HAProxy sends it without a certificate',
    remedy: `${without}: ssl_c_used tells in HAProxy, and ssl_c_verify does not`,
  },
  {
    pattern: /^\(null\)$/,
    seen: 'is "(null)", as Apache sends it without a certificate',
    remedy: without,
  },
  {
    pattern: /^:?\{[^{}]*\}:?$/,
    seen: 'is a placeholder that was not replaced, as Caddy sends it without a certificate',
    remedy: without,
  },
  {
    pattern: /^:?(?:\$\w|\$\{|%[[{])/,
    seen: 'is a variable of a proxy that was not replaced',
    remedy: 'correct its name in the configuration of the proxy',
  },
  { pattern: /^(?:-|nil|none|null|undefined)$/i, seen: 'is a word for nothing', remedy: without },
];

/**
 * Refuses what stands for no certificate, by its name. Nothing of it means an anonymous caller: each of these forms also
 * comes from a proxy that was configured wrongly, and a client could send it itself.
 * @throws MtlsError for such a form; returns for any other.
 */
export function refusePlaceholder(value: string): void {
  const form = forms.find(({ pattern }) => pattern.test(value));
  if (form === undefined) return;
  const shown = form.seen.includes('"') || value === '' ? '' : `: ${excerpt(value)}`;
  refuse(`${form.seen}${shown}`, { expected: 'a certificate', remedy: form.remedy });
}
