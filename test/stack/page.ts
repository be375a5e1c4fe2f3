/**
 * The files that a page of the documentation shows.
 *
 * @module
 */
import { readDocument } from '../support/markdown.js';

/** The code blocks of JavaScript and JSON that begin below a line `` `name`: ``, with that name. */
export function codeBlocksOf(document: string): { readonly file: string; readonly code: string }[] {
  const blocks = readDocument(document).matchAll(/^`([\w.-]+)`:\n\n```js(?:on)?\n(.*?)^```$/gms);
  return [...blocks].map(([, file = '', code = '']) => ({ file, code }));
}
