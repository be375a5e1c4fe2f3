/**
 * Derives the keys of PKCS#12 from a password (RFC 7292 appendix B).
 *
 * @module
 */
import { hash as hashOf } from 'node:crypto';

/** The parameters of {@link derivePkcs12Key}. */
export interface Pkcs12KeyUse {
  /** The purpose of the key: a cipher (1), its IV (2), or a MAC (3). */
  readonly id: 1 | 2 | 3;
  /** node:crypto's name of the digest. */
  readonly hash: string;
  readonly salt: Buffer;
  readonly iterations: number;
  /** Bytes. */
  readonly length: number;
}

/**
 * Derives a key from a password. It blocks while it computes.
 * @param spend - Called with the number of rounds before each block. It throws if they are too many.
 */
export function derivePkcs12Key(
  password: string,
  { id, hash, salt, iterations, length }: Pkcs12KeyUse,
  spend?: (rounds: number) => void,
): Buffer {
  const block = hash === 'sha384' || hash === 'sha512' ? 128 : 64;
  // Appendix B.1: UTF-16, with a terminating zero.
  const secret = Buffer.from(`${password}\0`, 'utf16le').swap16();
  const input = Buffer.concat([filled(salt, block), filled(secret, block)]);
  const parts: Buffer[] = [];
  for (let made = 0; made < length; made += parts.at(-1)?.length ?? 1) {
    spend?.(iterations);
    let part = hashOf(hash, Buffer.concat([Buffer.alloc(block, id), input]), 'buffer');
    for (let round = 1; round < iterations; round++) part = hashOf(hash, part, 'buffer');
    parts.push(part);
    addToEach(input, filled(part, block).subarray(0, block), block);
  }
  return Buffer.concat(parts).subarray(0, length);
}

/** Repeats bytes to fill whole blocks. */
function filled(bytes: Buffer, block: number): Buffer {
  return bytes.length === 0 ? bytes : Buffer.alloc(block * Math.ceil(bytes.length / block), bytes);
}

/** Adds a number plus one to each block, as a separate big-endian number. */
function addToEach(blocks: Buffer, number: Buffer, block: number): void {
  for (let start = 0; start < blocks.length; start += block) {
    let carry = 1;
    for (let index = block - 1; index >= 0; index--) {
      carry += (blocks[start + index] as number) + (number[index] as number);
      blocks[start + index] = carry;
      carry >>= 8;
    }
  }
}
