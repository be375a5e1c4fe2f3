/**
 * The one-line form of a subject in OpenSSL's database: X509_NAME_oneline, such as `/O=Example/CN=client1`.
 *
 * @module
 */
import type { DistinguishedName } from '../x509/distinguished-name.js';
import type { NameAttribute } from '../x509/name-attribute.js';

/** OpenSSL's short names. Other types are written as dotted object identifiers. */
const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'street',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.13': 'description',
  '2.5.4.15': 'businessCategory',
  '2.5.4.16': 'postalAddress',
  '2.5.4.17': 'postalCode',
  '2.5.4.20': 'telephoneNumber',
  '2.5.4.41': 'name',
  '2.5.4.42': 'GN',
  '2.5.4.43': 'initials',
  '2.5.4.44': 'generationQualifier',
  '2.5.4.46': 'dnQualifier',
  '2.5.4.65': 'pseudonym',
  '2.5.4.97': 'organizationIdentifier',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
  '1.2.840.113549.1.9.2': 'unstructuredName',
};

/**
 * Formats a name like X509_NAME_oneline of OpenSSL 3: `/` and `+` in a value become `\/` and `\+`, and bytes outside
 * printable ASCII become `\xHH`. `openssl ca` compares the result byte by byte.
 */
export function formatOneline(name: DistinguishedName): string {
  return name.rdns
    .map((rdn) => `/${rdn.map((each) => `${typeOf(each)}=${escapeValue(octetsOf(each))}`).join('+')}`)
    .join('');
}

/**
 * The last commonName of a subject in that form, for display and for look-ups by name. The form does not escape `\`,
 * so an escape may be literal text of the subject. Escapes of ASCII are therefore kept: parsing must not turn a name
 * into a line break or into another name.
 */
export function commonNameOf(oneline: string): string | undefined {
  const attributes = oneline.split(/(?<!\\)\/(?=[A-Za-z0-9.]+=)/);
  const value = attributes.findLast((attribute) => attribute.startsWith('CN='))?.slice('CN='.length);
  if (value === undefined) return undefined;
  const bytes = value.replace(
    /\\x([89A-F][0-9A-F])|\\([/+])/g,
    (_, hex: string | undefined, plain: string) =>
      hex === undefined ? plain : String.fromCharCode(parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function typeOf({ type }: NameAttribute): string {
  return shortNames[type] ?? type;
}

/** The content octets of the value in the certificate, whatever its string type. */
function octetsOf({ der, value = '' }: NameAttribute): Buffer {
  if (der.length === 0) return Buffer.from(value, 'utf8');
  const length = der.readUInt8(1);
  return der.subarray(length < 0x80 ? 2 : 2 + (length & 0x7f));
}

function escapeValue(octets: Buffer): string {
  return octets
    .toString('latin1')
    .replace(/[/+]/g, String.raw`\$&`)
    .replace(/[^ -~]/g, (char) => `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
