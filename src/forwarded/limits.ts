/**
 * The limits for the header with certificates.
 *
 * @module
 */
import { refuse } from './refusal.js';

/**
 * The most that a header may hold. A request with more is refused, and the fault names the limit.
 *
 * By default Node accepts 16,384 bytes of headers per request (`maxHeaderSize`). A percent-encoded certificate takes
 * about 750 bytes with a P-256 key, and about 2,000 with an RSA key of 4,096 bits.
 */
export const limits = {
  /** Characters of one header's value. */
  valueLength: 65_536,
  /** Bytes of one certificate. */
  certificateBytes: 16_384,
  /** Certificates of one request, including the client's own. */
  certificates: 10,
} as const;

/** Refuses a value with more certificates than {@link limits} allow. */
export function tooMany(): never {
  refuse(`has more than ${limits.certificates} certificates`, { expected: `at most ${limits.certificates}` });
}
