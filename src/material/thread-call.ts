/**
 * One call of the loading thread: from its start to its answer or failure.
 *
 * @module
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { ErrorCode, type ErrorData, errorOf, MtlsError } from '../errors.js';
import { type CrlRequest, type CrlResponse } from './crl-loading.js';
// Types only: the module does its work on import.
import type { CrlWorkerData, CrlWorkerMessage } from './crl-worker.js';
import { inNextTurn, startTimeout, stopTimeout } from '../timers.js';
import { threadOptions } from './thread-options.js';

/** What a thread runs: a file, or code. */
export type ThreadProgram = { readonly file: string } | { readonly code: string };

/** What the thread runs, and its time limits in milliseconds. */
export interface ThreadCall {
  readonly program: ThreadProgram;
  /** Until the thread has started. */
  readonly startMs: number;
  /** From the start until the answer. */
  readonly workMs: number;
}

/** Why the thread did not answer. The CRLs can be loaded without it. */
export class ThreadFailure extends Error {
  /** What to do about it. */
  readonly remedy: string;
  /** Whether the thread sent nothing at all. Another one may be as slow. */
  readonly isSilence: boolean;

  constructor(what: string, remedy: string, options: ErrorOptions & { readonly isSilence?: boolean } = {}) {
    super(what, options);
    this.remedy = remedy;
    this.isSilence = options.isSilence ?? false;
  }
}

// A thread inside a native call does not stop when it is terminated.
const longestEndMs = 1000;

/**
 * Has a thread load CRLs.
 * @param signal - Stops the thread.
 * @throws MtlsError the fault that the thread reports, or that it needs more memory than allowed: the calling thread
 *   would too, and end the process.
 * @throws ThreadFailure why the thread did not answer, including an aborted signal.
 */
export async function callThread(
  request: CrlRequest,
  call: ThreadCall,
  signal: AbortSignal,
): Promise<CrlResponse> {
  if (signal.aborted) throw toldToEnd();
  const { port1: answers, port2: port } = new MessageChannel();
  let worker: Worker | undefined;
  try {
    worker = startThread(call.program, { request, port });
    const answer = await firstAnswer(worker, answers, call, signal);
    // Ending takes tens of milliseconds after a large CRL, and a revocation must not wait for it.
    void worker.terminate();
    return answer;
  } catch (error) {
    // What the thread holds is released before the calling thread does the same work.
    if (worker !== undefined) await Promise.race([worker.terminate(), pauseUnref(longestEndMs)]);
    throw error;
  } finally {
    answers.close();
  }
}

async function pauseUnref(ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    startTimeout(resolve, ms).unref();
  });
}

function startThread(program: ThreadProgram, workerData: CrlWorkerData): Worker {
  const { execArgv, env } = process;
  try {
    return new Worker('file' in program ? program.file : program.code, {
      eval: 'code' in program,
      workerData,
      transferList: [workerData.port],
      // Node has already printed its warnings about options when the process started.
      execArgv: ['--no-warnings', ...threadOptions({ execArgv, nodeOptions: env['NODE_OPTIONS'] })],
      // execArgv has the options that the thread needs. Node rejects process-wide options here.
      env: { ...env, NODE_OPTIONS: '' },
    });
  } catch (cause) {
    throw failureOf(cause, isCode(cause, 'ERR_ACCESS_DENIED') ? 'start Node with --allow-worker' : undefined);
  }
}

