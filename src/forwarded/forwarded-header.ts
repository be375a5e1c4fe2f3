/**
 * The option `proxies.header`: the header in which a proxy forwards the client's certificate, and its encoding.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { checkEach, invalid, nearest } from '../option-checks.js';

/**
 * A proxy whose header and encoding are known.
 *
 * | preset               | header                                     | encoding      | intermediates                  |
 * | -------------------- | ------------------------------------------ | ------------- | ------------------------------ |
 * | `rfc9440`            | `Client-Cert`                              | `rfc9440`     | `Client-Cert-Chain`            |
 * | `nginx`              | `X-SSL-Client-Cert`                        | `percent-pem` | nothing                        |
 * | `haproxy`            | `Client-Cert`                              | `rfc9440`     | `Client-Cert-Chain`            |
 * | `apache`             | `X-SSL-Client-Cert`                        | `spaced-pem`  | nothing                        |
 * | `caddy`              | `Client-Cert`                              | `rfc9440`     | nothing                        |
 * | `envoy`              | `X-Forwarded-Client-Cert`                  | `xfcc`        | in the same header             |
 * | `traefik`            | `X-Forwarded-Tls-Client-Cert`              | `base64-der`  | in the same header             |
 * | `aws-alb`            | `X-Amzn-Mtls-Clientcert` (passthrough)     | `percent-pem` | in the same header             |
 * | `aws-alb-verify`     | `X-Amzn-Mtls-Clientcert-Leaf` (verify)     | `percent-pem` | nothing                        |
 * | `gcp`                | `Client-Cert`                              | `rfc9440`     | `Client-Cert-Chain`            |
 * | `azure-app-service`  | `X-ARR-ClientCert`                         | `base64-der`  | nothing                        |
 * | `cloudflare`         | `Cf-Client-Cert-Der-Base64`                | `base64-der`  | nothing                        |
 * | `cloudflare-rfc9440` | `Client-Cert`                              | `rfc9440`     | `Client-Cert-Chain`            |
 * | `ingress-nginx`      | `Ssl-Client-Cert`                          | `percent-pem` | nothing                        |
 *
 * nginx, HAProxy, Apache, Caddy, Google Cloud and rules of Cloudflare send the header that their configuration names. The
 * preset stands for the header in the table; for another, give its name and encoding. `traefik` means Traefik 3.
 *
 * The proxy must be configured to remove a header of that name that a client sends. nginx and HAProxy overwrite a header
 * that they set. Traefik and rules of Cloudflare pass on the client's header if there is no certificate, and Envoy
 * passes it on unless it is configured to sanitize.
 */
export type ForwardedPreset =
  | 'rfc9440'
  | 'nginx'
  | 'haproxy'
  | 'apache'
  | 'caddy'
  | 'envoy'
  | 'traefik'
  | 'aws-alb'
  | 'aws-alb-verify'
  | 'gcp'
  | 'azure-app-service'
  | 'cloudflare'
  | 'cloudflare-rfc9440'
  | 'ingress-nginx';

/**
 * The encoding of a certificate in a header.
 *
 * - `'rfc9440'`: DER as a Byte Sequence, `:MIIB…:`; a chain is a List of Byte Sequences (RFC 9440).
 * - `'percent-pem'`: PEM, percent-encoded (RFC 3986 section 2.1). A `+` stands for itself, not for a space.
 * - `'spaced-pem'`: PEM with a space for each line break.
 * - `'base64-der'`: DER in base64, with a comma between certificates.
 * - `'xfcc'`: one element of Envoy's X-Forwarded-Client-Cert, with `Cert`, `Chain` or both.
 *
 * In a chain, one Byte Sequence or one base64 value may also hold several certificates in DER, one after the other, as
 * HAProxy's `ssl_c_chain_der` does.
 */
export type ForwardedEncoding = 'rfc9440' | 'percent-pem' | 'spaced-pem' | 'base64-der' | 'xfcc';

