/**
 * Where keys, certificates, CAs and CRLs come from, as options.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { invalid } from '../option-checks.js';

/** The path of a file, PEM text, or a Buffer with PEM or DER. Text that contains `-----BEGIN` is PEM. */
export type Source = string | Buffer;

/** A source of CAs for the trust store: a {@link Source}, the path of a directory, or a {@link SourceLoader}. */
export type CaSource = Source | SourceLoader;

/**
 * A source of certificate revocation lists (CRLs): a {@link Source}, the path of a directory, or a
 * {@link SourceLoader}.
 */
export type CrlSource = Source | SourceLoader;

/**
 * A source that is code: a shared store, an HTTP distribution point, a workload API.
 * @example
 * ```ts
 * const crl: SourceLoader = {
 *   async load(signal) {
 *     const response = await fetch('http://ca.example/ca.crl', { signal });
 *     if (!response.ok) throw new Error(`the CA answered ${response.status}`);
 *     return [Buffer.from(await response.arrayBuffer())];
 *   },
 *   watch(notify) {
 *     const timer = setInterval(notify, 60_000);
 *     return { [Symbol.dispose]: () => clearInterval(timer) };
 *   },
 * };
 * ```
 */
export interface SourceLoader {
  /**
   * Resolves to the current content, PEM or DER. Called at start and at each reload. If it rejects, or does not
   * settle within a minute, the last-good copy stays in force.
   * @param signal - Aborted when the result is no longer needed.
   */
  load(signal: AbortSignal): Promise<readonly Buffer[]>;
  /**
   * Watches for changes. Without this method, the loader is called only when another source changes or
   * `mtls.reload()` is called.
   * @param notify - Call it when the content may have changed, as often as you like.
   * @returns Stops watching when the server closes.
   */
  watch?(notify: () => void): Disposable;
}

/** A source of a key or a certificate. */
export function checkSource(source: unknown, name: string): Source {
  refuseUrl(source, name);
  if (typeof source === 'string' && source.trim() !== '') return source;
  if (Buffer.isBuffer(source) && source.length > 0) return source;
  if (source instanceof Uint8Array && source.length > 0) return Buffer.from(source);
  throw invalid(name, source, 'a path, PEM text, or a Buffer with PEM or DER, and not empty');
}

/** The sources of CAs as a list. */
export function checkCaSources(ca: unknown, name = 'ca'): readonly CaSource[] {
  return checkSources(ca, name, checkLoadable);
}

/** The sources of CRLs as a list. */
export function checkCrlSources(crl: unknown, name = 'crl'): readonly CrlSource[] {
  return checkSources(crl, name, checkLoadable);
}

function checkLoadable(source: unknown, name: string): Source | SourceLoader {
  if (typeof source !== 'object' || source === null || source instanceof Uint8Array)
    return checkSource(source, name);
  refuseUrl(source, name);
  if (typeof (source as Partial<SourceLoader>).load === 'function') return source as SourceLoader;
  throw invalid(name, source, 'a path, PEM, DER, or an object with a load() method');
}

// PEM text can begin with anything, including a URL.
function refuseUrl(source: unknown, name: string): void {
  const isText = typeof source === 'string' && !source.includes('-----BEGIN');
  if (!isText && Object.prototype.toString.call(source) !== '[object URL]') return;
  const remedy = describeUrl(String(source).trim());
  if (remedy === undefined) return;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${name} is ${isText ? 'text that is a URL' : 'a URL object'}`,
    remedy,
  });
}

/** What to use instead of a URL; `undefined` if the text is not a URL. */
export function describeUrl(text: string): string | undefined {
  const scheme = /^(?:[a-z][a-z0-9+.-]+(?=:\/\/)|(?:file|data)(?=:))/i.exec(text)?.[0].toLowerCase();
  if (scheme === undefined) return undefined;
  if (scheme === 'file') return 'use a path, such as fileURLToPath(url) from node:url returns';
  return `${scheme}: URLs are not fetched; fetch it and pass the file or its content or, for ca and crl, a loader whose load() fetches it`;
}

function checkSources<Kind>(
  sources: unknown,
  name: string,
  check: (source: unknown, name: string) => Kind,
): readonly Kind[] {
  if (!Array.isArray(sources)) return Object.freeze([check(sources, name)]);
  if (sources.length === 0)
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: `${name} is [], an empty array`,
      expected: 'at least one',
    });
  return Object.freeze(sources.map((source: unknown, index) => check(source, `${name}[${index}]`)));
}

/** The passphrase of a key. */
export function checkPassphrase(passphrase: unknown, name = 'passphrase'): string | undefined {
  if (passphrase === undefined || (typeof passphrase === 'string' && passphrase !== '')) return passphrase;
  // The message omits the value, which is a secret.
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${name} must be a non-empty string`,
    remedy: 'omit it for a key that is not encrypted',
  });
}
