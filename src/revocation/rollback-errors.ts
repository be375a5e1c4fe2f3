/**
 * Why a CRL cannot replace the one in force.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type CrlHead } from '../x509/crl-head.js';
import { isOlder } from './crl-age.js';
import { describeCrl, type VerifiedCrl } from './verified-crl.js';

/** A CRL was removed while its CA is still trusted. */
export function missing({ crl, origin }: VerifiedCrl): MtlsError {
  return new MtlsError('ERR_MTLS_CRL_ROLLBACK', {
    source: origin,
    seen: `the ${describeCrl(crl)} was removed without a replacement`,
    remedy:
      'the previous CRLs stay in force. Publish a newer one, or remove its CA from options.ca; to change its key or its distribution point, publish the old CRL beside the new one for a while',
  });
}

/** A CRL was removed, and the CRL of a wider scope that would replace it was not issued later. */
export function outlived({ crl, origin }: VerifiedCrl, wider: VerifiedCrl): MtlsError {
  return new MtlsError('ERR_MTLS_CRL_ROLLBACK', {
    source: origin,
    seen: `the ${describeCrl(crl)} was removed, and the ${describeCrl(wider.crl)}, which would replace it, was not issued later`,
    remedy: `the previous CRLs stay in force. Publish one that was issued after ${crl.thisUpdate.toISOString()}`,
  });
}

/** A CRL would replace a newer one. */
export function rollback(old: VerifiedCrl, replacement: VerifiedCrl): MtlsError {
  const [seen, inForce] = [describeCrl(replacement.crl), describeCrl(old.crl)];
  return new MtlsError('ERR_MTLS_CRL_ROLLBACK', {
    source: replacement.origin,
    seen: `the ${seen} ${goingBack(old.crl, replacement.crl, inForce)}`,
    remedy: 'the previous CRLs stay in force',
  });
}

/** How the CRL is older, and which one to publish instead. */
function goingBack(old: CrlHead, replacement: CrlHead, inForce: string): string {
  const { number, thisUpdate } = replacement;
  if (number === undefined && old.number !== undefined)
    return `has no number, and the ${inForce} in force has one: publish one with a higher number`;
  if ((number ?? 0n) < (old.number ?? 0n))
    return `has a lower number than the ${inForce} in force: publish one with a higher number`;
  if (thisUpdate < old.thisUpdate)
    return `has an earlier thisUpdate than the ${inForce} in force: publish one that was issued later`;
  if (isOlder(old, replacement))
    return `has expired and lists fewer certificates than the ${inForce} in force: publish one that is current`;
  return `is as old as the ${inForce} in force and lists fewer certificates: publish one with a higher number`;
}
