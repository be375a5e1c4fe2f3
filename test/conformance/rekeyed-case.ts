/**
 * PKITS with new keys, so that a client can use its end entities: the suite has no private keys. Names, serial
 * numbers, dates and extensions are those of the suite, and its wrong signatures are wrong here too.
 *
 * @module
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { DerReader, type DerSubject, Tag } from '../../src/x509/der.js';
import type { ClientCertificate } from '../support/client.js';
import { pem, sequence } from '../support/der-writer.js';
import { createSigner, generateKey, publicKeyInfo } from '../support/signing.js';
import { type Case, readMaterial } from './pkits.js';

/** The material of a case with P-256 keys, signed with ECDSA and SHA-256. */
export interface RekeyedCase {
  /** Every certificate but the end entity's, from the trust anchor down, DER. */
  readonly cas: readonly Buffer[];
  /** In the order of the case, DER. */
  readonly crls: readonly Buffer[];
  /** The end entity, without the certificates above it. */
  readonly client: ClientCertificate;
  /** How many signatures are wrong, in the suite and here. */
  readonly wrongSignatures: number;
}

/** Signs the certificates and CRLs of a case anew. */
export function rekey(one: Case): RekeyedCase {
  const material = readMaterial(one);
  const certificates = material.certificates.map(readCertificate);
  const issuers = certificates.slice(0, -1);
  const cas = certificates.map((certificate) => signAnew(withNewKey(certificate), issuers));
  const crls = material.crls.map((der) => signAnew(readSigned(der), issuers));
  const client = cas.pop();
  const key = certificates.at(-1)?.key;
  if (client === undefined || key === undefined) throw new Error(`${one.number} has no certificate`);
  return {
    cas: cas.map(({ der }) => der),
    crls: crls.map(({ der }) => der),
    client: {
      chainPem: pem('CERTIFICATE', client.der),
      keyPem: newKeyFor(key).export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
    wrongSignatures: [...cas, client, ...crls].filter(({ isWrong }) => isWrong).length,
  };
}

/** A Certificate or a CertificateList. */
interface Signed {
  /** What the suite's signature is over. */
  readonly tbs: Buffer;
  /** The octets of the suite's signature. */
  readonly signature: Buffer;
  /** The elements to sign anew. */
  readonly elements: readonly Buffer[];
  /** The index of the AlgorithmIdentifier in `elements`. */
  readonly algorithmAt: number;
  readonly issuer: Buffer;
}

interface Certificate extends Signed {
  readonly subject: Buffer;
  /** The suite's SubjectPublicKeyInfo. */
  readonly key: Buffer;
}

// From the AlgorithmIdentifier on (RFC 5280 sections 4.1 and 5.1).
const issuerOffset = 1;
const subjectOffset = 3;
const keyOffset = 4;

function readCertificate(der: Buffer): Certificate {
  const signed = readSigned(der);
  const { elements, algorithmAt } = signed;
  const subject = elementAt(elements, algorithmAt + subjectOffset);
  return { ...signed, subject, key: elementAt(elements, algorithmAt + keyOffset) };
}

function readSigned(der: Buffer): Signed {
  const parts = elementsIn(der);
  const tbs = elementAt(parts, 0);
  const bits = new DerReader(elementAt(parts, 2), pkits).next(Tag.bitString).content;
  const elements = elementsIn(tbs);
  // Only the version and the serial number may stand before it, and neither is a SEQUENCE.
  const algorithmAt = elements.findIndex(([tag]) => tag === Tag.sequence);
  const issuer = elementAt(elements, algorithmAt + issuerOffset);
  // The first octet counts unused bits. Three of the four wrong signatures have some, which a reader refuses before
  // anything is verified; with new keys they are well-formed, and only the signature is wrong.
  return { tbs, signature: bits.subarray(1), elements, algorithmAt, issuer };
}

function withNewKey(certificate: Certificate): Certificate {
  const { elements, algorithmAt, key } = certificate;
  return {
    ...certificate,
    elements: elements.with(algorithmAt + keyOffset, publicKeyInfo(newKeyFor(key))),
  };
}

/** Signs with the new key of the certificate whose old key made the old signature. */
function signAnew(
  signed: Signed,
  issuers: readonly Certificate[],
): { readonly der: Buffer; readonly isWrong: boolean } {
  const signer = issuers.find((ca) => isSignedBy(signed, completeKey(ca, issuers)));
  const isWrong = signer === undefined;
  const ca = signer ?? issuers.find(({ subject }) => subject.equals(signed.issuer));
  if (ca === undefined) throw new Error('a wrong signature, and no certificate of the issuer');
  const { algorithm, signed: sign } = createSigner(newKeyFor(ca.key), {});
  const der = sign(sequence(...signed.elements.with(signed.algorithmAt, algorithm)));
  // The last octet is the end of the signature's number s.
  if (isWrong) der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
  return { der, isWrong };
}

/** The suite has RSA with SHA-256, and DSA with SHA-1. */
function isSignedBy({ tbs, signature }: Signed, spki: Buffer): boolean {
  const key = createPublicKey({ key: spki, type: 'spki', format: 'der' });
  return verify(key.asymmetricKeyType === 'dsa' ? 'sha1' : 'sha256', tbs, key, signature);
}

/** A DSA key without parameters inherits those of its issuer (RFC 3279 section 2.3.2). */
function completeKey({ key, issuer }: Certificate, issuers: readonly Certificate[]): Buffer {
  const [algorithm, bits] = elementsIn(key);
  const above = issuers.find(({ subject }) => subject.equals(issuer));
  const isComplete = algorithm === undefined || elementsIn(algorithm).length > 1;
  if (isComplete || bits === undefined || above === undefined) return key;
  return sequence(elementAt(elementsIn(above.key), 0), bits);
}

const newKeys = new Map<string, KeyObject>();

/** One new key for each key of the suite: a certificate that is renewed with its old key keeps the new one too. */
function newKeyFor(spki: Buffer): KeyObject {
  const name = spki.toString('base64');
  const key = newKeys.get(name) ?? generateKey('p256');
  newKeys.set(name, key);
  return key;
}

const pkits: DerSubject = { code: 'ERR_MTLS_PEM_INVALID', noun: 'structure of PKITS' };

function elementsIn(der: Buffer): Buffer[] {
  const reader = new DerReader(der, pkits).enter(Tag.sequence);
  const elements: Buffer[] = [];
  while (!reader.done) elements.push(reader.next().element);
  return elements;
}

function elementAt<Element>(elements: readonly Element[], index: number): Element {
  const element = elements[index];
  if (element === undefined) throw new Error(`a structure of PKITS has no element ${index}`);
  return element;
}
