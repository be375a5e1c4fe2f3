/**
 * What the protection costs a server, measured and neither passed nor failed.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { largeCrl } from '../test/support/chain.js';
import type { Server, Stage } from './harness/stage.js';
import type { Cost } from './result.js';

const entries = 100_000;
const handshakes = 60;

/** CPU of a handshake, memory of an entry, and the stall of a reload, with 100,000 entries and with none. */
export async function measureCosts(newStage: () => Stage): Promise<readonly Cost[]> {
  const [few, many] = [newStage(), newStage()];
  try {
    if (few.adapter.lacks?.crl !== undefined || process.platform !== 'linux') return [];
    const small = await few.start({ cas: [few.root], crls: [few.root.crl()] });
    await small.serves(few.root.client('good'), 'the client');
    const without = await handshakeCost(small, few);
    const resident = residentOf(small.pid);
    const list = largeCrl(many.root, { entries });
    const large = await many.start({ cas: [many.root], crls: [list] });
    await large.serves(many.root.client('good'), 'the client');
    const listed = { cpu: await handshakeCost(large, many), bytes: list.der.length };
    const grown = residentOf(large.pid) - (small.pid === large.pid ? resident : residentOf(small.pid));
    const held = Math.max(0, grown);
    const stall = await stallOf(large, many);
    return [
      {
        id: 'cost.handshake',
        seen: `${ratio(listed.cpu, without)} × (${listed.cpu.toFixed(1)} ms against ${without.toFixed(1)} ms)`,
      },
      {
        id: 'cost.memory',
        seen: `${ratio(held, listed.bytes)} × (${Math.round(held / entries)} bytes an entry against ${Math.round(listed.bytes / entries)})`,
      },
      {
        id: 'cost.reload',
        seen: `${ratio(stall.during, stall.before)} × (${stall.during.toFixed(0)} ms against ${stall.before.toFixed(0)} ms)`,
      },
    ];
  } catch (error) {
    return [{ id: 'cost.handshake', seen: `not measured: ${(error as Error).message}` }];
  } finally {
    for (const stage of [few, many]) await stage.close().catch(() => undefined);
  }
}

/** What each is. */
export const costTexts: Readonly<Record<string, string>> = {
  'cost.handshake': `CPU of a full handshake, a CRL of ${entries.toLocaleString('en-US')} entries against an empty one`,
  'cost.memory': 'resident memory of such a CRL, against its size in DER',
  'cost.reload': 'the slowest request of a good client while such a CRL is replaced, against no reload',
};

function ratio(one: number, other: number): string {
  return (one / other).toFixed(1);
}

/** CPU time of the server for a handshake and one request, in milliseconds. */
async function handshakeCost(server: Server, { root }: Stage): Promise<number> {
  const client = server.as(root.client('good'));
  for (let warmUp = 0; warmUp < 10; warmUp += 1) await client.call({ version: 'TLSv1.3' });
  const before = cpuOfTree(server.pid);
  for (let call = 0; call < handshakes; call += 1) await client.call({ version: 'TLSv1.3' });
  return (cpuOfTree(server.pid) - before) / handshakes;
}

/** The slowest of the requests on one connection, in milliseconds: for two seconds, and then around a reload. */
async function stallOf(server: Server, { root }: Stage): Promise<{ before: number; during: number }> {
  const good = server.as(root.client('good'));
  let held = await good.keepAlive();
  const slowest = async (ms: number): Promise<number> => {
    let longest = 0;
    for (const until = performance.now() + ms; performance.now() < until;) {
      const started = performance.now();
      // A server that ends the connection with the reload costs a new one.
      if (!(await held.ask())) held = await good.keepAlive();
      longest = Math.max(longest, performance.now() - started);
    }
    return longest;
  };
  const before = await slowest(2000);
  const list = largeCrl(root, {
    entries,
    number: 2,
    also: [root.client('eve')],
    thisUpdate: new Date(Date.now() - 1000),
  });
  await server.change({ crls: [list] });
  return { before, during: await slowest(4000) };
}

/** Resident memory of a process and its children, in bytes; what they share is counted once. */
function residentOf(pid: number): number {
  return treeOf(pid)
    .map((each) => /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${each}/smaps_rollup`, 'latin1'))?.[1])
    .reduce((sum, kilobytes) => sum + 1024 * Number(kilobytes ?? 0), 0);
}

/** CPU time of a process and its children, in milliseconds, with threads that have ended. Linux counts in steps of 10 ms. */
function cpuOfTree(pid: number): number {
  return treeOf(pid)
    .map((each) =>
      readFileSync(`/proc/${each}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' '),
    )
    .reduce((sum, fields) => sum + 10 * (Number(fields[11]) + Number(fields[12])), 0);
}

function treeOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
    .trim()
    .split(' ')
    .filter(Boolean);
  return [pid, ...children.flatMap((child) => treeOf(Number(child)))];
}
