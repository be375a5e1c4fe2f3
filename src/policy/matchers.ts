/**
 * The fields that a rule can match: where each is in an identity, and which spellings of a value are equal.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { normaliseIp, type TextKind } from '../x509/general-name.js';
import { spiffeTrustDomain } from '../x509/spiffe-id.js';
import { parseIssuer } from './issuer-spelling.js';
import { type Verdict } from './rule-account.js';
import { type ClientRuleFields } from './rule-fields.js';

/** Whether an identity matches one field of a rule; `undefined` if the decisive name cannot be read. */
export type Matcher = (identity: ClientIdentity) => Verdict;

/** A value as it is in the certificate, and its normal form for comparison. */
interface FieldValue {
  readonly text: string;
  readonly normal: string;
}

/** How one field is read and compared. */
interface MatcherKind {
  valuesOf(identity: ClientIdentity): readonly FieldValue[];
  /** Whether the certificate has an entry for this field that cannot be read. */
  hasUnreadable?(identity: ClientIdentity): boolean;
  /** The normal form of a value in a rule. */
  normalise(text: string, name: string): string;
}

const exactly = (text: string): string => text;
// ASCII only: toLowerCase() maps the Kelvin sign, a different character, to k.
const caseless = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

function kindOf(
  read: (identity: ClientIdentity) => readonly string[],
  normalise: (text: string, name: string) => string = exactly,
): MatcherKind {
  return {
    valuesOf: (identity) => read(identity).map((text) => ({ text, normal: normalise(text, '') })),
    normalise,
  };
}

/** A field whose values are entries of one kind in subjectAltName. */
function altName(kind: TextKind, field: MatcherKind): MatcherKind {
  return {
    ...field,
    hasUnreadable: ({ subjectAltNames }) => subjectAltNames.unreadable?.includes(kind) === true,
  };
}

/** Every field of {@link ClientRuleFields}. */
export const matcherKinds: Readonly<Record<keyof ClientRuleFields, MatcherKind>> = Object.freeze({
  commonName: {
    ...kindOf(({ commonName }) => present(commonName)),
    hasUnreadable: ({ commonName, commonNames }) => commonName === undefined && commonNames.length > 0,
  },
  organization: kindOf(({ subject }) => subject.get('O')),
  organizationalUnit: kindOf(({ subject }) => subject.get('OU')),
  dns: altName(
    'dns',
    kindOf(({ subjectAltNames }) => subjectAltNames.dns, caseless),
  ),
  email: altName(
    'email',
    kindOf(({ subjectAltNames }) => subjectAltNames.email, lowerDomain),
  ),
  uri: altName(
    'uri',
    kindOf(({ subjectAltNames }) => subjectAltNames.uri),
  ),
  ip: kindOf(({ subjectAltNames }) => subjectAltNames.ip, normaliseIpOrThrow),
  upn: altName(
    'upn',
    kindOf(({ subjectAltNames }) => subjectAltNames.upn, caseless),
  ),
  spiffeId: altName(
    'uri',
    kindOf(({ spiffeId }) => present(spiffeId)),
  ),
  spiffeTrustDomain: altName(
    'uri',
    kindOf(({ spiffeId }) => present(spiffeId && spiffeTrustDomain(spiffeId))),
  ),
  issuer: {
    valuesOf: ({ issuer }) => [{ text: issuer.toString(), normal: issuer.canonical }],
    normalise: (text, name) => parseIssuer(text, name).canonical,
  },
  fingerprint256: kindOf(({ fingerprint256 }) => [fingerprint256], normaliseFingerprint),
  serialNumber: kindOf(({ serialNumber }) => [serialNumber], normaliseSerial),
  extendedKeyUsage: kindOf(({ extendedKeyUsage }) => extendedKeyUsage),
  policy: kindOf(({ policies }) => policies, normaliseOid),
});

function present(value: string | undefined): string[] {
  return value === undefined ? [] : [value];
}

function lowerDomain(email: string): string {
  const at = email.lastIndexOf('@');
  return email.slice(0, at + 1) + caseless(email.slice(at + 1));
}

function normaliseIpOrThrow(text: string, name: string): string {
  const normal = normaliseIp(text);
  if (normal !== undefined) return normal;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${name} has "${text}", which is not an IP address`,
    remedy: 'write "192.0.2.1" or "2001:db8::1"',
  });
}

function normaliseFingerprint(text: string, name: string): string {
  const hex = text.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return hex;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${name} has "${text}", which is not a SHA-256 fingerprint`,
    expected: '64 hex digits, as "openssl x509 -noout -fingerprint -sha256" prints',
  });
}

function normaliseOid(text: string, name: string): string {
  // Policies in a certificate are object identifiers; those in a rule are checked.
  if (name === '' || /^[012](\.(0|[1-9]\d*))+$/.test(text)) return text;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${name} has "${text}", which is not an object identifier`,
    expected: 'dotted decimals, such as "1.3.6.1.4.1.99999.1.2"',
  });
}

function normaliseSerial(text: string, name: string): string {
  const hex = text
    .replaceAll(':', '')
    .toLowerCase()
    .replace(/^0+(?=.)/, '');
  if (/^-?[0-9a-f]+$/.test(hex)) return hex;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${name} has "${text}", which is not a serial number`,
    expected: 'hex, as "openssl x509 -noout -serial" prints',
  });
}
