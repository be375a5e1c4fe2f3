/**
 * A loader of the server's key and certificate: the option, its check and how it is called.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { invalid } from '../option-checks.js';
import { callWithin } from './loader-call.js';
import { isPem, type SourceBytes } from './sources.js';

/**
 * A loader of the server's key and certificate, for programs that get both at once: from a workload API (SPIFFE),
 * Vault, or an ACME client.
 * @example
 * ```ts
 * // A client of a workload API: it has a pair, renews it in time, and then emits an event.
 * const credentials: CredentialsLoader = {
 *   load: async (signal) => {
 *     const { key, chain, bundle } = await workload.fetch({ signal });
 *     return { key, cert: chain, ca: [bundle] };
 *   },
 *   watch: (notify) => {
 *     workload.on('renewed', notify);
 *     return { [Symbol.dispose]: () => workload.off('renewed', notify) };
 *   },
 * };
 * ```
 */
export interface CredentialsLoader {
  /**
   * Resolves to the current pair. Called at start and at each reload, whatever changed: return the current pair,
   * and do not issue a new one for each call. If it rejects, does not settle within a minute,
   * or resolves to a pair that cannot be used, the pair in force stays.
   * @param signal - Aborted when the result is no longer needed.
   */
  load(signal: AbortSignal): Promise<LoadedCredentials>;
  /**
   * Watches for changes. Without this method, the loader is called only when another source changes or
   * `mtls.reload()` is called, so a renewed certificate is not noticed.
   * @param notify - Call it when there is a new pair, as often as you like.
   * @returns Stops watching when the server closes.
   */
  watch?(notify: () => void): Disposable;
}

/** What a {@link CredentialsLoader} resolves to: PEM text, or a Buffer with PEM or DER, and never paths. */
export interface LoadedCredentials {
  /** The private key: PEM, or DER in PKCS#8, PKCS#1 or SEC1. */
  readonly key: string | Buffer;
  /** The certificate of this key, followed by its intermediate CAs. */
  readonly cert: string | Buffer;
  /**
   * CAs whose clients are admitted, in addition to those of `options.ca`, if they come from the same place (a trust
   * bundle). CAs that are no longer in it are removed immediately; new ones come into force together with the new
   * certificate, or not at all.
   */
  readonly ca?: readonly (string | Buffer)[] | undefined;
}

/** The bytes of {@link LoadedCredentials}. */
export interface CredentialBytes {
  readonly key: SourceBytes;
  readonly cert: SourceBytes;
  /** `undefined` if the loader gave none. */
  readonly ca: readonly SourceBytes[] | undefined;
}

/**
 * Checks the option `credentials`.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`.
 */
export function checkCredentialsLoader(loader: unknown, name: string): CredentialsLoader {
  const isLoader =
    typeof loader === 'object' &&
    loader !== null &&
    typeof (loader as Partial<CredentialsLoader>).load === 'function';
  if (isLoader) return loader as CredentialsLoader;
  throw invalid(name, loader, 'an object with a load() method that resolves to { key, cert }');
}

/**
 * Calls a loader. Its signal is aborted when the server closes, and after a minute.
 * @param origin - The name of the loader in errors.
 * @param limitMs - Replaces the minute; for tests.
 * @throws MtlsError `ERR_MTLS_SOURCE_UNREADABLE` for a loader that rejects, takes too long, or does not resolve to a
 *   key and a certificate.
 */
export async function callCredentialsLoader(
  loader: CredentialsLoader,
  origin: string,
  closing: AbortSignal,
  limitMs?: number,
): Promise<CredentialBytes> {
  const loaded: unknown = await callWithin((signal) => loader.load(signal), origin, closing, limitMs);
  const { key, cert, ca } = (loaded ?? {}) as Partial<Record<keyof LoadedCredentials, unknown>>;
  if (ca !== undefined && !(Array.isArray(ca) && ca.length > 0))
    throw unusable(origin, 'ca', 'an array with at least one CA, or nothing');
  return Object.freeze({
    key: bytesOf(key, origin, 'key'),
    cert: bytesOf(cert, origin, 'cert'),
    ca: ca?.map((one: unknown, index) => bytesOf(one, origin, `ca[${index}]`)),
  });
}

function bytesOf(value: unknown, origin: string, field: string): SourceBytes {
  const isText = typeof value === 'string' && isPem(value);
  const isBytes = value instanceof Uint8Array && value.length > 0;
  if (!isText && !isBytes)
    throw unusable(origin, field, 'PEM text, or a Buffer with PEM or DER; never a path');
  return { bytes: Buffer.from(value), origin: `${origin}.${field}` };
}

/** The error for a field of the result. It never quotes the value, which may be a key. */
function unusable(origin: string, field: string, expected: string): MtlsError {
  return new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', {
    source: origin,
    seen: `it resolved to an object without a usable ${field}`,
    expected,
  });
}
