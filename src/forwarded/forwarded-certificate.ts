/**
 * Reads the certificate that a proxy forwards in a header, and writes it for a backend.
 * Whether the proxy and the certificate are trusted is decided elsewhere.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { decodeBase64 } from './base64.js';
import { type ForwardedCertificate, onlyOne, readDer, splitDer } from './certificates.js';
import { type ForwardedField, type ForwardedHeader } from './forwarded-header.js';
import { limits, tooMany } from './limits.js';
import { readPercentPem, readSpacedPem } from './pem-text.js';
import { refusePlaceholder } from './placeholder.js';
import { adviceOf } from './proxy-advice.js';
import { refuse } from './refusal.js';
import { readByteSequence, readByteSequenceList } from './structured-field.js';
import { readXfcc } from './xfcc.js';

/** Why a header does not hold a certificate. It quotes at most a short, escaped excerpt of the value. */
export interface ForwardedFault {
  /** What was seen: `'x-ssl-client-cert is empty'`. */
  readonly seen: string;
  /** What was expected, if it is not obvious. */
  readonly expected?: string;
  /** What to change in the configuration of the proxy. */
  readonly remedy: string;
}

/** The header lines of a request that carry a certificate, not decoded. */
export interface ForwardedLines {
  /** The value of the certificate's header. */
  readonly certificate: string;
  /** The value of the chain's header; `undefined` where there is none, or none is configured. */
  readonly chain: string | undefined;
}

/**
 * Finds the header lines with a certificate, without decoding them, so that they can be looked up in a `ForwardedCache`.
 *
 * A repeated header is refused, although RFC 9440 section 2.3 allows a list to be split: a client may have sent one of
 * the lines, and proxies differ in where they put their own.
 * @param rawHeaders - Name, value, name, value, as in `req.rawHeaders`. `req.headers` does not
 *   show that there were several lines.
 * @returns The lines, for {@link readForwarded}; a fault; `undefined` where the request has none of
 *   the headers: the caller is anonymous. An empty header is returned as lines, and is a fault when it is read.
 */
export function findForwarded(
  rawHeaders: readonly string[],
  header: ForwardedHeader,
): ForwardedLines | ForwardedFault | undefined {
  const certificate = findLine(rawHeaders, header.certificate.name);
  const chain = header.chain && findLine(rawHeaders, header.chain.name);
  if (typeof certificate === 'object') return certificate;
  if (typeof chain === 'object') return chain;
  if (certificate !== undefined) return { certificate, chain };
  return chain === undefined ? undefined : chainAlone(header);
}

// RFC 9440 section 2.3.
function chainAlone(header: ForwardedHeader): ForwardedFault {
  return {
    seen: `${header.chain?.name ?? ''} came without ${header.certificate.name}`,
    expected: 'both or neither',
    remedy: adviceOf(header),
  };
}

function findLine(rawHeaders: readonly string[], name: string): string | ForwardedFault | undefined {
  let value: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const seen = rawHeaders[index] as string;
    if (seen.length !== name.length || (seen !== name && seen.toLowerCase() !== name)) continue;
    if (value !== undefined) return severalLines(name);
    value = rawHeaders[index + 1] ?? '';
  }
  return value === undefined || value.length <= limits.valueLength ? value : tooLong(name, value.length);
}

function severalLines(name: string): ForwardedFault {
  return {
    seen: `the request has several lines of ${name}`,
    expected: 'one',
    remedy:
      'have the proxy remove the line of the client before it sets its own, and set it instead of adding it',
  };
}

function tooLong(name: string, length: number): ForwardedFault {
  return {
    seen: `${name} has ${length} characters`,
    expected: `at most ${limits.valueLength}`,
    remedy: 'have the proxy send fewer certificates',
  };
}

/**
 * Decodes the lines that {@link findForwarded} found. The value must consist of certificates: at most ten, of at most
 * 16,384 bytes each.
 *
 * A value that stands for no certificate is a fault with every preset: an empty value, `::`, `(null)`, a placeholder that
 * the proxy did not replace. Each proxy can be configured to omit the header, or to require a certificate. Google Cloud,
 * which always sends the header, also sends an empty value for a certificate above 16 KB, so even there it does not mean
 * a caller without a certificate. In the header of the chain, an empty value and `::` are an empty chain: a client may
 * send no intermediates, and HAProxy has none on a resumed session.
 *
 * A chain that begins with the client's own certificate is returned without it. `Cert` and `Chain` of Envoy must agree.
 * @returns The certificates, or a fault. Never throws, whatever the client sent.
 * @example
 * ```ts
 * const lines = findForwarded(req.rawHeaders, header);
 * if (lines === undefined) return anonymous();
 * const certificate = isFault(lines) ? lines : readForwarded(lines, header);
 * if (isFault(certificate)) return refuse(certificate);
 * ```
 */
