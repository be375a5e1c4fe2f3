/**
 * Writes results where readers find them.
 *
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { drawHandshakeCost } from './chart.js';
import type { Results } from './harness/results.js';
import { formatResults } from './report.js';

const docs = (name: string): string => fileURLToPath(new URL(`../docs/${name}`, import.meta.url));
const figures = {
  begin: '<!-- figures: begin; npm run bench writes them -->',
  end: '<!-- figures: end -->',
};

/** Writes docs/benchmarks.json, the figures in docs/benchmarks.md, and docs/handshake-cost.svg. */
export async function publishResults(results: Results): Promise<void> {
  await writeResults(results, docs('benchmarks.json'));
  await writeFile(docs('handshake-cost.svg'), drawHandshakeCost(results));
  const path = docs('benchmarks.md');
  const text = await readFile(path, 'utf8');
  const begin = text.indexOf(figures.begin);
  const end = text.indexOf(figures.end);
  if (begin < 0 || end < begin)
    throw new Error(`docs/benchmarks.md has no place for the figures: ${figures.begin}`);
  const head = text.slice(0, begin + figures.begin.length);
  await writeFormatted(path, `${head}\n\n${formatResults(results)}\n\n${text.slice(end)}`);
}

/** Writes results as JSON. */
export async function writeResults(results: Results, path: string): Promise<void> {
  await writeFormatted(path, JSON.stringify(results, null, 2));
}

async function writeFormatted(path: string, text: string): Promise<void> {
  const config = await resolveConfig(docs('benchmarks.md'));
  const parser = path.endsWith('.md') ? 'markdown' : 'json';
  await writeFile(path, await format(text, { ...config, parser }));
}
