/**
 * A new CRL every second, with each way of replacing a file in turn, and a broken one at regular intervals.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { machineTime } from '../../bench/harness/clock.js';
import { type Certificate, type CertificateAuthority, largeCrl } from '../../test/support/chain.js';
import type { CrlMaterial } from '../../test/support/crl.js';
import { changeEveryMs } from '../plan.js';
import { type BrokenListName, brokenLists } from './broken-lists.js';
import {
  type CrlPlace,
  type CrlUpdate,
  type CrlUpdateName,
  crlUpdates,
  partialUpdates,
  replace,
} from './crl-updates.js';
import type { Disk, Tell } from './disk.js';
import type { Journal } from './journal.js';
import { repeat } from './schedule.js';

/** Selects the clients to revoke. */
export interface Revocations {
  /** Starts a revocation: the certificate is on the next valid CRL. */
  begin(at: number, way: string): Certificate | undefined;
  /** The CRL is published. Returns the callback for when it takes effect. */
  complete(): Tell;
}

const large = 'renamed into place, 10,000 entries';
const largeEntries = 10_000;

type Step = { readonly good: CrlUpdateName | typeof large } | { readonly broken: BrokenListName };

const steps: readonly Step[] = [
  { good: 'renamed into place' },
  { broken: 'empty' },
  { good: 'written in place' },
  { broken: 'truncated' },
  { good: 'written in place, in halves' },
  { broken: 'garbage' },
  { good: 'deleted and created' },
  { broken: "signed with another CA's key" },
  { good: 'DER in place of PEM' },
  { broken: 'of an unknown CA' },
  { good: '..data swapped' },
  { broken: 'older than the one in force' },
  { good: 'link moved' },
  { broken: 'expired' },
  { good: 'behind a link, elsewhere' },
  { good: large },
  { good: 'folder replaced' },
];

export class CrlChanges {
  /** The number of published CRLs, by way or fault. */
  readonly counts: Record<'good' | 'broken', Record<string, number>> = { good: {}, broken: {} };
  readonly #issuer: CertificateAuthority;
  readonly #place: CrlPlace;
  readonly #disk: Disk;
  readonly #journal: Journal;
  readonly #revoked: Certificate[] = [];
  #number: number = 100;
  #goodLists: number = 0;

  constructor(
    issuer: CertificateAuthority,
    place: CrlPlace,
    { disk, journal }: { disk: Disk; journal: Journal },
  ) {
    this.#issuer = issuer;
    this.#place = place;
    this.#disk = disk;
    this.#journal = journal;
  }

  /** Changes the CRL until `signal`. */
  async run(revocations: Revocations, good: readonly Certificate[], signal: AbortSignal): Promise<void> {
    await repeat({ firstAfterMs: changeEveryMs.crl, everyMs: changeEveryMs.crl, signal }, async (count) => {
      const step = steps[count % steps.length] as Step;
      if ('good' in step) await this.#publish(step.good, revocations);
      else this.#spoil(step.broken, good);
    });
    // Changes that wait behind a broken CRL must take effect before the end.
    await this.#publish('renamed into place', revocations);
  }

  async #publish(way: CrlUpdateName | typeof large, revocations: Revocations): Promise<void> {
    // Two of three CRLs have a new revocation. With ten ways, each is used with and without one in turn.
    const certificate = this.#goodLists++ % 3 === 2 ? undefined : revocations.begin(machineTime(), way);
    if (certificate !== undefined) this.#revoked.push(certificate);
    this.#journal.note(`CRL ${this.#number + 1}, ${way}`);
    const list = this.#nextList(way);
    if (partialUpdates.has(way)) this.#disk.break();
    await updateBy(way)(this.#place, list);
    this.#disk.restore();
    if (certificate !== undefined) this.#disk.whenItCounts(revocations.complete());
    this.#tally('good', way);
  }

  #spoil(fault: BrokenListName, good: readonly Certificate[]): void {
    this.#journal.note(`broken CRL, ${fault}`);
    this.#disk.break();
    const content = brokenLists[fault]({ issuer: this.#issuer, number: this.#number + 1, good });
    // Without an atomic rename, as manual edits do it.
    if (fault === 'empty' || fault === 'truncated') writeFileSync(this.#place.path, content);
    else replace(this.#place.path, content);
    this.#tally('broken', fault);
  }

  #nextList(way: string): CrlMaterial {
    const number = ++this.#number;
    return way === large
      ? largeCrl(this.#issuer, { entries: largeEntries, also: this.#revoked, number })
      : this.#issuer.crl({ revoked: this.#revoked, number });
  }

  #tally(into: 'good' | 'broken', name: string): void {
    this.counts[into][name] = (this.counts[into][name] ?? 0) + 1;
  }
}

function updateBy(way: CrlUpdateName | typeof large): CrlUpdate {
  return way === large ? crlUpdates['renamed into place'] : crlUpdates[way];
}
