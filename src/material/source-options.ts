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
   *
   * A Buffer that was also in the previous result means that its content has not changed: it is not read again. So
   * return a new Buffer for new content, and the same one for content that did not change.
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
  /**
   * Whether `load()` may resolve to an empty array because there is nothing yet: an empty store, or a CRL that is
   * loaded when a client first needs it. That is no error; clients whose CA has no CRL are `unknown`, which the
   * revocation policy refuses by default. Once there was a CRL, an empty result is an error and withdraws nothing.
   * Only CRLs can be missing: a loader in `ca` that resolves to an empty array is an error.
   * @defaultValue `false`
   */
  readonly mayBeEmpty?: boolean;
  /**
   * Receives the URIs of CRL distribution points that are wanted: those in the configured CAs before the start and
   * whenever the CAs change, and those in the certificates of each client whose path is valid but which no CRL in
   * force covers. The same URI can come any number of times. Only for loaders in `crl`.
   * @param uris - At most 64 `http:` or `https:` URIs of at most 1024 characters each. A certificate names them: check
   *   them before you connect to them.
   * @see RFC 5280 sections 4.2.1.13 and 4.2.1.15
   */
  want?(uris: readonly string[]): void;
  /**
   * Called after each commit, and when a result of `load()` changes nothing. An error that it throws, or that its
   * promise rejects with, is a fault of the source, and has no other effect. Only for loaders in `crl`.
   * @param given - Those Buffers of the last result which hold only CRLs that were verified and are in force.
   * @param crls - These CRLs.
   */
  inForce?(given: readonly Buffer[], crls: readonly CrlInForce[]): void | Promise<void>;
  /**
   * Whether the server may start although a part of the result cannot be used, if another part can. What cannot be
   * used is a fault then.
   * @defaultValue `false`: at the start, any fault is an error
   */
  readonly mayBeFaulty?: boolean;
  /**
   * What was wrong with the last result, although `load()` resolved: one of several CRLs could not be read, or a copy
   * was used. Called each time that `load()` resolves. Each error is a fault, and has no other effect.
   * @defaultValue nothing
   */
  faults?(): readonly Error[];
  /**
   * When the source last confirmed a Buffer of the last result, for the revocation policy's `maxAgeMs`.
   * @param given - A Buffer of the last result.
   * @returns `undefined` if it never did.
   * @defaultValue when `load()` last resolved
   */
  confirmedAt?(given: Buffer): Date | undefined;
}

/** A CRL in force, as its loader is told about it. */
export interface CrlInForce {
  /** The CA that issued it, as text (RFC 4514). */
  readonly issuer: string;
  /** The CRL number; `undefined` if the CRL has none. */
  readonly crlNumber: bigint | undefined;
  /** For a delta CRL, the number of its base (BaseCRLNumber); `undefined` for a full CRL. */
  readonly deltaBase: bigint | undefined;
  /** When the CA issued it. */
  readonly thisUpdate: Date;
  /** When the next CRL is due; `undefined` if the CRL does not say. */
  readonly nextUpdate: Date | undefined;
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
