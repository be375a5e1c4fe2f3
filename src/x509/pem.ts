/**
 * PEM (RFC 7468), strictly: every block whole, nothing that looks like the rest
 * of one. Text between blocks is allowed, as `openssl x509 -text` writes it.
 *
 * @module
 */
import { MtlsError } from '../errors.js';

/** One block: what its label says it is, and its bytes. */
export interface PemBlock {
  /** `'CERTIFICATE'`, `'X509 CRL'`, … */
  readonly label: string;
  readonly der: Buffer;
}

const dashes = '-----';

// Each takes memory beside its bytes. The largest bundles in the field have some hundred.
const mostBlocks = 10_000;

/** Whether these bytes are DER: a SEQUENCE of more than 127 bytes, which no text begins like, or a short one. */
export function isDer(bytes: Buffer): boolean {
  const length = bytes[1] ?? 0;
  return bytes[0] === 0x30 && (length < 0x80 ? length + 2 === bytes.length : length > 0x80);
}

/**
 * Splits PEM into its blocks.
 * @param origin - The file or option the bytes came from, for the error.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` for a block without an end, an end without a
 *   beginning, a body that is not base64, or no block at all.
 */
export function parsePem(bytes: Buffer, origin: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let offset = 0;
  for (;;) {
    const begin = bytes.indexOf(dashes, offset);
    if (begin < 0) break;
    if (begin > 0 && bytes[begin - 1] !== 0x0a) throw invalid(origin, 'dashes within a line', begin);
    const label = /^-----BEGIN ([A-Z0-9 ]{1,40})-----[ \t]*\r?\n/.exec(
      bytes.toString('latin1', begin, begin + 80),
    );
    if (label?.[1] === undefined) throw invalid(origin, 'dashes that begin no block', begin);
    const body = begin + label[0].length;
    const end = bytes.indexOf(dashes, body);
    const endLine = `-----END ${label[1]}-----`;
    if (end < 0 || bytes.toString('latin1', end, end + endLine.length) !== endLine) {
      throw invalid(
        origin,
        `a "${label[1]}" block without its end: the file is cut off or still being written`,
        begin,
      );
    }
    if (blocks.length >= mostBlocks) {
      throw invalid(
        origin,
        `more than ${mostBlocks} blocks, which is more than is read from one file`,
        begin,
      );
    }
    blocks.push({ label: label[1], der: decode(bytes, body, end, origin) });
    offset = end + endLine.length;
    if (!/^[ \t]*\r?(\n|$)/.test(bytes.toString('latin1', offset, offset + 80))) {
      throw invalid(origin, 'a block whose last line goes on', offset);
    }
  }
  if (/\n-{1,4}$/.test(bytes.toString('latin1', Math.max(bytes.length - 5, 0)))) {
    throw invalid(origin, 'the beginning of a block at the end: the file is cut off', bytes.length);
  }
  if (blocks.length === 0) {
    const seen = bytes.length === 0 ? 'it is empty' : 'no PEM block was found';
    throw new MtlsError(
      'ERR_MTLS_PEM_INVALID',
      `${origin}: ${seen}; expected PEM ("-----BEGIN …-----") or DER`,
    );
  }
  return blocks;
}

/** Writes one block. */
export function formatPem({ label, der }: PemBlock): string {
  const body = der.toString('base64').replace(/.{1,64}/g, '$&\n');
  return `-----BEGIN ${label}-----\n${body}-----END ${label}-----\n`;
}

/** The value of each base64 digit by its character code; 64 is white space, 65 the padding, 66 anything else. */
const digitValues = new Uint8Array(256).fill(66);
Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/').forEach((digit, value) => {
  digitValues[digit] = value;
});
for (const space of ' \t\r\n') digitValues[space.charCodeAt(0)] = 64;
digitValues['='.charCodeAt(0)] = 65;

// Buffer.from(…, 'base64') skips what it does not know, and a damaged file must not be read as another one.
function decode(bytes: Buffer, start: number, end: number, origin: string): Buffer {
  const decoded = Buffer.allocUnsafeSlow(Math.ceil(((end - start) * 3) / 4));
  let length = decodeFullLines(bytes, start, end, decoded);
  let bits = 0;
  let digits = 0;
  let padding = 0;
  const read = (length / lineOctets) * lineLength;
  for (let index = start + read; index < end; index++) {
    const value = digitValues[bytes[index] as number] as number;
    if (value < 64 && padding === 0) {
      bits = (bits << 6) | value;
      digits++;
      if ((digits & 3) !== 0) continue;
      decoded[length] = bits >> 16;
      decoded[length + 1] = bits >> 8;
      decoded[length + 2] = bits;
      length += 3;
      bits = 0;
    } else if (value === 65) padding++;
    else if (value !== 64) throw invalid(origin, 'a block whose body is not base64', index);
  }
  const rest = digits & 3;
  if (digits + length === 0 || rest === 1 || padding !== (4 - rest) % 4) {
    throw invalid(origin, 'a block whose base64 is incomplete', start);
  }
  if (rest > 1) decoded[length++] = bits >> (rest === 2 ? 4 : 10);
  if (rest === 3) decoded[length++] = bits >> 2;
  return decoded.subarray(0, length);
}

// RFC 7468 section 2: 64 digits a line, which are 48 octets; and a newline.
const lineLength = 65;
const lineOctets = 48;
const linesAtOnce = 16_384;

/**
 * Decodes full lines as long as there are any, with Node's own decoder: three times as fast. That skips what it
 * does not know, and takes two digits of base64url; so where newlines stand in their places, neither of the two
 * occurs, and nothing was skipped, there were digits alone.
 * @returns How many octets were decoded: 48 a line.
 */
function decodeFullLines(bytes: Buffer, start: number, end: number, into: Buffer): number {
  const body = bytes.subarray(start, end);
  if (body.includes('-') || body.includes('_')) return 0;
  let length = 0;
  for (let offset = 0; ; offset = (length / lineOctets) * lineLength) {
    const lines = countFullLines(body, offset);
    if (lines === 0) return length;
    const text = body.toString('latin1', offset, offset + lines * lineLength);
    if (into.write(text, length, 'base64') !== lines * lineOctets) return length;
    length += lines * lineOctets;
  }
}

function countFullLines(body: Buffer, offset: number): number {
  let lines = 0;
  while (lines < linesAtOnce && body[offset + (lines + 1) * lineLength - 1] === 0x0a) lines++;
  return lines;
}

function invalid(origin: string, what: string, offset: number): MtlsError {
  return new MtlsError('ERR_MTLS_PEM_INVALID', `${origin}: ${what} (at byte ${offset}); write the file anew`);
}
