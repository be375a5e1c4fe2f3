/**
 * The attributes of distinguished names, and their types.
 *
 * @module
 */

/** One attribute of a name. */
export interface NameAttribute {
  /** The attribute type in dotted decimals: `'2.5.4.3'` is commonName. */
  readonly type: string;
  /** The value; `undefined` if it does not have a string type. */
  readonly value: string | undefined;
  /** The DER of the value in the certificate, including its header; empty in a name that was parsed from text. */
  readonly der: Buffer;
}

/** A relative distinguished name: nearly always one attribute. */
export type RelativeDistinguishedName = readonly NameAttribute[];

/** The attribute types with a name. RFC 4514 section 3 defines the first nine. */
const attributeTypes: Readonly<Record<string, string>> = Object.freeze({
  CN: '2.5.4.3',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  C: '2.5.4.6',
  STREET: '2.5.4.9',
  DC: '0.9.2342.19200300.100.1.25',
  UID: '0.9.2342.19200300.100.1.1',
  COMMONNAME: '2.5.4.3',
  LOCALITYNAME: '2.5.4.7',
  STATEORPROVINCENAME: '2.5.4.8',
  ORGANIZATIONNAME: '2.5.4.10',
  ORGANIZATIONALUNITNAME: '2.5.4.11',
  COUNTRYNAME: '2.5.4.6',
  STREETADDRESS: '2.5.4.9',
  DOMAINCOMPONENT: '0.9.2342.19200300.100.1.25',
  USERID: '0.9.2342.19200300.100.1.1',
  SN: '2.5.4.4',
  SURNAME: '2.5.4.4',
  SERIALNUMBER: '2.5.4.5',
  TITLE: '2.5.4.12',
  GIVENNAME: '2.5.4.42',
  INITIALS: '2.5.4.43',
  DNQUALIFIER: '2.5.4.46',
  PSEUDONYM: '2.5.4.65',
  ORGANIZATIONIDENTIFIER: '2.5.4.97',
  EMAILADDRESS: '1.2.840.113549.1.9.1',
});

/** The dotted form of an attribute type that is given by name, in any letter case, or dotted. */
export function attributeType(name: string): string | undefined {
  if (/^\d+(\.\d+)+$/.test(name)) return name;
  return Object.hasOwn(attributeTypes, name.toUpperCase()) ? attributeTypes[name.toUpperCase()] : undefined;
}

// RFC 4519 section 2, RFC 2985 section 5.2.1, X.520, and attributes that the CA/Browser Forum defines.
const longNames: Readonly<Record<string, string | undefined>> = {
  '2.5.4.3': 'commonName',
  '2.5.4.4': 'surname',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'countryName',
  '2.5.4.7': 'localityName',
  '2.5.4.8': 'stateOrProvinceName',
  '2.5.4.9': 'streetAddress',
  '2.5.4.10': 'organizationName',
  '2.5.4.11': 'organizationalUnitName',
  '2.5.4.12': 'title',
  '2.5.4.15': 'businessCategory',
  '2.5.4.17': 'postalCode',
  '2.5.4.42': 'givenName',
  '2.5.4.43': 'initials',
  '2.5.4.44': 'generationQualifier',
  '2.5.4.46': 'dnQualifier',
  '2.5.4.65': 'pseudonym',
  '2.5.4.97': 'organizationIdentifier',
  '0.9.2342.19200300.100.1.1': 'userId',
  '0.9.2342.19200300.100.1.25': 'domainComponent',
  '1.2.840.113549.1.9.1': 'emailAddress',
  '1.2.840.113549.1.9.2': 'unstructuredName',
  '1.3.6.1.4.1.311.60.2.1.1': 'jurisdictionLocalityName',
  '1.3.6.1.4.1.311.60.2.1.2': 'jurisdictionStateOrProvinceName',
  '1.3.6.1.4.1.311.60.2.1.3': 'jurisdictionCountryName',
};

/** The name of an attribute type for people: `'commonName'`; the object identifier if it has no name here. */
export function attributeName(oid: string): string {
  return longName(oid) ?? oid.slice(0, 100);
}

/** The long name of an attribute type; `undefined` if it has no name here. */
export function longName(oid: string): string | undefined {
  return Object.hasOwn(longNames, oid) ? longNames[oid] : undefined;
}
