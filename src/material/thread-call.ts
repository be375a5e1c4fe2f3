/**
 * One call of the loading thread: from its start to its answer, or to what kept
 * it from answering.
 *
 * @module
 */
import { setTimeout as pause } from 'node:timers/promises';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { ErrorCode, type ErrorData, errorOf, MtlsError } from '../errors.js';
import { type CrlRequest, type CrlResponse } from './crl-loading.js';
// Its types alone: the module does its work when it is loaded.
import type { CrlWorkerData, CrlWorkerMessage } from './crl-worker.js';
import { threadOptions } from './thread-options.js';

/** Which file the thread runs, and how long it may be silent, in milliseconds. */
export interface ThreadCall {
  readonly file: string;
  /** Until it has started. */
  readonly startMs: number;
  /** From then until it has answered. */
  readonly workMs: number;
}

/** What kept the thread from answering. The CRLs can be loaded without it. */
export class ThreadFailure extends Error {
  /** What to do about it. */
  readonly remedy: string;
  /** Whether nothing came from the thread: another one may take as long. */
  readonly isSilence: boolean;

  constructor(what: string, remedy: string, options: ErrorOptions & { readonly isSilence?: boolean } = {}) {
    super(what, options);
    this.remedy = remedy;
    this.isSilence = options.isSilence ?? false;
  }
}

// A thread that is inside a native call does not end when it is told to.
const longestEndMs = 1000;

/**
 * Has a thread load CRLs.
 * @param signal - Ends the thread.
 * @throws MtlsError what the thread says is wrong with the CRLs, or that it needs more memory than it may use: the
 *   calling thread would too, and end the process.
 * @throws ThreadFailure what kept the thread from answering, the signal among it.
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
    worker = startThread(call.file, { request, port });
    return await firstAnswer(worker, answers, call, signal);
  } finally {
    answers.close();
    if (worker !== undefined)
      await Promise.race([worker.terminate(), pause(longestEndMs, undefined, { ref: false })]);
  }
}

function startThread(file: string, workerData: CrlWorkerData): Worker {
  const { execArgv, env } = process;
  try {
    return new Worker(file, {
      workerData,
      transferList: [workerData.port],
      // Node's warnings about options were shown when the process started.
      execArgv: ['--no-warnings', ...threadOptions({ execArgv, nodeOptions: env['NODE_OPTIONS'] })],
      // What the thread needs of it is in execArgv. Node refuses the rest here: options of a whole process.
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
        clearTimeout(patience);
        // Where the event loop was held up, a message may wait to be read: that comes before the immediate.
        patience = setTimeout(() => setImmediate(reject, silence(what, ms)), ms);
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
      // These two for as long as the thread lives: an error that is not listened for ends the process.
      worker.on('error', (error: unknown) => {
        readRest();
        reject(isCode(error, 'ERR_WORKER_OUT_OF_MEMORY') ? outOfMemory(error) : failureOf(error));
      });
      worker.on('exit', () => {
        readRest();
        reject(failureOf('it ended before it had answered'));
      });
      signal.addEventListener('abort', abort);
    });
  } finally {
    clearTimeout(patience);
    signal.removeEventListener('abort', abort);
    // A message that comes now must not set the timer again.
    answers.close();
  }
}

/** Whether it is what this version of the thread says: the package may have been replaced on disk meanwhile. */
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
  'it gets no --require, --import or --loader but those of Yarn and pnpm (.pnp.cjs); install express-mtls where Node finds it without';

function failureOf(cause: unknown, remedy: string = usualRemedy): ThreadFailure {
  // The message about a module that is not found goes on with those that required it.
  const [what = ''] = String(cause).split('\n', 1);
  return new ThreadFailure(what, remedy, { cause });
}

function silence(what: 'started' | 'answered', ms: number): ThreadFailure {
  const remedy = 'restart the process once the cause is gone, such as a debugger that holds up each thread';
  return new ThreadFailure(`it has not ${what} within ${ms / 1000} s`, remedy, { isSilence: true });
}

function toldToEnd(): ThreadFailure {
  return failureOf('it was told to end');
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException | null | undefined)?.code === code;
}

function outOfMemory(cause: unknown): MtlsError {
  return new MtlsError(
    'ERR_MTLS_CRL_INVALID',
    {
      seen: 'the thread that loads the CRLs needs more memory than it may use',
      remedy: 'raise --max-old-space-size, or have the CA partition its CRL',
    },
    { cause },
  );
}
