/**
 * A PKCS#12 file (RFC 7292) for browsers and phones: one certificate, its key and its CAs under a password. PBES2
 * with AES-256, MAC with HMAC-SHA-256. Loaded on demand, because the schemas take about 100 ms.
 *
 * @module
 */
import { createCipheriv, createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import type { KeyObject, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { ContentInfo, EncryptedContent, EncryptedContentInfo } from '@peculiar/asn1-cms';
import {
  AuthenticatedSafe,
  CertBag,
  id_certBag,
  id_pkcs8ShroudedKeyBag,
  id_x509Certificate,
  MacData,
  PFX,
  PKCS12Attribute,
  PKCS8ShroudedKeyBag,
  SafeBag,
  SafeContents,
} from '@peculiar/asn1-pfx';
import { AsnBmpStringConverter, AsnConvert, AsnProp, AsnPropTypes, OctetString } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier } from '@peculiar/asn1-x509';
import { derivePkcs12Key } from '../x509/pkcs12-key.js';

/** The contents of the file. */
export interface Pkcs12Contents {
  readonly certificate: X509Certificate;
  /** The key of `certificate`. */
  readonly privateKey: KeyObject;
  /** The CAs of the certificate. */
  readonly authorities: readonly X509Certificate[];
  /** The display name on a device. */
  readonly friendlyName: string;
}

/**
 * The iterations of the password hash, for each of the three keys derived from it. The MAC has as many as the
 * ciphers, because an attacker uses the cheapest.
 */
const iterations = 100_000;
const saltLength = 16;

const oid = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacWithSha256: '1.2.840.113549.2.9',
  sha256: '2.16.840.1.101.3.4.2.1',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
};

// Three structures without an installed schema: RFC 8018 appendix A.2 and A.4, RFC 5652 section 8.

class Pbkdf2Params {
  salt = new OctetString();
  iterationCount = iterations;
  prf = new AlgorithmIdentifier({ algorithm: oid.hmacWithSha256, parameters: null });
}
AsnProp({ type: OctetString })(Pbkdf2Params.prototype, 'salt');
AsnProp({ type: AsnPropTypes.Integer })(Pbkdf2Params.prototype, 'iterationCount');
AsnProp({ type: AlgorithmIdentifier })(Pbkdf2Params.prototype, 'prf');

class Pbes2Params {
  keyDerivationFunc = new AlgorithmIdentifier();
  encryptionScheme = new AlgorithmIdentifier();
}
AsnProp({ type: AlgorithmIdentifier })(Pbes2Params.prototype, 'keyDerivationFunc');
AsnProp({ type: AlgorithmIdentifier })(Pbes2Params.prototype, 'encryptionScheme');

class EncryptedData {
  version = 0;
  encryptedContentInfo = new EncryptedContentInfo();
}
AsnProp({ type: AsnPropTypes.Integer })(EncryptedData.prototype, 'version');
AsnProp({ type: EncryptedContentInfo })(EncryptedData.prototype, 'encryptedContentInfo');

/** Encodes the file. Two files with the same contents differ in their salts. */
export async function encodePkcs12(contents: Pkcs12Contents, password: string): Promise<Buffer> {
  const { certificate, privateKey, authorities, friendlyName } = contents;
  // Any value that only the certificate and its key share; by convention the SHA-1 of the certificate.
  const localKeyId = createHash('sha1').update(certificate.raw).digest();
  const attributes = [
    attributeOf(oid.localKeyId, encode(new OctetString(localKeyId))),
    attributeOf(oid.friendlyName, AsnBmpStringConverter.toASN(friendlyName).toBER()),
    // X.690 section 11.6: a SET OF is sorted by the octets of its elements.
  ].sort((left, right) => Buffer.from(encode(left)).compare(Buffer.from(encode(right))));
  const certificates = new SafeContents([
    certBagOf(certificate, attributes),
    ...authorities.map((authority) => certBagOf(authority, undefined)),
  ]);
  const pkcs8 = await encrypt(privateKey.export({ type: 'pkcs8', format: 'der' }), password);
  const encryptedKey = new PKCS8ShroudedKeyBag({ encryptionAlgorithm: pkcs8.algorithm });
  encryptedKey.encryptedData.buffer = new Uint8Array(pkcs8.text).buffer;
  const keys = new SafeContents([
    new SafeBag({ bagId: id_pkcs8ShroudedKeyBag, bagValue: encode(encryptedKey), bagAttributes: attributes }),
  ]);
  const safe = encode(
    new AuthenticatedSafe([await encryptedDataOf(encode(certificates), password), dataOf(encode(keys))]),
  );
  return Buffer.from(encode(new PFX({ authSafe: dataOf(safe), macData: macOf(safe, password) })));
}

