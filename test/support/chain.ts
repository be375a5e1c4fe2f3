/**
 * Certificate chains for tests, which read like what they make:
 * `ca().intermediate('east').client({ commonName: 'client1' })`. It uses
 * node:crypto alone, so that it is an oracle for everything in `src/`.
 *
 * @module
 */
import { X509Certificate, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createCrl, serialContent, toSeconds } from './crl.js';
import type { CrlMaterial, CrlOptions, Revocable, SerialNumber } from './crl.js';
import { explicit, integer, pem, sequence, time } from './der-writer.js';
import {
  authorityKeyIdentifier,
  basicConstraints,
  distributionPoints,
  extendedKeyUsage,
  extension,
  keyUsage,
  purposes,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.js';
import type { ExtraExtension, KeyUsage } from './extensions.js';
import { distinguishedName } from './names.js';
import type { AltNameOptions, NameOptions } from './names.js';
import { createSigner, generateKey, keyIdentifier, publicKeyInfo } from './signing.js';
import type { KeyType, SigningOptions } from './signing.js';

export { largeCrl } from './large-crl.js';
export { attributeTypes } from './names.js';
export { purposes } from './extensions.js';

export interface CertificateOptions extends NameOptions, SigningOptions {
  /** @defaultValue 16 random bytes, positive */
  readonly serial?: SerialNumber | undefined;
  /** @defaultValue five minutes ago */
  readonly notBefore?: Date;
  /** @defaultValue in a day, for a CA in ten years */
  readonly notAfter?: Date;
  /** @defaultValue `'p256'` */
  readonly key?: KeyType;
  /** The subject's key, in place of a fresh one. */
  readonly privateKey?: KeyObject | undefined;
  /** `null` leaves the extension out. @defaultValue by kind */
  readonly sans?: AltNameOptions | null;
  /** OIDs (see `purposes`); `null` leaves the extension out. @defaultValue by kind: clientAuth, serverAuth, none for a CA */
  readonly extendedKeyUsage?: readonly string[] | null;
  /** `null` leaves the extension out. @defaultValue digitalSignature, for a CA keyCertSign and cRLSign */
  readonly keyUsage?: readonly KeyUsage[] | null;
  /** What basicConstraints says; `null` leaves the extension out. @defaultValue by kind */
  readonly isCa?: boolean | null;
  readonly pathLength?: number;
  /** Version 1 has no extensions, not even `extraExtensions`. @defaultValue `3` */
  readonly version?: 1 | 3;
  /** @defaultValue `true` */
  readonly subjectKeyId?: boolean | Buffer;
  /** @defaultValue `true`; of a root `false` */
  readonly authorityKeyId?: boolean | Buffer;
  /** The DER of a Name in place of the issuer's subject. */
  readonly issuerName?: Buffer;
  readonly crlDistributionPoints?: readonly string[];
  readonly extraExtensions?: readonly ExtraExtension[];
}

export interface Certificate extends Revocable {
  readonly der: Buffer;
  readonly pem: string;
  /** This certificate and the intermediates above it, leaf first, without the root: what a TLS peer sends. */
  readonly chainPem: string;
  readonly privateKey: KeyObject;
  /** PKCS#8. */
  readonly keyPem: string;
  /** The number in lower-case hex without leading zeros; a negative one starts with `-`. */
  readonly serial: string;
  /** The bytes of the serial's INTEGER. */
  readonly serialContent: Buffer;
  /** The DER of the subject's Name. */
  readonly subject: Buffer;
  /** Who issued it; undefined if it is self-signed. */
  readonly issuer: CertificateAuthority | undefined;
  readonly keyId: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** As Node reads it, when first asked for: Node may throw on hostile ones. */
  readonly x509: X509Certificate;
}

export interface ReissueOptions extends Omit<CertificateOptions, 'key'> {
  /** @defaultValue `'same'` */
  readonly key?: 'same' | 'new';
}

export interface CertificateAuthority extends Certificate {
  intermediate(options?: string | CertificateOptions): CertificateAuthority;
  /** @defaultValue commonName `client` */
  client(options?: string | CertificateOptions): Certificate;
  /** @defaultValue commonName `localhost`, for `localhost`, `127.0.0.1` and `::1` */
  server(options?: string | CertificateOptions): Certificate;
  crl(options?: CrlOptions): CrlMaterial;
  /** The same name from the same issuer, with another serial: a renewal, or with a new key a rollover. */
  reissue(options?: ReissueOptions): CertificateAuthority;
  /** The same name with a new key, issued by this one: a bridge from the old key (RFC 5280 section 3.2). */
  selfIssued(options?: CertificateOptions): CertificateAuthority;
}

/** A self-signed root. */
export function ca(options: string | CertificateOptions = {}): CertificateAuthority {
  return authority(undefined, { commonName: 'root', ...named(options) });
}

/** A self-signed client certificate. */
export function selfSigned(options: string | CertificateOptions = {}): Certificate {
  return issue(undefined, { ...leafDefaults, ...clientDefaults, ...named(options) });
}

const day = 86_400_000;
const leafDefaults = { isCa: false, keyUsage: ['digitalSignature'] } as const;
const clientDefaults = { commonName: 'client', extendedKeyUsage: [purposes.clientAuth] } as const;
const serverDefaults = {
  commonName: 'localhost',
  extendedKeyUsage: [purposes.serverAuth],
  sans: { dns: ['localhost'], ip: ['127.0.0.1', '::1'] },
} as const;

function authority(
  issuer: CertificateAuthority | undefined,
  options: CertificateOptions,
): CertificateAuthority {
  const certificate = issue(issuer, {
    isCa: true,
    keyUsage: ['keyCertSign', 'cRLSign'],
    notAfter: new Date(Date.now() + 3650 * day),
    ...options,
  });
  const self: CertificateAuthority = Object.assign(certificate, {
    intermediate: (of: string | CertificateOptions = {}) =>
      authority(self, { commonName: 'intermediate', ...named(of) }),
    client: (of: string | CertificateOptions = {}) =>
      issue(self, { ...leafDefaults, ...clientDefaults, ...named(of) }),
    server: (of: string | CertificateOptions = {}) =>
      issue(self, { ...leafDefaults, ...serverDefaults, ...named(of) }),
    crl: (of: CrlOptions = {}) => createCrl(self, of),
    reissue: ({ key = 'same', ...changes }: ReissueOptions = {}) => {
      const privateKey = key === 'same' ? certificate.privateKey : undefined;
      return authority(issuer, { ...options, serial: undefined, privateKey, ...changes });
    },
    selfIssued: (changes: CertificateOptions = {}) =>
      authority(self, { ...options, serial: undefined, privateKey: undefined, ...changes }),
  });
  return self;
}

function issue(issuer: CertificateAuthority | undefined, options: CertificateOptions): Certificate {
  const privateKey = options.privateKey ?? generateKey(options.key);
  const subject = distinguishedName(options);
  const keyId = Buffer.isBuffer(options.subjectKeyId) ? options.subjectKeyId : keyIdentifier(privateKey);
  const serial = serialContent(options.serial ?? randomSerial());
  const notBefore = toSeconds(options.notBefore ?? new Date(Date.now() - 300_000));
  const notAfter = toSeconds(options.notAfter ?? new Date(Date.now() + day));
  const signer = createSigner(issuer?.privateKey ?? privateKey, options);
  const isV1 = options.version === 1;
  const der = signer.signed(
    sequence(
      ...(isV1 ? [] : [explicit(0, integer(2))]),
      integer(serial),
      signer.algorithm,
      options.issuerName ?? issuer?.subject ?? subject,
      sequence(time(notBefore), time(notAfter)),
      subject,
      publicKeyInfo(privateKey),
      ...(isV1 ? [] : wrapped(certificateExtensions(options, subject, keyId, issuer?.keyId))),
    ),
  );
  const text = pem('CERTIFICATE', der);
  let x509: X509Certificate | undefined;
  let keyPem: string | undefined;
  return {
    der,
    pem: text,
    chainPem: text + (issuer?.issuer === undefined ? '' : issuer.chainPem),
    privateKey,
    get keyPem() {
      return (keyPem ??= privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    },
    serial: numberOf(serial).toString(16),
    serialContent: serial,
    subject,
    issuer,
    keyId,
    notBefore,
    notAfter,
    get x509() {
      return (x509 ??= new X509Certificate(der));
    },
  };
}

function certificateExtensions(
  options: CertificateOptions,
  subject: Buffer,
  keyId: Buffer,
  issuerKeyId: Buffer | undefined,
): Buffer[] {
  const { isCa, keyUsage: usages, extendedKeyUsage: uses, sans, crlDistributionPoints: points } = options;
  const authorityKeyId = Buffer.isBuffer(options.authorityKeyId) ? options.authorityKeyId : issuerKeyId;
  return [
    ...(isCa === null || isCa === undefined ? [] : [basicConstraints(isCa, options.pathLength)]),
    ...(usages === null || usages === undefined ? [] : [keyUsage(usages)]),
    ...(uses === null || uses === undefined ? [] : [extendedKeyUsage(uses)]),
    // An empty subject has no bytes after the header of its SEQUENCE.
    ...(sans === null || sans === undefined ? [] : [subjectAltName(sans, subject.length === 2)]),
    ...(options.subjectKeyId === false ? [] : [subjectKeyIdentifier(keyId)]),
    ...(options.authorityKeyId === false || authorityKeyId === undefined
      ? []
      : [authorityKeyIdentifier(authorityKeyId)]),
    ...(points === undefined ? [] : [distributionPoints('2.5.29.31', points)]),
    ...(options.extraExtensions ?? []).map(extension),
  ];
}

function wrapped(extensions: readonly Buffer[]): Buffer[] {
  return extensions.length === 0 ? [] : [explicit(3, sequence(...extensions))];
}

function named(options: string | CertificateOptions): CertificateOptions {
  return typeof options === 'string' ? { commonName: options } : options;
}

function randomSerial(): Buffer {
  const bytes = randomBytes(16);
  // The first byte from 0x40 to 0x7f: positive, and always of 16 bytes.
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function numberOf(content: Buffer): bigint {
  return content.length === 0
    ? 0n
    : BigInt.asIntN(8 * content.length, BigInt(`0x${content.toString('hex')}`));
}
