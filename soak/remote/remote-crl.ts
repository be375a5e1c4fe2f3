/**
 * The CRL of a CA that is published at an outlet, which fails at times. Its clients are revoked one after the other.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../../bench/harness/clock.js';
import { ca, type Certificate, type CertificateAuthority } from '../../test/support/chain.js';
import type { Revocations } from '../chaos/crl-changes.js';
import { Disk } from '../chaos/disk.js';
import type { Journal } from '../chaos/journal.js';
import { repeat } from '../chaos/schedule.js';
import { changeEveryMs, outageMs } from '../plan.js';
import type { Outage, Outlet } from './outlet.js';

// Every third change is an outage.
const outageEvery = 3;

export class RemoteCrl<Place extends Outlet> {
  readonly authority: CertificateAuthority;
  readonly outlet: Place;
  /** How many CRLs were published. */
  lists: number = 0;
  /** How often the outlet failed, by outage. */
  readonly outages: Record<string, number> = {};
  readonly #journal: Journal;
  readonly #disk: Disk = new Disk();
  readonly #revoked: Certificate[] = [];

  /** @param name - The name of the CA. */
  constructor(name: string, outletOf: (authority: CertificateAuthority) => Place, journal: Journal) {
    this.authority = ca(name);
    this.outlet = outletOf(this.authority);
    this.#journal = journal;
  }

  /** Publishes the first CRL. */
  async begin(): Promise<void> {
    await this.#publish();
  }

  /** Publishes CRLs until `signal`. */
  async run(revocations: Revocations, signal: AbortSignal): Promise<void> {
    await repeat({ everyMs: changeEveryMs.remoteCrl, signal }, async (count) => {
      const { outages } = this.outlet;
      const turn = Math.floor(count / outageEvery);
      if (count % outageEvery === outageEvery - 1)
        await this.#suffer(outages[turn % outages.length] as Outage, revocations);
      await this.#revokeNext(revocations);
    });
  }

  /** While a part of the outlet can be read, a revocation takes effect. */
  async #suffer(outage: Outage, revocations: Revocations): Promise<void> {
    this.#journal.note(outage.name);
    this.outages[outage.name] = (this.outages[outage.name] ?? 0) + 1;
    if (outage.isTotal) this.#disk.break();
    await outage.begin();
    if (!outage.isTotal) await this.#revokeNext(revocations);
    await sleep(outageMs);
    await outage.end();
    this.#disk.restore();
  }

  async #revokeNext(revocations: Revocations): Promise<void> {
    const { way } = this.outlet;
    const certificate = revocations.begin(machineTime(), way);
    if (certificate !== undefined) this.#revoked.push(certificate);
    await this.#publish();
    this.#journal.note(`CRL ${this.lists} ${way}`);
    if (certificate !== undefined) this.#disk.whenItCounts(revocations.complete());
  }

  async #publish(): Promise<void> {
    const { der } = this.authority.crl({ revoked: this.#revoked, number: ++this.lists });
    await this.outlet.publish(der);
  }
}
