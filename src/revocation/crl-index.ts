/**
 * The certificates that one CRL lists, packed for lookups. Immutable: a reload builds a new index.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import {
  type CrlEntries,
  type CrlEntry,
  mostEntriesIn,
  revocationReasons,
  type RevocationReason,
  walkEntries,
} from '../x509/crl-entry.js';
import { type DistinguishedName } from '../x509/distinguished-name.js';
import { randomSeed } from './serial-hash.js';
import { packSerials, type SerialRows, TableMemory } from './serial-packing.js';
import { countMissingRows, findSerial, lifting, type SerialTableData } from './serial-table.js';

/** The entry of a certificate in a CRL. */
export interface RevokedEntry {
  readonly reason: RevocationReason;
  readonly revocationDate: Date;
}

/** The tables for the certificates of one issuer, one per length of serial number. */
interface IssuerTables {
  /** The canonical name of the issuer in an indirect CRL; `undefined` for the issuer of the CRL. */
  readonly issuer: string | undefined;
  readonly tables: readonly SerialTableData[];
}

/** An index as plain typed arrays. */
export interface CrlIndexData {
  /** The secret key of the hash of every table. */
  readonly seed: Uint32Array;
  readonly issuers: readonly IssuerTables[];
}

/** Counts the entries of an index that none of the others has. Fast if all were packed with the same seed. */
export function countMissingEntries({ issuers }: CrlIndexData, others: readonly CrlIndexData[]): number {
  const known = new Map<string, SerialTableData[]>();
  for (const { issuer, tables } of others.flatMap((other) => other.issuers)) {
    for (const table of tables) {
      const key = `${table.width} ${issuer ?? ''}`;
      known.set(key, [...(known.get(key) ?? []), table]);
    }
  }
  let missing = 0;
  for (const { issuer, tables } of issuers) {
    for (const table of tables)
      missing += countMissingRows(table, known.get(`${table.width} ${issuer ?? ''}`) ?? []);
  }
  return missing;
}

/** Looks up certificates in one CRL. */
export class CrlIndex {
  /** The data of this index, which another thread can compare. */
  readonly data: CrlIndexData;
  readonly #tables = new Map<string | undefined, ReadonlyMap<number, SerialTableData>>();

  constructor(data: CrlIndexData) {
    this.data = data;
    for (const { issuer, tables } of data.issuers) {
      this.#tables.set(issuer, new Map(tables.map((table) => [table.width, table])));
    }
  }

  /** Whether an entry has the reason removeFromCRL. In a full CRL, RFC 5280 gives it no meaning. */
  get lifts(): boolean {
    return this.data.issuers.some(({ tables }) => tables.some(({ reasons }) => reasons.includes(lifting)));
  }

  /**
   * The entry of a certificate, or `undefined` if it is not listed. Never throws and never reads the clock.
   * @param serial - The content octets of the serial number.
   * @param issuer - The issuer of the certificate; `undefined` if it is the issuer of the CRL.
   */
  find(serial: Uint8Array, issuer?: DistinguishedName): RevokedEntry | undefined {
    const table = this.#tables.get(issuer?.canonical)?.get(serial.length);
    if (table === undefined) return undefined;
    const row = findSerial(table, serial);
    if (row < 0) return undefined;
    return {
      reason: revocationReasons[table.reasons[row] as number] ?? 'unspecified',
      revocationDate: new Date((table.dates[row] as number) * 1000),
    };
  }
}

/** A CRL whose entries are to be packed. */
type CrlToPack = CrlEntries & { readonly issuer: DistinguishedName };

/**
 * Packs the entries of a CRL.
 * @param seed - The seed of the index that this one will replace, for a fast comparison; a new one by default.
 */
export function packEntries(crl: CrlToPack, seed?: Uint32Array): CrlIndexData {
  const collector = new EntryCollector(crl);
  walkEntries(crl, (entry) => {
    collector.add(entry);
  });
  return collector.pack(seed);
}

/** Collects the entries of a CRL while it is read, and packs them when it is verified. */
export class EntryCollector {
  readonly #crl: CrlToPack;
  readonly #rows: RowCollector;
  #issuer: string | undefined;

  constructor(crl: CrlToPack) {
    this.#crl = crl;
    this.#rows = new RowCollector(mostEntriesIn(crl.entries.end - crl.entries.start));
  }

  /** Notes one entry, in the order of the CRL. */
  add(entry: Readonly<CrlEntry>): void {
    // RFC 5280 section 5.3.3: an entry without a certificateIssuer has that of the preceding entry.
    if (entry.certificateIssuer !== undefined) {
      const { issuer } = this.#crl;
      this.#issuer = entry.certificateIssuer.equals(issuer) ? undefined : entry.certificateIssuer.canonical;
    }
    this.#rows.add(this.#issuer, entry);
  }

