/**
 * A certificate (RFC 5280 section 4), read once into frozen values.
 *
 * @module
 */
import { type CertificateExtensions, readExtensions } from './certificate-extensions.js';
import { enterExtensions } from './extension-list.js';
import { context, DerReader, type DerSubject, type ElementBudget, Tag } from './der.js';
import { type DistinguishedName, type KnownNames, readName } from './distinguished-name.js';
import { placeInCertificate } from './place.js';
import { type PublicKeyKind, readPublicKeyKind } from './public-key.js';
import { readAlgorithm, type Signed } from './signature.js';
import { readDate } from './time.js';

const certificateSubject: DerSubject = {
  code: 'ERR_MTLS_CERTIFICATE_INVALID',
  noun: 'certificate',
  placeOf: placeInCertificate,
};

/** The fields of a certificate. Absent extensions are `undefined`. */
export interface Certificate extends CertificateExtensions {
  /** The whole certificate, DER. */
  readonly raw: Buffer;
  /** 1, 2 or 3. A version 1 certificate has no extensions. */
  readonly version: number;
  /** The content octets of the serial number, as a CRL lists them. */
  readonly serial: Buffer;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  readonly publicKeyKind: PublicKeyKind;
  /** The signed bytes, the algorithm and the signature, for verification. */
  readonly signed: Signed;
}

/**
 * Reads a certificate.
 * @param der - One certificate, without trailing bytes. It is kept, not copied: do not modify it.
 * @param options - `budget`: the maximum number of elements; `issuers`: the names of issuers that were read before.
 * @throws MtlsError `ERR_MTLS_CERTIFICATE_INVALID` with the field and the offset for anything but strict DER, for
 *   names with control characters in subjectAltName, and for a duplicate extension. A name in subjectAltName with an
 *   invalid encoding is returned as `unreadable`.
 */
export function parseCertificate(
  der: Buffer,
  { budget, issuers }: { readonly budget?: ElementBudget; readonly issuers?: KnownNames } = {},
): Certificate {
  const outer = new DerReader(
    der,
    budget === undefined ? certificateSubject : { ...certificateSubject, budget },
  );
  const certificate = outer.enter(Tag.sequence);
  outer.finish();
  const tbs = certificate.enter(Tag.sequence);
  const bytes = certificate.element;
  const version = readVersion(tbs);
  const serial = tbs.nextInteger().content;
  const inner = readAlgorithm(tbs);
  const issuer = readName(tbs, issuers);
  const validity = tbs.enter(Tag.sequence);
  const notBefore = readDate(validity);
  const notAfter = readDate(validity);
  validity.finish();
  const subject = readName(tbs);
  const publicKeyKind = readPublicKeyKind(tbs.enter(Tag.sequence));
  const publicKey = tbs.element;
  for (const number of [1, 2]) if (tbs.at(context(number, 'primitive'))) tbs.next();
  if (version < 3 && tbs.at(context(3, 'constructed')))
    tbs.fail(
      `is of version ${version} and has extensions, which require version 3 (RFC 5280 section 4.1.2.9)`,
      tbs.offset,
    );
  const list = enterExtensions(tbs, 3);
  tbs.finish();
  const algorithm = readAlgorithm(certificate);
  if (!algorithm.der.equals(inner.der))
    certificate.fail('has two different signature algorithms', certificate.elementStart);
  const signature = certificate.bitStringOctets();
  certificate.finish();
  return Object.freeze({
    raw: der,
    version,
    serial,
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKey,
    publicKeyKind,
    ...readExtensions(list),
    signed: { bytes, algorithm, signature },
  });
}

function readVersion(tbs: DerReader): number {
  const explicit = tbs.enterOptional(context(0, 'constructed'));
  if (explicit === undefined) return 1;
  const version = explicit.smallInteger() + 1;
  explicit.finish();
  // X.690 section 11.5: the default, version 1, is omitted.
  if (version < 2 || version > 3)
    tbs.fail(`has the version ${version}, not 1 (omitted), 2 or 3`, tbs.elementStart);
  return version;
}
