/**
 * Why a CRL may not take the place of the one in force.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type CrlHead } from '../x509/crl-head.js';
import { isOlder } from './crl-age.js';
import { describeCrl, type VerifiedCrl } from './verified-crl.js';

/** A CRL is gone while its CA is still trusted. */
export function missing({ crl, origin }: VerifiedCrl): MtlsError {
  return new MtlsError('ERR_MTLS_CRL_ROLLBACK', {
    source: origin,
    seen: `the ${describeCrl(crl)} is gone and nothing replaces it`,
    remedy:
      'what was in force stays. Publish a newer one, or take its CA out of options.ca; where its key or its distribution point is to change, publish the old list beside the new one',
  });
}

/** A CRL is gone, and the wider one that would take its place is no later. */
export function outlived({ crl, origin }: VerifiedCrl, wider: VerifiedCrl): MtlsError {
  return new MtlsError('ERR_MTLS_CRL_ROLLBACK', {
    source: origin,
    seen: `the ${describeCrl(crl)} is gone, and the ${describeCrl(wider.crl)}, which would take its place, was not issued later`,
    remedy: `what was in force stays. Publish one that was issued after ${crl.thisUpdate.toISOString()}`,
  });
}

/** A CRL would replace one that is newer. */
export function rollback(old: VerifiedCrl, replacement: VerifiedCrl): MtlsError {
  const [seen, inForce] = [describeCrl(replacement.crl), describeCrl(old.crl)];
  return new MtlsError('ERR_MTLS_CRL_ROLLBACK', {
    source: replacement.origin,
    seen: `the ${seen} ${goingBack(old.crl, replacement.crl, inForce)}`,
    remedy: 'what was in force stays',
  });
}

/** In which way a CRL goes back behind another, and what it would have to have. */
function goingBack(old: CrlHead, replacement: CrlHead, inForce: string): string {
  const { number, thisUpdate } = replacement;
  if (number === undefined && old.number !== undefined)
    return `has no number, and the ${inForce} in force has one: publish one with a higher number`;
  if ((number ?? 0n) < (old.number ?? 0n))
    return `has a lower number than the ${inForce} in force: publish one with a higher number`;
  if (thisUpdate < old.thisUpdate)
    return `has an earlier thisUpdate than the ${inForce} in force: publish one that was made later`;
  if (isOlder(old, replacement))
    return `has expired and lists fewer certificates than the ${inForce} in force: publish one that is current`;
  return `is as old as the ${inForce} in force and lists fewer certificates: publish one with a higher number`;
}