  /**
   * Packs what was collected.
   * @throws MtlsError `ERR_MTLS_CRL_UNSUPPORTED` for more issuers than any real CRL has.
   */
  pack(seed: Uint32Array = randomSeed()): CrlIndexData {
    return { seed, issuers: this.#rows.pack(this.#crl.raw, seed) };
  }
}

/** Serial numbers of one length from one issuer: they become one table. */
interface Group {
  readonly issuer: string | undefined;
  readonly width: number;
  count: number;
}

// The maximum of issuers times serial number lengths in an indirect CRL. Each pair is a table of about a thousand
// bytes; real CRLs have a handful.
const maxGroups = 4096;

/** Collects the entries, then distributes them by issuer and length of serial number. */
class RowCollector {
  readonly #offsets: Uint32Array;
  readonly #dates: Uint32Array;
  readonly #reasons: Uint8Array;
  /** The group of each row, as an index into `#groups`. */
  readonly #groupOfRow: Uint16Array;
  readonly #groups: Group[] = [];
  readonly #groupIndexes = new Map<string, number>();
  #last = -1;
  #count = 0;
  #hasTooManyGroups = false;

  /** @param capacity - The most rows. Memory that no row is written to costs nothing. */
  constructor(capacity: number) {
    this.#offsets = new Uint32Array(capacity);
    this.#dates = new Uint32Array(capacity);
    this.#reasons = new Uint8Array(capacity);
    this.#groupOfRow = new Uint16Array(capacity);
  }

  add(issuer: string | undefined, { serialStart, serialEnd, revocationDate, reason }: CrlEntry): void {
    const group = this.#groupIndex(issuer, serialEnd - serialStart);
    if (group < 0) return;
    const row = this.#count++;
    (this.#groups[group] as Group).count++;
    this.#groupOfRow[row] = group;
    this.#offsets[row] = serialStart;
    this.#dates[row] = Math.min(Math.max(revocationDate, 0), 0xffff_ffff);
    this.#reasons[row] = reason;
  }

  /** The group of an entry; -1 if there are too many groups. */
  #groupIndex(issuer: string | undefined, width: number): number {
    const last = this.#groups[this.#last];
    if (last?.width === width && last.issuer === issuer) return this.#last;
    const key = `${width} ${issuer ?? ''}`;
    let index = this.#groupIndexes.get(key);
    if (index === undefined) {
      index = this.#groups.length;
      // It is an error of a verified CRL, which pack() reports.
      if (index >= maxGroups) {
        this.#hasTooManyGroups = true;
        return -1;
      }
      this.#groups.push({ issuer, width, count: 0 });
      this.#groupIndexes.set(key, index);
    }
    this.#last = index;
    return index;
  }

  pack(bytes: Buffer, seed: Uint32Array): IssuerTables[] {
    // A row that was not kept would be a revocation that is not found.
    if (this.#count > this.#offsets.length)
      throw new RangeError('a CRL has more entries than its bytes can hold');
    if (this.#hasTooManyGroups) {
      throw new MtlsError('ERR_MTLS_CRL_UNSUPPORTED', {
        seen: `the CRL has more than ${maxGroups} combinations of issuer and serial number length`,
        remedy: 'have the CA split it by issuer',
      });
    }
    const rows = this.#deal(bytes);
    const space = { seed, memory: new TableMemory(this.#groups) };
    const byIssuer = new Map<string | undefined, SerialTableData[]>();
    for (const [index, { issuer, width }] of this.#groups.entries()) {
      const table = packSerials(rows[index] as SerialRows, width, space);
      const tables = byIssuer.get(issuer);
      if (tables === undefined) byIssuer.set(issuer, [table]);
      else tables.push(table);
    }
    return [...byIssuer].map(([issuer, tables]) => ({ issuer, tables }));
  }

  /** The rows of each group. With a single group, the usual case, they are used as they are. */
  #deal(bytes: Buffer): SerialRows[] {
    if (this.#groups.length === 1) {
      const count = this.#count;
      const [offsets, dates] = [this.#offsets.subarray(0, count), this.#dates.subarray(0, count)];
      return [{ bytes, offsets, dates, reasons: this.#reasons.subarray(0, count) }];
    }
    const rows = this.#groups.map(({ count }): SerialRows => ({
      bytes,
      offsets: new Uint32Array(count),
      dates: new Uint32Array(count),
      reasons: new Uint8Array(count),
    }));
    const filled = new Uint32Array(rows.length);
    for (let row = 0; row < this.#count; row++) {
      const group = this.#groupOfRow[row] as number;
      const { offsets, dates, reasons } = rows[group] as SerialRows;
      const place = filled[group] as number;
      filled[group] = place + 1;
      offsets[place] = this.#offsets[row] as number;
      dates[place] = this.#dates[row] as number;
      reasons[place] = this.#reasons[row] as number;
    }
    return rows;
  }
}
