/**
 * Whether a CRL is authentic: who signed it, and whether that CA may sign CRLs. RFC 5280 section 6.3.3, steps (f) to
 * (h); dates are checked elsewhere.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { KeyUsage } from '../x509/certificate-extensions.js';
import { type Certificate } from '../x509/certificate.js';
import { type CertificateStore } from '../x509/certificate-store.js';
import { keyIdentifiersAgree } from '../x509/issuance.js';
import { type Crl } from '../x509/crl.js';
import { describeExtension } from '../x509/extension-name.js';

/** The context of {@link verifyCrl}. */
export interface CrlVerification {
  readonly store: CertificateStore;
  readonly weakSignature: 'deny' | 'allow';
  /** Where the CRL came from, for errors. */
  readonly origin: string;
}

/**
 * Finds the CA that signed a CRL.
 * @throws MtlsError `ERR_MTLS_CRL_UNSUPPORTED` for unsupported critical extensions and for MD5 and SHA-1,
 *   `ERR_MTLS_CRL_ISSUER_UNKNOWN` if no configured CA can have signed it, and `ERR_MTLS_CRL_SIGNATURE_INVALID` if one
 *   can, but did not.
 */
export function verifyCrl(crl: Crl, { store, weakSignature, origin }: CrlVerification): Certificate {
  checkExtensions(crl, origin);
  const candidates = findSigners(crl, store, origin);
  checkAlgorithm(crl, weakSignature, origin);
  const signer = candidates.find((ca) => store.isSignedBy(crl.signed, ca));
  if (signer !== undefined) return signer;
  throw new MtlsError('ERR_MTLS_CRL_SIGNATURE_INVALID', {
    source: origin,
    seen: `the signature of the CRL of "${crl.issuer.describe()}" was not made with the key of that CA`,
    remedy:
      'it is forged, damaged, or by another CA with the same name: fetch it again, or add the CA that signed it to options.ca',
  });
}

/**
 * Rejects a CRL that is unusable whatever CA signed it: {@link verifyCrl} without the CAs.
 * @throws MtlsError `ERR_MTLS_CRL_UNSUPPORTED`.
 */
export function checkCrlForm(crl: Crl, { weakSignature, origin }: Omit<CrlVerification, 'store'>): void {
  checkExtensions(crl, origin);
  checkAlgorithm(crl, weakSignature, origin);
}

// The supported extensions that must not be critical, and the sections of RFC 5280 that say so.
const neverCritical: Readonly<Record<string, string | undefined>> = {
  '2.5.29.20': '5.2.3',
  '2.5.29.21': '5.3.1',
  '2.5.29.24': '5.3.2',
  '2.5.29.46': '5.2.6',
};

function checkExtensions(crl: Crl, origin: string): void {
  const [type] = crl.unknownCriticalExtensions;
  if (type === undefined) return;
  const section = Object.hasOwn(neverCritical, type) ? neverCritical[type] : undefined;
  const [fault, request] =
    section === undefined
      ? ['which is not supported, and such a CRL must not be used (RFC 5280 section 5.2)', 'leave it out']
      : [
          `which must not be critical (RFC 5280 section ${section}), and with which OpenSSL would refuse every client`,
          'write it as not critical',
        ];
  throw new MtlsError('ERR_MTLS_CRL_UNSUPPORTED', {
    source: origin,
    seen: `the CRL of "${crl.issuer.describe()}" has the critical extension ${describeExtension(type)}, ${fault}`,
    remedy: `have the CA ${request}`,
  });
}

function checkAlgorithm(crl: Crl, weakSignature: CrlVerification['weakSignature'], origin: string): void {
  const { algorithm } = crl.signed;
  const hash = algorithm.scheme?.hash;
  if (algorithm.scheme === undefined) {
    throw new MtlsError('ERR_MTLS_CRL_UNSUPPORTED', {
      source: origin,
      seen: `the CRL of "${crl.issuer.describe()}" is signed with the algorithm ${algorithm.oid}`,
      remedy: 'use RSA, RSA-PSS, ECDSA or EdDSA',
    });
  }
  if (weakSignature === 'deny' && (hash === 'md5' || hash === 'sha1')) {
    throw new MtlsError('ERR_MTLS_CRL_UNSUPPORTED', {
      source: origin,
      seen: `the CRL of "${crl.issuer.describe()}" is signed with ${hash.toUpperCase()}, which can be forged`,
      remedy:
        'set "default_md = sha256" in the CA\'s .cnf and run "openssl ca -gencrl" again, or accept it with revocation.weakSignature: \'allow\'',
    });
  }
}

function findSigners(crl: Crl, store: CertificateStore, origin: string): Certificate[] {
  const named = store.named(crl.issuer.canonical);
  if (named.length === 0) {
    const known = store.certificates.map(({ subject }) => `"${subject.describe()}"`).join(', ');
    throw new MtlsError('ERR_MTLS_CRL_ISSUER_UNKNOWN', {
      source: origin,
      seen: `the CRL is of "${crl.issuer.describe()}", which is not one of the configured CAs (${known})`,
      remedy: 'add that CA or remove the CRL',
    });
  }
  const candidates = named.filter(
    (ca) => maySignCrls(ca) && keyIdentifiersAgree(crl.authorityKeyId, ca.subjectKeyId),
  );
  if (candidates.length > 0) return candidates;
  const [reason, remedy] = named.some(maySignCrls)
    ? ['has another key identifier', 'fetch the CRL again, or add the CA whose key signed it to options.ca']
    : [
        'has a keyUsage without cRLSign',
        'reissue its certificate with cRLSign, or add the certificate that signs its CRLs to options.ca',
      ];
  throw new MtlsError('ERR_MTLS_CRL_ISSUER_UNKNOWN', {
    source: origin,
    seen: `no configured CA can have signed the CRL of "${crl.issuer.describe()}": the CA of that name ${reason}`,
    remedy,
  });
}

// RFC 5280 section 6.3.3 (f): if keyUsage is there, cRLSign must be set.
function maySignCrls(ca: Certificate): boolean {
  return ca.keyUsage === undefined || (ca.keyUsage & KeyUsage.crlSign) !== 0;
}
