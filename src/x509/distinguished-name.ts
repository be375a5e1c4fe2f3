/**
 * Distinguished names: read from DER, compared as RFC 5280 section 7.1 says,
 * written and read as RFC 4514 says.
 *
 * @module
 */
import { type DerReader, Tag } from './der.js';
import { attributeType, type NameAttribute, type RelativeDistinguishedName } from './name-attribute.js';
import { formatForPeople, formatRfc4514, parseRfc4514 } from './rfc4514.js';
import { decodeString } from './string.js';

/** The name of a certificate's subject or issuer. Immutable. */
export class DistinguishedName {
  /** The parts as the certificate has them: the most general first. */
  readonly rdns: readonly RelativeDistinguishedName[];
  /** The Name as it stands in the certificate, DER; empty in a name read from text. */
  readonly der: Buffer;
  #canonical: string | undefined;
  #canonicalParts: readonly string[] | undefined;
  #text: string | undefined;

  /**
   * @param rdns - The parts, the most general first. Copied, and frozen.
   * @param der - The Name they were read from, if they were; by default empty.
   */
  constructor(rdns: readonly RelativeDistinguishedName[], der: Buffer = Buffer.alloc(0)) {
    this.der = der;
    for (const rdn of rdns) for (const attribute of rdn) Object.freeze(attribute);
    this.rdns = Object.freeze(rdns.map((rdn) => Object.freeze([...rdn])));
    Object.freeze(this);
  }

  /**
   * Reads the text form of RFC 4514, as {@link DistinguishedName.toString} writes it.
   * @param text - The most specific part first: `'CN=client1,OU=eng'`. Names of types as {@link DistinguishedName.get} takes them.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID` with the place of what is wrong.
   */
  static parse(text: string): DistinguishedName {
    return new DistinguishedName(parseRfc4514(text));
  }

  /** Whether the name is empty, as the subject of a certificate with names in SAN alone may be. */
  get isEmpty(): boolean {
    return this.rdns.length === 0;
  }

  /**
   * Every value of an attribute, the most general first: `get('OU')`.
   * @param type - A name of RFC 4514 or X.520 in any case (`'CN'`, `'commonName'`), or dotted decimals.
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
   * Whether both name the same: letter case, white space and string type aside (RFC 5280 section 7.1).
   * @param other - The name to compare with.
   */
  equals(other: DistinguishedName): boolean {
    return this === other || this.canonical === other.canonical;
  }

  /** A text that two names share if, and only if, they are equal. For maps; not for people. */
  get canonical(): string {
    return (this.#canonical ??= `[${this.canonicalParts.join(',')}]`);
  }

  /** The same, part by part: a name lies below another if its first parts are those of the other. */
  get canonicalParts(): readonly string[] {
    return (this.#canonicalParts ??= this.rdns.map((rdn) =>
      JSON.stringify(rdn.map(({ type, value, der }) => [type, canonicalValue(value, der)]).sort(byText)),
    ));
  }

  /** RFC 4514, the most specific part first: `CN=client1,OU=eng,O=Example`. Control characters are escaped. */
  toString(): string {
    return (this.#text ??= formatRfc4514(this.rdns));
  }

  /**
   * For people: as {@link DistinguishedName.toString}, but with `emailAddress=certs@example.com` where RFC 4514 has
   * `1.2.840.113549.1.9.1=#1611…`. Programs use `toString()`.
   */
  describe(): string {
    return formatForPeople(this.rdns);
  }

  /** The same as {@link DistinguishedName.toString}, so that a name in a log line is its text. */
  toJSON(): string {
    return this.toString();
  }
}

/** Reads a Name (RFC 5280 section 4.1.2.4). */
export function readName(reader: DerReader): DistinguishedName {
  const sequence = reader.enter(Tag.sequence);
  const der = reader.element;
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

// To put n marks on one letter into order takes n² steps: 25 ms of a certificate of 14 kB. Text has at most 30 (UAX #15
// section 13). U+FF9E and U+FF9F are letters that become marks.
const tooManyMarks = /[\p{M}\uff9e\uff9f]{31}/u;

// RFC 5280 section 7.1, which is RFC 4518: compatibility forms, case and runs of space do not count.
function canonicalValue(value: string | undefined, der: Buffer): string {
  if (value === undefined) return `#${der.toString('hex')}`;
  // Such a value equals itself alone.
  if (tooManyMarks.test(value)) return `!${value}`;
  return `=${value.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ')}`;
}

function byText(left: readonly string[], right: readonly string[]): number {
  return left.join('\0') < right.join('\0') ? -1 : 1;
}
