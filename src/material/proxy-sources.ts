/**
 * How proxies prove themselves, as options: CAs and CRLs, and shared secrets.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type TrustSources } from './server-names.js';
import { isLoader } from './sources.js';
import { type CrlSource, type SourceLoader } from './source-options.js';

/**
 * A secret that proxies send in the header `Mtls-Proxy-Secret`: its bytes, a file, or a {@link SourceLoader}, whose first
 * Buffer is the secret. At least 32 bytes, each from 0x21 to 0x7e, because it travels in a header; one newline at the
 * end is ignored. Text is refused, because a secret does not belong in code.
 * @example
 * ```ts
 * const secret = { path: '/run/secrets/mtls-proxy' }; // openssl rand -hex 32 > /run/secrets/mtls-proxy
 * ```
 */
export type ProxySecret =
  | Buffer
  | {
      /** The file that holds it. */
      readonly path: string;
    }
  | SourceLoader;

/** How proxies prove themselves. */
export interface ProxySources {
  /** The CAs of the proxies' own certificates, and their CRLs. */
  readonly trust: TrustSources | undefined;
  /** Any of them proves a proxy. Text is a path. */
  readonly secrets: readonly CrlSource[];
  /** Whether clients may also connect with a certificate of their own. */
  readonly direct: 'refuse' | 'admit';
}

/**
 * Checks one secret or several.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, without a byte of what was given.
 */
export function checkProxySecrets(given: unknown, name: string): readonly CrlSource[] {
  if (!Array.isArray(given)) return Object.freeze([checkProxySecret(given, name)]);
  if (given.length === 0)
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: `${name} is []`,
      expected: 'at least one secret',
    });
  return Object.freeze(given.map((one: unknown, index) => checkProxySecret(one, `${name}[${index}]`)));
}

function checkProxySecret(given: unknown, name: string): CrlSource {
  if (given instanceof Uint8Array) {
    return checkSecretBytes(Buffer.from(given), name);
  }
  if (typeof given === 'object' && given !== null) {
    const { path } = given as { readonly path?: unknown };
    if (typeof path === 'string' && path.trim() !== '') return path;
    if (path === undefined && isLoader(given as SourceLoader)) return given as SourceLoader;
  }
  // The value stays out of the message: it may be the secret itself.
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${name} is ${typeof given === 'string' ? 'text' : 'no secret'}`,
    expected: 'a Buffer, { path }, or an object with a load() method',
    remedy: "keep the secret in a file, and give { path: '…' }",
  });
}

/** The fewest bytes of a secret: 32 random ones cannot be guessed, and text of that length is 128 bits in hex. */
const fewestSecretBytes = 32;

/**
 * Checks the bytes of a secret, and leaves out one newline at their end.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, without a byte of them.
 */
export function checkSecretBytes(bytes: Buffer, origin: string): Buffer {
  const text = bytes.toString('latin1').replace(/\r?\n$/, '');
  const remedy = 'make one with openssl rand -hex 32';
  if (text.length < fewestSecretBytes)
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      source: origin,
      seen: `the secret has ${text.length} bytes`,
      expected: `at least ${fewestSecretBytes}`,
      remedy,
    });
  if (!/^[\x21-\x7e]*$/.test(text))
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      source: origin,
      seen: 'the secret has a byte that a header cannot carry',
      expected: 'printable ASCII without spaces',
      remedy,
    });
  return Buffer.from(text, 'latin1');
}
