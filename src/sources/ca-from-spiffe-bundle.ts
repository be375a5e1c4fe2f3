/**
 * The CAs in a SPIFFE trust bundle: a JWK set (RFC 7517) whose keys carry certificates.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type SourceLoader } from '../material/source-options.js';
import { FileLoader } from './file-loader.js';

/**
 * Reads the CAs of a SPIFFE trust bundle: the certificates of its keys with `use: "x509-svid"`. Other keys are ignored.
 * A bundle without such a key is an error, and so is one whose `spiffe_sequence` is lower than before; the CAs in force
 * then stay.
 *
 * The bundle is not signed: fetch it from a bundle endpoint that you authenticate, or from a file that only the SPIFFE
 * agent writes.
 * @param source - The path of the file, which is watched; or a loader whose `load()` resolves to one Buffer of JSON. A
 *   loader is called again after the bundle's `spiffe_refresh_hint`, or after five minutes, and when it notifies.
 * @returns A loader for the option `ca`.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 * @see SPIFFE Trust Domain and Bundle, section 4
 * @example
 * ```ts
 * const ca = caFromSpiffeBundle({
 *   async load(signal) {
 *     const response = await fetch('https://spire.example.org/bundle', { signal });
 *     if (!response.ok) throw new Error(`the endpoint answered ${response.status}`);
 *     return [Buffer.from(await response.arrayBuffer())];
 *   },
 * });
 * const server = await createServer({ key, cert, ca, crl }, app);
 * ```
 */
export function caFromSpiffeBundle(source: SourceLoader | string): SourceLoader {
  const given: unknown = source;
  if (typeof given === 'string' && given.trim() !== '') return new BundleLoader(new FileLoader(given), false);
  if (typeof (given as Partial<SourceLoader> | null | undefined)?.load === 'function')
    return new BundleLoader(given as SourceLoader, true);
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: 'source is neither a loader nor a path',
    expected: 'an object with a load() method, or the path of a file',
  });
}

const defaultRefreshMs = 300_000;
const [leastRefreshMs, mostRefreshMs] = [1000, 86_400_000];

class BundleLoader implements SourceLoader {
  readonly #source: SourceLoader;
  readonly #isRefreshed: boolean;
  readonly #watchers = new Set<() => void>();
  #refreshMs = defaultRefreshMs;
  #sequence = 0;
  #cas: readonly Buffer[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(source: SourceLoader, isRefreshed: boolean) {
    this.#source = source;
    this.#isRefreshed = isRefreshed;
  }

  /** Loads the bundle. */
  async load(signal: AbortSignal): Promise<readonly Buffer[]> {
    try {
      const bundle = readBundle(await this.#source.load(signal));
      const { sequence = this.#sequence } = bundle;
      if (sequence < this.#sequence)
        throw unusable(
          `its spiffe_sequence ${sequence} is lower than ${this.#sequence}, which was read before`,
          'publish the newer bundle again',
        );
      this.#sequence = sequence;
      this.#refreshMs = bundle.refreshMs;
      this.#cas = bundle.cas.map((der) => this.#cas.find((known) => known.equals(der)) ?? der);
      return this.#cas;
    } finally {
      this.#schedule();
    }
  }

  /** Watches the source, and its refresh hint. */
  watch(notify: () => void): Disposable {
    const subscription = this.#source.watch?.(notify);
    this.#watchers.add(notify);
    this.#schedule();
    return {
      [Symbol.dispose]: () => {
        this.#watchers.delete(notify);
        if (this.#watchers.size === 0) clearTimeout(this.#timer);
        subscription?.[Symbol.dispose]();
      },
    };
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (!this.#isRefreshed || this.#watchers.size === 0) return;
    this.#timer = setTimeout(() => {
      for (const notify of this.#watchers) notify();
    }, this.#refreshMs);
    this.#timer.unref();
  }
}

interface Bundle {
  readonly cas: readonly Buffer[];
  readonly sequence: number | undefined;
  readonly refreshMs: number;
}

// A bundle of a hundred CAs has some 200 kB.
const longestBundle = 2 ** 20;
const mostKeys = 1000;

function readBundle([bytes, ...others]: readonly Uint8Array[]): Bundle {
  if (bytes === undefined || others.length > 0)
    throw unusable('the source resolved to other than one Buffer', 'resolve to the JSON of one bundle');
  if (bytes.length > longestBundle)
    throw unusable(`it has ${bytes.length} bytes; at most ${longestBundle} are read`, 'split it');
  const bundle = parseObject(bytes);
  const { keys, spiffe_sequence: sequence, spiffe_refresh_hint: hint } = bundle;
  if (!Array.isArray(keys)) throw unusable('it has no list of keys', 'give a JWK set with "keys": [ … ]');
  if (keys.length > mostKeys)
    throw unusable(`it has ${keys.length} keys; at most ${mostKeys} are read`, 'remove old ones');
  if (sequence !== undefined && !isCount(sequence))
    throw unusable('its spiffe_sequence is not an integer', 'make it an integer, or leave it out');
  const cas = keys.flatMap(certificateOf);
  if (cas.length === 0)
    throw unusable('it has no X.509 authority', 'give at least one key with "use": "x509-svid" and "x5c"');
  const refreshMs = isCount(hint)
    ? Math.min(Math.max(hint * 1000, leastRefreshMs), mostRefreshMs)
    : defaultRefreshMs;
  return { cas, sequence, refreshMs };
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // Without the cause, which quotes the text.
    throw unusable('it is not JSON', 'give the bundle in the format of SPIFFE, not PEM');
  }
  return (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The certificate of a key. Section 4.2.2: keys without `use`, and with an unknown one, are ignored. */
function certificateOf(key: unknown, index: number): Buffer[] {
  const { use, x5c } = (key ?? {}) as { readonly use?: unknown; readonly x5c?: unknown };
  if (use !== 'x509-svid') return [];
  const [text, ...others] = Array.isArray(x5c) ? (x5c as readonly unknown[]) : [];
  // RFC 7517 section 4.7: base64, not base64url.
  if (
    typeof text !== 'string' ||
    others.length > 0 ||
    !/^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)
  )
    throw unusable(
      `its keys[${index}] has no x5c with one certificate`,
      'give the certificate of the CA in base64',
    );
  return [Buffer.from(text, 'base64')];
}

function unusable(seen: string, remedy: string): MtlsError {
  return new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', { source: 'the SPIFFE bundle', seen, remedy });
}
