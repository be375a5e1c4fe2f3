/**
 * The thread that loads large CRLs: one request, one answer, and it ends.
 *
 * @module
 */
// First: to load the other modules is work as well.
import './step-back.js';
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

void answer().then((message) => {
  parentPort?.postMessage(message);
});
