/**
 * Faults of a key and its certificate.
 *
 * @module
 */
import { mkdirSync, rmSync, statSync } from 'node:fs';
import type { Certificate } from '../../test/support/chain.js';
import { replace } from './crl-updates.js';

export const pairFaults = [
  'the key is missing',
  'the key cannot be read',
  'the key is encrypted',
  'the certificate is garbled',
  'the certificate has expired',
  'the certificate is not valid yet',
] as const;
export type PairFault = (typeof pairFaults)[number];

/** The paths of a key and its certificate. */
export interface PairPlace {
  readonly key: string;
  readonly cert: string;
}

/** Issues a new pair. */
export type IssuePair = (dates?: { readonly notBefore: Date; readonly notAfter: Date }) => Certificate;

const hour = 3_600_000;

/** Makes it possible to write a file in the place of the key again. */
export function clearKey({ key }: PairPlace): void {
  if (statSync(key, { throwIfNoEntry: false })?.isDirectory() === true) rmSync(key, { recursive: true });
}

/** Breaks a pair. */
export function breakPair(fault: PairFault, { key, cert }: PairPlace, issue: IssuePair): void {
  const from = (ms: number): Date => new Date(Date.now() + ms);
  if (fault === 'the key is missing') rmSync(key);
  else if (fault === 'the key cannot be read') {
    rmSync(key);
    mkdirSync(key);
  } else if (fault === 'the key is encrypted') {
    const secret = { cipher: 'aes-256-cbc', passphrase: 'x' };
    replace(key, String(issue().privateKey.export({ type: 'pkcs8', format: 'pem', ...secret })));
  } else if (fault === 'the certificate is garbled') replace(cert, 'garbled');
  else {
    const isOld = fault === 'the certificate has expired';
    const [notBefore, notAfter] = isOld ? [from(-2 * hour), from(-hour)] : [from(hour), from(2 * hour)];
    const { keyPem, chainPem } = issue({ notBefore, notAfter });
    replace(key, keyPem);
    replace(cert, chainPem);
  }
}
