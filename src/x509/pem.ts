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

/** Whether these bytes are DER: a SEQUENCE of more than 127 bytes, which no text begins like. */
export function isDer(bytes: Buffer): boolean {
  return bytes[0] === 0x30 && (bytes[1] ?? 0) > 0x80;
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

// Buffer.from(…, 'base64') skips what it does not know, and a damaged file must not be read as another one.
function decode(bytes: Buffer, start: number, end: number, origin: string): Buffer {
  let digits = 0;
  let padding = 0;
  for (let index = start; index < end; index++) {
    const octet = bytes[index] as number;
    if (octet === 0x0a || octet === 0x0d || octet === 0x20 || octet === 0x09) continue;
    if (octet === 0x3d) padding++;
    else if (padding > 0 || !isBase64(octet))
      throw invalid(origin, 'a block whose body is not base64', index);
    else digits++;
  }
  if (digits === 0 || padding > 2 || (digits + padding) % 4 !== 0) {
    throw invalid(origin, 'a block whose base64 is incomplete', start);
  }
  return Buffer.from(bytes.toString('latin1', start, end), 'base64');
}

function isBase64(octet: number): boolean {
  const letter = octet | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (octet >= 0x2f && octet <= 0x39) || octet === 0x2b;
}

function invalid(origin: string, what: string, offset: number): MtlsError {
  return new MtlsError('ERR_MTLS_PEM_INVALID', `${origin}: ${what} (at byte ${offset}); write the file anew`);
}
