/**
 * The extensions of certificates and CRLs, for test material.
 *
 * @module
 */
import {
  boolean,
  element,
  enumerated,
  explicit,
  generalizedTime,
  implicit,
  integer,
  namedBits,
  octetString,
  oid,
  sequence,
  sequenceOf,
} from './der-writer.js';
import { directoryName, generalNames, uriName } from './names.js';
import type { AltNameOptions } from './names.js';

/** An extension of any kind; `value` is the DER inside its OCTET STRING. */
export interface ExtraExtension {
  readonly oid: string;
  /** @defaultValue `false` */
  readonly critical?: boolean;
  readonly value: Buffer;
}

/** Purposes for `extendedKeyUsage`. */
export const purposes = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  any: '2.5.29.37.0',
} as const;

const keyUsageBits = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
  encipherOnly: 7,
  decipherOnly: 8,
} as const;
export type KeyUsage = keyof typeof keyUsageBits;

const reasonCodes = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;
/** Reasons by the names of RFC 5280 section 5.3.1. */
export type ReasonName = keyof typeof reasonCodes;

const reasonFlags = {
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 7,
  aACompromise: 8,
} as const;
export type ReasonFlag = keyof typeof reasonFlags;

/** What an issuingDistributionPoint says (RFC 5280 section 5.2.5). */
export interface DistributionPointOptions {
  readonly fullName?: readonly string[];
  readonly onlyUser?: boolean;
  readonly onlyCa?: boolean;
  readonly onlySomeReasons?: readonly ReasonFlag[];
  readonly indirect?: boolean;
  readonly onlyAttribute?: boolean;
}

export function extension({ oid: type, critical = false, value }: ExtraExtension): Buffer {
  return sequence(oid(type), ...(critical ? [boolean(true)] : []), octetString(value));
}

export function basicConstraints(isCa: boolean, pathLength?: number): Buffer {
  const parts = [
    ...(isCa ? [boolean(true)] : []),
    ...(pathLength === undefined ? [] : [integer(pathLength)]),
  ];
  return extension({ oid: '2.5.29.19', critical: true, value: sequence(...parts) });
}

export function keyUsage(usages: readonly KeyUsage[]): Buffer {
  return extension({
    oid: '2.5.29.15',
    critical: true,
    value: namedBits(usages.map((usage) => keyUsageBits[usage])),
  });
}

export function extendedKeyUsage(oids: readonly string[]): Buffer {
  return extension({ oid: '2.5.29.37', value: sequence(...oids.map(oid)) });
}

/** Critical where the subject is empty (RFC 5280 section 4.2.1.6). */
export function subjectAltName(names: AltNameOptions, subjectIsEmpty: boolean): Buffer {
  return extension({ oid: '2.5.29.17', critical: subjectIsEmpty, value: sequenceOf(generalNames(names)) });
}

export function subjectKeyIdentifier(id: Buffer): Buffer {
  return extension({ oid: '2.5.29.14', value: octetString(id) });
}

export function authorityKeyIdentifier(id: Buffer): Buffer {
  return extension({ oid: '2.5.29.35', value: sequence(implicit(0, octetString(id))) });
}

/** `'2.5.29.31'` in certificates; `'2.5.29.46'` is freshestCRL, in both. One point for each URI. */
export function distributionPoints(type: '2.5.29.31' | '2.5.29.46', uris: readonly string[]): Buffer {
  const points = uris.map((uri) => sequence(explicit(0, fullName([uri]))));
  return extension({ oid: type, value: sequence(...points) });
}

export function crlNumber(number: number | bigint | Buffer): Buffer {
  return extension({ oid: '2.5.29.20', value: integer(number) });
}

export function deltaIndicator(baseNumber: number | bigint): Buffer {
  return extension({ oid: '2.5.29.27', critical: true, value: integer(baseNumber) });
}

export function issuingDistributionPoint(options: DistributionPointOptions): Buffer {
  const flag = (n: number, on: boolean | undefined): Buffer[] =>
    on === true ? [implicit(n, boolean(true))] : [];
  const reasons = options.onlySomeReasons?.map((reason) => reasonFlags[reason]);
  return extension({
    oid: '2.5.29.28',
    critical: true,
    value: sequence(
      ...(options.fullName === undefined ? [] : [explicit(0, fullName(options.fullName))]),
      ...flag(1, options.onlyUser),
      ...flag(2, options.onlyCa),
      ...(reasons === undefined ? [] : [implicit(3, namedBits(reasons))]),
      ...flag(4, options.indirect),
      ...flag(5, options.onlyAttribute),
    ),
  });
}

/** A reasonCode of a CRL entry, by name or by any number. */
export function reasonCode(reason: ReasonName | number): Buffer {
  const code = typeof reason === 'number' ? reason : reasonCodes[reason];
  return extension({ oid: '2.5.29.21', value: enumerated(code) });
}

export function invalidityDate(date: Date): Buffer {
  return extension({ oid: '2.5.29.24', value: generalizedTime(date) });
}

/** Whose certificates this entry and the next ones are of, in an indirect CRL (RFC 5280 section 5.3.3). */
export function certificateIssuer(name: Buffer): Buffer {
  return extension({ oid: '2.5.29.29', critical: true, value: sequence(directoryName(name)) });
}

function fullName(uris: readonly string[]): Buffer {
  return element(0xa0, Buffer.concat(uris.map(uriName)));
}
