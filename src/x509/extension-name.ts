/**
 * The names of extensions, for errors.
 *
 * @module
 */

// RFC 5280 sections 4.2, 5.2 and 5.3.
const names: Readonly<Record<string, string | undefined>> = {
  '2.5.29.14': 'subjectKeyIdentifier',
  '2.5.29.15': 'keyUsage',
  '2.5.29.17': 'subjectAltName',
  '2.5.29.18': 'issuerAltName',
  '2.5.29.19': 'basicConstraints',
  '2.5.29.20': 'cRLNumber',
  '2.5.29.21': 'reasonCode',
  '2.5.29.23': 'holdInstructionCode',
  '2.5.29.24': 'invalidityDate',
  '2.5.29.27': 'deltaCRLIndicator',
  '2.5.29.28': 'issuingDistributionPoint',
  '2.5.29.29': 'certificateIssuer',
  '2.5.29.30': 'nameConstraints',
  '2.5.29.31': 'cRLDistributionPoints',
  '2.5.29.32': 'certificatePolicies',
  '2.5.29.33': 'policyMappings',
  '2.5.29.35': 'authorityKeyIdentifier',
  '2.5.29.36': 'policyConstraints',
  '2.5.29.37': 'extKeyUsage',
  '2.5.29.46': 'freshestCRL',
  '2.5.29.54': 'inhibitAnyPolicy',
  '1.3.6.1.5.5.7.1.1': 'authorityInfoAccess',
  '2.16.840.1.113730.1.1': 'nsCertType',
};

const longest = 100;

/**
 * `'cRLNumber (2.5.29.20)'`; for an extension without a name here, only the object identifier, shortened if it is
 * long.
 */
export function describeExtension(oid: string): string {
  const name = Object.hasOwn(names, oid) ? names[oid] : undefined;
  if (name !== undefined) return `${name} (${oid})`;
  return oid.length <= longest ? oid : `${oid.slice(0, longest - 1)}…`;
}
