/**
 * A name in `sni` with a certificate, a CA and a CRL of its own. Its key, its certificate or its file of CAs is
 * broken at all times, with each fault in turn. Neither its CRL nor the server may be held up by that.
 *
 * @module
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { machineTime } from '../../bench/harness/clock.js';
import { ca, type Certificate, type CertificateAuthority } from '../../test/support/chain.js';
import { changeEveryMs, jitterMs } from '../plan.js';
import type { ServerNameFiles } from '../server-files.js';
import { underSni } from '../truth/standing.js';
import type { Revocations } from './crl-changes.js';
import { replace } from './crl-updates.js';
import type { Journal } from './journal.js';
import { breakPair, clearKey, type IssuePair, type PairFault, pairFaults } from './pair-faults.js';
import { repeat } from './schedule.js';

/** Before the names of the faults of its files, where they are counted. */
export const serverNamePrefix = 'sni: ';

/** Faults of its file of CAs. */
export const caFaults = [
  'a leaf in its file of CAs',
  'its file of CAs is missing',
  'its file of CAs is garbled',
] as const;
type CaFault = (typeof caFaults)[number];

export class ServerName {
  /** The only CA whose clients are admitted under the name. */
  readonly authority: CertificateAuthority = ca('named-ca');
  /** How often its files were broken, by fault. */
  readonly broken: Record<string, number> = {};
  /** How often its key and certificate were renewed. */
  renewals: number = 0;
  /** How many CRLs its CA has published. */
  lists: number = 0;
  readonly #issuer: CertificateAuthority;
  readonly #files: ServerNameFiles;
  readonly #journal: Journal;
  readonly #revoked: Certificate[] = [];

  /**
   * Writes the initial files.
   * @param issuer - Issues the certificates for the name.
   */
  constructor(folder: string, issuer: CertificateAuthority, journal: Journal) {
    this.#issuer = issuer;
    this.#journal = journal;
    this.#files = {
      name: 'named.example',
      key: join(folder, 'key.pem'),
      cert: join(folder, 'crt.pem'),
      ca: join(folder, 'ca-crt.pem'),
      crl: join(folder, 'ca-crl.pem'),
    };
    mkdirSync(folder);
    this.#writePair();
    this.#repairCas();
    replace(this.#files.crl, this.authority.crl().pem);
  }

  get files(): ServerNameFiles {
    return this.#files;
  }

  /** Keeps one of the files broken, and publishes CRLs for the name, until `signal`. */
  async run(revocations: Revocations, signal: AbortSignal): Promise<void> {
    await Promise.all([
      repeat({ everyMs: changeEveryMs.brokenServerName, jitterMs, signal }, (count) => {
        this.#breakNext(count);
      }),
      repeat({ firstAfterMs: changeEveryMs.crl / 2, everyMs: changeEveryMs.crl, signal }, () => {
        this.#publish(revocations);
      }),
    ]);
    this.#renewPair();
    this.#repairCas();
  }

  /** Breaks a file before the previous one is repaired, so that one is broken at every moment. */
  #breakNext(count: number): void {
    const turn = Math.floor(count / 2);
    if (count % 2 === 0) {
      this.#breakPair(pairFaults[turn % pairFaults.length] as PairFault);
      this.#repairCas();
    } else {
      this.#breakCas(caFaults[turn % caFaults.length] as CaFault);
      this.#renewPair();
    }
  }

  /** Publishes a CRL that revokes the next client that has been served for long enough. */
  #publish(revocations: Revocations): void {
    const certificate = revocations.begin(machineTime(), underSni);
    if (certificate !== undefined) this.#revoked.push(certificate);
    this.#journal.note(`sni: CRL ${++this.lists}`);
    replace(this.#files.crl, this.authority.crl({ revoked: this.#revoked, number: 100 + this.lists }).pem);
    if (certificate !== undefined) revocations.complete()(machineTime());
  }

  #breakPair(fault: PairFault): void {
    this.#note(fault);
    breakPair(fault, this.#files, (dates) => this.#issue(dates));
  }

  #breakCas(fault: CaFault): void {
    this.#note(fault);
    const { ca: file } = this.#files;
    if (fault === 'its file of CAs is missing') rmSync(file);
    else if (fault === 'its file of CAs is garbled') replace(file, 'garbled');
    else replace(file, this.authority.pem + this.authority.client().pem);
  }

  #renewPair(): void {
    this.#journal.note('sni: key and certificate renewed');
    this.#writePair();
    this.renewals++;
  }

  #writePair(): void {
    const { keyPem, chainPem } = this.#issue();
    clearKey(this.#files);
    replace(this.#files.key, keyPem);
    replace(this.#files.cert, chainPem);
  }

  #repairCas(): void {
    replace(this.#files.ca, this.authority.pem);
  }

  #note(fault: string): void {
    const what = `${serverNamePrefix}${fault}`;
    this.#journal.note(what);
    this.broken[what] = (this.broken[what] ?? 0) + 1;
  }

  #issue(dates?: Parameters<IssuePair>[0]): Certificate {
    const { name } = this.#files;
    return this.#issuer.server({ commonName: name, sans: { dns: [name] }, ...dates });
  }
}
