/**
 * Inserts figures into documents between two markers, and writes files in the repository's format.
 *
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

const beginning = /<!-- figures: begin; [^>]*-->/;
const ending = '<!-- figures: end -->';

/** The path of a file in `docs`. */
export function docsPath(name: string): string {
  return fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
}

/** Inserts figures, in Markdown, at the marked place of a document. */
export async function writeFigures(name: string, figures: string): Promise<void> {
  const path = docsPath(name);
  const text = await readFile(path, 'utf8');
  const [begin] = beginning.exec(text) ?? [];
  const [head, tail] = begin === undefined ? [] : text.split(begin);
  const end = tail?.indexOf(ending) ?? -1;
  if (begin === undefined || head === undefined || tail === undefined || end < 0)
    throw new Error(`docs/${name} has no place for the figures: ${String(beginning)} … ${ending}`);
  await writeFormatted(path, `${head}${begin}\n\n${figures}\n\n${tail.slice(end)}`);
}

/** Writes Markdown or JSON in the format of `npm run format`. */
export async function writeFormatted(path: string, text: string): Promise<void> {
  const config = await resolveConfig(docsPath('benchmarks.md'));
  const parser = path.endsWith('.md') ? 'markdown' : 'json';
  await writeFile(path, await format(text, { ...config, parser }));
}
