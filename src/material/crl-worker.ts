/**
 * The thread that loads large CRLs: it takes one request, sends one answer, and ends.
 *
 * @module
 */
// Imported first, because loading the other modules is work too.
import { type MessagePort, workerData } from 'node:worker_threads';
import { dataOf, type ErrorData, MtlsError } from '../errors.js';
import { type CrlRequest, type CrlResponse, loadCrls } from './crl-loading.js';
import './step-back.js';

/** The input of the thread. */
export interface CrlWorkerData {
  readonly request: CrlRequest;
  /** The port for the answer. `parentPort` is also used by preloaded code, and by Node under `--watch`. */
  readonly port: MessagePort;
}

/** The messages of the thread: that it has started, then its answer. */
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

if (workerData === null)
  throw new MtlsError('ERR_MTLS_STATE_INVALID', {
    seen: 'express-mtls/crl-worker was imported, but it is the program of a thread',
    remedy: 'make it an entry of the bundle, with the name express-mtls-crl-worker',
  });
const { request, port } = workerData as CrlWorkerData;
const say = (message: CrlWorkerMessage): void => {
  port.postMessage(message);
};
say({ started: true });
say(answer(request));
