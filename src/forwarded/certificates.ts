/**
 * Splits the bytes of a header into certificates. Their content is parsed elsewhere.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { DerReader, Tag } from '../x509/der.js';
import { limits, tooMany } from './limits.js';
import { refuse } from './refusal.js';

/**
 * The certificate in a header. It is a claim until the sender is authenticated as a proxy and the certificate is judged.
 * The buffers may be views of larger ones: copy what is kept.
 */
export interface ForwardedCertificate {
  /** The client's certificate: one SEQUENCE of DER. Nothing else of it is checked. */
  readonly leaf: Buffer;
  /** What the proxy sent above it, nearest first, without the leaf: one SEQUENCE each. */
  readonly chain: readonly Buffer[];
}

const subject = { code: 'ERR_MTLS_CERTIFICATE_INVALID', noun: 'certificate' } as const;

/**
 * Splits DER after DER: each a SEQUENCE, with nothing between them and nothing after the last.
 * @returns Views of `bytes`, not copies.
 * @throws MtlsError for anything else, and for what is beyond the limits.
 */
export function splitDer(bytes: Buffer): Buffer[] {
  const certificates: Buffer[] = [];
  const reader = new DerReader(bytes, subject);
  while (!reader.done) {
    if (certificates.length >= limits.certificates) tooMany();
    certificates.push(checkSize(nextElement(reader)));
  }
  return certificates;
}

/** {@link splitDer} of what has to be one certificate. */
export function readDer(bytes: Buffer): Buffer {
  return onlyOne(splitDer(bytes));
}

/** The only certificate of a value that must not hold others. */
export function onlyOne(certificates: readonly Buffer[]): Buffer {
  const [first, second] = certificates;
  if (first === undefined) refuse('has an empty certificate');
  if (second !== undefined) refuse(`has ${certificates.length} certificates`, { expected: 'one' });
  return first;
}

function nextElement(reader: DerReader): Buffer {
  try {
    return reader.next(Tag.sequence).element;
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    refuse(`has bytes that are not a certificate: ${error.seen}`, { expected: 'DER' });
  }
}

function checkSize(certificate: Buffer): Buffer {
  const { length } = certificate;
  if (length <= limits.certificateBytes) return certificate;
  refuse(`has a certificate of ${length} bytes`, { expected: `at most ${limits.certificateBytes}` });
}
