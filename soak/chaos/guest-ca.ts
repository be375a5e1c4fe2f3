/**
 * A CA that is added and removed, and its clients, which keep sending requests.
 *
 * @module
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../../bench/harness/clock.js';
import { type CertificateAuthority, ca } from '../../test/support/chain.js';
import type { Fleet, Member } from '../fleet.js';
import { changeEveryMs, type ConnectionKind, jitterMs, ordinaryKinds, otherClients } from '../plan.js';
import { replace } from './crl-updates.js';
import type { Disk } from './disk.js';
import type { Journal } from './journal.js';
import { repeat } from './schedule.js';

/** Where CAs and their CRLs are published. */
export interface TrustPlace {
  /** The file of CAs. */
  readonly ca: string;
  /** PEM of the CAs that stay. */
  readonly residents: string;
  /** The directory of CRLs. */
  readonly crls: string;
}

// The delay between the two files of a CA.
const stepMs = 50;

export class GuestCa {
  readonly counts: { added: number; removed: number } = { added: 0, removed: 0 };
  readonly #authority: CertificateAuthority = ca('guest-ca');
  readonly #place: TrustPlace;
  readonly #additions: Disk;
  readonly #journal: Journal;
  #clients: readonly Member[] = [];

  /** @param additions - Reports when an added CA takes effect. A removed one takes effect at once. */
  constructor(place: TrustPlace, { additions, journal }: { additions: Disk; journal: Journal }) {
    this.#place = place;
    this.#additions = additions;
    this.#journal = journal;
  }

  async fill(fleet: Fleet): Promise<void> {
    const enrolments = Array.from({ length: otherClients.guest }, (_, index) => {
      // The name in `sni` does not have this CA.
      const kind = ordinaryKinds[index % ordinaryKinds.length] as ConnectionKind;
      return fleet.enrol({ role: 'guest', kind, issuer: this.#authority, isIn: false });
    });
    this.#clients = await Promise.all(enrolments);
  }

  /** Adds and removes the CA until `signal`. */
  async run(signal: AbortSignal): Promise<void> {
    const everyMs = changeEveryMs.guestCa;
    await repeat({ firstAfterMs: everyMs / 2, everyMs, jitterMs, signal }, async (count) => {
      if (count % 2 === 0) await this.#add(count);
      else await this.#remove(count);
    });
  }

  async #add(count: number): Promise<void> {
    this.#journal.note('a CA added');
    const now = machineTime();
    for (const { standing } of this.#clients) standing.mayBeIn(now);
    replace(this.#place.ca, this.#place.residents + this.#authority.pem);
    await sleep(stepMs);
    replace(this.#crl, this.#authority.crl({ number: count + 1 }).pem);
    this.#additions.whenItCounts((at) => {
      for (const { standing } of this.#clients) standing.mustBeIn(at);
    });
    this.counts.added++;
  }

  async #remove(count: number): Promise<void> {
    // With either order, the two files do not match for a moment.
    const isCaFirst = count % 4 === 1;
    const way = isCaFirst ? 'before its CRL' : 'after its CRL';
    this.#journal.note(`a CA removed, ${way}`);
    const now = machineTime();
    for (const { standing } of this.#clients) standing.mayBeOut(now, 'CA removed', way);
    if (isCaFirst) replace(this.#place.ca, this.#place.residents);
    else rmSync(this.#crl);
    await sleep(stepMs);
    if (isCaFirst) rmSync(this.#crl);
    else replace(this.#place.ca, this.#place.residents);
    const at = machineTime();
    for (const { standing } of this.#clients) standing.mustBeOut(at);
    this.counts.removed++;
  }

  get #crl(): string {
    return join(this.#place.crls, 'guest.pem');
  }
}
