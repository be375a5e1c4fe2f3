/**
 * How much of a header is read.
 *
 * @module
 */
import { refuse } from './refusal.js';

/**
 * The most that a header may hold. A request with more is refused, and the fault names the limit.
 *
 * By default Node accepts 16,384 bytes of headers in all (`maxHeaderSize`). A percent-encoded certificate takes about 750
 * of them with a P-256 key, and about 2,000 with an RSA key of 4,096 bits.
 */
export const limits = {
  /** Characters of one header's value. */
  valueLength: 65_536,
  /** Bytes of one certificate. */
  certificateBytes: 16_384,
  /** Certificates of one request, the client's own among them. */
  certificates: 10,
} as const;

/** Refuses what has more certificates than {@link limits} allow. */
export function tooMany(): never {
  refuse(`has more than ${limits.certificates} certificates`, { expected: `at most ${limits.certificates}` });
}
