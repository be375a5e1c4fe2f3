/**
 * Writes results into the documentation.
 *
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises';
import { drawHandshakeCost } from './chart.js';
import { docsPath, writeFigures, writeFormatted } from './harness/documents.js';
import { replaceResults, type Results } from './harness/results.js';
import { formatResults } from './report.js';

/**
 * Writes docs/benchmarks.json, the figures in docs/benchmarks.md, and docs/handshake-cost.svg. Benchmarks that were not
 * run keep their published figures.
 * @param names - All benchmarks, in the order of the page.
 */
export async function publishResults(results: Results, names: readonly string[]): Promise<void> {
  const path = docsPath('benchmarks.json');
  const isWhole = results.benchmarks.length === names.length;
  const all = isWhole
    ? results
    : replaceResults(JSON.parse(await readFile(path, 'utf8')) as Results, results, names);
  await writeResults(all, path);
  await writeFile(docsPath('handshake-cost.svg'), drawHandshakeCost(all));
  await writeFigures('benchmarks.md', formatResults(all));
}

/** Writes results as JSON. */
export async function writeResults(results: Results, path: string): Promise<void> {
  await writeFormatted(path, JSON.stringify(results, null, 2));
}
