/**
 * Loads CRLs without holding the event loop: large ones on a thread of their own.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { MtlsError } from '../errors.js';
import { type CrlInput, type CrlRequest, type CrlResponse, loadCrls } from './crl-loading.js';
import { type CrlWorkerAnswer } from './crl-worker.js';
import { crlBlocks } from './sources.js';
import workerFile from './worker-file.cjs';

// Up to here loading takes less than 5 ms, and starting a thread takes longer.
const inlineBytes = 256 * 1024;

/**
 * {@link loadCrls}, on whichever thread suits the size.
 * @param signal - Ends the thread.
 * @throws MtlsError as {@link loadCrls}.
 */
export async function loadCrlsAside(request: CrlRequest, signal: AbortSignal): Promise<CrlResponse> {
  const sizes = await Promise.all(request.inputs.map(sizeOf));
  const isSmall = sizes.reduce((sum, size) => sum + size, 0) <= inlineBytes;
  if (isSmall) return await loadCrls(request);
  if (existsSync(workerFile)) return await loadInThread(request, signal);
  // A bundler may leave the file out. Slower is better than not at all.
  process.emitWarning(`large CRLs are loaded on the main thread, because ${workerFile} is missing`, {
    type: 'MtlsWarning',
    code: 'MTLS_NO_WORKER',
  });
  return await loadCrls(request);
}

async function loadInThread(request: CrlRequest, signal: AbortSignal): Promise<CrlResponse> {
  // A thread takes milliseconds to start: not in the turn that has read the other sources.
  await new Promise(setImmediate);
  const worker = new Worker(workerFile, { workerData: request, execArgv: [] });
  const stop = (): void => void worker.terminate();
  signal.addEventListener('abort', stop, { once: true });
  // It may have been aborted while the sizes were asked for.
  if (signal.aborted) stop();
  try {
    const answer = await new Promise<CrlWorkerAnswer>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', ({ message }: Error) => {
        reject(new MtlsError('ERR_MTLS_CRL_INVALID', `the thread that loads the CRLs failed: ${message}`));
      });
      worker.once('exit', () => {
        reject(new MtlsError('ERR_MTLS_CRL_INVALID', 'the thread that loads the CRLs ended before it had'));
      });
    });
    if ('response' in answer) return answer.response;
    if ('defect' in answer) throw answer.defect;
    throw new MtlsError(answer.code, answer.message);
  } finally {
    signal.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

/** How many bytes a source has; 0 where that cannot be told, which reading it will tell. */
async function sizeOf(input: CrlInput): Promise<number> {
  if (!('path' in input)) return input.bytes.byteLength;
  const { path } = input;
  const names = await readdir(path).catch(() => undefined);
  if (names === undefined) return await sizeOfFile(path);
  const read = names.filter((name) => crlBlocks.fileName.test(name));
  const sizes = await Promise.all(read.map((name) => sizeOfFile(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function sizeOfFile(path: string): Promise<number> {
  return await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
