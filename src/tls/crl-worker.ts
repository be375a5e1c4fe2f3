/**
 * The thread that loads large CRLs: one request, one answer, and it ends.
 *
 * @module
 */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { type ErrorCode, MtlsError } from '../errors.js';
import { type CrlRequest, type CrlResponse, loadCrls } from './crl-loading.js';

/** What the thread answers. Errors lose their class between threads, so they go in pieces. */
export type CrlWorkerAnswer =
  | { readonly response: CrlResponse }
  | { readonly code: ErrorCode; readonly message: string }
  | { readonly defect: unknown };

async function answer(): Promise<CrlWorkerAnswer> {
  try {
    return { response: await loadCrls(workerData as CrlRequest) };
  } catch (error) {
    return error instanceof MtlsError ? { code: error.code, message: error.message } : { defect: error };
  }
}

/** Where cores are few, requests go first. Linux alone gives a thread a priority of its own: elsewhere it is the process's. */
function stepBack(): void {
  if (process.platform !== 'linux') return;
  try {
    // Not the lowest: under a load that never ends, a revocation must not wait for its end.
    setPriority(5);
  } catch {
    // A sandbox may forbid it: then the scheduler shares out as it likes.
  }
}

stepBack();
void answer().then((message) => {
  parentPort?.postMessage(message);
});
