/**
 * Checks whether a certificate is suitable as a client certificate: issued for clients, not a CA, and with a key that
 * is long enough. Options can relax each check.
 *
 * @module
 */
import { formatSerial } from '../identity/client-identity.js';
import { isCa } from '../x509/issuance.js';
import { KeyUsage } from '../x509/certificate-extensions.js';
import { type Certificate } from '../x509/certificate.js';
import { describePurpose, purposes } from '../x509/purpose.js';
import { type CompleteCertificatePolicy } from './certificate-policy.js';
import { describeName, type Refusal, refuse } from './refusal.js';

const { clientAuth } = purposes;

/**
 * Checks the purpose of a certificate (RFC 5280 sections 4.2.1.9 and 4.2.1.12) and the validity of its serial number.
 */
export function checkPurpose(
  certificate: Certificate,
  policy: CompleteCertificatePolicy,
): Refusal | undefined {
  return (
    checkVersion(certificate, policy) ??
    checkAuthority(certificate, policy) ??
    checkUsage(certificate, policy) ??
    checkKeyUsage(certificate) ??
    checkNetscapeType(certificate) ??
    checkSerial(certificate)
  );
}

function checkVersion(
  { version }: Certificate,
  { version1 }: CompleteCertificatePolicy,
): Refusal | undefined {
  if (version >= 3 || version1 === 'allow') return undefined;
  return refuse(
    'wrong-purpose',
    `it is of X.509 version ${version}, so it cannot declare that it is for clients`,
    {
      remedy:
        "reissue it with extendedKeyUsage = clientAuth, or admit such certificates with certificates.version1: 'allow'",
    },
  );
}

function checkAuthority(
  certificate: Certificate,
  { authority }: CompleteCertificatePolicy,
): Refusal | undefined {
  if (!isCa(certificate) || authority === 'allow') return undefined;
  return refuse('is-a-ca', 'it is the certificate of a CA', { remedy: 'issue one for the client' });
}

function checkUsage(
  { version, extendedKeyUsage: usages }: Certificate,
  { missingUsage }: CompleteCertificatePolicy,
): Refusal | undefined {
  // Version 1 has no extensions. checkVersion() has decided whether it is accepted.
  if (version < 3 || usages?.includes(clientAuth) === true) return undefined;
  if (usages !== undefined) {
    const seen = `it is for ${usages.map(describePurpose).join(', ').slice(0, 200)}`;
    return refuse('wrong-purpose', seen, {
      remedy: `reissue it with extendedKeyUsage = clientAuth (${clientAuth})`,
    });
  }
  if (missingUsage === 'allow') return undefined;
  return refuse('wrong-purpose', 'it has no extendedKeyUsage', {
    remedy: `reissue it with extendedKeyUsage = clientAuth (${clientAuth}), or admit such certificates with certificates.missingUsage: 'allow'`,
  });
}

/** As in OpenSSL: the key of a client must be usable for signatures or key agreement. */
function checkKeyUsage({ keyUsage }: Certificate): Refusal | undefined {
  if (keyUsage === undefined || (keyUsage & (KeyUsage.digitalSignature | KeyUsage.keyAgreement)) !== 0)
    return undefined;
  return refuse('wrong-purpose', 'its keyUsage (2.5.29.15) lacks digitalSignature', {
    remedy: 'reissue it with keyUsage = digitalSignature',
  });
}

function checkNetscapeType({ netscapeCertType: type }: Certificate): Refusal | undefined {
  if (type === undefined || (type & 1) !== 0) return undefined;
  return refuse('wrong-purpose', 'its nsCertType (2.16.840.1.113730.1.1) is not for clients', {
    remedy: 'reissue it without nsCertType, which extendedKeyUsage has replaced',
  });
}

function checkSerial({ serial }: Certificate): Refusal | undefined {
  if ((serial[0] ?? 0) < 0x80) return undefined;
  return refuse(
    'identity-invalid',
    `its serial number ${formatSerial(serial)} is negative (RFC 5280 section 4.1.2.2)`,
  );
}

/** Checks that each key in the path is long enough. With the key of a CA, an attacker could be any client. */
export function checkKeys(
  chain: readonly Pick<Certificate, 'subject' | 'publicKeyKind'>[],
  policy: CompleteCertificatePolicy,
): Refusal | undefined {
  for (const [depth, { subject, publicKeyKind }] of chain.entries()) {
    const { algorithm, bits } = publicKeyKind;
    const limit = limits[algorithm];
    if (bits !== undefined && (limit === undefined || bits >= policy[limit])) continue;
    const which = depth === 0 ? 'its key' : `the key of "${describeName(subject)}", a CA above it,`;
    if (bits === undefined || limit === undefined)
      return refuse('weak-key', `${which} is of an unknown kind (${algorithm})`);
    const name = algorithm.toUpperCase();
    return refuse(
      'weak-key',
      `${which} is ${name} with ${bits} bits; at least ${policy[limit]} are required (certificates.${limit})`,
      { remedy: 'reissue the certificate with a longer key' },
    );
  }
  return undefined;
}

const limits: Readonly<Record<string, 'minRsaBits' | 'minEcBits' | undefined>> = {
  rsa: 'minRsaBits',
  ec: 'minEcBits',
};
