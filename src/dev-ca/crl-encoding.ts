/**
 * The DER of a CRL, RFC 5280 section 5.1. Encoded here because the X.509 library writes an empty list of extensions
 * for an entry without a reason. That section forbids it with SIZE (1..MAX), and strict parsers reject it.
 *
 * @module
 */
import { sign, type KeyObject } from 'node:crypto';
import { context, Tag } from '../x509/der.js';
import { reasonCodeOf, type RevocationReason } from './reasons.js';
import { formatTime } from './validity.js';

/** The contents of a CRL. */
export interface CrlTemplate {
  readonly number: bigint;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly entries: readonly CrlEntry[];
}

/** A revoked certificate. */
export interface CrlEntry {
  /** Hexadecimal. */
  readonly serialNumber: string;
  readonly revokedAt: Date;
  readonly reason: RevocationReason | undefined;
}

/** The signer of a CRL. Values in DER are copied into the CRL unchanged. */
export interface CrlIssuer {
  /** The subject of the issuer's certificate. */
  readonly name: Buffer;
  /** The keyIdentifier of the issuer. */
  readonly keyId: Buffer;
  /** RSA or EC. */
  readonly privateKey: KeyObject;
}

const oid = {
  reasonCode: Buffer.from('551d15', 'hex'),
  crlNumber: Buffer.from('551d14', 'hex'),
  authorityKeyIdentifier: Buffer.from('551d23', 'hex'),
  ecdsaWithSha256: Buffer.from('2a8648ce3d040302', 'hex'),
  sha256WithRsa: Buffer.from('2a864886f70d01010b', 'hex'),
};

/** Writes and signs a CRL of version 2, with SHA-256. */
export function encodeCrl(template: CrlTemplate, issuer: CrlIssuer): Buffer {
  const algorithm = encodeSignatureAlgorithm(issuer.privateKey);
  const keyIdentifier = encode(Tag.sequence, encode(context(0, 'primitive'), issuer.keyId));
  const signed = encode(
    Tag.sequence,
    encodeInteger(1n),
    algorithm,
    issuer.name,
    encodeTime(template.thisUpdate),
    encodeTime(template.nextUpdate),
    // Section 5.1.2.6: absent if there are no entries.
    ...(template.entries.length === 0 ? [] : [encode(Tag.sequence, ...template.entries.map(encodeEntry))]),
    encode(
      context(0, 'constructed'),
      encode(
        Tag.sequence,
        encodeExtension(oid.authorityKeyIdentifier, keyIdentifier),
        encodeExtension(oid.crlNumber, encodeInteger(template.number)),
      ),
    ),
  );
  const signature = encode(Tag.bitString, Buffer.of(0), sign('sha256', signed, issuer.privateKey));
  return encode(Tag.sequence, signed, algorithm, signature);
}

function encodeEntry(entry: CrlEntry): Buffer {
  const code = entry.reason === undefined ? undefined : reasonCodeOf(entry.reason);
  return encode(
    Tag.sequence,
    encodeInteger(BigInt(`0x${entry.serialNumber}`)),
    encodeTime(entry.revokedAt),
    ...(code === undefined
      ? []
      : [encode(Tag.sequence, encodeExtension(oid.reasonCode, encode(Tag.enumerated, Buffer.of(code))))]),
  );
}

function encodeExtension(type: Buffer, value: Buffer): Buffer {
  return encode(Tag.sequence, encode(Tag.oid, type), encode(Tag.octetString, value));
}

function encodeSignatureAlgorithm(key: KeyObject): Buffer {
  // RFC 5758 section 3.2 omits the parameters for ECDSA; RFC 4055 section 5 requires NULL for RSA.
  return key.asymmetricKeyType === 'rsa'
    ? encodeAlgorithm(oid.sha256WithRsa, encode(Tag.null))
    : encodeAlgorithm(oid.ecdsaWithSha256);
}

function encodeTime(time: Date): Buffer {
  const text = formatTime(time);
  return encode(text.length === 13 ? Tag.utcTime : Tag.generalizedTime, Buffer.from(text, 'ascii'));
}

/** One element with the concatenated contents. */
function encode(type: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.of(type), encodeLength(content.length), content]);
}

/** A non-negative INTEGER in the fewest octets that keep the sign bit clear. */
function encodeInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const octets = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return octets.readUInt8(0) < 0x80 ? encode(Tag.integer, octets) : encode(Tag.integer, Buffer.of(0), octets);
}

/** An AlgorithmIdentifier: the content of its OBJECT IDENTIFIER, and optional parameters. */
function encodeAlgorithm(oid: Buffer, ...parameters: readonly Buffer[]): Buffer {
  return encode(Tag.sequence, encode(Tag.oid, oid), ...parameters);
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(length);
  const shortest = octets.subarray(octets.findIndex((octet) => octet !== 0));
  return Buffer.concat([Buffer.of(0x80 | shortest.length), shortest]);
}
