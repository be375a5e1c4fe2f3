/**
 * The issuer of a rule: RFC 4514, and no other way of writing names, of which
 * each would make a rule that matches no client.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { DistinguishedName } from '../x509/distinguished-name.js';
import { attributeType } from '../x509/name-attribute.js';

/**
 * Reads the issuer of a rule.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for what is no name, and for one in the notation or the order of
 *   OpenSSL, with the right spelling.
 */
export function parseIssuer(text: string, name: string): DistinguishedName {
  const seen = `${name} has ${JSON.stringify(text)}, which`;
  const notation = readNotation(text);
  if (notation !== undefined) throw invalid(`${seen} is ${notation.of}`, spell(notation.rdns));
  const issuer = DistinguishedName.parse(text);
  if (!isReversed(issuer)) return issuer;
  const odd = `, or, if the CA's own certificate has its parts in the unusual order, ${asRegExp(issuer)}`;
  const spelling = cut(text, ',').reverse().map(tidy).join(',');
  throw invalid(`${seen} begins with its most general part, as OpenSSL writes names`, spelling, odd);
}

function invalid(seen: string, spelling: string | undefined, odd = ''): MtlsError {
  const command = 'openssl x509 -in CLIENT -noout -issuer -nameopt RFC2253';
  const remedy =
    spelling === undefined
      ? `write what "${command}" prints behind "issuer="`
      : `write ${JSON.stringify(spelling)}${odd}; "${command}" prints it behind "issuer="`;
  return new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen,
    remedy: `RFC 4514, which a rule wants, begins with the most specific part: ${remedy}`,
  });
}

/** A name in another notation: which one, and its parts as they stand there. */
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
    return { of: 'a name in lines, as node:crypto writes it', rdns: name.split(/[\r\n]+/) };
  }
  if (beginsWithSlash.test(name))
    return {
      of: 'a name in the oneline notation of OpenSSL',
      rdns: name.split(slashBeforeType).map(escapeOneline),
    };
  if (spaceBeforeEquals.test(name)) return { of: 'in the notation of OpenSSL', rdns: cut(name, ',') };
  return name === text ? undefined : { of: 'a line that OpenSSL prints', rdns: cut(name, ',') };
}

/** The right spelling; `undefined` where the parts do not make a name. */
function spell(rdns: readonly string[]): string | undefined {
  const parts = rdns.filter((rdn) => rdn.trim() !== '').map(tidy);
  const [reversed, asItStands] = [[...parts].reverse().join(','), parts.join(',')];
  try {
    // OpenSSL can be told to write the most specific part first, and some people add the spaces.
    return isReversed(DistinguishedName.parse(reversed)) ? asItStands : reversed;
  } catch {
    return undefined;
  }
}

const shortTypes = ['CN', 'L', 'ST', 'O', 'OU', 'C', 'STREET', 'DC', 'UID'];

/** One part as RFC 4514 writes it: no spaces, no quotes, short names of types where there are any. */
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

/** A part in oneline notation, which escapes octets as `\xC3` and nothing else. */
function escapeOneline(part: string): string {
  return part.replace(/\\x([0-9A-F]{2})|["+,;<>\\]/g, (escaped, hex?: string) => `\\${hex ?? escaped}`);
}

/** Cuts a text at a character that stands behind no backslash and in no quotes. */
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
// From the most general to the most specific. Of states, places and organisations CAs differ in the order.
const general = new Set(['C', 'DC', 'ST', 'L', 'STREET', 'O', 'OU'].map(attributeType));

/**
 * Whether a name, read as RFC 4514, is plainly the wrong way round: its commonName would be its most general part, or
 * its country or domain the most specific one.
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
  // Attributes without a short name are written by number, with a value that the certificate alone has.
  if (/(?:^|[,+])\d/.test(text)) return 'a RegExp for what String(clientIdentity.issuer) is';
  return `the RegExp /^${text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}$/`;
}