/** A header and its encoding. */
export interface ForwardedField {
  /** The header's name, in any letter case. */
  readonly name: string;
  /** The encoding of its value. */
  readonly encoding: ForwardedEncoding;
}

/** `proxies.header`, checked. */
export interface ForwardedHeader {
  /** The header of the client's certificate; its name in lower case. */
  readonly certificate: ForwardedField;
  /** The header of the intermediates; its name in lower case. `undefined` if they have no separate header. */
  readonly chain: ForwardedField | undefined;
  /**
   * Whether the header of the certificate may also hold the intermediates. If not, a second certificate is refused: it
   * could come from a client's header that the proxy joined with its own.
   */
  readonly holdsChain: boolean;
  /** The preset, if one was given. */
  readonly preset: ForwardedPreset | undefined;
}

type Definition = Omit<ForwardedHeader, 'preset'>;

const standard: Definition = {
  certificate: { name: 'client-cert', encoding: 'rfc9440' },
  chain: { name: 'client-cert-chain', encoding: 'rfc9440' },
  holdsChain: false,
};

const presets: Readonly<Record<ForwardedPreset, Definition>> = {
  rfc9440: standard,
  nginx: leafIn('x-ssl-client-cert', 'percent-pem'),
  haproxy: standard,
  apache: leafIn('x-ssl-client-cert', 'spaced-pem'),
  caddy: leafIn('client-cert', 'rfc9440'),
  envoy: { ...leafIn('x-forwarded-client-cert', 'xfcc'), holdsChain: true },
  traefik: { ...leafIn('x-forwarded-tls-client-cert', 'base64-der'), holdsChain: true },
  'aws-alb': { ...leafIn('x-amzn-mtls-clientcert', 'percent-pem'), holdsChain: true },
  'aws-alb-verify': leafIn('x-amzn-mtls-clientcert-leaf', 'percent-pem'),
  gcp: standard,
  'azure-app-service': leafIn('x-arr-clientcert', 'base64-der'),
  cloudflare: leafIn('cf-client-cert-der-base64', 'base64-der'),
  'cloudflare-rfc9440': standard,
  'ingress-nginx': leafIn('ssl-client-cert', 'percent-pem'),
};

function leafIn(name: string, encoding: ForwardedEncoding): Definition {
  return { certificate: { name, encoding }, chain: undefined, holdsChain: false };
}

const presetNames = Object.keys(presets) as ForwardedPreset[];

/** Each preset, checked. */
export const knownHeaders: readonly ForwardedHeader[] = presetNames.map((preset) =>
  freeze({ ...presets[preset], preset }),
);

/** Each encoding. */
export const encodings: readonly ForwardedEncoding[] = [
  'rfc9440',
  'percent-pem',
  'spaced-pem',
  'base64-der',
  'xfcc',
];

/**
 * Checks `proxies.header`: a preset, or `{ name, encoding, chain?: { name, encoding } }`.
 * @param option - The option's name, for the error: `'proxies.header'`.
 * @returns A frozen value, with names in lower case.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, with a line for each fault: an unknown preset or encoding (and the one
 *   that was probably meant), a name that is no token (RFC 9110 section 5.1) or belongs to HTTP itself, two headers
 *   of one name, a chain beside or in `xfcc`, which has its own.
 * @example
 * ```ts
 * checkForwardedHeader('nginx', 'proxies.header');
 * checkForwardedHeader({ name: 'X-Client-Cert', encoding: 'percent-pem' }, 'proxies.header');
 * ```
 */
export function checkForwardedHeader(value: unknown, option: string): ForwardedHeader {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return checkFields(value as Readonly<Record<string, unknown>>, option);
  const preset = presetNames.find((known) => known === value);
  if (preset === undefined) throw unknownPreset(value, option);
  return freeze({ ...presets[preset], preset });
}

function unknownPreset(value: unknown, option: string): MtlsError {
  const { seen } = invalid(option, value, '');
  const meant = typeof value === 'string' ? nearest(value, presetNames) : undefined;
  return new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen,
    expected: `one of '${presetNames.join("', '")}', or { name, encoding }`,
    remedy: meant === undefined ? undefined : `did you mean '${meant}'?`,
  });
}

