/**
 * `express-mtls fleet`: which processes have which CRLs in force.
 *
 * @module
 */
import { type CrlInForce } from '../../material/source-options.js';
import { count } from '../../quantity.js';
import { readFleet } from '../../sources/confirmation.js';
import { type FleetProcess } from '../../sources/process-report.js';
import type { Answer, CommonOptions } from '../answer.js';
import type { Commands } from '../commands.js';
import { describeStores, storeOption, withStore } from '../store/store-options.js';
import { type Cell, type Column, formatTable } from '../table.js';
import type { Terminal } from '../terminal.js';
import { fromNow } from '../time.js';

interface FleetCommandOptions extends CommonOptions {
  readonly at?: string;
}

/** Adds the command. */
export function addFleet({ create, answers }: Commands): void {
  create('fleet')
    .summary('list the processes of a fleet, and the CRLs that they have in force')
    .description(
      'Lists the processes that report to the store of a fleet, with the number and the age of each CRL that they have in force. A process that has ended stays in the list for at most three times its pollMs.',
    )
    .addOption(storeOption('--at <url>', 'the store'))
    .action(
      answers(async (terminal, _args, { at }: FleetCommandOptions) => {
        const use = { url: at, option: '--at', what: 'reading the store' };
        const processes = await withStore(terminal, use, (store) => readFleet(store));
        return describeFleet(terminal, processes);
      }),
    )
    .addHelpText(
      'after',
      `${describeStores()}

Examples:
  $ express-mtls fleet --at redis://store.internal
  $ express-mtls fleet --at postgres://reader@db.internal/app --json`,
    );
}

const columns: readonly Column[] = [
  { title: 'HOST' },
  { title: 'PID', leftOut: 'late' },
  { title: 'NODE', leftOut: 'early' },
  { title: 'STARTED', leftOut: 'early' },
  { title: 'REPORTED' },
  { title: 'CRL' },
  { title: 'ISSUED', leftOut: 'late' },
  { title: 'ISSUER' },
];

function describeFleet(terminal: Terminal, processes: readonly FleetProcess[]): Answer {
  const data = {
    processes: processes.map(({ versions, ...process }) => ({
      ...process,
      versions: Object.fromEntries(versions),
    })),
  };
  if (processes.length === 0) return { data, text: 'no process reports to this store' };
  const table = formatTable(
    terminal,
    columns,
    processes.flatMap((process) => rowsOf(process, terminal.world.now())),
  );
  return { data, text: `${table}\n${count(processes.length, 'process', 'processes')}` };
}

function rowsOf({ host, pid, node, startedAt, at, crls }: FleetProcess, nowMs: number): Cell[][] {
  const process = [host, String(pid), node, fromNow(startedAt, nowMs), fromNow(at, nowMs)];
  if (crls.length === 0) return [cellsOf([...process, 'none', '', ''])];
  return crls.map((crl, index) =>
    cellsOf([
      ...(index === 0 ? process : process.map(() => '')),
      numberOf(crl),
      fromNow(crl.thisUpdate, nowMs),
      crl.issuer,
    ]),
  );
}

function numberOf({ crlNumber, deltaBase }: CrlInForce): string {
  const number = crlNumber === undefined ? 'no number' : String(crlNumber);
  return deltaBase === undefined ? number : `${number} (delta to ${deltaBase})`;
}

function cellsOf(texts: readonly string[]): Cell[] {
  return texts.map((text) => ({ text }));
}
