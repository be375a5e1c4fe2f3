/**
 * Programs that stand in a document, made runnable.
 *
 * @module
 */
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { codeBlocks } from './markdown.js';
import { root } from './program.js';

/**
 * Writes a program of a document into a folder, as a reader would.
 * @param name - What its first line says it is called.
 * @param replacements - What stands there, such as a port, and what is to stand there.
 * @returns The file.
 */
export function writeProgram(
  [document, name]: readonly [document: string, name: string],
  folder: string,
  replacements: Readonly<Record<string, string>> = {},
): string {
  const block = codeBlocks(document).find(({ file }) => file === name);
  if (block === undefined) throw new Error(`${document} has no ${name}`);
  const modules = path.join(folder, 'node_modules');
  if (!existsSync(modules)) symlinkSync(path.join(root, 'node_modules'), modules);
  // tsx resolves the package by tsconfig.json only for TypeScript, and .mts is a module without a package.json.
  const file = path.join(folder, name.replace(/\.\w+$/, '.mts'));
  let { code } = block;
  for (const [text, replacement] of Object.entries(replacements)) {
    if (!code.includes(text)) throw new Error(`${name} of ${document} has no ${text}`);
    code = code.replaceAll(text, replacement);
  }
  writeFileSync(file, code);
  return file;
}
