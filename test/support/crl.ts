/**
 * CRLs for test material: good ones, and every kind that must be refused.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto';
import { explicit, integer, integerContent, pem, sequence, sequenceOf, time } from './der-writer.js';
import type { TimeForm } from './der-writer.js';
import {
  authorityKeyIdentifier,
  certificateIssuer,
  crlNumber,
  deltaIndicator,
  distributionPoints,
  extension,
  invalidityDate,
  issuingDistributionPoint,
  reasonCode,
} from './extensions.js';
import type { DistributionPointOptions, ExtraExtension, ReasonName } from './extensions.js';
import { createSigner } from './signing.js';
import type { SigningOptions } from './signing.js';

/** A number, or its hexadecimal text, or the content of an INTEGER as it is. */
export type SerialNumber = bigint | string | Buffer;

/** What a CRL needs of its issuer; a certificate authority of the chain builder is one. */
export interface CrlIssuer {
  readonly subject: Buffer;
  readonly privateKey: KeyObject;
  readonly keyId: Buffer;
}

/** What a CRL needs of a certificate that it revokes. */
export interface Revocable {
  readonly serialContent: Buffer;
}

/** One entry, in its own words. */
export interface RevokedEntry {
  readonly serial: SerialNumber;
  /** @defaultValue the CRL's thisUpdate */
  readonly date?: Date;
  readonly reason?: ReasonName | number;
  readonly invalidityDate?: Date;
  /** The DER of a Name, for indirect CRLs. */
  readonly certificateIssuer?: Buffer;
  readonly extraExtensions?: readonly ExtraExtension[];
}

export interface CrlOptions extends SigningOptions {
  readonly revoked?: readonly (Revocable | RevokedEntry)[];
  /** The CRLNumber; `null` leaves it out. @defaultValue `1`; none in version 1 */
  readonly number?: number | bigint | Buffer | null;
  /** @defaultValue one minute ago */
  readonly thisUpdate?: Date;
  /** `null` leaves it out. @defaultValue 30 days after thisUpdate */
  readonly nextUpdate?: Date | null;
  /** @defaultValue `2` */
  readonly version?: 1 | 2;
  /** The DER of a Name in place of the issuer's subject. */
  readonly issuerName?: Buffer;
  /** @defaultValue `true`; `false` in version 1 */
  readonly authorityKeyId?: boolean | Buffer;
  /** Makes a delta CRL for the base of this number. */
  readonly delta?: number | bigint;
  readonly idp?: DistributionPointOptions;
  readonly freshest?: readonly string[];
  readonly extraExtensions?: readonly ExtraExtension[];
  /** @defaultValue `'auto'` */
  readonly dates?: TimeForm;
}

export interface CrlMaterial {
  readonly der: Buffer;
  readonly pem: string;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
}

/** A signed CRL of `issuer` (RFC 5280 section 5.1). */
export function createCrl(issuer: CrlIssuer, options: CrlOptions = {}): CrlMaterial {
  const thisUpdate = crlDate(options);
  const entries = (options.revoked ?? []).map((item) => entry(item, thisUpdate, options.dates));
  return assembleCrl(issuer, options, sequenceOf(entries), entries.length === 0);
}

/** A signed CRL around `revokedCertificates`, which are in DER already. */
export function assembleCrl(
  issuer: CrlIssuer,
  options: CrlOptions,
  revokedCertificates: Buffer,
  isEmpty: boolean,
): CrlMaterial {
  const thisUpdate = crlDate(options);
  const nextUpdate =
    options.nextUpdate === undefined ? new Date(thisUpdate.getTime() + 30 * 86_400_000) : options.nextUpdate;
  const signer = createSigner(issuer.privateKey, options);
  const extensions = crlExtensions(issuer, options);
  const der = signer.signed(
    sequence(
      ...(options.version === 1 ? [] : [integer(1)]),
      signer.algorithm,
      options.issuerName ?? issuer.subject,
      time(thisUpdate, options.dates),
      ...(nextUpdate === null ? [] : [time(nextUpdate, options.dates)]),
      // Absent, not empty, where nothing is revoked (RFC 5280 section 5.1.2.6).
      ...(isEmpty ? [] : [revokedCertificates]),
      ...(extensions.length === 0 ? [] : [explicit(0, sequence(...extensions))]),
    ),
  );
  let text: string | undefined;
  return {
    der,
    get pem() {
      return (text ??= pem('X509 CRL', der));
    },
    thisUpdate,
    nextUpdate: nextUpdate === null ? undefined : toSeconds(nextUpdate),
  };
}

/** The thisUpdate that `options` ask for. */
export function crlDate(options: CrlOptions): Date {
  return toSeconds(options.thisUpdate ?? new Date(Date.now() - 60_000));
}

/** The content of the INTEGER that `serial` is written as. */
export function serialContent(serial: SerialNumber): Buffer {
  if (Buffer.isBuffer(serial)) return serial;
  if (typeof serial === 'bigint') return integerContent(serial);
  return integerContent(serial.startsWith('-') ? -BigInt(`0x${serial.slice(1)}`) : BigInt(`0x${serial}`));
}

/** What a date is once it has been written: without milliseconds. */
export function toSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}

function entry(item: Revocable | RevokedEntry, thisUpdate: Date, dates?: TimeForm): Buffer {
  if ('serialContent' in item) return sequence(integer(item.serialContent), time(thisUpdate, dates));
  const extensions = [
    ...(item.reason === undefined ? [] : [reasonCode(item.reason)]),
    ...(item.invalidityDate === undefined ? [] : [invalidityDate(item.invalidityDate)]),
    ...(item.certificateIssuer === undefined ? [] : [certificateIssuer(item.certificateIssuer)]),
    ...(item.extraExtensions ?? []).map(extension),
  ];
  return sequence(
    integer(serialContent(item.serial)),
    time(item.date ?? thisUpdate, dates),
    ...(extensions.length === 0 ? [] : [sequence(...extensions)]),
  );
}

function crlExtensions(issuer: CrlIssuer, options: CrlOptions): Buffer[] {
  const isV2 = options.version !== 1;
  const number = options.number === undefined && isV2 ? 1 : options.number;
  const authorityKeyId = options.authorityKeyId ?? isV2;
  return [
    ...(authorityKeyId === false
      ? []
      : [authorityKeyIdentifier(authorityKeyId === true ? issuer.keyId : authorityKeyId)]),
    ...(number === undefined || number === null ? [] : [crlNumber(number)]),
    ...(options.delta === undefined ? [] : [deltaIndicator(options.delta)]),
    ...(options.idp === undefined ? [] : [issuingDistributionPoint(options.idp)]),
    ...(options.freshest === undefined ? [] : [distributionPoints('2.5.29.46', options.freshest)]),
    ...(options.extraExtensions ?? []).map(extension),
  ];
}
