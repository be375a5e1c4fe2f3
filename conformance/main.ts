/**
 * `npm run conformance`: tests servers and reports.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildPackage } from '../bench/harness/build.js';
import { runProgram } from '../bench/harness/program.js';

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

/** The options, as they are given. */
export type CommandOptions = ReturnType<typeof readOptions>;

await runProgram(main);

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  const tests = !options.list && options.from === undefined;
  if (tests || !existsSync(fileURLToPath(new URL('../dist', import.meta.url)))) buildPackage();
  // The adapters import the package, which has to be built by now.
  const { runCommand } = await import('./command.js');
  await runCommand(options);
}

function readOptions() {
  return parseArgs({
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
  }).values;
}
