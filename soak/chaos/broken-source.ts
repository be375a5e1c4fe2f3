/**
 * A source that is broken at all times, with each fault in turn, while the others change. The others must not be held
 * up.
 *
 * @module
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CertificateAuthority, ca } from '../../test/support/chain.js';
import { changeEveryMs, jitterMs } from '../plan.js';
import { replace } from './crl-updates.js';
import type { Disk } from './disk.js';
import type { Journal } from './journal.js';
import { repeat } from './schedule.js';

/** The files of another CA. */
export interface PartnerPlace {
  /** The file with its certificate: the second source of `ca`. */
  readonly ca: string;
  /** Its CRL. */
  readonly crl: string;
}

/** Faults of another CA's files. */
export const partnerFaults = [
  'CRL of another CA: garbled',
  'a leaf in a file of CAs',
  'CRL of another CA: cut off',
  'a file of CAs missing',
  'CRL of another CA: older',
  'CRL of another CA: a folder in its place',
] as const;
type Fault = (typeof partnerFaults)[number];

export class BrokenSource {
  readonly counts: Record<string, number> = {};
  readonly #partner: CertificateAuthority = ca('partner-ca');
  readonly #place: PartnerPlace;
  readonly #additions: Disk;
  readonly #journal: Journal;

  /**
   * Writes the valid files.
   * @param additions - Reports when an added CA takes effect, which requires that every source of `ca` can be read.
   */
  constructor(folder: string, crls: string, { additions, journal }: { additions: Disk; journal: Journal }) {
    this.#place = { ca: join(folder, 'partner-crt.pem'), crl: join(crls, 'partner.pem') };
    this.#additions = additions;
    this.#journal = journal;
    writeFileSync(this.#place.ca, this.#partner.pem);
    writeFileSync(this.#place.crl, this.#partner.crl({ number: 7 }).pem);
  }

  /** The second source of `ca`. */
  get ca(): string {
    return this.#place.ca;
  }

  /** Keeps a source broken until `signal`. */
  async run(signal: AbortSignal): Promise<void> {
    await repeat({ everyMs: changeEveryMs.brokenSource, jitterMs, signal }, (count) => {
      const fault = partnerFaults[count % partnerFaults.length] as Fault;
      this.#journal.note(fault);
      // The next source breaks before the previous one is repaired, so that one is broken at every moment.
      if (fault.startsWith('CRL')) {
        this.#break(fault);
        replace(this.#place.ca, this.#partner.pem);
        this.#additions.restore();
      } else {
        this.#additions.break();
        this.#break(fault);
        rmSync(this.#place.crl, { recursive: true, force: true });
        replace(this.#place.crl, this.#partner.crl({ number: 7 + count }).pem);
      }
      this.counts[fault] = (this.counts[fault] ?? 0) + 1;
    });
    // Waiting changes must take effect before the end.
    replace(this.#place.ca, this.#partner.pem);
    this.#additions.restore();
  }

  #break(fault: Fault): void {
    const { ca: file, crl } = this.#place;
    // The path may be a folder.
    if (fault.startsWith('CRL')) rmSync(crl, { recursive: true, force: true });
    if (fault === 'CRL of another CA: garbled') replace(crl, 'garbled');
    else if (fault === 'CRL of another CA: cut off')
      writeFileSync(crl, this.#partner.crl().der.subarray(0, -30));
    else if (fault === 'CRL of another CA: older') replace(crl, this.#partner.crl({ number: 1 }).pem);
    else if (fault === 'a file of CAs missing') rmSync(file);
    else if (fault === 'a leaf in a file of CAs')
      replace(file, this.#partner.pem + this.#partner.client().pem);
    else mkdirSync(crl);
  }
}
