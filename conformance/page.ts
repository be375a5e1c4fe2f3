/**
 * The results in docs/conformance.md.
 *
 * @module
 */
import {
  formatChecks,
  formatConfigurations,
  formatCosts,
  formatFailures,
  formatLacks,
  formatMatrix,
  formatSummary,
} from './report.js';
import type { Results } from './result.js';

/** What docs/conformance.md has between its marks. */
export function formatPage(results: Results): string {
  const { measuredAt, machine } = results;
  const about = Object.entries(machine).map(([name, value]) => `${name} ${value}`);
  return [
    `Tested on ${measuredAt.slice(0, 10)}: ${about.join(', ')}.`,
    formatSummary(results),
    `## Each check\n\n${formatMatrix(results)}`,
    `## What failed, and what was seen\n\n${formatFailures(results)}`,
    `## What does not apply\n\n${formatLacks(results)}`,
    `## What it costs\n\nThese figures neither pass nor fail. Each is a ratio with what was measured. The slowest request also depends on what else the machine does.\n\n${formatCosts(results)}`,
    `## What is checked\n\n${formatChecks(results)}`,
    `## Configurations\n\nPaths and ports are replaced. If you know a server better than its configuration here, change its adapter.\n\n${formatConfigurations(results)}`,
  ].join('\n\n');
}
