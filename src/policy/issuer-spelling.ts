/**
 * Parses the issuer of a rule. Only RFC 4514 is accepted: in any other notation, the rule would match no client.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { DistinguishedName } from '../x509/distinguished-name.js';
import { attributeType } from '../x509/name-attribute.js';

/**
 * Parses the issuer of a rule.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for text that is not a name, and for a name in the notation or order of
 *   OpenSSL, with the correct spelling.
 */
export function parseIssuer(text: string, name: string): DistinguishedName {
  const seen = `${name} has ${JSON.stringify(text)}, which`;
  const notation = readNotation(text);
  if (notation !== undefined) throw invalid(`${seen} is ${notation.of}`, spell(notation.rdns));
  const issuer = DistinguishedName.parse(text);
  if (!isReversed(issuer)) return issuer;
  const odd = `, or, if the CA certificate itself has its parts in reverse order, ${asRegExp(issuer)}`;
  const spelling = cut(text, ',').reverse().map(tidy).join(',');
  throw invalid(`${seen} begins with its most general part, as OpenSSL writes names`, spelling, odd);
}

function invalid(seen: string, spelling: string | undefined, odd = ''): MtlsError {
  const command = 'openssl x509 -in CLIENT -noout -issuer -nameopt RFC2253';
  const remedy =
    spelling === undefined
      ? `use what "${command}" prints after "issuer="`
      : `write ${JSON.stringify(spelling)}${odd}; "${command}" prints it after "issuer="`;
  return new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen,
    remedy: `a rule takes RFC 4514, which begins with the most specific part: ${remedy}`,
  });
}

/** A name in another notation: the notation, and its parts unchanged. */
interface Notation {
  readonly of: string;
  readonly rdns: readonly string[];
}

const type = String.raw`(?:[A-Za-z][A-Za-z0-9.-]*|\d+(?:\.\d+)+)`;
const beginsWithSlash = new RegExp(String.raw`^\s*/${type}=`);
const slashBeforeType = new RegExp(`/(?=${type}=)`);
const spaceBeforeEquals = new RegExp(String.raw`^\s*${type}\s+=`);
const label = /^\s*(?:issuer|subject)\s*[=:]\s*/i;

function readNotation(text: string): Notation | undefined {
  const name = text.replace(label, '');
  if (/[\r\n]/.test(name)) {
    return { of: 'in the notation of node:crypto, one part per line', rdns: name.split(/[\r\n]+/) };
  }
  if (beginsWithSlash.test(name))
    return {
      of: 'in the oneline notation of OpenSSL',
      rdns: name.split(slashBeforeType).map(escapeOneline),
    };
  if (spaceBeforeEquals.test(name)) return { of: 'in the notation of OpenSSL', rdns: cut(name, ',') };
  return name === text ? undefined : { of: 'a line that OpenSSL prints', rdns: cut(name, ',') };
}

/** The RFC 4514 spelling; `undefined` if the parts do not form a name. */
function spell(rdns: readonly string[]): string | undefined {
  const parts = rdns.filter((rdn) => rdn.trim() !== '').map(tidy);
  const [reversed, asItStands] = [[...parts].reverse().join(','), parts.join(',')];
  try {
    // OpenSSL can be configured to print the most specific part first.
    return isReversed(DistinguishedName.parse(reversed)) ? asItStands : reversed;
  } catch {
    return undefined;
  }
}

const shortTypes = ['CN', 'L', 'ST', 'O', 'OU', 'C', 'STREET', 'DC', 'UID'];

/** One part in RFC 4514: no spaces, no quotes, and the short name of the type if it has one. */
function tidy(rdn: string): string {
  const attributes = cut(rdn, '+').map((attribute) => {
    const equals = attribute.indexOf('=');
    const written = attribute.slice(0, equals).trim();
    const oid = attributeType(written);
    const short = shortTypes.find((each) => attributeType(each) === oid) ?? written;
    return `${short}=${unquote(attribute.slice(equals + 1).trim())}`;
  });
  return attributes.join('+');
}

function unquote(value: string): string {
  const quoted = /^"(.*)"$/s.exec(value)?.[1];
  return quoted === undefined ? value : quoted.replace(/\\(["\\])/g, '$1').replace(/["+,;<>\\]/g, '\\$&');
}

/** Converts a part from the oneline notation, whose only escapes are octets such as `\xC3`. */
function escapeOneline(part: string): string {
  return part.replace(/\\x([0-9A-F]{2})|["+,;<>\\]/g, (escaped, hex?: string) => `\\${hex ?? escaped}`);
}

/** Splits a text at each separator that is neither escaped nor quoted. */
function cut(text: string, separator: ',' | '+'): string[] {
  const units = text.match(/\\.|"(?:\\.|[^"\\])*"|[^]/g) ?? [];
  const parts = [''];
  for (const unit of units) {
    if (unit === separator) parts.push('');
    else parts.push(`${parts.pop() ?? ''}${unit}`);
  }
  return parts;
}

const [cn, c, dc] = ['CN', 'C', 'DC'].map(attributeType);
// Attributes from the most general to the most specific. The order of states, localities and organisations varies.
const general = new Set(['C', 'DC', 'ST', 'L', 'STREET', 'O', 'OU'].map(attributeType));

/**
 * Whether a name read as RFC 4514 is clearly reversed: the commonName is its most general part, or the country or
 * domain its most specific one.
 */
function isReversed({ rdns }: DistinguishedName): boolean {
  const known = rdns.map(([attribute]) => attribute?.type).filter((each) => each === cn || general.has(each));
  const [mostGeneral, mostSpecific] = [known[0], known.at(-1)];
  if (mostGeneral === mostSpecific) return false;
  if (mostGeneral === cn) return true;
  return mostSpecific === c || (mostSpecific === dc && mostGeneral !== c);
}

function asRegExp(issuer: DistinguishedName): string {
  const text = issuer.toString();
  // An attribute without a short name is written by number, with the value in the encoding of the certificate.
  if (/(?:^|[,+])\d/.test(text)) return 'a RegExp that matches String(clientIdentity.issuer)';
  return `the RegExp /^${text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}$/`;
}