function certBagOf(certificate: X509Certificate, attributes: PKCS12Attribute[] | undefined): SafeBag {
  const bag = new CertBag({
    certId: id_x509Certificate,
    certValue: encode(new OctetString(certificate.raw)),
  });
  return new SafeBag({
    bagId: id_certBag,
    bagValue: encode(bag),
    ...(attributes === undefined ? {} : { bagAttributes: attributes }),
  });
}

function attributeOf(attrId: string, value: ArrayBuffer): PKCS12Attribute {
  // The constructor of asn1-pfx 2.11 ignores its arguments.
  return Object.assign(new PKCS12Attribute(), { attrId, attrValues: [value] });
}

function dataOf(content: ArrayBuffer): ContentInfo {
  return new ContentInfo({ contentType: oid.data, content: encode(new OctetString(content)) });
}

async function encryptedDataOf(content: ArrayBuffer, password: string): Promise<ContentInfo> {
  const { algorithm, text } = await encrypt(Buffer.from(content), password);
  const encrypted = new EncryptedData();
  encrypted.encryptedContentInfo = new EncryptedContentInfo({
    contentType: oid.data,
    contentEncryptionAlgorithm: algorithm,
    encryptedContent: new EncryptedContent({ value: new OctetString(text) }),
  });
  return new ContentInfo({ contentType: oid.encryptedData, content: encode(encrypted) });
}

interface Encrypted {
  readonly algorithm: AlgorithmIdentifier;
  readonly text: Buffer;
}

/** RFC 8018 section 6.2. The password is encoded in UTF-8, as by OpenSSL and the platforms. */
async function encrypt(plain: Buffer, password: string): Promise<Encrypted> {
  const salt = randomBytes(saltLength);
  const iv = randomBytes(16);
  const key = await promisify(pbkdf2)(Buffer.from(password, 'utf8'), salt, iterations, 32, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const derivation = new Pbkdf2Params();
  derivation.salt = new OctetString(salt);
  const scheme = new Pbes2Params();
  scheme.keyDerivationFunc = algorithmOf(oid.pbkdf2, derivation);
  scheme.encryptionScheme = algorithmOf(oid.aes256Cbc, new OctetString(iv));
  return {
    algorithm: algorithmOf(oid.pbes2, scheme),
    text: Buffer.concat([cipher.update(plain), cipher.final()]),
  };
}

/** RFC 7292 section 5.1: over the content of the outer OCTET STRING. */
function macOf(safe: ArrayBuffer, password: string): MacData {
  const salt = randomBytes(saltLength);
  const key = derivePkcs12Key(password, { id: 3, hash: 'sha256', salt, iterations, length: 32 });
  const digest = createHmac('sha256', key).update(Buffer.from(safe)).digest();
  const macData = new MacData({ macSalt: new OctetString(salt), iterations });
  macData.mac.digestAlgorithm = new AlgorithmIdentifier({ algorithm: oid.sha256, parameters: null });
  macData.mac.digest = new OctetString(digest);
  return macData;
}

function algorithmOf(algorithm: string, parameters: object): AlgorithmIdentifier {
  return new AlgorithmIdentifier({ algorithm, parameters: encode(parameters) });
}

function encode(value: object): ArrayBuffer {
  return AsnConvert.serialize(value);
}
