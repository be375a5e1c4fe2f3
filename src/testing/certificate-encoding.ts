/**
 * The DER of a certificate for tests (RFC 5280 section 4.1). Its signature is not valid.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { context, Tag } from '../x509/der.js';
import { type DistinguishedName } from '../x509/distinguished-name.js';

/** The names in subjectAltName. */
export interface AltNames {
  readonly dns: readonly string[];
  readonly email: readonly string[];
  readonly uri: readonly string[];
  readonly ip: readonly string[];
  readonly upn: readonly string[];
}

/** The contents of a certificate. */
export interface CertificateTemplate {
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  readonly altNames: AltNames;
  /** Hexadecimal; by default from a hash of the names. */
  readonly serialNumber: string | undefined;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extendedKeyUsage: readonly string[];
}

// ECDSA with SHA-256, and a signature that no key has made.
const algorithm = encode(Tag.sequence, encodeOid('1.2.840.10045.4.3.2'));
const noSignature = encode(
  Tag.bitString,
  Buffer.of(0),
  encode(Tag.sequence, encodeInteger(1n), encodeInteger(1n)),
);

// The generator of P-256 (FIPS 186-5): a valid public key, the same in each test.
const publicKey = encode(
  Tag.sequence,
  encode(Tag.sequence, encodeOid('1.2.840.10045.2.1'), encodeOid('1.2.840.10045.3.1.7')),
  encode(
    Tag.bitString,
    Buffer.of(0, 4),
    Buffer.from('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296', 'hex'),
    Buffer.from('4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5', 'hex'),
  ),
);

/** Writes a certificate of version 3. */
export function encodeCertificate(template: CertificateTemplate): Buffer {
  const { subject, issuer, altNames, notBefore, notAfter } = template;
  const [subjectName, issuerName] = [encodeName(subject), encodeName(issuer)];
  const names = encode(Tag.sequence, ...encodeAltNames(altNames));
  const serialNumber = template.serialNumber ?? serialOf(subjectName, issuerName, names);
  const extensions = [
    encodeExtension('2.5.29.37', encode(Tag.sequence, ...template.extendedKeyUsage.map(encodeOid))),
    // Critical where the subject is empty (section 4.2.1.6).
    ...(names.length === 2 ? [] : [encodeExtension('2.5.29.17', names, subject.isEmpty)]),
  ].slice(template.extendedKeyUsage.length === 0 ? 1 : 0);
  const signed = encode(
    Tag.sequence,
    encode(context(0, 'constructed'), encodeInteger(2n)),
    encodeInteger(BigInt(`0x${serialNumber}`)),
    algorithm,
    issuerName,
    encode(Tag.sequence, encodeTime(notBefore), encodeTime(notAfter)),
    subjectName,
    publicKey,
    ...(extensions.length === 0
      ? []
      : [encode(context(3, 'constructed'), encode(Tag.sequence, ...extensions))]),
  );
  return encode(Tag.sequence, signed, algorithm, noSignature);
}

/** 16 octets, positive and without a leading zero. */
function serialOf(...names: readonly Buffer[]): string {
  const digest = createHash('sha256').update(Buffer.concat(names)).digest('hex');
  return `5${digest.slice(0, 31)}`;
}

function encodeName({ rdns }: DistinguishedName): Buffer {
  const sets = rdns.map((rdn) => {
    const attributes = rdn.map(({ type, value = '', der }) =>
      encode(
        Tag.sequence,
        encodeOid(type),
        der.length > 0 ? der : encode(Tag.utf8String, Buffer.from(value, 'utf8')),
      ),
    );
    // X.690 section 11.6: the elements of a SET OF are in the order of their octets.
    return encode(Tag.set, ...attributes.sort((left, right) => left.compare(right)));
  });
  return encode(Tag.sequence, ...sets);
}

function encodeAltNames({ dns, email, uri, ip, upn }: AltNames): Buffer[] {
  const text = (tag: number) => (value: string) =>
    encode(context(tag, 'primitive'), Buffer.from(value, 'utf8'));
  return [
    ...dns.map(text(2)),
    ...email.map(text(1)),
    ...uri.map(text(6)),
    ...ip.map((address) => encode(context(7, 'primitive'), addressOctets(address))),
    ...upn.map((name) =>
      encode(
        context(0, 'constructed'),
        encodeOid('1.3.6.1.4.1.311.20.2.3'),
        encode(context(0, 'constructed'), encode(Tag.utf8String, Buffer.from(name, 'utf8'))),
      ),
    ),
  ];
}

function addressOctets(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // URL writes IPv6 in its shortest form, without IPv4 in it.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [left = [], right = []] = text
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  return Buffer.from([...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function encodeExtension(type: string, value: Buffer, isCritical = false): Buffer {
  const critical = isCritical ? [encode(Tag.boolean, Buffer.of(0xff))] : [];
  return encode(Tag.sequence, encodeOid(type), ...critical, encode(Tag.octetString, value));
}

/** Section 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on. */
function encodeTime(time: Date): Buffer {
  const digits = time.toISOString().replaceAll(/\.\d+|[-:T]/g, '');
  return time.getUTCFullYear() < 2050
    ? encode(Tag.utcTime, Buffer.from(digits.slice(2)))
    : encode(Tag.generalizedTime, Buffer.from(digits));
}

function encodeOid(dotted: string): Buffer {
  const [first = 0n, second = 0n, ...others] = dotted.split('.').map(BigInt);
  return encode(Tag.oid, Buffer.from([first * 40n + second, ...others].flatMap(base128)));
}

function base128(arc: bigint): number[] {
  const octets = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) octets.unshift(Number(rest & 0x7fn) | 0x80);
  return octets;
}

function encodeInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const octets = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  // A leading zero keeps the number positive.
  return octets.readUInt8(0) < 0x80 ? encode(Tag.integer, octets) : encode(Tag.integer, Buffer.of(0), octets);
}

/** One element with the concatenated contents. */
function encode(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.of(tag), encodeLength(content.length), content]);
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const hex = length.toString(16);
  const octets = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.of(0x80 | octets.length), octets]);
}
