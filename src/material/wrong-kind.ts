/**
 * What is said about a thing that an option does not take, and how to make of it
 * what the option takes.
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
  /** What to do about other kinds, where it is not the usual. */
  readonly remedies?: Readonly<Partial<Record<DerKind, string>>>;
}

/** What was found: the kind that its bytes have, as far as that is known. */
export interface Seen {
  /** `undefined`: it is no PEM. */
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

/** The error about something else in the place of what an option takes. */
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
    return '"ssh-keygen -p -m PKCS8 -f COPY" writes a copy of an RSA or EC key as TLS wants it; for Ed25519 make a new one with "openssl genpkey"';
  if (shown === 'pkcs12')
    return isKeyWanted
      ? '"openssl pkcs12 -in FILE -nocerts -out key.pem" takes the key out of it'
      : '"openssl pkcs12 -in FILE -nokeys -out certs.pem" takes the certificates out of it, and with -cacerts those of CAs alone';
  if (shown === 'pkcs7') {
    const form = pemLabel === undefined ? '-inform DER ' : '';
    const rename =
      pemLabel?.startsWith('PKCS #7') === true ? 'with the label "PKCS7" in place of its own, ' : '';
    return `${rename}"openssl pkcs7 -print_certs ${form}-in FILE -out certs.pem" writes its certificates as PEM`;
  }
  if (shown === 'request')
    return 'no CA has signed it yet: have it signed, and give the certificate that comes of it';
  if (isKeyWanted) return 'give the private key that belongs to the certificate';
  return pemLabel === undefined ? `give a ${noun} here` : 'take it out of this source';
}
