/**
 * Names for test material: distinguished names, kind or hostile, and the
 * general names of a subjectAltName.
 *
 * @module
 */
import { element, explicit, implicit, oid, raw, sequence, sequenceOf, set, text } from './der-writer.js';
import type { StringType } from './der-writer.js';

/** One attribute, written exactly as given; a Buffer is the content of the string. */
export interface NameAttribute {
  readonly oid: string;
  readonly type: StringType;
  readonly value: string | Buffer;
}

/** What a distinguished name says. Written in the order O, OU, CN. */
export interface NameOptions {
  readonly commonName?: string | readonly string[];
  readonly organization?: string | readonly string[];
  readonly organizationalUnit?: string | readonly string[];
  /** In place of the above: the RDNs one by one, or the DER of the whole Name. `[]` is an empty subject. */
  readonly name?: readonly (readonly NameAttribute[])[] | Buffer;
}

/** Attribute types for `name`. */
export const attributeTypes = {
  commonName: '2.5.4.3',
  serialNumber: '2.5.4.5',
  country: '2.5.4.6',
  locality: '2.5.4.7',
  state: '2.5.4.8',
  organization: '2.5.4.10',
  organizationalUnit: '2.5.4.11',
  domainComponent: '0.9.2342.19200300.100.1.25',
  emailAddress: '1.2.840.113549.1.9.1',
  userId: '0.9.2342.19200300.100.1.1',
} as const;

/** The DER of a Name (RFC 5280 section 4.1.2.4). */
export function distinguishedName(options: NameOptions): Buffer {
  if (Buffer.isBuffer(options.name)) return options.name;
  const rdns = options.name ?? plainName(options);
  return sequenceOf(
    rdns.map((rdn) =>
      set(...rdn.map(({ oid: type, type: form, value }) => sequence(oid(type), text(form, value)))),
    ),
  );
}

/** What a subjectAltName says. Written in the order of these keys. */
export interface AltNameOptions {
  readonly dns?: readonly string[];
  readonly email?: readonly string[];
  readonly uri?: readonly string[];
  /** IPv4 or IPv6 addresses as text, or an iPAddress of any length as bytes. */
  readonly ip?: readonly (string | Buffer)[];
  /** Microsoft's user principal names, as `otherName`. */
  readonly upn?: readonly string[];
  readonly directoryName?: readonly NameOptions[];
  /** GeneralNames in DER, as they are. */
  readonly raw?: readonly Buffer[];
}

/** The DER of each GeneralName (RFC 5280 section 4.2.1.6). */
export function generalNames(options: AltNameOptions): Buffer[] {
  return [
    ...(options.dns ?? []).map((dns) => implicit(2, text('ia5', dns))),
    ...(options.email ?? []).map((email) => implicit(1, text('ia5', email))),
    ...(options.uri ?? []).map(uriName),
    ...(options.ip ?? []).map((ip) => element(0x87, Buffer.isBuffer(ip) ? ip : addressBytes(ip))),
    ...(options.upn ?? []).map((upn) => otherName('1.3.6.1.4.1.311.20.2.3', text('utf8', upn))),
    ...(options.directoryName ?? []).map((name) => directoryName(distinguishedName(name))),
    ...(options.raw ?? []),
  ];
}

/** A directoryName: tagged explicitly, as Name is a CHOICE (X.680 section 31.2.7). */
export function directoryName(name: Buffer): Buffer {
  return explicit(4, name);
}

export function uriName(uri: string): Buffer {
  return implicit(6, text('ia5', uri));
}

export function otherName(type: string, value: Buffer): Buffer {
  return implicit(0, sequence(oid(type), explicit(0, value)));
}

function plainName(options: NameOptions): NameAttribute[][] {
  const rdns = (type: string, values: string | readonly string[] = []): NameAttribute[][] =>
    [values].flat().map((value) => [{ oid: type, type: 'utf8', value }]);
  return [
    ...rdns(attributeTypes.organization, options.organization),
    ...rdns(attributeTypes.organizationalUnit, options.organizationalUnit),
    ...rdns(attributeTypes.commonName, options.commonName),
  ];
}

function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [left = [], right] = address.split('::').map((half) => half.split(':').filter(Boolean).map(group));
  if (right === undefined) return raw(...left);
  return raw(...left, Buffer.alloc(16 - 2 * (left.length + right.length)), ...right);
}

function group(hex: string): Buffer {
  return Buffer.from(hex.padStart(4, '0'), 'hex');
}
