/**
 * The values that proxies send if there is no certificate.
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
    remedy: `${without}: test ssl_c_used, because ssl_c_verify is 0 without a certificate too`,
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
  { pattern: /^(?:-|nil|none|null|undefined)$/i, seen: 'is a word for "none"', remedy: without },
];

/**
 * Refuses the values that stand for no certificate. None of them counts as a caller without a certificate, because each
 * can also come from a wrongly configured proxy.
 * @throws MtlsError for such a value; returns for any other.
 */
export function refusePlaceholder(value: string): void {
  const form = forms.find(({ pattern }) => pattern.test(value));
  if (form === undefined) return;
  const shown = form.seen.includes('"') || value === '' ? '' : `: ${excerpt(value)}`;
  refuse(`${form.seen}${shown}`, { expected: 'a certificate', remedy: form.remedy });
}
