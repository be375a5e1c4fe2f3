/**
 * The thread that loads large CRLs: one request, one answer, and it ends.
 *
 * @module
 */
// First: to load the other modules is work as well.
import { type MessagePort, workerData } from 'node:worker_threads';
import { dataOf, type ErrorData, MtlsError } from '../errors.js';
import { type CrlRequest, type CrlResponse, loadCrls } from './crl-loading.js';
import './step-back.js';

/** What the thread is given. */
export interface CrlWorkerData {
  readonly request: CrlRequest;
  /** Where it answers. Code that is preloaded into threads posts to `parentPort`, and so does Node itself under `--watch`. */
  readonly port: MessagePort;
}

/** What the thread says: first that it has started, then its answer. */
export type CrlWorkerMessage =
  | { readonly started: true }
  | { readonly response: CrlResponse }
  | { readonly error: ErrorData }
  | { readonly defect: string };

function answer(request: CrlRequest): CrlWorkerMessage {
  try {
    return { response: loadCrls(request) };
  } catch (error) {
    return error instanceof MtlsError ? { error: dataOf(error) } : { defect: String(error) };
  }
}

const { request, port } = workerData as CrlWorkerData;
const say = (message: CrlWorkerMessage): void => {
  port.postMessage(message);
};
say({ started: true });
say(answer(request));
