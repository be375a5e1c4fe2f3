/**
 * The CRL entries (RFC 5280 section 5.3), read in place, without an object for each.
 *
 * @module
 */
import { DerReader, type DerSubject, Tag } from './der.js';
import { type DistinguishedName } from './distinguished-name.js';
import { readGeneralNames } from './general-name.js';
import { placeInCrl } from './place.js';
import { type PlainEntry, readPlainEntry } from './plain-entry.js';
import { readTime } from './time.js';

/** The subject of errors about the bytes of a CRL. */
export const crlSubject: DerSubject = {
  code: 'ERR_MTLS_CRL_INVALID',
  noun: 'CRL',
  placeOf: placeInCrl,
  // https://github.com/golang/go/issues/16686, https://github.com/hashicorp/vault/issues/1727
  offsetRemedy:
    'update the CA, or have it write UTC; known causes are CreateCRL() of Go 1.7 and HashiCorp Vault of 2016',
};

/** The revocation reasons, by the names of RFC 5280 section 5.3.1. */
export type RevocationReason =
  | 'unspecified'
  | 'keyCompromise'
  | 'cACompromise'
  | 'affiliationChanged'
  | 'superseded'
  | 'cessationOfOperation'
  | 'certificateHold'
  | 'unused'
  | 'removeFromCRL'
  | 'privilegeWithdrawn'
  | 'aACompromise';

/** In the order of CRLReason; 7 is unused. */
export const revocationReasons: readonly RevocationReason[] = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'unused',
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
];

/** One CRL entry. The object is reused for the next entry. */
export interface CrlEntry extends PlainEntry {
  /** The issuer of the certificate, if an indirect CRL names a different one than in the previous entry. */
  certificateIssuer: DistinguishedName | undefined;
  /** A critical extension that is unsupported or must not be critical, dotted. */
  unknownCriticalExtension: string | undefined;
}

/** The position of the entries in the bytes of a CRL. */
export interface CrlEntries {
  readonly raw: Buffer;
  readonly entries: { readonly start: number; readonly end: number };
}

// Parsed objects take many times the size of their bytes, and a CRL can be very large. Real ones need a few hundred
// bytes.
const longestPart = 65_536;

/** The most entries that fit into a number of bytes: each has at least two headers, one octet and a UTCTime. */
export function mostEntriesIn(bytes: number): number {
  return Math.ceil(bytes / 20);
}

/** Rejects a part of a CRL that is longer than any real one. */
export function refuseLonger(part: DerReader, what: string): void {
  const length = part.limit - part.offset;
  if (length <= longestPart) return;
  part.fail(`has ${what} of ${length} bytes, above the maximum of ${longestPart}`, part.offset);
}

/** Receives one entry after the other. */
export type EntryVisitor = (entry: Readonly<CrlEntry>) => void;

/** Calls `visit` for every entry. Allocates only for entries with rare extensions. */
export function walkEntries(crl: CrlEntries, visit: EntryVisitor): void {
  const reader = new EntryReader(crl);
  while (reader.next()) visit(reader.entry);
}

/** Reads entries one by one. Separate from the walk, because V8 discards its compiled code with each new visitor. */
class EntryReader {
  readonly entry: CrlEntry = {
    serialStart: 0,
    serialEnd: 0,
    revocationDate: 0,
    reason: 0,
    certificateIssuer: undefined,
    unknownCriticalExtension: undefined,
  };
  readonly #list: DerReader;
  readonly #parts: DerReader;
  readonly #extensions: EntryExtensionReader;

  constructor({ raw, entries }: CrlEntries) {
    this.#list = new DerReader(raw, crlSubject, entries.start, entries.end);
    this.#parts = new DerReader(raw, crlSubject);
    this.#extensions = new EntryExtensionReader(raw);
  }

  /** Reads the next entry; returns `false` at the end. */
  next(): boolean {
    const { entry } = this;
    const list = this.#list;
    const parts = this.#parts;
    if (list.done) return false;
    entry.certificateIssuer = undefined;
    entry.unknownCriticalExtension = undefined;
    const end = readPlainEntry(list.bytes, list.offset, list.limit, entry);
    if (end >= 0) {
      list.offset = end;
      return true;
    }
    list.next(Tag.sequence);
    parts.reset(list.contentStart, list.contentEnd);
    parts.nextInteger();
    entry.serialStart = parts.contentStart;
    entry.serialEnd = parts.contentEnd;
    entry.revocationDate = readTime(parts);
    entry.reason = 0;
    if (parts.done) return true;
    parts.next(Tag.sequence);
    this.#extensions.read(parts.contentStart, parts.contentEnd, entry);
    parts.finish();
    return true;
  }
}

const entryExtensionArc = Buffer.from('551d', 'hex'); // 2.5.29

/** Reads the extensions of entries, with one reader for all. */
class EntryExtensionReader {
  readonly #list: DerReader;
  readonly #extension: DerReader;
  readonly #value: DerReader;

  constructor(raw: Buffer) {
    this.#list = new DerReader(raw, crlSubject);
    this.#extension = new DerReader(raw, crlSubject);
    this.#value = new DerReader(raw, crlSubject);
  }

  read(start: number, end: number, into: CrlEntry): void {
    const list = this.#list;
    const extension = this.#extension;
    const value = this.#value;
    let seen = 0;
    list.reset(start, end);
    refuseLonger(list, 'an entry with extensions');
    while (!list.done) {
      list.next(Tag.sequence);
      extension.reset(list.contentStart, list.contentEnd);
      extension.next(Tag.oid);
      const { contentStart, contentEnd } = extension;
      const known =
        contentEnd - contentStart === 3 &&
        extension.bytes[contentStart] === entryExtensionArc[0] &&
        extension.bytes[contentStart + 1] === entryExtensionArc[1];
      const type = known ? (extension.bytes[contentStart + 2] as number) : 0;
      const isKnown = type === 21 || type === 24 || type === 29;
      const oid = isKnown ? '' : extension.decodeOid();
      if (isKnown && (seen & (1 << type)) !== 0)
        list.fail(`has the entry extension 2.5.29.${type} twice`, list.elementStart);
      if (isKnown) seen |= 1 << type;
      const critical = extension.at(Tag.boolean) && extension.boolean();
      extension.next(Tag.octetString);
      value.reset(extension.contentStart, extension.contentEnd);
      extension.finish();
      if (type === 21) into.reason = readReason(value);
      else if (type === 24) readTime(value);
      else if (type === 29) into.certificateIssuer = readCertificateIssuer(value);
      if (isKnown) value.finish();
      // Section 5.3: only certificateIssuer may be critical. OpenSSL rejects every other critical extension.
      if (critical && type !== 29) into.unknownCriticalExtension = isKnown ? `2.5.29.${type}` : oid;
    }
  }
}

function readReason(value: DerReader): number {
  value.next(Tag.enumerated);
  const reason = value.bytes[value.contentStart] ?? 0xff;
  if (value.contentEnd - value.contentStart !== 1 || reason >= revocationReasons.length || reason === 7) {
    value.fail('has a reason that RFC 5280 section 5.3.1 does not define', value.elementStart);
  }
  return reason;
}

function readCertificateIssuer(value: DerReader): DistinguishedName {
  const names = readGeneralNames(value.enter(Tag.sequence));
  for (const name of names) {
    if (name.kind === 'directoryName') return name.value;
  }
  return value.fail('has a certificateIssuer without a directory name', value.elementStart);
}
