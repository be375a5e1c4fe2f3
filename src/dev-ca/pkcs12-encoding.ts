/**
 * A PKCS#12 file (RFC 7292), for browsers and phones: one certificate, its key
 * and its CAs under a password. PBES2 with AES-256, the MAC with HMAC-SHA-256.
 *
 * @module
 */
import { createCipheriv, createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import type { KeyObject, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { context, Tag } from '../x509/der.js';
import { encode, encodeAlgorithm, encodeInteger } from './der-encoding.js';

/** What goes into the file. */
export interface Pkcs12Contents {
  readonly certificate: X509Certificate;
  /** The key of `certificate`. */
  readonly privateKey: KeyObject;
  /** Its CAs. */
  readonly authorities: readonly X509Certificate[];
  /** What a device shows it as. */
  readonly friendlyName: string;
}

/**
 * How often the password is hashed, for each of the three keys made of it. The MAC has as many as the ciphers:
 * who guesses takes the cheapest of the three.
 */
const iterations = 100_000;
const saltLength = 16;

const oid = {
  data: Buffer.from('2a864886f70d010701', 'hex'),
  encryptedData: Buffer.from('2a864886f70d010706', 'hex'),
  pbes2: Buffer.from('2a864886f70d01050d', 'hex'),
  pbkdf2: Buffer.from('2a864886f70d01050c', 'hex'),
  hmacWithSha256: Buffer.from('2a864886f70d0209', 'hex'),
  aes256Cbc: Buffer.from('60864801650304012a', 'hex'),
  sha256: Buffer.from('608648016503040201', 'hex'),
  shroudedKeyBag: Buffer.from('2a864886f70d010c0a0102', 'hex'),
  certBag: Buffer.from('2a864886f70d010c0a0103', 'hex'),
  x509Certificate: Buffer.from('2a864886f70d01091601', 'hex'),
  friendlyName: Buffer.from('2a864886f70d010914', 'hex'),
  localKeyId: Buffer.from('2a864886f70d010915', 'hex'),
};

/** Writes the file; two files of one content differ in their salts. */
export async function encodePkcs12(contents: Pkcs12Contents, password: string): Promise<Buffer> {
  const { certificate, privateKey, authorities, friendlyName } = contents;
  // Any value will do that only the certificate and its key share; the certificate's SHA-1 is the custom.
  const localKeyId = createHash('sha1').update(certificate.raw).digest();
  const attributes = [
    encodeAttribute(oid.localKeyId, encode(Tag.octetString, localKeyId)),
    encodeAttribute(oid.friendlyName, encode(Tag.bmpString, toBmp(friendlyName))),
  ];
  const certificates = encode(
    Tag.sequence,
    encodeCertBag(certificate, attributes),
    ...authorities.map((authority) => encodeCertBag(authority, [])),
  );
  const key = await encrypt(privateKey.export({ type: 'pkcs8', format: 'der' }), password);
  const keys = encode(
    Tag.sequence,
    encodeBag(
      oid.shroudedKeyBag,
      encode(Tag.sequence, key.algorithm, encode(Tag.octetString, key.text)),
      attributes,
    ),
  );
  const authenticatedSafe = encode(
    Tag.sequence,
    encodeEncryptedData(await encrypt(certificates, password)),
    encodeData(keys),
  );
  return encode(
    Tag.sequence,
    encodeInteger(3n),
    encodeData(authenticatedSafe),
    encodeMac(authenticatedSafe, password),
  );
}

function encodeBag(type: Buffer, value: Buffer, attributes: readonly Buffer[]): Buffer {
  return encode(
    Tag.sequence,
    encode(Tag.oid, type),
    encode(context(0, 'constructed'), value),
    // X.690 section 11.6: a SET OF is sorted by its elements' octets.
    ...(attributes.length === 0
      ? []
      : [encode(Tag.set, ...[...attributes].sort((left, right) => left.compare(right)))]),
  );
}

function encodeCertBag(certificate: X509Certificate, attributes: readonly Buffer[]): Buffer {
  const value = encode(
    Tag.sequence,
    encode(Tag.oid, oid.x509Certificate),
    encode(context(0, 'constructed'), encode(Tag.octetString, certificate.raw)),
  );
  return encodeBag(oid.certBag, value, attributes);
}

function encodeAttribute(type: Buffer, value: Buffer): Buffer {
  return encode(Tag.sequence, encode(Tag.oid, type), encode(Tag.set, value));
}

function encodeData(content: Buffer): Buffer {
  return encode(
    Tag.sequence,
    encode(Tag.oid, oid.data),
    encode(context(0, 'constructed'), encode(Tag.octetString, content)),
  );
}

/** RFC 5652 section 8. */
function encodeEncryptedData({ algorithm, text }: Encrypted): Buffer {
  const content = encode(
    Tag.sequence,
    encode(Tag.oid, oid.data),
    algorithm,
    encode(context(0, 'primitive'), text),
  );
  return encode(
    Tag.sequence,
    encode(Tag.oid, oid.encryptedData),
    encode(context(0, 'constructed'), encode(Tag.sequence, encodeInteger(0n), content)),
  );
}

interface Encrypted {
  /** The AlgorithmIdentifier that says how. */
  readonly algorithm: Buffer;
  readonly text: Buffer;
}

/** RFC 8018 section 6.2. The password is taken in UTF-8, as OpenSSL and the platforms do. */
async function encrypt(plain: Buffer, password: string): Promise<Encrypted> {
  const salt = randomBytes(saltLength);
  const iv = randomBytes(16);
  const key = await promisify(pbkdf2)(Buffer.from(password, 'utf8'), salt, iterations, 32, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const derivation = encodeAlgorithm(
    oid.pbkdf2,
    encode(
      Tag.sequence,
      encode(Tag.octetString, salt),
      encodeInteger(BigInt(iterations)),
      encodeAlgorithm(oid.hmacWithSha256, encode(Tag.null)),
    ),
  );
  const scheme = encodeAlgorithm(oid.aes256Cbc, encode(Tag.octetString, iv));
  return {
    algorithm: encodeAlgorithm(oid.pbes2, encode(Tag.sequence, derivation, scheme)),
    text: Buffer.concat([cipher.update(plain), cipher.final()]),
  };
}

/** RFC 7292 section 5.1: over the content of the outer OCTET STRING. */
function encodeMac(authenticatedSafe: Buffer, password: string): Buffer {
  const salt = randomBytes(saltLength);
  const mac = createHmac('sha256', deriveMacKey(password, salt)).update(authenticatedSafe).digest();
  return encode(
    Tag.sequence,
    encode(Tag.sequence, encodeAlgorithm(oid.sha256, encode(Tag.null)), encode(Tag.octetString, mac)),
    encode(Tag.octetString, salt),
    encodeInteger(BigInt(iterations)),
  );
}

/**
 * RFC 7292 appendix B.2 with SHA-256 and ID 3. The key is as long as one hash,
 * so that the steps which prepare a second block (B.2 step 6 B and C) fall away.
 */
function deriveMacKey(password: string, salt: Buffer): Buffer {
  const blockLength = 64;
  const diversifier = Buffer.alloc(blockLength, 3);
  // Appendix B.1: in UTF-16, and with the two zero octets of its end.
  const secret = Buffer.concat([toBmp(password), Buffer.of(0, 0)]);
  let hash = Buffer.concat([diversifier, fill(salt, blockLength), fill(secret, blockLength)]);
  for (let round = 0; round < iterations; round++) hash = createHash('sha256').update(hash).digest();
  return hash;
}

/** Repeats `bytes` to whole blocks, the last repetition cut. */
function fill(bytes: Buffer, blockLength: number): Buffer {
  return Buffer.alloc(Math.ceil(bytes.length / blockLength) * blockLength, bytes);
}

function toBmp(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}
