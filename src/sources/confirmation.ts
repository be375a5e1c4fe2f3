/**
 * Which processes have a published CRL in force.
 *
 * @module
 */
import { type CrlStore, storeFailure } from './crl-store.js';
import { type FleetProcess, parseReport } from './process-report.js';
import { within } from '../within.js';

/** How many processes have confirmed that a CRL is in force. */
export interface Confirmation {
  /** How many were waited for. */
  readonly wanted: number;
  /** How many have confirmed. */
  readonly processes: number;
  /** The time from publishing until the last of them was seen, or until waiting ended, in milliseconds. */
  readonly durationMs: number;
}

/** How long to wait, and for how many. */
interface Waiting {
  readonly wait: number;
  readonly waitMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A CRL that processes are expected to have in force. */
export interface Expected {
  /** Its key in the store. */
  readonly key: string;
  /** The versions of this key that count: its own, and those of newer CRLs that have replaced it meanwhile. */
  readonly versions: ReadonlySet<string>;
  /** Adds the version that the store has now, if it counts. */
  readonly refresh: () => Promise<void>;
}

// More processes than this are not counted.
const mostProcesses = 10_000;

/**
 * The processes that currently report to a store, with the CRLs that they have in force. Anyone who may write to the
 * store can claim to be a process: reports are for information only.
 * @param store - The store.
 * @param options - `timeoutMs`: how long the store may take. Default 10,000.
 * @throws MtlsError `ERR_MTLS_STORE_FAILED`.
 * @example
 * ```ts
 * for (const { host, pid, crls } of await readFleet(store)) console.log(host, pid, crls);
 * ```
 */
export async function readFleet(
  store: CrlStore,
  { timeoutMs = 10_000 }: { readonly timeoutMs?: number } = {},
): Promise<FleetProcess[]> {
  try {
    const reports = await within(timeoutMs, (signal) => store.reports(mostProcesses, signal));
    const processes = reports.flatMap((text) => parseReport(text) ?? []);
    return processes.sort((one, other) => compare(one.host, other.host) || one.pid - other.pid);
  } catch (cause) {
    throw storeFailure(store.name, 'reading the reports', cause);
  }
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

// The reports are read often at first, because most processes confirm within some tens of milliseconds.
const firstPauseMs = 5;
const lastPauseMs = 250;

/** Waits until enough processes report that CRLs are in force, or newer ones of the same scopes. */
export async function waitUntilInForce(
  store: CrlStore,
  crls: readonly Expected[],
  { wait, waitMs, timeoutMs, signal }: Waiting,
): Promise<Confirmation> {
  const started = performance.now();
  const elapsed = (): number => Math.round(performance.now() - started);
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.2, lastPauseMs)) {
    const fleet = await readFleet(store, { timeoutMs });
    const confirming = fleet.filter((each) => crls.every((crl) => hasInForce(each, crl)));
    const processes = confirming.length;
    if (processes >= wait || elapsed() >= waitMs || signal.aborted)
      return Object.freeze({ wanted: wait, processes, durationMs: elapsed() });
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    await refreshAll(crls, signal);
  }
}

async function refreshAll(crls: readonly Expected[], signal: AbortSignal): Promise<void> {
  try {
    for (const crl of crls) await crl.refresh();
  } catch (error) {
    // Waiting that is aborted ends with what has been confirmed.
    if (!signal.aborted) throw error;
  }
}

function hasInForce(process: FleetProcess, { key, versions }: Expected): boolean {
  const reported = process.versions.get(key);
  return reported !== undefined && versions.has(reported);
}
