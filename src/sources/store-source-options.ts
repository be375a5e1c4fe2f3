/**
 * The options of `crlFromStore()`.
 *
 * @module
 */
import { checkBoolean, checkEach, checkInteger } from '../option-checks.js';

/**
 * The options of {@link crlFromStore}.
 * @example
 * ```ts
 * const options: StoreSourceOptions = { pollMs: 5000, mayBeEmpty: true };
 * ```
 */
export interface StoreSourceOptions {
  /**
   * How often the store is read without a notice, in milliseconds; varied at random by up to a fifth. Notices only
   * trigger a reading sooner, because a notice can be lost.
   * @defaultValue `10_000`; an integer from 100 to 3_600_000
   */
  readonly pollMs?: number;
  /**
   * How long one command to the store may take, in milliseconds.
   * @defaultValue `10_000`; an integer from 100 to 60_000
   */
  readonly timeoutMs?: number;
  /**
   * The length of the longest CRL that is read, in bytes. A longer one is refused before it is transferred, and the
   * last-good copy of its key stays.
   * @defaultValue `67_108_864` (64 MiB); an integer from 1 to 2_147_483_647
   */
  readonly maxCrlBytes?: number;
  /**
   * The length of all CRLs together, in bytes.
   * @defaultValue `268_435_456` (256 MiB); an integer from 1 to 4_294_967_296
   */
  readonly maxBytes?: number;
  /**
   * The number of CRLs. From a store with more, nothing is read.
   * @defaultValue `256`; an integer from 1 to 10_000
   */
  readonly maxCrls?: number;
  /**
   * Whether the store may be empty at start. Until there is a CRL, every client is refused with
   * `ERR_MTLS_REVOCATION_UNKNOWN`, or admitted with `unknown: 'allow'`.
   * @defaultValue `false`: an empty store is an error
   */
  readonly mayBeEmpty?: boolean;
  /**
   * Whether the process reports to the store which CRLs it has in force, for `express-mtls publish --wait` and
   * `express-mtls fleet`.
   * @defaultValue `true`
   */
  readonly report?: boolean;
}

/** The same, complete. */
export type StoreSettings = Required<StoreSourceOptions>;

/**
 * Checks the options.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`.
 */
export function checkStoreOptions(options: StoreSourceOptions): StoreSettings {
  return checkEach(options, 'the options of crlFromStore()', {
    pollMs: () => checkInteger(options.pollMs, 'pollMs', 10_000, 100, 3_600_000),
    timeoutMs: () => checkInteger(options.timeoutMs, 'timeoutMs', 10_000, 100, 60_000),
    maxCrlBytes: () => checkInteger(options.maxCrlBytes, 'maxCrlBytes', 2 ** 26, 1, 2 ** 31 - 1),
    maxBytes: () => checkInteger(options.maxBytes, 'maxBytes', 2 ** 28, 1, 2 ** 32),
    maxCrls: () => checkInteger(options.maxCrls, 'maxCrls', 256, 1, 10_000),
    mayBeEmpty: () => checkBoolean(options.mayBeEmpty, 'mayBeEmpty', false),
    report: () => checkBoolean(options.report, 'report', true),
  });
}
