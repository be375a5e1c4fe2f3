/**
 * A strict PEM parser (RFC 7468): every block must be complete, and nothing else may look like part of a block. Text
 * between blocks is allowed, including lines of dashes.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type FileForm, findFileForm, remedyOf } from './file-form.js';

/** One block: its label and its bytes. */
export interface PemBlock {
  /** `'CERTIFICATE'`, `'X509 CRL'`, … */
  readonly label: string;
  readonly der: Buffer;
  /** The headers of a private key in OpenSSL's old encrypted form (RFC 1421). */
  readonly headers?: string;
}

const dashes = '-----';

// Each block takes memory in addition to its bytes. The largest real bundles have a few hundred.
const mostBlocks = 10_000;

/** Whether these bytes are DER: a SEQUENCE of more than 127 bytes, which no text begins with, or a short one. */
export function isDer(bytes: Buffer): boolean {
  const length = bytes[1] ?? 0;
  return bytes[0] === 0x30 && (length < 0x80 ? length + 2 === bytes.length : length > 0x80);
}

/** The bytes without the line break that an editor or a shell has appended to a DER file. */
export function trimDer(bytes: Buffer): Buffer {
  const length = bytes[1] ?? 0x80;
  const octets = length & 0x7f;
  if (bytes[0] !== 0x30 || length === 0x80 || (length > 0x80 && (octets > 4 || bytes.length < 2 + octets)))
    return bytes;
  const end = length < 0x80 ? 2 + length : 2 + octets + bytes.readUIntBE(2, octets);
  return /^\r?\n$/.test(bytes.toString('latin1', end, end + 3)) ? bytes.subarray(0, end) : bytes;
}

/**
 * Splits PEM into blocks.
 * @param origin - The file or option of the bytes, for errors.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` for a block without an end, an end without a beginning, a body that is not
 *   base64, or no block. If the file has a known other form, the error names it.
 */
export function parsePem(bytes: Buffer, origin: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  const text: PemText = { bytes, origin };
  let offset = 0;
  for (;;) {
    const begin = findBegin(text, offset);
    if (begin === undefined) break;
    const { label, start, body } = begin;
    const end = bytes.indexOf(dashes, body);
    const endLine = `-----END ${label}-----`;
    if (end < 0 || bytes.toString('latin1', end, end + endLine.length) !== endLine) {
      throw invalid(
        text,
        `a "${label}" block without an END line: the file is truncated or still being written`,
        start,
      );
    }
    if (blocks.length >= mostBlocks) {
      throw invalid(text, `more than ${mostBlocks} blocks, the maximum for one file`, start);
    }
    blocks.push(readBlock(text, begin, end));
    offset = end + endLine.length;
    if (!/^[ \t]*(?:[\r\n]|$)/.test(bytes.toString('latin1', offset, offset + longestLine))) {
      throw invalid(
        text,
        'a block with text after its END line',
        offset,
        'add a line break after its dashes',
      );
    }
  }
  refuseCutLine(text);
  if (blocks.length > 0) return blocks;
  const form = findFileForm(bytes);
  if (form !== undefined) throw inForm(form, origin);
  const seen = bytes.length === 0 ? 'it is empty' : 'no PEM block was found';
  throw new MtlsError('ERR_MTLS_PEM_INVALID', {
    source: origin,
    seen,
    expected: 'PEM ("-----BEGIN …-----") or DER',
  });
}

interface PemText {
  readonly bytes: Buffer;
  readonly origin: string;
}

interface BeginLine {
  readonly label: string;
  /** The start of the line. */
  readonly start: number;
  /** The start of the next line. */
  readonly body: number;
}

// A BEGIN line has at most 56 characters, and trailing spaces.
const longestLine = 200;

