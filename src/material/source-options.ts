/**
 * Where keys, certificates, CAs and CRLs may come from, as options say it.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { invalid } from '../option-checks.js';

/** A file's path, PEM text, or a Buffer with PEM or DER. Text with `-----BEGIN` in it is PEM. */
export type Source = string | Buffer;

/** Where CAs come from: a {@link Source}, a directory's path, or a {@link SourceLoader}. */
export type CaSource = Source | SourceLoader;

/** Where CRLs come from: a {@link Source}, a directory's path, or a {@link SourceLoader}. */
export type CrlSource = Source | SourceLoader;

/** A source of one's own: a shared store, an HTTP distribution point, a workload API. */
export interface SourceLoader {
  /**
   * Resolves to what is in force, PEM or DER. Called at start and at each reload; a rejection, or a minute without an
   * answer, keeps what was in force.
   * @param signal - Aborts when nobody waits for the answer any more.
   */
  load(signal: AbortSignal): Promise<readonly Buffer[]>;
  /**
   * Watches for changes. Without it, other sources that change and `mtls.reload()` are the only triggers.
   * @param notify - To be called when it is worth loading again, however often.
   * @returns What stops it, when the server closes.
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

/** The CAs, as a list. */
export function checkCaSources(ca: unknown, name = 'ca'): readonly CaSource[] {
  return checkSources(ca, name, checkLoadable);
}

/** The CRLs, as a list. */
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

// Text with PEM in it may begin with anything.
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

/** What to give in place of a URL; `undefined`: it is none. */
export function describeUrl(text: string): string | undefined {
  const scheme = /^(?:[a-z][a-z0-9+.-]+(?=:\/\/)|(?:file|data)(?=:))/i.exec(text)?.[0].toLowerCase();
  if (scheme === undefined) return undefined;
  if (scheme === 'file') return 'expected a path; in code: fileURLToPath(url) from node:url';
  return `${scheme}: is not fetched from here; fetch it, and give the file or what came back, or for ca and crl a loader, whose load() fetches it`;
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
  // The value stays out of the message: it is a secret, or meant to be one.
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${name} must be a non-empty string`,
    remedy: 'leave it out for a key that is not encrypted',
  });
}
