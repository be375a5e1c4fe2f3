/**
 * Compares the age of two CRLs.
 *
 * @module
 */
import { type CrlHead } from '../x509/crl-head.js';

/** Whether `left` was issued before `right`: by CRL number if both have one, then by thisUpdate. */
export function isOlder(
  left: Pick<CrlHead, 'number' | 'thisUpdate'>,
  right: Pick<CrlHead, 'number' | 'thisUpdate'>,
): boolean {
  if (left.number !== undefined && right.number !== undefined && left.number !== right.number) {
    return left.number < right.number;
  }
  return left.thisUpdate < right.thisUpdate;
}
