/**
 * The keys that PKCS#12 makes of a password (RFC 7292 appendix B).
 *
 * @module
 */
import { hash as hashOf } from 'node:crypto';

/** What {@link derivePkcs12Key} makes. */
export interface Pkcs12KeyUse {
  /** What the key is for: a cipher (1), its IV (2), or a MAC (3). */
  readonly id: 1 | 2 | 3;
  /** node:crypto's name of the digest. */
  readonly hash: string;
  readonly salt: Buffer;
  readonly iterations: number;
  /** Bytes. */
  readonly length: number;
}

/**
 * Makes a key of a password. It blocks for as long as the rounds take.
 * @param spend - Is told before each block how many rounds it takes, and throws where they are too many.
 */
export function derivePkcs12Key(
  password: string,
  { id, hash, salt, iterations, length }: Pkcs12KeyUse,
  spend?: (rounds: number) => void,
): Buffer {
  const block = hash === 'sha384' || hash === 'sha512' ? 128 : 64;
  // Appendix B.1: UTF-16, with the zero at its end.
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

/** Repeats bytes up to whole blocks. */
function filled(bytes: Buffer, block: number): Buffer {
  return bytes.length === 0 ? bytes : Buffer.alloc(block * Math.ceil(bytes.length / block), bytes);
}

/** Adds a number and one to each block, as to a number of its own. */
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
