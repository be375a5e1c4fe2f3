/**
 * The contents of a PKCS#12 file (RFC 7292): certificates, CRLs and keys. The MAC is verified before anything is
 * decrypted.
 *
 * @module
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { MtlsError } from '../../errors.js';
import { toDer } from '../../x509/ber.js';
import { context, DerReader, type DerSubject, Tag } from '../../x509/der.js';
import { decodeString } from '../../x509/string.js';
import {
  type Budget,
  derivePkcs12KeyWithin,
  readEncryption,
  readHmac,
  readPbkdf2,
  type Secret,
} from './password-encryption.js';

/** One item in the file. */
export interface Bag {
  readonly kind: 'certificate' | 'crl' | 'private-key';
  /** DER; a key is decrypted PKCS#8. */
  readonly der: Buffer;
  /** Its name in the key store of its owner. */
  readonly friendlyName: string | undefined;
}

/** An opened file. */
export interface Pkcs12 {
  readonly bags: readonly Bag[];
  /** The encryption algorithms of its parts, each once; empty if nothing is encrypted. */
  readonly encryptions: readonly string[];
  /** How its integrity is protected; `undefined` if it is not. */
  readonly mac: string | undefined;
}

const subject: DerSubject = { code: 'ERR_MTLS_PEM_INVALID', noun: 'PKCS#12 file' };
const dataType = '1.2.840.113549.1.7.1';
const encryptedType = '1.2.840.113549.1.7.6';

/**
 * Opens a file.
 * @param secret - Without a password, the empty one is tried.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` for data that is neither strict DER nor BER that can be converted to it,
 *   `ERR_MTLS_PASSPHRASE_INVALID` for a missing or wrong password, and for unsupported encryption.
 */
export function openPkcs12(bytes: Buffer, { password, budget }: Secret): Pkcs12 {
  const outer = readerOf(bytes);
  const pfx = outer.enter(Tag.sequence);
  outer.finish();
  if (pfx.smallInteger() !== 3) pfx.fail('has a version other than 3', pfx.elementStart);
  const safe = pfx.enter(Tag.sequence);
  const type = safe.oid();
  if (type !== dataType)
    throw new MtlsError('ERR_MTLS_FORMAT_UNSUPPORTED', {
      seen: `it is protected by a key (${type.slice(0, 100)}), not by a password`,
      remedy: 'only files protected by a password are supported',
    });
  const content = safe.enter(context(0, 'constructed')).next(Tag.octetString).content;
  const opening: Opening = {
    password: password ?? '',
    budget,
    bags: [],
    encryptions: new Set(),
  };
  const mac = pfx.done ? undefined : verifyMac(pfx.enter(Tag.sequence), content, password, budget);
  const parts = readerOf(content).enter(Tag.sequence);
  while (!parts.done) readPart(parts.enter(Tag.sequence), opening);
  return { bags: opening.bags, encryptions: [...opening.encryptions], mac };
}

// NSS and BouncyCastle write BER, on the outside and within. The MAC covers the original bytes.
function readerOf(bytes: Buffer): DerReader {
  return new DerReader(toDer(bytes) ?? bytes, subject);
}

interface Opening {
  readonly password: string;
  readonly budget: Budget;
  readonly bags: Bag[];
  readonly encryptions: Set<string>;
}

const hashes: Readonly<Record<string, string | undefined>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

function verifyMac(
  macData: DerReader,
  content: Buffer,
  password: string | undefined,
  budget: Budget,
): string {
  const info = macData.enter(Tag.sequence);
  const algorithm = info.enter(Tag.sequence);
  const expected = info.next(Tag.octetString).content;
  const salt = Buffer.from(macData.next(Tag.octetString).content);
  const iterations = macData.done ? 1 : macData.smallInteger();
  const oid = algorithm.oid();
  const make = oid === '1.2.840.113549.1.5.14' ? readPbmac1(algorithm, budget) : undefined;
  const hash = make?.hash ?? hashes[oid];
  if (hash === undefined || expected.length > 64)
    throw new MtlsError('ERR_MTLS_FORMAT_UNSUPPORTED', {
      seen: `its MAC is made with the algorithm ${oid.slice(0, 100)}, which is not supported`,
      remedy: 'write it again with "openssl pkcs12 -export"',
    });
  const key = make
    ? make.key(password ?? '')
    : derivePkcs12KeyWithin(budget, password ?? '', {
        id: 3,
        hash,
        salt,
        iterations,
        length: expected.length,
      });
  const mac = createHmac(hash, key).update(content).digest();
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) throw wrongPassword(password);
  return `${make ? 'PBMAC1' : 'HMAC'} with ${hash.toUpperCase().replace('SHA', 'SHA-')}`;
}

