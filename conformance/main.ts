/**
 * `npm run conformance`: tests servers and reports.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildPackage } from '../bench/harness/build.js';
import { docsPath, writeFormatted } from '../bench/harness/documents.js';
import { describeHost } from '../bench/machine.js';
import type { Adapter } from './adapter.js';
import { adapters } from './adapters/index.js';
import type { Check } from './check.js';
import { checks } from './checks/index.js';
import { measureCosts } from './costs.js';
import { publishResults } from './publish.js';
import { formatConfigurations, formatFailures, formatSummary } from './report.js';
import { countOutcomes, type Results, type ServerResult } from './result.js';
import { testServer } from './run.js';

const help = `Puts servers that authenticate their clients by certificate to the same test: npm run conformance -- [options]

  --server NAME   test this server; may be repeated; all that are installed if not given
  --check ID      run this check, or those whose id begins like that; may be repeated
  --costs         measure what 100,000 entries of a CRL cost, too; with --publish always
  --list          print the servers and the checks
  --json FILE     write what was found as JSON
  --publish       write docs/conformance.json, docs/conformance.md and the table of README.md
  --from FILE     take what was found from an earlier --json instead of testing
  --help          print this

It exits with 1 when a check fails against this package that has not failed in docs/conformance.json. What fails
against other servers is what the suite is for.

Examples:
  npm run conformance
  npm run conformance -- --server nginx --check live.keep-alive
  npm run conformance -- --from docs/conformance.json --publish

docs/conformance.md explains how to add a server.
`;

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  if (options.list) {
    process.stdout.write(listing());
    return;
  }
  const results =
    options.from === undefined
      ? await test(options)
      : (JSON.parse(readFileSync(options.from, 'utf8')) as Results);
  console.log(formatConfigurations(results));
  console.log(formatFailures(results));
  console.log(formatSummary(results));
  if (options.json !== undefined) await writeFormatted(options.json, JSON.stringify(results, null, 2));
  if (options.publish) await publishResults(results);
  const fresh = newFailures(results);
  for (const failure of fresh) console.error(`failed: ${failure}`);
  if (fresh.length > 0) process.exitCode = 1;
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

interface Options {
  readonly servers: readonly Adapter[];
  readonly checks: readonly Check[];
  readonly costs: boolean;
  readonly list: boolean;
  readonly json: string | undefined;
  readonly from: string | undefined;
  readonly publish: boolean;
  readonly help: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      server: { type: 'string', multiple: true, default: [] },
      check: { type: 'string', multiple: true, default: [] },
      costs: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      json: { type: 'string' },
      from: { type: 'string' },
      publish: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { server: names, check: ids, costs, publish } = values;
  const unknown = names.find((name) => adapters.every((adapter) => adapter.name !== name));
  if (unknown !== undefined)
    throw new Error(`--server ${unknown}: there are ${adapters.map(({ name }) => name).join(', ')}`);
  const missing = ids.find((id) => !checks.some((check) => check.id.startsWith(id)));
  if (missing !== undefined)
    throw new Error(`--check ${missing}: no check begins like that; --list has them all`);
  if (publish && values.from === undefined && names.length + ids.length > 0)
    throw new Error('--publish is for a whole run, or for --from');
  return {
    ...{ json: values.json, from: values.from, list: values.list, help: values.help, publish },
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

async function test({ servers, checks: chosen, costs }: Options): Promise<Results> {
  buildPackage();
  const tested: ServerResult[] = [];
  const leftOut: { name: string; reason: string }[] = [];
  for (const adapter of servers) {
    if (adapter.version() === undefined) {
      leftOut.push({ name: adapter.name, reason: 'it is not installed' });
      console.error(`${adapter.name}: left out, as it is not installed`);
      continue;
    }
    const started = performance.now();
    let reported = 0;
    const result = await testServer(adapter, {
      checks: chosen,
      measure: costs ? measureCosts : undefined,
      progress: ({ id, outcome, seen }, done) => {
        if (outcome === 'fail') console.error(`${adapter.name}: fail ${id}: ${seen}`);
        if (performance.now() - reported < 5000) return;
        reported = performance.now();
        console.error(`${adapter.name}: ${done} of ${chosen.length}`);
      },
    });
    const { pass, fail } = countOutcomes(result.results);
    console.error(
      `${adapter.name}: ${pass} passed, ${fail} failed in ${Math.round((performance.now() - started) / 1000)} s`,
    );
    tested.push(result);
  }
  const described = chosen.map(({ id, sentence, reference, steps }) => ({ id, sentence, reference, steps }));
  return {
    measuredAt: new Date().toISOString(),
    machine: describeHost(),
    checks: described,
    servers: tested,
    leftOut,
  };
}
