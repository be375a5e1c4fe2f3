/**
 * `npm run soak`: builds, runs, and reports.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { buildPackage } from '../bench/harness/build.js';
import { writeFigures, writeFormatted } from '../bench/harness/documents.js';
import { resultsFrom, runProgram } from '../bench/harness/program.js';
import { formatResult } from './report.js';
import type { SoakResult } from './result.js';
import { runSoak } from './run.js';
import { findFailures } from './truth/verdict.js';

const help = `Runs servers with many clients while everything changes: npm run soak -- [options]

  --seconds N   how long, from 20; 600 if not given
  --json FILE   write what was found as JSON
  --publish     write the figures into docs/reliability.md
  --from FILE   take what was found from an earlier --json instead of running
  --help        print this

It exits with 1 when a good request was lost, a client that had to be out was answered later than 1 s after,
memory grew by more than 1 MB a minute (asserted from 3 minutes on), or something was left open at the end;
and says each in a sentence.

Examples:
  npm run soak
  npm run soak -- --seconds 60 --json soak-result.json
  npm run soak -- --from soak-result.json --publish
`;

const defaultSeconds = 600;
const shortestSeconds = 20;

await runProgram(main);

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  const result = await resultsFrom(options.from, () => run(options.seconds));
  const failures = findFailures(result);
  console.log(formatResult(result));
  if (options.json !== undefined)
    await writeFormatted(options.json, JSON.stringify({ ...result, failures }, null, 2));
  if (options.publish) await writeFigures('reliability.md', formatResult(result));
  for (const failure of failures) console.error(`failed: ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
}

async function run(seconds: number): Promise<SoakResult> {
  buildPackage();
  return await runSoak({
    seconds,
    progressEveryMs: process.stderr.isTTY ? 10_000 : 30_000,
    progress: (text) => {
      console.error(text);
    },
  });
}

interface Options {
  readonly seconds: number;
  readonly json: string | undefined;
  readonly from: string | undefined;
  readonly publish: boolean;
  readonly help: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      json: { type: 'string' },
      from: { type: 'string' },
      publish: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const seconds = Number(values.seconds ?? defaultSeconds);
  if (!Number.isInteger(seconds) || seconds < shortestSeconds)
    throw new Error(`--seconds ${values.seconds}: expected a whole number from ${shortestSeconds}`);
  return { seconds, json: values.json, from: values.from, publish: values.publish, help: values.help };
}
