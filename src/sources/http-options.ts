/**
 * The options of loaders that fetch CRLs over HTTP.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { checkInteger, invalid } from '../option-checks.js';

/** The part of a response that is used. The responses of the global `fetch` and of undici have it. */
export interface FetchedResponse {
  /** The HTTP status. */
  readonly status: number;
  /** The header fields. */
  readonly headers: {
    /**
     * The value of a field; `null` if it is absent.
     * @param name - The name of the field, in any letter case.
     */
    get(name: string): string | null;
  };
  /** The body; `null` if there is none. */
  readonly body: FetchedBody | null;
}

/** A piece of a body. */
export interface FetchedPiece {
  /** Whether the body has ended. */
  readonly done: boolean;
  /** Its bytes; absent at the end. */
  readonly value?: Uint8Array | undefined;
}

/** The body of a response. */
export interface FetchedBody {
  /** Begins to read. */
  getReader(): {
    /** The next piece. */
    read(): Promise<FetchedPiece>;
    /** Stops reading. */
    cancel(): Promise<void>;
  };
  /** Discards the body. */
  cancel(): Promise<void>;
}

/**
 * A function like the global `fetch`. It must not follow redirects itself.
 * @example
 * ```ts
 * import { Agent, fetch as undiciFetch } from 'undici';
 *
 * const dispatcher = new Agent({ connect: { ca: readFileSync('private-ca.pem') } });
 * const loader = crlFromUrl('https://pki.internal/ca.crl', {
 *   fetch: (url, init) => undiciFetch(url, { ...init, dispatcher }),
 * });
 * ```
 */
export type FetchFunction = (
  url: string,
  init: {
    readonly headers: Readonly<Record<string, string>>;
    readonly redirect: 'manual';
    readonly signal: AbortSignal;
  },
) => Promise<FetchedResponse>;

/** The options that all loaders over HTTP have. */
export interface HttpSourceOptions {
  /**
   * Makes the requests: for a private CA, a proxy, or header fields of your own.
   * @defaultValue the global `fetch`
   */
  readonly fetch?: FetchFunction;
  /**
   * The longest time between two requests for the same CRL, in milliseconds. Requests are spread over the second half
   * of this time, and come sooner as the nextUpdate of the CRL nears.
   * @defaultValue the max-age of the response, but at least 10 seconds and at most an hour; `300_000` (5 minutes)
   *   without one. An integer from 100 to 86_400_000
   */
  readonly refreshMs?: number;
  /**
   * How long one request may take in total, in milliseconds.
   * @defaultValue `15_000`; an integer from 10 to 45_000
   */
  readonly timeoutMs?: number;
  /**
   * How long a response may pause, in milliseconds.
   * @defaultValue `5000`; an integer from 10 to 45_000
   */
  readonly idleMs?: number;
  /**
   * How many bytes a response may have, after decompression.
   * @defaultValue `67_108_864` (64 MiB: some 1.7 million entries); an integer from 1024 to 1_073_741_824
   */
  readonly maxBytes?: number;
}

/** {@link HttpSourceOptions}, checked and completed. */
export interface HttpSettings {
  readonly fetch: FetchFunction;
  readonly refreshMs: number | undefined;
  readonly timeoutMs: number;
  readonly idleMs: number;
  readonly maxBytes: number;
}

/** The checks of the options that all loaders over HTTP have. */
export function httpChecks(options: HttpSourceOptions): {
  readonly [Name in keyof HttpSettings]: () => HttpSettings[Name];
} {
  return {
    fetch: () => checkFetch(options.fetch),
    refreshMs: () =>
      options.refreshMs === undefined
        ? undefined
        : checkInteger(options.refreshMs, 'refreshMs', 0, 100, 86_400_000),
    timeoutMs: () => checkInteger(options.timeoutMs, 'timeoutMs', 15_000, 10, 45_000),
    idleMs: () => checkInteger(options.idleMs, 'idleMs', 5000, 10, 45_000),
    maxBytes: () => checkInteger(options.maxBytes, 'maxBytes', 64 * 1024 * 1024, 1024, 1024 ** 3),
  };
}

function checkFetch(given: unknown): FetchFunction {
  if (given === undefined) return (url, init) => globalThis.fetch(url, init);
  if (typeof given === 'function') return given as FetchFunction;
  throw invalid('fetch', given, 'a function like the global fetch');
}

/**
 * An `http:` or `https:` URL.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, without the URL, which may have a password.
 */
export function checkHttpUrl(given: unknown, name: string): URL {
  const url = (typeof given === 'string' || given instanceof URL) && parseHttpUrl(String(given));
  if (url) return url;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${name} is not an http: or https: URL`,
    expected: "text such as 'http://crl.example.org/ca.crl'",
  });
}

/** A URL, if it is of HTTP. */
export function parseHttpUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
}

/** A URL for errors and logs: without user name, password, query and fragment, any of which may be a secret. */
export function describeHttpUrl({ origin, pathname, search }: URL): string {
  const path = pathname.length > 200 ? `${pathname.slice(0, 200)}…` : pathname;
  return `${origin}${path}${search === '' ? '' : '?…'}`;
}

/** One origin, and the beginning of the paths below it that may be fetched. */
export interface AllowedPlace {
  readonly origin: string;
  readonly path: string;
}

/**
 * The places that may be fetched from.
 * @param given - Origins such as `http://crl.example.org`, or URLs whose path is a prefix.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 */
export function checkAllowed(given: unknown, name: string): readonly AllowedPlace[] {
  if (!Array.isArray(given))
    throw invalid(name, given, "an array of origins such as 'http://crl.example.org'");
  return Object.freeze(
    given.map((one: unknown, index) => {
      const url = checkHttpUrl(one, `${name}[${index}]`);
      if (url.username === '' && url.password === '' && url.search === '' && url.hash === '')
        return Object.freeze({ origin: url.origin, path: url.pathname });
      throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
        seen: `${name}[${index}] has a user name, a password, a query or a fragment`,
        expected: "an origin, or an origin and the beginning of a path: 'http://crl.example.org/ca1/'",
      });
    }),
  );
}

/** Whether a URL is below one of these places. A path prefix ends at a slash, or is the whole path. */
export function isAllowed({ origin, pathname }: URL, places: readonly AllowedPlace[]): boolean {
  return places.some(
    ({ origin: allowed, path }) =>
      origin === allowed &&
      (pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)),
  );
}