// RFC 9579.
function readPbmac1(
  algorithm: DerReader,
  budget: Budget,
): { readonly hash: string | undefined; readonly key: (password: string) => Buffer } | undefined {
  const parameters = algorithm.enter(Tag.sequence);
  const derive = readPbkdf2(parameters);
  const hash = readHmac(parameters);
  return derive && { hash, key: (password) => derive(Buffer.from(password, 'utf8'), budget, 32) };
}

function wrongPassword(password: string | undefined): MtlsError {
  return new MtlsError(
    'ERR_MTLS_PASSPHRASE_INVALID',
    password === undefined
      ? {
          seen: 'it requires a password',
          remedy: 'set it with --password-file FILE or EXPRESS_MTLS_P12_PASSWORD',
        }
      : { seen: 'the given password is wrong, or the file is damaged', remedy: 'check the password' },
  );
}

function readPart(part: DerReader, opening: Opening): void {
  const type = part.oid();
  const explicit = part.enter(context(0, 'constructed'));
  if (type === dataType) {
    readBags(explicit.next(Tag.octetString).content, opening, 0);
    return;
  }
  if (type !== encryptedType) part.fail(`has a part of the type ${type.slice(0, 100)}`, part.elementStart);
  const encrypted = explicit.enter(Tag.sequence);
  encrypted.smallInteger();
  const info = encrypted.enter(Tag.sequence);
  info.oid();
  const encryption = readEncryption(info);
  const data = readEncryptedContent(info);
  readBags(decrypt(encryption, data, opening), opening, 0);
}

// An OCTET STRING with an implicit tag, in one piece or, in BER, in several.
function readEncryptedContent(info: DerReader): Buffer {
  const pieces = info.enterOptional(context(0, 'constructed'));
  if (pieces === undefined) return info.next(context(0, 'primitive')).content;
  const contents: Buffer[] = [];
  while (!pieces.done) contents.push(pieces.next(Tag.octetString).content);
  return Buffer.concat(contents);
}

function decrypt(
  { name, decrypt: run }: ReturnType<typeof readEncryption>,
  data: Buffer,
  opening: Opening,
): Buffer {
  opening.encryptions.add(name);
  const clear = run(data, opening.password, opening.budget);
  if (clear === undefined) throw wrongPassword(opening.password === '' ? undefined : opening.password);
  return clear;
}

const bagTypes = '1.2.840.113549.1.12.10.1.';

function readBags(contents: Buffer, opening: Opening, depth: number): void {
  const list = readerOf(contents).enter(Tag.sequence);
  while (!list.done) {
    const bag = list.enter(Tag.sequence);
    const type = bag.oid();
    const value = bag.enter(context(0, 'constructed'));
    const friendlyName = bag.done ? undefined : readFriendlyName(bag.enter(Tag.set));
    const add = (kind: Bag['kind'], der: Buffer): void => void opening.bags.push({ kind, der, friendlyName });
    if (type === `${bagTypes}1`) add('private-key', value.next(Tag.sequence).element);
    else if (type === `${bagTypes}2`) {
      const encrypted = value.enter(Tag.sequence);
      const encryption = readEncryption(encrypted);
      add('private-key', decrypt(encryption, encrypted.next(Tag.octetString).content, opening));
    } else if (type === `${bagTypes}3` || type === `${bagTypes}4`) {
      const held = value.enter(Tag.sequence);
      held.oid();
      const der = held.enter(context(0, 'constructed')).next(Tag.octetString).content;
      add(type.endsWith('3') ? 'certificate' : 'crl', der);
    } else if (type === `${bagTypes}6`) {
      // Nested bags: no known program writes them, and a hostile file could nest them without limit.
      if (depth > 4) value.fail('has bags within bags within bags', value.offset);
      readBags(value.next(Tag.sequence).element, opening, depth + 1);
    }
  }
}

function readFriendlyName(attributes: DerReader): string | undefined {
  while (!attributes.done) {
    const attribute = attributes.enter(Tag.sequence);
    if (attribute.oid() !== '1.2.840.113549.1.9.20') continue;
    return decodeString(attribute.enter(Tag.set).next());
  }
  return undefined;
}