function checkFields(given: Readonly<Record<string, unknown>>, option: string): ForwardedHeader {
  const { name, encoding, chain } = checkEach(given, option, {
    name: () => checkName(given['name'], `${option}.name`),
    encoding: () => checkEncoding(given['encoding'], `${option}.encoding`),
    chain: () => checkChain(given, `${option}.chain`),
  });
  const holdsChain = chain === undefined && encoding !== 'rfc9440';
  return freeze({ certificate: { name, encoding }, chain, holdsChain, preset: undefined });
}

function checkChain(
  { name: certificateName, encoding: certificateEncoding, chain }: Readonly<Record<string, unknown>>,
  option: string,
): ForwardedField | undefined {
  if (chain === undefined) return undefined;
  const given = (chain ?? {}) as Readonly<Record<string, unknown>>;
  const field = checkEach(chain, option, {
    name: () => checkName(given['name'], `${option}.name`),
    encoding: () => checkEncoding(given['encoding'], `${option}.encoding`),
  });
  if (field.encoding === 'xfcc' || certificateEncoding === 'xfcc')
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: `${option} cannot be combined with 'xfcc'`,
      remedy: `leave out ${option}: an element of X-Forwarded-Client-Cert contains its own Chain`,
    });
  if (typeof certificateName === 'string' && certificateName.toLowerCase() === field.name)
    throw invalid(`${option}.name`, field.name, 'a different header from that of the certificate');
  return field;
}

function checkEncoding(value: unknown, option: string): ForwardedEncoding {
  const encoding = encodings.find((known) => known === value);
  if (encoding === undefined) throw invalid(option, value, `one of '${encodings.join("', '")}'`);
  return encoding;
}

// RFC 9110 section 5.6.2.
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;

/**
 * Headers that HTTP or other middleware uses, hop-by-hop headers (RFC 9110 section 7.6.1), which proxies remove, and the
 * header with the proxy's secret.
 */
const usedElsewhere =
  /^(?:accept|access-control|content|if|proxy|sec)-|^(?:accept|authorization|cache-control|connection|cookie|date|expect|forwarded|from|host|http2-settings|keep-alive|mtls-proxy-secret|origin|pragma|range|referer|te|trailer|transfer-encoding|upgrade|user-agent|via|x-forwarded-(?:for|host|port|proto)|x-real-ip)$/;

function checkName(value: unknown, option: string): string {
  if (typeof value !== 'string' || !token.test(value))
    throw invalid(option, value, 'the name of a header: up to 100 letters, digits and dashes');
  const name = value.toLowerCase();
  if (usedElsewhere.test(name)) throw invalid(option, value, 'a header that has no other use');
  return name;
}

function freeze({ certificate, chain, holdsChain, preset }: ForwardedHeader): ForwardedHeader {
  return Object.freeze({
    certificate: Object.freeze({ ...certificate }),
    chain: chain && Object.freeze({ ...chain }),
    holdsChain,
    preset,
  });
}

/** The header with the secret by which a proxy proves itself. */
export const secretHeader = 'mtls-proxy-secret';

// Other common names.
const otherNames = [
  'x-client-cert',
  'x-client-cert-chain',
  'x-client-cert-leaf',
  'x-ssl-cert',
  'x-client-certificate',
];

/**
 * The headers to remove from a request before a handler sees it: the configured ones, those of every preset, a few other
 * common names, and {@link secretHeader}. Each is in lower case, with dashes and with underscores (`client_cert`), which
 * some programs treat alike.
 */
export function headersToStrip(header: ForwardedHeader): ReadonlySet<string> {
  const fields = [header, ...Object.values(presets)].flatMap(({ certificate, chain }) =>
    chain === undefined ? [certificate.name] : [certificate.name, chain.name],
  );
  const names = [...fields, ...otherNames, secretHeader];
  return new Set(names.flatMap((name) => [name, name.replaceAll('_', '-'), name.replaceAll('-', '_')]));
}
