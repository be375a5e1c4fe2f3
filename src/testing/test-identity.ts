/**
 * Identities for tests.
 *
 * @module
 */
import { isIP } from 'node:net';
import { MtlsError } from '../errors.js';
import { type ClientIdentity, identityOf } from '../identity/client-identity.js';
import { checkBoolean, checkChoice, checkKeys, invalid } from '../option-checks.js';
import { parseCertificate } from '../x509/certificate.js';
import { DistinguishedName } from '../x509/distinguished-name.js';
import { encodeCertificate } from './certificate-encoding.js';

/**
 * What the certificate of a test client says. At least one name is required.
 * @example
 * ```ts
 * const fields: TestIdentityFields = { commonName: 'client1', email: 'client1@example.org' };
 * ```
 */
export interface TestIdentityFields {
  /** The commonName of the subject. */
  readonly commonName?: string;
  /** The organizationName of the subject (O), or several. */
  readonly organization?: string | readonly string[];
  /** The organizationalUnitName of the subject (OU), or several. */
  readonly organizationalUnit?: string | readonly string[];
  /** The whole subject in RFC 4514, in place of the three above: `'CN=client1,OU=sales,O=Example'`. */
  readonly subject?: string;
  /**
   * The issuer in RFC 4514.
   * @defaultValue `'CN=test-ca'`
   */
  readonly issuer?: string;
  /** A dNSName in subjectAltName, or several. */
  readonly dns?: string | readonly string[];
  /** An rfc822Name in subjectAltName, or several. */
  readonly email?: string | readonly string[];
  /** A URI in subjectAltName, or several: one SPIFFE ID is the `spiffeId`. */
  readonly uri?: string | readonly string[];
  /** An IP address in subjectAltName, or several. */
  readonly ip?: string | readonly string[];
  /** A user principal name in subjectAltName, or several. */
  readonly upn?: string | readonly string[];
  /**
   * The serial number in hex.
   * @defaultValue a number that depends on the names, so that the same fields make the same certificate
   */
  readonly serialNumber?: string;
  /**
   * The start of the validity period. Nothing in a test without TLS compares it with the clock.
   * @defaultValue 2020-01-01
   */
  readonly notBefore?: Date;
  /**
   * The end of the validity period.
   * @defaultValue 2049-12-31
   */
  readonly notAfter?: Date;
  /**
   * The object identifiers in extendedKeyUsage, dotted.
   * @defaultValue clientAuth, `['1.3.6.1.5.5.7.3.2']`
   */
  readonly extendedKeyUsage?: readonly string[];
  /**
   * The certificate policies of the path, dotted.
   * @defaultValue none
   */
  readonly policies?: readonly string[];
  /**
   * Whether the TLS session was resumed.
   * @defaultValue `false`
   */
  readonly resumed?: boolean;
  /**
   * Where the certificate was read.
   * @defaultValue `'tls'`
   */
  readonly source?: 'tls' | 'proxy';
}

const known = [
  ...[
    'commonName',
    'organization',
    'organizationalUnit',
    'subject',
    'issuer',
    'dns',
    'email',
    'uri',
    'ip',
    'upn',
  ],
  ...['serialNumber', 'notBefore', 'notAfter', 'extendedKeyUsage', 'policies', 'resumed', 'source'],
];

/**
 * Makes the identity of a test client, frozen like a real one. Behind it is a certificate whose fields agree with each
 * other; its signature is not valid, so no server admits it.
 * @param fields - What the certificate says.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for unknown or empty fields, and if there is no name.
 * @example
 * ```ts
 * import { testIdentity } from 'express-mtls/testing';
 *
 * const operator = testIdentity({ commonName: 'client1', organizationalUnit: ['eng', 'operators'] });
 * const service = testIdentity({ uri: 'spiffe://example.org/billing', issuer: 'CN=Services CA,O=Example' });
 * ```
 */
