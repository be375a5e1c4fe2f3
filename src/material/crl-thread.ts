/**
 * Loads CRLs without holding the event loop: large ones on a thread of their own.
 *
 * @module
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MtlsError } from '../errors.js';
import { type CrlInput, type CrlRequest, type CrlResponse, loadCrls } from './crl-loading.js';
import { crlBlocks } from './sources.js';
import { callThread, ThreadFailure } from './thread-call.js';
import workerFile from './worker-file.cjs';

/** Up to how many bytes loading takes less than 5 ms, which is less than to start a thread. */
export const inlineBytes: number = 256 * 1024;

/** How threads load CRLs. */
export interface ThreadSettings {
  readonly file: string;
  /** How long a thread may take to start, in milliseconds. */
  readonly startMs: number;
  /** How long it may take then, in milliseconds, and for each byte of the sources. */
  readonly workMs: number;
  readonly workMsPerByte: number;
  /** For how long no thread is started after one has failed, in milliseconds. */
  readonly avoidedMs: number;
}

const settings: ThreadSettings = {
  file: workerFile,
  startMs: 10_000,
  workMs: 60_000,
  // One million bytes a second. Two cores of a small server load fifty.
  workMsPerByte: 1 / 1000,
  // By then the cause may be gone. Until then no reload waits for a thread that fails.
  avoidedMs: 600_000,
};

/**
 * {@link loadCrls}, on whichever thread suits the size.
 * @param signal - Ends the thread.
 * @throws MtlsError as {@link loadCrls}, and for whatever else goes wrong.
 */
export async function loadCrlsAside(request: CrlRequest, signal: AbortSignal): Promise<CrlResponse> {
  try {
    const bytes = request.inputs.map(sizeOfInput).reduce((sum, size) => sum + size, 0);
    if (bytes <= inlineBytes) return loadCrls(request);
    return await threads.load(request, bytes, signal);
  } catch (cause) {
    if (cause instanceof MtlsError) throw cause;
    throw new MtlsError(
      'ERR_MTLS_INTERNAL',
      { seen: `the CRLs could not be loaded: ${String(cause)}` },
      { cause },
    );
  }
}

/** Loads on threads, or on the calling thread where they fail: slower is better than not at all. */
export class CrlThreads {
  readonly #settings: ThreadSettings;
  /** By `performance.now()`. */
  #avoidedUntil = 0;
  #hasWarned = false;

  constructor(settings: ThreadSettings) {
    this.#settings = settings;
  }

  /**
   * Loads CRLs of so many bytes.
   * @param signal - Ends the thread.
   * @throws MtlsError as {@link callThread} and {@link loadCrls}, or that the signal was aborted.
   */
  async load(request: CrlRequest, bytes: number, signal: AbortSignal): Promise<CrlResponse> {
    if (performance.now() < this.#avoidedUntil) return loadCrls(request);
    const { file, startMs, workMs, workMsPerByte } = this.#settings;
    try {
      if (!existsSync(file))
        throw new ThreadFailure(`${file} is missing`, 'leave express-mtls out of the bundle');
      // Starting a thread takes milliseconds: not in the turn that has read the other sources.
      await new Promise(setImmediate);
      return await callThread(request, { file, startMs, workMs: workMs + bytes * workMsPerByte }, signal);
    } catch (error) {
      if (!(error instanceof ThreadFailure)) throw error;
      if (signal.aborted)
        throw new MtlsError('ERR_MTLS_ABORTED', { seen: 'the server was closed while its CRLs were loaded' });
      this.#avoid(error);
      return loadCrls(request);
    }
  }

  #avoid({ message, remedy, isSilence }: ThreadFailure): void {
    // One that says nothing costs seconds each time, and may never end.
    this.#avoidedUntil = isSilence ? Infinity : performance.now() + this.#settings.avoidedMs;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const warning = `large CRLs are loaded on the main thread, and requests wait meanwhile: the loading thread failed (${message}); ${remedy}`;
    process.emitWarning(warning, { type: 'MtlsWarning', code: 'MTLS_NO_WORKER' });
  }
}

const threads = new CrlThreads(settings);

/** How many bytes a source has; 0 where that cannot be told, which reading it will tell. */
export function sizeOfInput(input: CrlInput): number {
  if (!('path' in input)) return input.bytes.byteLength;
  const { path } = input;
  try {
    const seen = statSync(path);
    if (!seen.isDirectory()) return seen.size;
    const names = readdirSync(path).filter((name) => crlBlocks.fileName.test(name));
    return names.reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
  } catch {
    return 0;
  }
}
