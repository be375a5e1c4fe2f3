/**
 * What is odd about the names of a certificate, and would surprise whoever writes rules.
 *
 * @module
 */
import { type CertificateIdentity } from '../../identity/client-identity.js';
import { noted, type Step } from './step.js';

/** Notes, none of which is a reason to refuse. */
export function noteNames({
  commonName,
  commonNames,
  spiffeId,
  subjectAltNames,
}: CertificateIdentity): Step[] {
  const notes: string[] = [];
  if (commonNames.length > 1)
    notes.push(
      `it has ${commonNames.length} commonNames, so that clientIdentity.commonName is undefined and no rule by commonName admits it`,
    );
  else if (commonNames.length === 1 && commonName === undefined)
    notes.push(
      'its commonName is empty, too long, or has spaces at an edge or unsafe characters, so that clientIdentity.commonName is undefined and no rule by commonName admits it',
    );
  else if (commonNames.length === 0)
    notes.push('it has no commonName: rules have to go by another field, such as uri or dns');
  const uris = subjectAltNames.uri;
  if (spiffeId === undefined && uris.some((uri) => uri.startsWith('spiffe://')))
    notes.push(
      uris.length > 1
        ? `it has ${uris.length} URIs, so that none of them counts as its SPIFFE ID`
        : 'its URI is no valid SPIFFE ID, so that clientIdentity.spiffeId is undefined',
    );
  const unreadable = [...new Set(subjectAltNames.unreadable)].join(', ');
  if (unreadable !== '')
    notes.push(
      `its subjectAltName has entries that are not in the encoding of their type (${unreadable}), so that no rule matches them`,
    );
  return notes.map((note) => noted('names', note));
}