async function firstAnswer(
  worker: Worker,
  answers: MessagePort,
  { startMs, workMs }: ThreadCall,
  signal: AbortSignal,
): Promise<CrlResponse> {
  let patience: NodeJS.Timeout | undefined;
  let abort = (): void => undefined;
  try {
    return await new Promise((resolve, reject) => {
      const expect = (what: 'started' | 'answered', ms: number): void => {
        stopTimeout(patience);
        // After a blocked event loop, a message may be waiting. It is read before the immediate runs.
        patience = startTimeout(() => {
          inNextTurn(() => {
            reject(silence(what, ms));
          });
        }, ms);
      };
      const read = (message: unknown): void => {
        if (!isMessage(message))
          reject(failureOf('it gave an answer of an unknown form', 'restart the process'));
        else if ('started' in message) expect('answered', workMs);
        else if ('response' in message) resolve(message.response);
        else if ('error' in message) reject(errorOf(message.error));
        else reject(failureOf(message.defect, 'report it'));
      };
      const readRest = (): void => {
        let next = receiveMessageOnPort(answers) as { readonly message: unknown } | undefined;
        for (; next !== undefined; next = receiveMessageOnPort(answers) as typeof next) read(next.message);
      };
      abort = () => {
        reject(toldToEnd());
      };
      expect('started', startMs);
      answers.on('message', read);
      answers.on('messageerror', (error) => {
        reject(failureOf(error));
      });
      // These listeners stay while the thread lives: an unhandled error would end the process.
      worker.on('error', (error: unknown) => {
        readRest();
        reject(isCode(error, 'ERR_WORKER_OUT_OF_MEMORY') ? outOfMemory(error) : failureOf(error));
      });
      worker.on('exit', () => {
        readRest();
        reject(failureOf('it ended before it answered'));
      });
      signal.addEventListener('abort', abort);
    });
  } finally {
    stopTimeout(patience);
    signal.removeEventListener('abort', abort);
    // A late message must not set the timer again.
    answers.close();
  }
}

/** Whether a message is of this version: the package on disk may have been replaced since the process started. */
function isMessage(message: unknown): message is CrlWorkerMessage {
  if (typeof message !== 'object' || message === null) return false;
  const { started, response, error, defect } = message as Record<string, unknown>;
  if (started === true || typeof defect === 'string') return true;
  return error === undefined ? isResponse(response) : isErrorData(error);
}

function isErrorData(error: unknown): error is ErrorData {
  if (typeof error !== 'object' || error === null) return false;
  const { code, seen, errors } = error as Record<keyof ErrorData, unknown>;
  const isKnown = typeof code === 'string' && Object.hasOwn(ErrorCode, code) && typeof seen === 'string';
  return isKnown && (errors === undefined || (Array.isArray(errors) && errors.every(isErrorData)));
}

function isResponse(response: unknown): response is CrlResponse {
  if (typeof response !== 'object' || response === null) return false;
  const { hash, crls, inputs, diff, shrunk } = response as Record<keyof CrlResponse, unknown>;
  return (
    typeof hash === 'string' &&
    (crls === undefined || Array.isArray(crls)) &&
    Array.isArray(inputs) &&
    typeof diff === 'object' &&
    Array.isArray(shrunk)
  );
}

const usualRemedy =
  'of --require, --import and --loader it only gets those of Yarn and pnpm (.pnp.cjs); install express-mtls where Node finds it without the others';

function failureOf(cause: unknown, remedy: string = usualRemedy): ThreadFailure {
  // The message for a missing module continues with the require stack.
  const [what = ''] = String(cause).split('\n', 1);
  return new ThreadFailure(what, remedy, { cause });
}

function silence(what: 'started' | 'answered', ms: number): ThreadFailure {
  const remedy = 'remove the cause, such as a debugger that pauses each thread, and restart the process';
  return new ThreadFailure(`it has not ${what} within ${ms / 1000} s`, remedy, { isSilence: true });
}

function toldToEnd(): ThreadFailure {
  return failureOf('it was stopped');
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException | null | undefined)?.code === code;
}

function outOfMemory(cause: unknown): MtlsError {
  return new MtlsError(
    'ERR_MTLS_CRL_INVALID',
    {
      seen: 'the thread that loads the CRLs needs more memory than it is allowed',
      remedy: 'raise --max-old-space-size, or have the CA partition its CRL',
    },
    { cause },
  );
}