export function testIdentity(fields: TestIdentityFields): ClientIdentity {
  checkKeys(fields, 'the fields of testIdentity()', known);
  const der = encodeCertificate({
    subject: subjectOf(fields),
    issuer: checkName(fields.issuer, 'issuer') ?? DistinguishedName.parse('CN=test-ca'),
    altNames: {
      dns: texts(fields.dns, 'dns'),
      email: texts(fields.email, 'email'),
      uri: texts(fields.uri, 'uri'),
      ip: texts(fields.ip, 'ip').map(checkAddress),
      upn: texts(fields.upn, 'upn'),
    },
    serialNumber: checkSerial(fields.serialNumber),
    notBefore: checkDate(fields.notBefore, 'notBefore') ?? new Date('2020-01-01T00:00:00Z'),
    notAfter: checkDate(fields.notAfter, 'notAfter') ?? new Date('2049-12-31T23:59:59Z'),
    extendedKeyUsage: checkOids(fields.extendedKeyUsage, 'extendedKeyUsage') ?? ['1.3.6.1.5.5.7.3.2'],
  });
  return Object.freeze({
    source: checkChoice(fields.source, 'source', ['tls', 'proxy']),
    via: undefined,
    ...identityOf(parseCertificate(der)),
    policies: Object.freeze([...(checkOids(fields.policies, 'policies') ?? [])]),
    resumed: checkBoolean(fields.resumed, 'resumed', false),
  });
}

function subjectOf(fields: TestIdentityFields): DistinguishedName {
  const parts = ['commonName', 'organization', 'organizationalUnit'] as const;
  const subject = checkName(fields.subject, 'subject');
  const given = parts.filter((part) => fields[part] !== undefined);
  if (subject !== undefined) {
    if (given.length === 0) return subject;
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: `testIdentity() was given both subject and ${given.join(', ')}`,
      remedy: 'set either',
    });
  }
  const rdns = [
    ...texts(fields.organization, 'organization').map((value) => rdn('2.5.4.10', value)),
    ...texts(fields.organizationalUnit, 'organizationalUnit').map((value) => rdn('2.5.4.11', value)),
    ...texts(fields.commonName, 'commonName').map((value) => rdn('2.5.4.3', value)),
  ];
  const others = ['dns', 'email', 'uri', 'ip', 'upn'] as const;
  if (rdns.length === 0 && others.every((kind) => fields[kind] === undefined))
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'testIdentity() was given no name',
      remedy: "set at least one: { commonName: 'client1' }",
    });
  return new DistinguishedName(rdns);
}

function rdn(type: string, value: string): DistinguishedName['rdns'][number] {
  return [{ type, value, der: Buffer.alloc(0) }];
}

function texts(value: unknown, name: string): string[] {
  if (value === undefined) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const isText = (item: unknown): item is string => typeof item === 'string' && item !== '';
  if (list.length > 0 && list.every(isText)) return list;
  throw invalid(name, value, 'a string, or an array of strings, none empty');
}

function checkName(value: unknown, name: string): DistinguishedName | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '')
    throw invalid(name, value, 'a name such as "CN=client1,O=Example"');
  return DistinguishedName.parse(value);
}

function checkAddress(address: string): string {
  if (isIP(address) === 0) throw invalid('ip', address, 'an IP address');
  return address;
}

function checkSerial(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && /^[0-9a-f]{1,40}$/i.test(value))) return value;
  throw invalid('serialNumber', value, '1 to 40 hex digits');
}

function checkDate(value: unknown, name: string): Date | undefined {
  if (value === undefined) return undefined;
  // Not by `instanceof`: in a test runner, a Date can be of another class.
  const time = Number(value);
  if (typeof value === 'object' && time > Date.UTC(1950, 0) && time < Date.UTC(10_000, 0))
    return new Date(time);
  throw invalid(name, value, 'a Date between 1950 and 9999');
}

function checkOids(value: unknown, name: string): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const isOid = (item: unknown): item is string =>
    typeof item === 'string' && /^[0-2](?:\.(?:0|[1-9]\d{0,37}))+$/.test(item);
  if (Array.isArray(value) && value.every(isOid)) return value;
  throw invalid(name, value, 'an array of object identifiers such as "1.3.6.1.5.5.7.3.2"');
}
