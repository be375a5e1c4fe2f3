/**
 * The entries of a CRL (RFC 5280 section 5.3), walked in place: a million of
 * them without an object each.
 *
 * @module
 */
import { DerReader, type DerSubject, Tag } from './der.js';
import { type DistinguishedName } from './distinguished-name.js';
import { readGeneralNames } from './general-name.js';
import { placeInCrl } from './place.js';
import { type PlainEntry, readPlainEntry } from './plain-entry.js';
import { readTime } from './time.js';

/** What the errors about a CRL's bytes say. */
export const crlSubject: DerSubject = {
  code: 'ERR_MTLS_CRL_INVALID',
  noun: 'CRL',
  placeOf: placeInCrl,
  // https://github.com/golang/go/issues/16686, https://github.com/hashicorp/vault/issues/1727
  offsetRemedy:
    'update the CA, or have it write UTC: CreateCRL() of Go 1.7 wrote such times, and HashiCorp Vault of 2016 with it',
};

/** The reason a certificate was revoked for, by the names of RFC 5280 section 5.3.1. */
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

/** In the order of CRLReason; 7 is not used. */
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

/** One entry, valid until the walk goes on: it is the same object every time. */
export interface CrlEntry extends PlainEntry {
  /** The issuer of this entry's certificate, where an indirect CRL names another than the entry before. */
  certificateIssuer: DistinguishedName | undefined;
  /** A critical extension that must not be, or that nothing here knows, dotted. */
  unknownCriticalExtension: string | undefined;
}

/** Where a CRL's entries lie in its bytes. */
export interface CrlEntries {
  readonly raw: Buffer;
  readonly entries: { readonly start: number; readonly end: number };
}

// What becomes objects takes many times its size, and a CRL can be as large as a file. Real ones need a few hundred.
const longestPart = 65_536;

/** Refuses a part of a CRL, entered, that is longer than any real one. */
export function refuseLonger(part: DerReader, what: string): void {
  const length = part.limit - part.offset;
  if (length <= longestPart) return;
  part.fail(`has ${what} of ${length} bytes, where ${longestPart} are the most that are read`, part.offset);
}

/** Calls `visit` for every entry in turn. Allocates only for entries with rare extensions. */
export function walkEntries(crl: CrlEntries, visit: (entry: Readonly<CrlEntry>) => void): void {
  const reader = new EntryReader(crl);
  while (reader.next()) visit(reader.entry);
}

/** Reads entries one by one. Apart from the walk, whose compiled form dies with each new visitor. */
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

  /** Reads the next entry; `false` where there is none. */
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

/** Reads the extensions of entries; one reader for all of them. */
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
      // Section 5.3: of the three, certificateIssuer alone is critical. OpenSSL refuses every other, known or not.
      if (critical && type !== 29) into.unknownCriticalExtension = isKnown ? `2.5.29.${type}` : oid;
    }
  }
}

function readReason(value: DerReader): number {
  value.next(Tag.enumerated);
  const reason = value.bytes[value.contentStart] ?? 0xff;
  if (value.contentEnd - value.contentStart !== 1 || reason >= revocationReasons.length || reason === 7) {
    value.fail('has a reason that RFC 5280 section 5.3.1 does not know', value.elementStart);
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
