/**
 * The fleet on the status page: what the processes say about themselves, with bounds.
 *
 * @module
 */
import { type FleetProcess } from '../sources/process-report.js';
import { shorten } from '../x509/string.js';
import { type StatusFleet } from './status-report.js';

/** Reads the processes that report to a store, such as `readFleet(store)` does. */
export type ReadFleet = () => Promise<readonly FleetProcess[]>;

const mostListed = 100;
const mostCrls = 10;

/** Reads the fleet for a report. If that fails, the rest of the page is shown nevertheless. */
export async function describeFleet(read: ReadFleet): Promise<StatusFleet> {
  try {
    const processes = await read();
    return {
      outcome: 'read',
      total: processes.length,
      list: processes.slice(0, mostListed).map(({ host, pid, startedAt, at, crls }) => ({
        host: shorten(host, 100),
        pid,
        startedAt: startedAt.toISOString(),
        reportedAt: at.toISOString(),
        crls: crls.slice(0, mostCrls).map(({ issuer, crlNumber, deltaBase, thisUpdate }) => ({
          issuer: shorten(issuer, 200),
          number: crlNumber?.toString() ?? null,
          isDelta: deltaBase !== undefined,
          thisUpdate: thisUpdate.toISOString(),
        })),
      })),
    };
  } catch {
    // Its own fault says why the store cannot be read.
    return { outcome: 'failed', total: 0, list: [] };
  }
}
