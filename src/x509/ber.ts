/**
 * Converts BER (X.690 section 8) to DER, as far as indefinite lengths and constructed strings go: some programs write
 * files that way.
 *
 * @module
 */

// Real files have about fifteen levels and a few kilobytes.
const deepest = 64;
const longest = 1_048_576;

/** Whether these bytes begin with a SEQUENCE of indefinite length, which DER does not allow. */
export function isIndefinite(bytes: Buffer): boolean {
  return bytes[0] === 0x30 && bytes[1] === 0x80;
}

/**
 * Rewrites an element with the shortest definite lengths and primitive OCTET STRINGs. This may change bytes that are
 * signed.
 * @returns `undefined` for anything that is not BER, has trailing bytes, or exceeds a megabyte.
 */
export function toDer(bytes: Buffer): Buffer | undefined {
  if (bytes.length > longest) return undefined;
  const element = convert(bytes, 0, 0);
  return element?.end === bytes.length ? element.der : undefined;
}

interface Converted {
  readonly der: Buffer;
  /** Where the next element begins. */
  readonly end: number;
}

function convert(bytes: Buffer, start: number, depth: number): Converted | undefined {
  const tag = bytes[start];
  const header = readLength(bytes, start + 1);
  if (tag === undefined || header === undefined || (tag & 0x1f) === 0x1f || depth > deepest) return undefined;
  const { content, length } = header;
  if ((tag & 0x20) === 0) {
    if (length === undefined || length > bytes.length - content) return undefined;
    const end = content + length;
    return { der: encode(tag, [bytes.subarray(content, end)]), end };
  }
  const limit = length === undefined ? bytes.length : content + length;
  if (limit > bytes.length) return undefined;
  const parts: Buffer[] = [];
  let offset = content;
  while (offset < limit && !(length === undefined && isEnd(bytes, offset))) {
    const part = convert(bytes, offset, depth + 1);
    if (part === undefined) return undefined;
    parts.push(part.der);
    offset = part.end;
  }
  if (length === undefined) {
    if (!isEnd(bytes, offset)) return undefined;
    offset += 2;
  } else if (offset !== limit) return undefined;
  return { der: tag === constructedString ? joinString(parts) : encode(tag, parts), end: offset };
}

const constructedString = 0x24;

/** Joins the segments of an OCTET STRING. */
function joinString(pieces: readonly Buffer[]): Buffer {
  return encode(0x04, pieces.map(contentOf));
}

/** The content of an element of DER. */
function contentOf(element: Buffer): Buffer {
  return element.subarray(readLength(element, 1)?.content);
}

interface Header {
  /** Where the content begins. */
  readonly content: number;
  /** `undefined` if it ends with end-of-contents octets. */
  readonly length: number | undefined;
}

function readLength(bytes: Buffer, offset: number): Header | undefined {
  const first = bytes[offset];
  if (first === undefined) return undefined;
  if (first < 0x80) return { content: offset + 1, length: first };
  const octets = first & 0x7f;
  const content = offset + 1 + octets;
  if (octets === 0) return { content, length: undefined };
  return octets > 4 || content > bytes.length
    ? undefined
    : { content, length: bytes.readUIntBE(offset + 1, octets) };
}

function isEnd(bytes: Buffer, offset: number): boolean {
  return bytes[offset] === 0 && bytes[offset + 1] === 0;
}

function encode(tag: number, parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 | octets.length, ...octets];
  return Buffer.concat([Buffer.from(header), ...parts]);
}
