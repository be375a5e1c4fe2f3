/**
 * What the reader of forwarded certificates says of the header lines of one request.
 *
 * @module
 */
import type { ForwardedCertificate } from '../../../src/forwarded/certificates.js';
import {
  type ForwardedFault,
  findForwarded,
  isFault,
  readForwarded,
} from '../../../src/forwarded/forwarded-certificate.js';
import { checkForwardedHeader } from '../../../src/forwarded/forwarded-header.js';

/** Finds and reads the lines; `header` is what `proxies.header` would be. */
export function read(
  header: unknown,
  ...lines: readonly string[]
): ForwardedCertificate | ForwardedFault | undefined {
  const checked = checkForwardedHeader(header, 'proxies.header');
  const rawHeaders = ['Host', 'app.test', ...lines, 'Accept', '*/*'];
  const found = findForwarded(rawHeaders, checked);
  return found === undefined || isFault(found) ? found : readForwarded(found, checked);
}

/** The certificate that the lines carry. */
export function certificateOf(header: unknown, ...lines: readonly string[]): ForwardedCertificate {
  const result = read(header, ...lines);
  if (result === undefined) throw new Error('no header was found');
  if (isFault(result)) throw new Error(`${result.seen}; expected ${result.expected}; ${result.remedy}`);
  return result;
}

/** The fault that the lines have. */
export function faultOf(header: unknown, ...lines: readonly string[]): ForwardedFault {
  const result = read(header, ...lines);
  if (result === undefined || !isFault(result)) throw new Error('no fault was found');
  return result;
}
