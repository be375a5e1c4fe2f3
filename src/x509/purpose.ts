/**
 * The purposes in extendedKeyUsage.
 *
 * @module
 */

/** The object identifiers of the TLS purposes (RFC 5280 section 4.2.1.12). */
export const purposes = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' } as const;

const names: Readonly<Record<string, string | undefined>> = {
  [purposes.serverAuth]: 'serverAuth',
  [purposes.clientAuth]: 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.8': 'timeStamping',
  '1.3.6.1.5.5.7.3.9': 'OCSPSigning',
  '2.5.29.37.0': 'anyExtendedKeyUsage',
  // Of Windows.
  '1.3.6.1.4.1.311.20.2.2': 'msSmartcardLogin',
};

/** The name of a purpose in the OpenSSL configuration, such as `'serverAuth'`; `undefined` if it is not known. */
export function purposeName(oid: string): string | undefined {
  return names[oid];
}

/**
 * A purpose by its name, with its object identifier: `'serverAuth (1.3.6.1.5.5.7.3.1)'`.
 */
export function describePurpose(oid: string): string {
  const name = purposeName(oid);
  return name === undefined ? oid : `${name} (${oid})`;
}