/** Finds the next BEGIN line. As in OpenSSL, it must be at the start of a line. */
function findBegin(text: PemText, offset: number): BeginLine | undefined {
  const { bytes } = text;
  for (let from = offset; ;) {
    const found = bytes.indexOf('----', from);
    if (found < 0) return undefined;
    let start = found;
    while (start > from && !isLineEnd(bytes[start - 1])) start--;
    let end = found;
    while (end < bytes.length && !isLineEnd(bytes[end])) end++;
    const line = readLine(bytes, start, end);
    const label = /^-----BEGIN ([A-Z0-9 #]{1,40})-----[ \t]*$/.exec(line)?.[1];
    if (label !== undefined)
      return { label, start, body: end + (bytes[end] === 0x0d && bytes[end + 1] === 0x0a ? 2 : 1) };
    const fault = faultOf(line);
    if (fault !== undefined) throw invalid(text, fault, start);
    from = end;
  }
}

function isLineEnd(octet: number | undefined): boolean {
  return octet === 0x0a || octet === 0x0d;
}

// Some editors begin files with a byte order mark, so joined files may contain several.
function readLine(bytes: Buffer, start: number, end: number): string {
  const line = bytes.toString('latin1', start, Math.min(end, start + longestLine));
  return line.startsWith('\xef\xbb\xbf') ? line.slice(3) : line;
}

const endLines = [
  'CERTIFICATE',
  'TRUSTED CERTIFICATE',
  'X509 CERTIFICATE',
  'X509 CRL',
  'PRIVATE KEY',
  'ENCRYPTED PRIVATE KEY',
  'RSA PRIVATE KEY',
  'EC PRIVATE KEY',
].map((label) => `-----END ${label}-----`);

/**
 * What is wrong with a line that looks like part of a block; `undefined` if it is text. OpenSSL skips such lines, and
 * thus silently drops blocks of a file that is damaged or was partly overwritten.
 */
function faultOf(line: string): string | undefined {
  if (/^[ \t"'`]*-{1,5}(?:BEGIN|END) /.test(line)) return 'dashes that do not begin a block';
  const rest = line.trimEnd();
  const isRest = /[A-Z]/.test(rest) && endLines.some((endLine) => endLine.endsWith(rest));
  return isRest ? 'the rest of an END line' : undefined;
}

function refuseCutLine(text: PemText): void {
  const { bytes } = text;
  const [line = ''] =
    /[^\r\n]*$/.exec(bytes.toString('latin1', Math.max(bytes.length - longestLine, 0))) ?? [];
  if (line !== '' && '-----BEGIN '.startsWith(line.replace('\xef\xbb\xbf', ''))) {
    throw invalid(text, 'the beginning of a block at the end: the file is truncated', bytes.length);
  }
}

// RFC 1421 section 4.6: "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-256-CBC,…", and an empty line.
const headerLines = /^((?:[A-Za-z-]+: [ -~]*(?:\r\n?|\n))+)[ \t]*[\r\n]/;

function readBlock(text: PemText, { label, body }: BeginLine, end: number): PemBlock {
  const start = label.endsWith(' PRIVATE KEY')
    ? text.bytes.toString('latin1', body, Math.min(body + 1000, end))
    : '';
  const [all = '', headers] = headerLines.exec(start) ?? [];
  const der = decode(text, body + all.length, end);
  return headers === undefined
    ? { label, der }
    : { label, der, headers: headers.trimEnd().replaceAll(/\r\n?/g, '\n') };
}

/** Formats one block. */
export function formatPem({ label, der, headers }: PemBlock): string {
  const body = der.toString('base64').replace(/.{1,64}/g, '$&\n');
  const before = headers === undefined ? '' : `${headers}\n\n`;
  return `-----BEGIN ${label}-----\n${before}${body}-----END ${label}-----\n`;
}

/** The value of each base64 digit by its character code. 64 is white space, 65 the padding, 66 anything else. */
const digitValues = new Uint8Array(256).fill(66);
Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/').forEach((digit, value) => {
  digitValues[digit] = value;
});
for (const space of ' \t\r\n') digitValues[space.charCodeAt(0)] = 64;
digitValues['='.charCodeAt(0)] = 65;

// Buffer.from(…, 'base64') skips unknown characters, but a damaged file must be an error.
function decode(text: PemText, start: number, end: number): Buffer {
  const { bytes } = text;
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
    else if (value !== 64) throw invalid(text, 'a block whose body is not base64', index);
  }
  const rest = digits & 3;
  if (digits + length === 0 || rest === 1 || padding !== (4 - rest) % 4) {
    throw invalid(text, 'a block whose base64 is incomplete', start);
  }
  if (rest > 1) decoded[length++] = bits >> (rest === 2 ? 4 : 10);
  if (rest === 3) decoded[length++] = bits >> 2;
  return decoded.subarray(0, length);
}

// RFC 7468 section 2: 64 digits per line, which are 48 octets, and a newline.
const lineLength = 65;
const lineOctets = 48;
const linesAtOnce = 16_384;

/**
 * Decodes full lines with Node's decoder, which is three times as fast. It skips unknown characters and accepts
 * base64url. If the newlines are in their places, '-' and '_' do not occur and the length is right, there were only
 * digits.
 * @returns The number of decoded octets: 48 per line.
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

function invalid(
  { bytes, origin }: PemText,
  what: string,
  offset: number,
  remedy = 'write the file again',
): MtlsError {
  const form = findFileForm(bytes);
  return form === undefined
    ? new MtlsError('ERR_MTLS_PEM_INVALID', { source: origin, seen: `${what} (at byte ${offset})`, remedy })
    : inForm(form, origin);
}

function inForm(form: FileForm, origin: string): MtlsError {
  return new MtlsError('ERR_MTLS_PEM_INVALID', { source: origin, seen: form.seen, remedy: remedyOf(form) });
}
