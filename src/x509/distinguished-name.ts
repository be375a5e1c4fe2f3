/**
 * Distinguished names: read from DER, compared by RFC 5280 section 7.1, and converted to and from text by RFC 4514.
 *
 * @module
 */
import { type DerReader, Tag } from './der.js';
import { attributeType, type NameAttribute, type RelativeDistinguishedName } from './name-attribute.js';
import { formatForPeople, formatRfc4514, parseRfc4514 } from './rfc4514.js';
import { decodeString } from './string.js';

/**
 * A distinguished name: the subject or the issuer of a certificate. Immutable.
 * @example
 * ```ts
 * const name = DistinguishedName.parse('CN=client1,OU=eng,O=Example');
 * name.get('OU'); // ['eng']
 * name.equals(DistinguishedName.parse('cn=CLIENT1,ou=eng,o=example')); // true
 * String(name); // 'CN=client1,OU=eng,O=Example'
 * ```
 */
export class DistinguishedName {
  /** The relative distinguished names in the order of the certificate: the most general first. */
  readonly rdns: readonly RelativeDistinguishedName[];
  /** The DER of the name in the certificate; empty in a name that was parsed from text. */
  readonly der: Buffer;
  #canonical: string | undefined;
  #canonicalParts: readonly string[] | undefined;
  #text: string | undefined;

  /**
   * @param rdns - The relative distinguished names, the most general first. They are copied and frozen.
   * @param der - The DER of the name; by default empty.
   */
  constructor(rdns: readonly RelativeDistinguishedName[], der: Buffer = Buffer.alloc(0)) {
    this.der = der;
    for (const rdn of rdns) for (const attribute of rdn) Object.freeze(attribute);
    this.rdns = Object.freeze(rdns.map((rdn) => Object.freeze([...rdn])));
    Object.freeze(this);
  }

  /**
   * Parses a name in the notation of RFC 4514, as {@link DistinguishedName.toString} returns it.
   * @param text - The name, the most specific part first: `'CN=client1,OU=eng'`. Attribute types as in {@link
   *   DistinguishedName.get}.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID` with the position of the fault.
   */
  static parse(text: string): DistinguishedName {
    return new DistinguishedName(parseRfc4514(text));
  }

  /** Whether the name is empty, as the subject may be if a certificate has names only in subjectAltName. */
  get isEmpty(): boolean {
    return this.rdns.length === 0;
  }

  /**
   * Returns all values of an attribute, the most general first: `get('OU')`.
   * @param type - The attribute type: a name of RFC 4514 or X.520 in any letter case (`'CN'`, `'commonName'`), or
   *   dotted decimals.
   */
  get(type: string): string[] {
    const wanted = attributeType(type);
    const values: string[] = [];
    for (const rdn of this.rdns) {
      for (const attribute of rdn) {
        if (attribute.type === wanted && attribute.value !== undefined) values.push(attribute.value);
      }
    }
    return values;
  }

  /**
   * Whether two names are equal by RFC 5280 section 7.1, which ignores letter case, extra white space and the string
   * type.
   * @param other - The name to compare with.
   */
  equals(other: DistinguishedName): boolean {
    return this === other || this.canonical === other.canonical;
  }

  /** A string that is the same for two names if, and only if, they are equal. A key for maps, not for display. */
  get canonical(): string {
    return (this.#canonical ??= `[${this.canonicalParts.join(',')}]`);
  }

  /** The canonical string of each part. A name is below another if it begins with all parts of the other. */
  get canonicalParts(): readonly string[] {
    return (this.#canonicalParts ??= this.rdns.map((rdn) =>
      JSON.stringify(rdn.map(({ type, value, der }) => [type, canonicalValue(value, der)]).sort(byText)),
    ));
  }

  /**
   * Returns the notation of RFC 4514, the most specific part first: `CN=client1,OU=eng,O=Example`. Control characters
   * are escaped.
   */
  toString(): string {
    return (this.#text ??= formatRfc4514(this.rdns));
  }

  /**
   * Returns the name for people: like {@link DistinguishedName.toString}, but with `emailAddress=certs@example.com`
   * where RFC 4514 has `1.2.840.113549.1.9.1=#1611…`. Programs should use `toString()`.
   */
  describe(): string {
    return formatForPeople(this.rdns);
  }

  /** Returns the same as {@link DistinguishedName.toString}, so that a name in JSON is a string. */
  toJSON(): string {
    return this.toString();
  }
}

/** Names that were read before. */
export interface KnownNames {
  /** The name with this DER, if it is known. */
  find(der: Buffer): DistinguishedName | undefined;
}

/**
 * Reads a Name (RFC 5280 section 4.1.2.4).
 * @param known - Names that need not be read again. Many certificates have the same issuer.
 */
export function readName(reader: DerReader, known?: KnownNames): DistinguishedName {
  const sequence = reader.enter(Tag.sequence);
  const der = reader.element;
  const same = known?.find(der);
  if (same !== undefined) return same;
  const rdns: RelativeDistinguishedName[] = [];
  while (!sequence.done) rdns.push(readRdn(sequence.enter(Tag.set)));
  return new DistinguishedName(rdns, der);
}

/** Reads the content of one RelativeDistinguishedName. */
export function readRdn(set: DerReader): RelativeDistinguishedName {
  const attributes: NameAttribute[] = [];
  do {
    const attribute = set.enter(Tag.sequence);
    const type = attribute.oid();
    attribute.next();
    attributes.push({ type, value: decodeString(attribute), der: attribute.element });
    attribute.finish();
  } while (!set.done);
  return attributes;
}

// Sorting n combining marks on one letter takes n² steps: 25 ms for a certificate of 14 kB. Real text has at most 30
// (UAX #15 section 13). U+FF9E and U+FF9F are letters that NFKC turns into marks.
const tooManyMarks = /[\p{M}\uff9e\uff9f]{31}/u;

// RFC 5280 section 7.1 and RFC 4518: ignores compatibility forms, letter case and runs of white space.
function canonicalValue(value: string | undefined, der: Buffer): string {
  if (value === undefined) return `#${der.toString('hex')}`;
  // Such a value only equals itself.
  if (tooManyMarks.test(value)) return `!${value}`;
  return `=${value.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ')}`;
}

function byText(left: readonly string[], right: readonly string[]): number {
  return left.join('\0') < right.join('\0') ? -1 : 1;
}
