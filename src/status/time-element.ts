/**
 * Moments, as the page shows them.
 *
 * @module
 */
import { type Markup, markup } from './markup.js';

/** `2026-11-27 01:22:05 UTC`, with the whole of it for programs. */
export function writeTime(iso: string): Markup {
  return markup`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
}
