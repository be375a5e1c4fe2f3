/**
 * Writes results into the documentation.
 *
 * @module
 */
import { writeFile } from 'node:fs/promises';
import { drawHandshakeCost } from './chart.js';
import { docsPath, writeFigures, writeFormatted } from './harness/documents.js';
import type { Results } from './harness/results.js';
import { formatResults } from './report.js';

/** Writes docs/benchmarks.json, the figures in docs/benchmarks.md, and docs/handshake-cost.svg. */
export async function publishResults(results: Results): Promise<void> {
  await writeResults(results, docsPath('benchmarks.json'));
  await writeFile(docsPath('handshake-cost.svg'), drawHandshakeCost(results));
  await writeFigures('benchmarks.md', formatResults(results));
}

/** Writes results as JSON. */
export async function writeResults(results: Results, path: string): Promise<void> {
  await writeFormatted(path, JSON.stringify(results, null, 2));
}
