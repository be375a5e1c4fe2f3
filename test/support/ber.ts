/**
 * BER with indefinite lengths, as NSS and BouncyCastle write it, from DER.
 *
 * @module
 */

/** Writes every constructed element of DER without its length, and OCTET STRINGs in pieces. */
export function toIndefinite(der: Buffer, pieceLength = 16): Buffer {
  const parts: Buffer[] = [];
  for (let offset = 0; offset < der.length;) {
    const tag = der[offset] ?? 0;
    const first = der[offset + 1] ?? 0;
    const octets = first < 0x80 ? 0 : first & 0x7f;
    const content = offset + 2 + octets;
    const end = content + (octets === 0 ? first : der.readUIntBE(offset + 2, octets));
    const inner = der.subarray(content, end);
    const whole = der.subarray(offset, end);
    if ((tag & 0x20) !== 0) parts.push(indefinite(tag, toIndefinite(inner, pieceLength)));
    // A context tag stands for an OCTET STRING in what is written with this.
    else if (tag === 0x04 || tag === 0x80) parts.push(indefinite(tag | 0x20, inPieces(inner, pieceLength)));
    else parts.push(whole);
    offset = end;
  }
  return Buffer.concat(parts);
}

function indefinite(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag, 0x80), content, Buffer.of(0, 0)]);
}

function inPieces(bytes: Buffer, length: number): Buffer {
  const pieces: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; offset += length) {
    const piece = bytes.subarray(offset, offset + length);
    pieces.push(Buffer.of(0x04, piece.length), piece);
  }
  return Buffer.concat(pieces);
}
