/**
 * Errors for content that an option does not take, and how to convert it.
 *
 * @module
 */
import { type ErrorCode, MtlsError } from '../errors.js';
import { type DerKind, kindOfLabel } from '../x509/der-kind.js';

/** What an option takes. */
export interface Expected {
  /** `'CERTIFICATE'`: the label of its PEM. */
  readonly label: string;
  /** `'certificate'`, `'CRL'`, `'private key'`. */
  readonly noun: string;
  readonly code: ErrorCode;
  /** The remedies for other kinds, if they are not the usual ones. */
  readonly remedies?: Readonly<Partial<Record<DerKind, string>>>;
}

/** What was found: its kind, as far as it is known. */
export interface Seen {
  /** `undefined` if it is not PEM. */
  readonly pemLabel: string | undefined;
  readonly kind: DerKind | undefined;
}

const nouns: Readonly<Record<DerKind, string>> = {
  certificate: 'a certificate',
  crl: 'a CRL',
  request: 'a certificate request',
  pkcs12: 'PKCS#12',
  pkcs7: 'PKCS#7',
  pkcs8: 'a private key',
  'encrypted-pkcs8': 'an encrypted private key',
  pkcs1: 'a private key',
  sec1: 'a private key',
  spki: 'a public key',
};

/** The error for other content than an option takes. */
export function wrongKind(origin: string, seen: Seen, expected: Expected): MtlsError {
  const { noun, code, label } = expected;
  return new MtlsError(code, {
    source: origin,
    seen: `found ${describe(seen)} where a ${noun} ("${label}") was expected`,
    remedy: remedyOf(seen, expected),
  });
}

function describe({ pemLabel, kind }: Seen): string {
  if (pemLabel === undefined) {
    if (kind === undefined) return 'DER of another kind';
    return kind === 'pkcs12' || kind === 'pkcs7' ? nouns[kind] : `${nouns[kind]} in DER`;
  }
  const isMislabelled = kind !== undefined && kindOfLabel(pemLabel) !== kind;
  return `a PEM block "${pemLabel}"${isMislabelled ? ` that holds ${nouns[kind]}` : ''}`;
}

function remedyOf({ pemLabel, kind }: Seen, { noun, remedies }: Expected): string {
  const isKeyWanted = noun === 'private key';
  const shown = kind ?? (pemLabel === undefined ? undefined : kindOfLabel(pemLabel));
  const own = shown && remedies?.[shown];
  if (own !== undefined) return own;
  if (pemLabel === 'OPENSSH PRIVATE KEY' && isKeyWanted)
    return '"ssh-keygen -p -m PKCS8 -f COPY" converts a copy of an RSA or EC key; for Ed25519, create a new key with "openssl genpkey"';
  if (shown === 'pkcs12')
    return isKeyWanted
      ? '"openssl pkcs12 -in FILE -nocerts -out key.pem" extracts the key'
      : '"openssl pkcs12 -in FILE -nokeys -out certs.pem" extracts the certificates, and with -cacerts only those of CAs';
  if (shown === 'pkcs7') {
    const form = pemLabel === undefined ? '-inform DER ' : '';
    const rename = pemLabel?.startsWith('PKCS #7') === true ? 'after changing its label to "PKCS7", ' : '';
    return `${rename}"openssl pkcs7 -print_certs ${form}-in FILE -out certs.pem" writes its certificates as PEM`;
  }
  if (shown === 'request')
    return 'it is only a request: have a CA sign it, and use the resulting certificate';
  if (isKeyWanted) return 'use the private key that belongs to the certificate';
  return pemLabel === undefined ? `use a ${noun} here` : 'remove it from this source';
}
