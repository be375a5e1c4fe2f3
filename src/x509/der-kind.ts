/**
 * Determines what DER contains, by its PEM label or by its first elements.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { isIndefinite, toDer } from './ber.js';
import { context, DerReader, Tag } from './der.js';

/** The kind of a structure. */
export type DerKind =
  | 'certificate'
  | 'crl'
  | 'request'
  | 'pkcs12'
  | 'pkcs7'
  | 'pkcs8'
  | 'encrypted-pkcs8'
  | 'pkcs1'
  | 'sec1'
  | 'spki';

/** The kinds by PEM label. */
const kindOfLabels: Readonly<Record<string, DerKind | undefined>> = {
  CERTIFICATE: 'certificate',
  'X509 CERTIFICATE': 'certificate',
  'TRUSTED CERTIFICATE': 'certificate',
  'X509 CRL': 'crl',
  'CERTIFICATE REQUEST': 'request',
  'NEW CERTIFICATE REQUEST': 'request',
  'PRIVATE KEY': 'pkcs8',
  'ENCRYPTED PRIVATE KEY': 'encrypted-pkcs8',
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
  'PUBLIC KEY': 'spki',
  PKCS7: 'pkcs7',
  CMS: 'pkcs7',
  'PKCS #7 SIGNED DATA': 'pkcs7',
  PKCS12: 'pkcs12',
};

/** The content of a PEM block with this label; `undefined` if the label is unknown. */
export function kindOfLabel(label: string): DerKind | undefined {
  return Object.hasOwn(kindOfLabels, label) ? kindOfLabels[label] : undefined;
}

/** Determines what DER, or BER with indefinite lengths, contains; `undefined` if it is unknown. */
export function kindOfDer(bytes: Buffer): DerKind | undefined {
  const der = isIndefinite(bytes) ? toDer(bytes) : bytes;
  if (der === undefined) return undefined;
  try {
    return kindOf(childrenOf(new DerReader(der, { code: 'ERR_MTLS_PEM_INVALID', noun: 'file' })));
  } catch (error) {
    if (error instanceof MtlsError) return undefined;
    throw error;
  }
}

interface Child {
  readonly tag: number;
  readonly inside: DerReader;
}

/** The first elements inside the next element. */
function childrenOf(reader: DerReader): Child[] {
  const sequence = reader.enter(Tag.sequence);
  const children: Child[] = [];
  while (!sequence.done && children.length < 8)
    children.push({ tag: sequence.next().tag, inside: sequence.inside() });
  return children;
}

function kindOf(children: readonly Child[]): DerKind | undefined {
  const [first, second, third] = children;
  const tags = children.map(({ tag }) => tag);
  if (first === undefined || second === undefined) return undefined;
  if (startsWith(tags, [Tag.oid, context(0, 'constructed')])) return 'pkcs7';
  if (startsWith(tags, [Tag.integer, Tag.octetString])) return 'sec1';
  if (startsWith(tags, [Tag.integer, Tag.integer, Tag.integer])) return 'pkcs1';
  if (startsWith(tags, [Tag.integer, Tag.sequence, Tag.octetString])) return 'pkcs8';
  if (startsWith(tags, [Tag.integer, Tag.sequence])) return 'pkcs12';
  if (startsWith(tags, [Tag.sequence, Tag.octetString]) && third === undefined) return 'encrypted-pkcs8';
  if (startsWith(tags, [Tag.sequence, Tag.bitString]) && third === undefined) return 'spki';
  if (startsWith(tags, [Tag.sequence, Tag.sequence, Tag.bitString])) return kindOfSigned(first.inside);
  return undefined;
}

function startsWith(tags: readonly number[], start: readonly number[]): boolean {
  return start.every((tag, index) => tags[index] === tag);
}

/** Certificates, CRLs and requests begin alike. */
function kindOfSigned(signed: DerReader): DerKind {
  const tags: number[] = [];
  while (!signed.done && tags.length < 4) tags.push(signed.next().tag);
  // A CRL has a time where a certificate has a SEQUENCE of two. A CRL of version 1 has no version number.
  const afterName = tags[tags[0] === Tag.integer ? 3 : 2];
  if (afterName === Tag.utcTime || afterName === Tag.generalizedTime) return 'crl';
  const isRequest = startsWith(tags, [Tag.integer, Tag.sequence, Tag.sequence]) && tags[3] !== Tag.sequence;
  return isRequest ? 'request' : 'certificate';
}
