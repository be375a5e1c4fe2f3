/**
 * How much of a stranger's header is read.
 *
 * @module
 */
import { refuse } from './refusal.js';

/**
 * What a header may hold. A request that has more is refused, and says so.
 *
 * Node accepts 16,384 bytes of headers in all, unless `maxHeaderSize` says more; a certificate with a P-256 key takes
 * about 750 of them, one with an RSA key of 4,096 bits about 2,000.
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
