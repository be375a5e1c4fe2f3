/**
 * What `npm run conformance` does with its options.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { docsPath, writeFormatted } from '../bench/harness/documents.js';
import { resultsFrom } from '../bench/harness/program.js';
import { describeHost } from '../bench/machine.js';
import type { Adapter } from './adapter.js';
import { adapters } from './adapters/index.js';
import type { Check } from './check.js';
import { checks } from './checks/index.js';
import type { CommandOptions } from './main.js';
import { publishResults } from './publish.js';
import { formatConfigurations, formatFailures, formatSummary } from './report.js';
import { countOutcomes, type Results, type ServerResult } from './result.js';
import { measureServer, testServer } from './run.js';

// Most of the time goes into waiting for what a server does not do, which leaves the processors to other servers.
const serversAtOnce = 3;

/** Tests the servers, or reads an earlier run, and reports. */
export async function runCommand(options: CommandOptions): Promise<void> {
  const chosen = choose(options);
  if (options.list) {
    process.stdout.write(listing());
    return;
  }
  const results = await resultsFrom(options.from, () => testAll(chosen));
  console.log(formatConfigurations(results));
  console.log(formatFailures(results));
  console.log(formatSummary(results));
  if (options.json !== undefined) await writeFormatted(options.json, JSON.stringify(results, null, 2));
  const fresh = newFailures(results);
  if (options.publish) await publishResults(results);
  for (const failure of fresh) console.error(`failed: ${failure}`);
  if (fresh.length > 0) process.exitCode = 1;
}

interface Chosen {
  readonly servers: readonly Adapter[];
  readonly checks: readonly Check[];
  readonly costs: boolean;
}

function choose({ server: names, check: ids, costs, publish, from }: CommandOptions): Chosen {
  const unknown = names.find((name) => adapters.every((adapter) => adapter.name !== name));
  if (unknown !== undefined)
    throw new Error(`--server ${unknown}: there are ${adapters.map(({ name }) => name).join(', ')}`);
  const missing = ids.find((id) => !checks.some((check) => check.id.startsWith(id)));
  if (missing !== undefined)
    throw new Error(`--check ${missing}: no check begins like that; --list has them all`);
  if (publish && from === undefined && names.length + ids.length > 0)
    throw new Error('--publish is for a whole run, or for --from');
  return {
    servers: names.length === 0 ? adapters : adapters.filter(({ name }) => names.includes(name)),
    checks: ids.length === 0 ? checks : checks.filter(({ id }) => ids.some((one) => id.startsWith(one))),
    costs: costs || publish,
  };
}

function listing(): string {
  const servers = adapters.map(
    (adapter) => `  ${adapter.name.padEnd(26)} ${adapter.version() ?? 'not installed'}  ${adapter.title}\n`,
  );
  return `${servers.join('')}\n${checks.map(({ id, sentence }) => `  ${id.padEnd(34)} ${sentence}\n`).join('')}`;
}

async function testAll({ servers, checks: chosen, costs }: Chosen): Promise<Results> {
  const installed = servers.filter((adapter) => adapter.version() !== undefined);
  const leftOut = servers
    .filter((adapter) => !installed.includes(adapter))
    .map(({ name }) => ({ name, reason: 'it is not installed' }));
  for (const { name, reason } of leftOut) console.error(`${name}: left out, as ${reason}`);
  const tested = await testInTurn(installed, chosen);
  // Costs are measured when nothing else runs.
  const measured: ServerResult[] = [];
  for (const [adapter, result] of tested)
    measured.push(costs ? { ...result, costs: await measureServer(adapter) } : result);
  const described = chosen.map(({ id, sentence, reference, steps }) => ({ id, sentence, reference, steps }));
  return {
    measuredAt: new Date().toISOString(),
    machine: describeHost(),
    checks: described,
    servers: measured,
    leftOut,
  };
}

/** Tests several servers at once. @returns The results, in the order of the servers. */
async function testInTurn(
  servers: readonly Adapter[],
  chosen: readonly Check[],
): Promise<readonly (readonly [Adapter, ServerResult])[]> {
  const results = new Map<Adapter, ServerResult>();
  const queue = [...servers];
  const work = async (): Promise<void> => {
    for (let adapter = queue.shift(); adapter !== undefined; adapter = queue.shift())
      results.set(adapter, await testOne(adapter, chosen));
  };
  await Promise.all(Array.from({ length: serversAtOnce }, work));
  return servers.flatMap((adapter) => {
    const result = results.get(adapter);
    return result === undefined ? [] : [[adapter, result] as const];
  });
}

async function testOne(adapter: Adapter, chosen: readonly Check[]): Promise<ServerResult> {
  const started = performance.now();
  let reported = started;
  const result = await testServer(adapter, {
    checks: chosen,
    progress: ({ id, outcome, seen }, done) => {
      if (outcome === 'fail') console.error(`${adapter.name}: fail ${id}: ${seen}`);
      if (performance.now() - reported < 5000) return;
      reported = performance.now();
      console.error(`${adapter.name}: ${done} of ${chosen.length}`);
    },
  });
  const { pass, fail } = countOutcomes(result.results);
  const took = Math.round((performance.now() - started) / 1000);
  console.error(`${adapter.name}: ${pass} passed, ${fail} failed in ${took} s`);
  return result;
}

/** What fails against this package, and has not failed in the published results. */
function newFailures({ servers }: Results): string[] {
  const published = JSON.parse(readFileSync(docsPath('conformance.json'), 'utf8')) as Results;
  const isKnown = (server: string, id: string): boolean =>
    published.servers
      .find(({ name }) => name === server)
      ?.results.some((result) => result.id === id && result.outcome === 'fail') === true;
  const ours = adapters.filter((adapter) => adapter.ours === true).map(({ name }) => name);
  return servers
    .filter(({ name }) => ours.includes(name))
    .flatMap(({ name, results }) =>
      results
        .filter(({ id, outcome }) => outcome === 'fail' && !isKnown(name, id))
        .map(({ id, seen }) => `${name}: ${id}: ${seen}`),
    );
}
