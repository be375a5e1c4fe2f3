/**
 * Numbers and identifiers of X.509 in words.
 *
 * @module
 */
import { shorten } from '../../x509/string.js';
import { isUtf8 } from 'node:buffer';
import { DerReader } from '../../x509/der.js';
import { type GeneralName } from '../../x509/general-name.js';
import { type PublicKeyKind } from '../../x509/public-key.js';
import { purposeName } from '../../x509/purpose.js';
import { type SignatureAlgorithm } from '../../x509/signature.js';

const purposeWords: Readonly<Record<string, string | undefined>> = {
  serverAuth: 'servers',
  clientAuth: 'clients',
  codeSigning: 'signing programs',
  emailProtection: 'mail',
  timeStamping: 'timestamps',
  OCSPSigning: 'OCSP answers',
  anyExtendedKeyUsage: 'any purpose',
  msSmartcardLogin: 'smart card logon',
};

/** A purpose in extendedKeyUsage in words: `'clients (clientAuth)'`. */
export function wordsOfPurpose(oid: string): string {
  const name = purposeName(oid) ?? '';
  const words = purposeWords[name];
  return words === undefined ? shorten(oid) : `${words} (${name})`;
}

const usageNames = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

/** The names in RFC 5280 section 4.2.1.3 for the bits of a keyUsage. */
export function usageNamesOf(keyUsage: number): string[] {
  return usageNames.filter((_name, bit) => (keyUsage & (1 << bit)) !== 0);
}

const keyNames: Readonly<Record<string, string | undefined>> = {
  rsa: 'RSA',
  ec: 'EC',
  ed25519: 'Ed25519',
  ed448: 'Ed448',
};

/** `'RSA, 2048 bits'`. */
export function describeKey({ algorithm, bits }: PublicKeyKind): string {
  const name = keyNames[algorithm] ?? `of the unknown kind ${shorten(algorithm)}`;
  return bits === undefined || algorithm.startsWith('ed') ? name : `${name}, ${bits} bits`;
}

const schemeNames = {
  rsa: 'RSA',
  'rsa-pss': 'RSA-PSS',
  ec: 'ECDSA',
  ed25519: 'Ed25519',
  ed448: 'Ed448',
} as const;

/** `'ECDSA with SHA-256'`. */
export function describeSignature({ oid, scheme }: SignatureAlgorithm): string {
  if (scheme === undefined) return `with the unknown algorithm ${shorten(oid)}`;
  const name = schemeNames[scheme.keyType];
  return scheme.hash === undefined ? name : `${name} with ${hashName(scheme.hash)}`;
}

function hashName(hash: string): string {
  return hash.toUpperCase().replace('SHA', 'SHA-');
}

/** `'DNS localhost'`. */
export function describeGeneralName(name: GeneralName): string {
  const kinds = {
    dns: 'DNS',
    email: 'email',
    uri: 'URI',
    ip: 'IP',
    upn: 'UPN',
    directoryName: 'name',
    other: 'another kind',
  } as const;
  if (name.kind === 'unreadable')
    return `${kinds[name.of]} not in the encoding of its type, so no rule matches it: ${shorten(guess(name.value))}`;
  const value = name.kind === 'other' ? name.value.toString('hex') : String(name.value);
  return `${kinds[name.kind]} ${shorten(value)}`;
}

/** The likely text of a name with the wrong encoding, for a reader who may recognise it. */
function guess(element: Buffer): string {
  const { content } = new DerReader(element, { code: 'ERR_MTLS_PEM_INVALID', noun: 'name' }).next();
  return content.toString(isUtf8(content) ? 'utf8' : 'latin1');
}

const mostLines = 12;

/** The first items of a list, as many as are shown to people. */
export function shortenList(lines: readonly string[]): string[] {
  if (lines.length <= mostLines) return [...lines];
  return [
    ...lines.slice(0, mostLines - 1),
    `and ${(lines.length - mostLines + 1).toLocaleString('en')} more (--json has them all)`,
  ];
}
