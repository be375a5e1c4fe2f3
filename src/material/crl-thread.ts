/**
 * Loads CRLs without blocking the event loop: large ones on a separate thread.
 *
 * @module
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MtlsError } from '../errors.js';
import { type CrlInput, type CrlRequest, type CrlResponse, loadCrls } from './crl-loading.js';
import { turn } from '../timers.js';
import { crlBlocks } from './sources.js';
import { callThread, ThreadFailure, type ThreadProgram } from './thread-call.js';
import findWorkerProgram from './worker-file.cjs';

/** Up to this size, loading takes less than 5 ms, which is less than starting a thread. */
export const inlineBytes: number = 256 * 1024;

/** The time limits of loading threads. */
export interface ThreadSettings {
  /** Finds the program of the thread. */
  readonly find: () => ThreadProgram;
  /** The time for starting a thread, in milliseconds. */
  readonly startMs: number;
  /** The time for loading, in milliseconds, to which the time per byte is added. */
  readonly workMs: number;
  readonly workMsPerByte: number;
  /** How long no thread is started after a failure, in milliseconds. */
  readonly avoidedMs: number;
}

const settings: ThreadSettings = {
  find: findWorkerProgram,
  startMs: 10_000,
  workMs: 60_000,
  // One million bytes per second. A small server with two cores loads fifty.
  workMsPerByte: 1 / 1000,
  // The cause may be temporary. Until then, reloads do not wait for a failing thread.
  avoidedMs: 600_000,
};

/**
 * {@link loadCrls}, on the thread that suits the size.
 * @param signal - Stops the thread.
 * @throws MtlsError like {@link loadCrls}, and for any other failure.
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

/** Loads CRLs on threads, and on the calling thread if they fail: slow loading is better than none. */
export class CrlThreads {
  readonly #settings: ThreadSettings;
  /** By `performance.now()`. */
  #avoidedUntil = 0;
  #hasWarned = false;

  constructor(settings: ThreadSettings) {
    this.#settings = settings;
  }

  /**
   * Loads CRLs of a given size in bytes.
   * @param signal - Stops the thread.
   * @throws MtlsError like {@link callThread} and {@link loadCrls}, or because the signal was aborted.
   */
  async load(request: CrlRequest, bytes: number, signal: AbortSignal): Promise<CrlResponse> {
    if (performance.now() < this.#avoidedUntil) return loadCrls(request);
    const { find, startMs, workMs, workMsPerByte } = this.#settings;
    try {
      const program = find();
      if ('file' in program && !existsSync(program.file))
        throw new ThreadFailure(
          `${program.file} is missing`,
          'in a bundle, add the entry express-mtls/crl-worker under this name, or leave express-mtls out',
        );
      // Starting a thread takes milliseconds, so it is done in a later turn of the event loop than reading the sources.
      await turn();
      return await callThread(request, { program, startMs, workMs: workMs + bytes * workMsPerByte }, signal);
    } catch (error) {
      if (!(error instanceof ThreadFailure)) throw error;
      if (signal.aborted)
        throw new MtlsError('ERR_MTLS_ABORTED', { seen: 'the server was closed while its CRLs were loaded' });
      this.#avoid(error);
      return loadCrls(request);
    }
  }

  #avoid({ message, remedy, isSilence }: ThreadFailure): void {
    // A silent thread costs seconds each time and may never end.
    this.#avoidedUntil = isSilence ? Infinity : performance.now() + this.#settings.avoidedMs;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const warning = `large CRLs are loaded on the main thread, which blocks requests: the loading thread failed (${message}); ${remedy}`;
    process.emitWarning(warning, { type: 'MtlsWarning', code: 'MTLS_NO_WORKER' });
  }
}

const threads = new CrlThreads(settings);

/** The size of a source in bytes; 0 if it cannot be determined, in which case reading the source reports why. */
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
