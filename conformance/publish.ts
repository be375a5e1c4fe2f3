/**
 * Writes results into the documentation.
 *
 * @module
 */
import { docsPath, writeFigures, writeFormatted } from '../bench/harness/documents.js';
import { formatPage } from './page.js';
import { formatReadmeTable } from './readme-table.js';
import type { Results } from './result.js';

/** Writes docs/conformance.json, the results in docs/conformance.md, and the table of README.md. */
export async function publishResults(results: Results): Promise<void> {
  await writeFormatted(docsPath('conformance.json'), JSON.stringify(results, null, 2));
  await writeFigures('conformance.md', formatPage(results));
  await writeFigures('../README.md', formatReadmeTable(results));
}
