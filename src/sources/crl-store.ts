/**
 * A shared store of CRLs: what `crlFromStore()` reads and `publishCrl()` writes.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { MtlsError } from '../errors.js';
import { invalid } from '../option-checks.js';

/** What a store says about one of its CRLs without sending it. */
export interface StoredVersion {
  /** The key of the CRL in the store. */
  readonly key: string;
  /**
   * Differs for every content that the key has had. Opaque: only compared for equality. It must not follow from the
   * content: a hostile writer could store something else under the version of the next CRL, and readers that had
   * read that would not read the CRL.
   */
  readonly version: string;
  /** The length of the CRL. */
  readonly bytes: number;
}

/** The content of one key. */
export interface StoredCrl extends Omit<StoredVersion, 'key'> {
  /** The CRL, as it was published; `undefined` if it is longer than the caller accepts. */
  readonly crl: Buffer | undefined;
}

/**
 * A shared store of CRLs. It need not be trusted: CRLs are signed, and its readers refuse one that is older.
 * Use `redisStore()`, `postgresStore()` or `natsStore()`, or implement this for another store. Every method rejects
 * if it fails, and stops waiting when its signal is aborted.
 */
export interface CrlStore {
  /** The kind of store, for errors and logs: no address, and no secret. */
  readonly name: string;
  /**
   * Lists the content of the store. Rejects if that is more than `most` keys, without transferring them.
   * @param most - How many keys the caller accepts.
   * @param signal - Aborted when the result is no longer needed.
   */
  list(most: number, signal: AbortSignal): Promise<readonly StoredVersion[]>;
  /**
   * Reads a CRL; `undefined` if the key is unused.
   * @param key - The key.
   * @param mostBytes - How long a CRL the caller accepts. A longer one must not be transferred.
   * @param signal - Aborted when the result is no longer needed.
   */
  read(key: string, mostBytes: number, signal: AbortSignal): Promise<StoredCrl | undefined>;
  /**
   * Writes a CRL and notifies the readers, in one step, if the key still has the version that the caller has seen.
   * @param key - Letters, digits, `_` and `-`; at most 64.
   * @param crl - The CRL.
   * @param replaces - The version to be replaced; `undefined` if the key was unused.
   * @param signal - Aborted when the result is no longer needed. The CRL may be written nevertheless.
   * @returns The new version; `undefined` if the key has another version by now, and nothing was written.
   */
  write(
    key: string,
    crl: Buffer,
    replaces: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined>;
  /**
   * Watches for changes, and reconnects by itself. A notice may be lost: readers poll too.
   * @param notify - Called after a change, and when the connection is back.
   */
  watch(notify: () => void): Disposable;
  /**
   * Keeps the report of a process for a while; replaces its previous one.
   * @param id - Identifies the process.
   * @param report - At most 64 KiB of text.
   * @param keepMs - How long the report is kept, in milliseconds.
   * @param signal - Aborted when the result is no longer needed.
   */
  report(id: string, report: string, keepMs: number, signal: AbortSignal): Promise<void>;
  /**
   * Returns the reports that are kept.
   * @param most - How many the caller accepts. Further reports are left out.
   * @param signal - Aborted when the result is no longer needed.
   */
  reports(most: number, signal: AbortSignal): Promise<readonly string[]>;
}

/** The longest report of a process, in characters. */
export const longestReport = 65_536;

/** Whether a text can be a key in every store. `publishCrl()` writes no other keys. */
export function isKey(text: string): boolean {
  return /^[\w-]{1,64}$/.test(text);
}

/**
 * Checks the key of a CRL before it is written.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if it cannot be a key in every store
 */
export function checkKey(key: string): void {
  if (!isKey(key)) throw invalid('key', key, 'at most 64 letters, digits, "_" and "-"');
}

/** A version for a CRL that is written, if the store does not make one itself. */
export function newVersion(): string {
  return randomUUID();
}

/** The error for a store that failed, without secrets that its client may have put into the message. */
export function storeFailure(store: string, what: string, cause: unknown): MtlsError {
  if (cause instanceof MtlsError) return cause;
  return new MtlsError(
    'ERR_MTLS_STORE_FAILED',
    { source: store, seen: `${what} failed: ${describeCause(cause)}` },
    { cause },
  );
}

// Clients put the values of a failed command into their errors, and some put in the whole URL.
const longestCause = 200;

function describeCause(cause: unknown): string {
  // A connection that was refused over IPv6 and IPv4 is an AggregateError without a message.
  const isSeveral = typeof cause === 'object' && cause !== null && 'errors' in cause;
  const first: unknown = isSeveral && Array.isArray(cause.errors) ? cause.errors[0] : undefined;
  const text = messageOf(cause) || messageOf(first) || 'no reason was given';
  const withoutSecrets = text.replace(/\/\/[^\s/]*@/g, '//');
  return withoutSecrets.length > longestCause ? `${withoutSecrets.slice(0, longestCause)}…` : withoutSecrets;
}

function messageOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  return typeof error === 'string' ? error : '';
}

/** Waits for work that cannot be aborted until the signal is. */
export async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return await new Promise<Value>((resolve, reject) => {
    const stop = (): void => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', stop);
    });
  });
}
