/**
 * Unusual names in a certificate that affect rules.
 *
 * @module
 */
import { type CertificateIdentity } from '../../identity/client-identity.js';
import { noted, type Step } from './step.js';

/** Notes that are not a reason to refuse. */
export function noteNames({
  commonName,
  commonNames,
  spiffeId,
  subjectAltNames,
}: CertificateIdentity): Step[] {
  const notes: string[] = [];
  if (commonNames.length > 1)
    notes.push(
      `it has ${commonNames.length} commonNames, so clientIdentity.commonName is undefined and no rule by commonName matches`,
    );
  else if (commonNames.length === 1 && commonName === undefined)
    notes.push(
      'its commonName is empty, too long, begins or ends with a space, or has unsafe characters, so clientIdentity.commonName is undefined and no rule by commonName matches',
    );
  else if (commonNames.length === 0)
    notes.push('it has no commonName: rules must use another field, such as uri or dns');
  const uris = subjectAltNames.uri;
  if (spiffeId === undefined && uris.some((uri) => uri.startsWith('spiffe://')))
    notes.push(
      uris.length > 1
        ? `it has ${uris.length} URIs, so none of them counts as its SPIFFE ID`
        : 'its URI is not a valid SPIFFE ID, so clientIdentity.spiffeId is undefined',
    );
  const unreadable = [...new Set(subjectAltNames.unreadable)].join(', ');
  if (unreadable !== '')
    notes.push(
      `its subjectAltName has entries that are not in the encoding of their type (${unreadable}), so no rule matches them`,
    );
  return notes.map((note) => noted('names', note));
}
