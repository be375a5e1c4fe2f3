/**
 * The keyed hash that decides where a serial number stands in a table.
 *
 * @module
 */
import { randomFillSync } from 'node:crypto';

/** A secret key for the hash. Tables with the same key can be compared bucket by bucket. */
export function randomSeed(): Uint32Array {
  return randomFillSync(new Uint32Array(2));
}

/** The same bytes, to be read by word: an unaligned word in one step instead of four. */
export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** HalfSipHash-1-3 (Aumasson and Bernstein) of `width` octets, 32 bits: keyed, and computed in 32-bit words. */
export function hashSerial(bytes: DataView, offset: number, width: number, seed: Uint32Array): number {
  let v0 = seed[0] as number;
  let v1 = seed[1] as number;
  let v2 = 0x6c796765 ^ v0;
  let v3 = 0x74656462 ^ v1;
  const whole = width & ~3;
  for (let index = 0; index <= whole; index += 4) {
    const at = offset + index;
    const word = index < whole ? bytes.getInt32(at, true) : lastWord(bytes, at, width);
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  v2 ^= 0xff;
  for (let round = 0; round < 3; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  return v1 ^ v3;
}

/** The last word: the remaining octets and the length, as the hash defines it. */
function lastWord(bytes: DataView, at: number, width: number): number {
  let word = width << 24;
  for (let octet = 0; octet < (width & 3); octet++) word |= bytes.getUint8(at + octet) << (8 * octet);
  return word;
}
