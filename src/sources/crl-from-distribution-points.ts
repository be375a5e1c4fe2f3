/**
 * A loader that fetches CRLs from the distribution points in certificates.
 *
 * @module
 */
import { type SourceLoader } from '../material/source-options.js';
import { checkEach, checkInteger } from '../option-checks.js';
import { HttpLoader } from './http-loader.js';
import {
  type AllowedPlace,
  checkAllowed,
  httpChecks,
  type HttpSourceOptions,
  isAllowed,
  parseHttpUrl,
} from './http-options.js';
import { warnOfMaxPoints, warnOfOrigin } from './warn-once.js';

/**
 * The options of {@link crlFromDistributionPoints}.
 * @example
 * ```ts
 * const options: CrlFromDistributionPointsOptions = { allow: ['http://crl.example.org'], maxPoints: 64 };
 * ```
 */
export interface CrlFromDistributionPointsOptions extends HttpSourceOptions {
  /**
   * The origins that may be fetched from, such as `http://crl.example.org`; a path after the origin is a prefix. It
   * holds for redirects and delta CRLs too. Other origins in certificates are warned about once and not fetched.
   */
  readonly allow: readonly string[];
  /**
   * How many CRLs are fetched at most, without their deltas. Further ones are not fetched, and their clients remain
   * `unknown`.
   * @defaultValue `256`; an integer from 1 to 4096
   */
  readonly maxPoints?: number;
}

/**
 * Fetches CRLs from the distribution points in the configured CAs, and in certificates of clients whose path is valid
 * (RFC 5280 section 4.2.1.13). A CRL is fetched once for all certificates that name it, when it is first needed, and
 * refreshed from then on. Until it is in force, its clients are `unknown`; they are admitted at their next attempt.
 * @param options - Which origins are allowed, limits, and how to fetch.
 * @returns A loader for the option `crl`. It may be empty.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 * @example
 * ```ts
 * const crl = crlFromDistributionPoints({ allow: ['http://crl.example.org/partitions/'] });
 * const server = await createServer({ key, cert, ca, crl }, app);
 * ```
 */
export function crlFromDistributionPoints(options: CrlFromDistributionPointsOptions): SourceLoader {
  const { allow, maxPoints, ...http } = checkEach(options, 'the options of crlFromDistributionPoints()', {
    ...httpChecks(options),
    allow: () => checkAllowed(options.allow, 'allow'),
    maxPoints: () => checkInteger(options.maxPoints, 'maxPoints', 256, 1, 4096),
  });
  const settings = { http, mayBeEmpty: true, deltas: true, isAllowed: (to: URL) => isAllowed(to, allow) };
  return new DistributionPointLoader(settings, allow, maxPoints);
}

class DistributionPointLoader extends HttpLoader {
  readonly #allow: readonly AllowedPlace[];
  readonly #maxPoints: number;

  constructor(
    settings: ConstructorParameters<typeof HttpLoader>[0],
    allow: readonly AllowedPlace[],
    maxPoints: number,
  ) {
    super(settings);
    this.#allow = allow;
    this.#maxPoints = maxPoints;
  }

  want(uris: readonly string[]): void {
    for (const uri of uris) {
      const url = parseHttpUrl(uri);
      if (url?.username !== '' || url.password !== '') continue;
      url.hash = '';
      if (this.has(url.href)) continue;
      if (!isAllowed(url, this.#allow)) warnOfOrigin(url.origin, 'a CRL named in a certificate');
      else if (this.size >= this.#maxPoints) warnOfMaxPoints(url.origin, this.#maxPoints);
      else this.add(url.href, [url]);
    }
    this.fetchAdded();
  }
}
