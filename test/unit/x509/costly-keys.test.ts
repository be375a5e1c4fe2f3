import { createPublicKey, generatePrimeSync, hash, verify } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { type Certificate } from '../../../src/x509/certificate.js';
import { CertificateStore } from '../../../src/x509/certificate-store.js';
import { readAlgorithm } from '../../../src/x509/signature.js';
import { DerReader } from '../../../src/x509/der.js';
import { bitString, integer, nullValue, octetString, oid, sequence } from '../../support/der-writer.js';

// A key of any size in no time: a modulus may be the product of many small primes (RFC 8017 section 3).
interface Key {
  readonly modulus: bigint;
  readonly exponent: bigint;
  readonly primes: readonly bigint[];
}

const bitsOf = (value: bigint): number => value.toString(2).length;

function makeKey(bits: number, exponent: bigint): Key {
  const primes: bigint[] = [];
  let modulus = 1n;
  for (let attempt = 0; bitsOf(modulus) !== bits; attempt++) {
    const left = bits - bitsOf(modulus);
    // A product has the bits of both factors or one less, so the last prime is tried with both lengths.
    const size = left >= 600 ? 300 : left + (attempt % 2);
    const prime = generatePrimeSync(size, { bigint: true });
    if (prime % exponent === 1n || primes.includes(prime)) continue;
    if (left < 600 && bitsOf(modulus * prime) !== bits) continue;
    primes.push(prime);
    modulus *= prime;
  }
  return { modulus, exponent, primes };
}

/** RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2.1), prime by prime. */
function sign({ modulus, exponent, primes }: Key, bytes: Buffer): Buffer {
  const digest = Buffer.from(hash('sha256', bytes), 'hex');
  const info = sequence(sequence(oid('2.16.840.1.101.3.4.2.1'), nullValue()), octetString(digest));
  const length = Math.ceil(bitsOf(modulus) / 8);
  const padding = 'ff'.repeat(length - info.length - 3);
  const message = BigInt(`0x0001${padding}00${info.toString('hex')}`);
  let signature = 0n;
  for (const prime of primes) {
    const rest = modulus / prime;
    const part = power(message % prime, inverse(exponent, prime - 1n), prime);
    signature += part * rest * inverse(rest % prime, prime);
  }
  return Buffer.from((signature % modulus).toString(16).padStart(2 * length, '0'), 'hex');
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (bit === '1') result = (result * base) % modulus;
  }
  return result;
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [left, right, leftFactor, rightFactor] = [value % modulus, modulus, 1n, 0n];
  while (left > 1n) {
    const quotient = right / left;
    [left, right] = [right - quotient * left, left];
    [leftFactor, rightFactor] = [rightFactor - quotient * leftFactor, leftFactor];
  }
  return ((leftFactor % modulus) + modulus) % modulus;
}

const algorithm = readAlgorithm(
  new DerReader(sequence(oid('1.2.840.113549.1.1.11'), nullValue()), {
    code: 'ERR_MTLS_CERTIFICATE_INVALID',
    noun: 'certificate',
  }),
);

test.each([
  [8192, 65_537n, true],
  [8193, 65_537n, false],
  [2048, 2n ** 32n - 5n, true],
  [2048, 2n ** 32n + 15n, false],
])('a key of RSA with %i bits and the exponent %i may be that of a CA: %p', (bits, exponent, usable) => {
  const key = makeKey(bits, exponent);
  const rsa = sequence(integer(key.modulus), integer(exponent));
  const publicKey = sequence(sequence(oid('1.2.840.113549.1.1.1'), nullValue()), bitString(rsa));
  const bytes = Buffer.from('what is signed');
  const signature = sign(key, bytes);
  const theirs = createPublicKey({ key: publicKey, format: 'der', type: 'spki' });
  expect(verify('sha256', bytes, theirs, signature)).toBe(true);
  const store = new CertificateStore([]);
  expect(store.isSignedBy({ bytes, algorithm, signature }, { publicKey } as Certificate)).toBe(usable);
});
