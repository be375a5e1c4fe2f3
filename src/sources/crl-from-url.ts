/**
 * A loader that fetches a CRL over HTTP.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type SourceLoader } from '../material/source-options.js';
import { checkChoice, checkEach } from '../option-checks.js';
import { HttpLoader } from './http-loader.js';
import { checkAllowed, checkHttpUrl, httpChecks, type HttpSourceOptions, isAllowed } from './http-options.js';

/**
 * The options of {@link crlFromUrl}.
 * @example
 * ```ts
 * const options: CrlFromUrlOptions = { refreshMs: 60_000, allow: ['https://cdn.example.org'] };
 * ```
 */
export interface CrlFromUrlOptions extends HttpSourceOptions {
  /**
   * Further origins, such as `https://cdn.example.org`, that redirects and delta CRLs may be at. A path after the
   * origin is a prefix. A redirect from `https:` to `http:` is never followed.
   * @defaultValue none: only the origin of each URL itself
   */
  readonly allow?: readonly string[];
  /**
   * Whether the delta CRL is fetched if the CRL names its location (RFC 5280 section 5.2.6).
   * @defaultValue `'fetch'`
   */
  readonly deltas?: 'fetch' | 'ignore';
}

const mostMirrors = 8;

/**
 * Fetches a CRL over HTTP and refreshes it: `createServer({ crl: crlFromUrl('http://…') })`. A CRL is signed, so an
 * attacker on the network cannot forge one over `http:`, but can withhold newer ones. If every server fails, the last
 * CRL stays in force and the failure is a fault. At the start it is an error, unless {@link lastGood} has a copy.
 * @param url - The URL, or the URLs of several mirrors, which are tried in order.
 * @param options - Limits, and how to fetch.
 * @returns A loader for the option `crl` of one server or several.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 * @example
 * ```ts
 * const crl = crlFromUrl(['http://crl1.example.org/ca.crl', 'http://crl2.example.org/ca.crl']);
 * const server = await createServer({ key, cert, ca, crl }, app);
 * ```
 */
export function crlFromUrl(
  url: string | URL | readonly (string | URL)[],
  options: CrlFromUrlOptions = {},
): SourceLoader {
  const given: readonly unknown[] = Array.isArray(url) ? (url as unknown[]) : [url];
  if (given.length === 0 || given.length > mostMirrors)
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: `url is an array of ${given.length}`,
      expected: `1 to ${mostMirrors} mirrors of one CRL`,
      remedy: 'use a loader for each CRL',
    });
  const urls = given.map((one, index) => checkHttpUrl(one, Array.isArray(url) ? `url[${index}]` : 'url'));
  const { allow, deltas, ...http } = checkEach(options, 'the options of crlFromUrl()', {
    ...httpChecks(options),
    allow: () => checkAllowed(options.allow ?? [], 'allow'),
    deltas: () => checkChoice(options.deltas, 'deltas', ['fetch', 'ignore']),
  });
  const loader = new HttpLoader({
    http,
    mayBeEmpty: false,
    deltas: deltas === 'fetch',
    isAllowed: (to, near) => near.some(({ origin }) => origin === to.origin) || isAllowed(to, allow),
  });
  loader.add('', urls);
  return loader;
}
