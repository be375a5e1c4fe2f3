/**
 * `npm run bench`: builds, measures, and reports.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { benchmarks } from './benchmarks.js';
import { buildPackage } from './harness/build.js';
import { type BenchmarkResult, missedGoals, type Results } from './harness/results.js';
import { resultsFrom, runProgram } from './harness/program.js';
import { describeMachine } from './machine.js';
import { publishResults, writeResults } from './publish.js';
import { formatResults } from './report.js';

const names = Object.keys(benchmarks);

const help = `Measures what this package costs: npm run bench -- [options]

  --only NAME   run one benchmark: ${names.slice(0, 6).join(', ')},
                ${names.slice(6).join(', ')}
  --quick       small counts, in a minute or two; rough figures
  --check       exit with 1 when a goal is missed, and say which
  --json FILE   write the results as JSON
  --publish     write docs/benchmarks.json, docs/handshake-cost.svg and the figures in docs/benchmarks.md;
                with --only, the tables of the other benchmarks stay
  --from FILE   take the results from an earlier --json instead of measuring
  --help        print this

Examples:
  npm run bench
  npm run bench -- --check --publish
  npm run bench -- --only reload --quick
  npm run bench -- --from docs/benchmarks.json --publish

Linux only: memory and CPU are read from /proc. nginx and HAProxy are compared where they are installed.
`;

await runProgram(main);

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help === true) {
    process.stdout.write(help);
    return;
  }
  const results = await resultsFrom(options.from, () => measure(options));
  console.log(formatResults(results));
  if (options.json !== undefined) await writeResults(results, options.json);
  if (options.publish === true) await publishResults(results, names);
  const missed = missedGoals(results);
  for (const line of missed) console.error(`missed: ${line}`);
  if (options.check === true && missed.length > 0) process.exitCode = 1;
}

interface Options {
  readonly only?: string | undefined;
  readonly from?: string | undefined;
  readonly json?: string | undefined;
  readonly quick?: boolean | undefined;
  readonly check?: boolean | undefined;
  readonly publish?: boolean | undefined;
  readonly help?: boolean | undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      from: { type: 'string' },
      json: { type: 'string' },
      quick: { type: 'boolean' },
      check: { type: 'boolean' },
      publish: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.only !== undefined && !names.includes(values.only))
    throw new Error(`--only ${values.only}: there are ${names.join(', ')}`);
  return values;
}

async function measure({ only, quick = false }: Options): Promise<Results> {
  if (process.platform !== 'linux') throw new Error('the benchmarks read /proc, so they need Linux');
  buildPackage();
  const results: BenchmarkResult[] = [];
  for (const name of only === undefined ? names : [only]) {
    const started = performance.now();
    const progress = (text: string): void => {
      console.error(`${name}: ${text}`);
    };
    results.push(await (benchmarks[name] as (typeof benchmarks)[string])({ quick, progress }));
    progress(`done in ${Math.round((performance.now() - started) / 1000)} s`);
  }
  return { measuredAt: new Date().toISOString(), machine: describeMachine(), quick, benchmarks: results };
}