export function readForwarded(
  lines: ForwardedLines,
  header: ForwardedHeader,
): ForwardedCertificate | ForwardedFault {
  const certificates = reading(header.certificate, header, () => readCertificate(lines.certificate, header));
  const { chain: field } = header;
  if (isFault(certificates) || field === undefined || lines.chain === undefined) return certificates;
  const { leaf } = certificates;
  const above = lines.chain;
  return reading(field, header, () => ({ leaf, chain: readChain(above, field, leaf) }));
}

/** Whether a result is a fault. */
export function isFault(
  result: ForwardedLines | ForwardedCertificate | ForwardedFault,
): result is ForwardedFault {
  return 'remedy' in result;
}

function readCertificate(value: string, { certificate, holdsChain }: ForwardedHeader): ForwardedCertificate {
  refusePlaceholder(value);
  if (certificate.encoding === 'xfcc') return readXfcc(value);
  if (certificate.encoding === 'rfc9440') return { leaf: readDer(readByteSequence(value)), chain: [] };
  const certificates = readList(value, certificate.encoding, readDerOfOne);
  const [leaf, ...chain] = certificates as [Buffer, ...Buffer[]];
  return holdsChain ? { leaf, chain } : { leaf: onlyOne(certificates), chain: [] };
}

/** The intermediates. HAProxy concatenates them in DER. */
function readChain(value: string, { encoding }: ForwardedField, leaf: Buffer): readonly Buffer[] {
  if (value === '' || value === '::') return [];
  refusePlaceholder(value);
  const certificates =
    encoding === 'rfc9440'
      ? readByteSequenceList(value).flatMap(splitSome)
      : readList(value, encoding, splitSome);
  const chain = certificates[0]?.equals(leaf) === true ? certificates.slice(1) : certificates;
  if (chain.length >= limits.certificates) tooMany();
  return chain;
}

function readList(
  value: string,
  encoding: ForwardedField['encoding'],
  split: (der: Buffer) => readonly Buffer[],
): readonly Buffer[] {
  if (encoding === 'percent-pem') return readPercentPem(value);
  if (encoding === 'spaced-pem') return readSpacedPem(value);
  const members = value.split(',', limits.certificates + 1);
  if (members.length > limits.certificates) tooMany();
  return members.flatMap((member) => split(decodeBase64(member)));
}

const readDerOfOne = (der: Buffer): Buffer[] => [readDer(der)];

function splitSome(der: Buffer): readonly Buffer[] {
  const certificates = splitDer(der);
  if (certificates.length === 0) refuse('has an empty certificate');
  return certificates;
}

function reading(
  { name }: ForwardedField,
  header: ForwardedHeader,
  read: () => ForwardedCertificate,
): ForwardedCertificate | ForwardedFault {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    const { seen, expected, remedy } = error;
    const advice = adviceOf(header);
    return {
      seen: `${name} ${seen}`,
      ...(expected === undefined ? {} : { expected }),
      remedy: remedy === undefined ? advice : `${remedy}; ${advice}`,
    };
  }
}

/**
 * The headers of RFC 9440 for a request to a backend that trusts this server as a proxy. They must replace those that a
 * client sent (`withoutHeaders()`).
 * @param leaf - The client's certificate, DER.
 * @param chain - The intermediates, nearest first, without the leaf. If empty, `Client-Cert-Chain` is omitted.
 * @example
 * ```ts
 * await fetch(url, { headers: writeForwarded(leaf, chain) });
 * // Client-Cert: :MIIBqDCCAU6g…:
 * ```
 */
export function writeForwarded(leaf: Buffer, chain: readonly Buffer[]): Record<string, string> {
  const certificate = { 'Client-Cert': byteSequenceOf(leaf) };
  return chain.length === 0
    ? certificate
    : { ...certificate, 'Client-Cert-Chain': chain.map(byteSequenceOf).join(', ') };
}

/** RFC 8941 section 4.1.8. */
function byteSequenceOf(bytes: Buffer): string {
  return `:${bytes.toString('base64')}:`;
}
