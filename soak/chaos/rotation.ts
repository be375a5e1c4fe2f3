/**
 * Renews the server's key and certificate: one file after the other, and both at once.
 *
 * @module
 */
import { mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Certificate, CertificateAuthority } from '../../test/support/chain.js';
import { changeEveryMs, jitterMs } from '../plan.js';
import { relink, replace } from './crl-updates.js';
import type { Journal } from './journal.js';
import { breakPair, clearKey, type PairFault, type PairPlace, pairFaults } from './pair-faults.js';
import { repeat } from './schedule.js';

const keyFile = 'server-key.pem';
const certFile = 'server-crt.pem';

// The delay between key and certificate.
const gapMs = 200;

export class Rotation {
  readonly counts: { 'key first': number; 'both at once': number } = { 'key first': 0, 'both at once': 0 };
  /** How often the pair was broken, by fault. */
  readonly broken: Record<string, number> = {};
  readonly #issuer: CertificateAuthority;
  readonly #folder: string;
  readonly #journal: Journal;
  #version: number = 0;

  /** Writes the first pair. */
  constructor(issuer: CertificateAuthority, folder: string, journal: Journal) {
    this.#issuer = issuer;
    this.#folder = folder;
    this.#journal = journal;
    mkdirSync(folder);
    this.#swap(issuer.server());
    for (const name of [keyFile, certFile]) symlinkSync(join('..data', name), join(folder, name));
  }

  /** Behind the link. */
  get #pair(): PairPlace {
    const folder = join(this.#folder, '..data');
    return { key: join(folder, keyFile), cert: join(folder, certFile) };
  }

  get key(): string {
    return join(this.#folder, keyFile);
  }

  get cert(): string {
    return join(this.#folder, certFile);
  }

  /** Renews the pair until `signal`. */
  async run(signal: AbortSignal): Promise<void> {
    const everyMs = changeEveryMs.keyAndCertificate;
    await repeat({ firstAfterMs: everyMs / 2, everyMs, jitterMs, signal }, async (count) => {
      const fault = pairFaults[count % pairFaults.length] as PairFault;
      this.#break(fault);
      await sleep(changeEveryMs.brokenPair);
      const renewed = this.#issuer.server();
      if (count % 2 === 0) await this.#replaceOneByOne(renewed);
      else this.#replaceBoth(renewed);
    });
  }

  #break(fault: PairFault): void {
    this.#journal.note(`the pair is broken: ${fault}`);
    breakPair(fault, this.#pair, (dates) => this.#issuer.server(dates));
    this.broken[fault] = (this.broken[fault] ?? 0) + 1;
  }

  async #replaceOneByOne({ keyPem, chainPem }: Certificate): Promise<void> {
    this.#journal.note(`key renewed, its certificate ${gapMs} ms later`);
    clearKey(this.#pair);
    replace(this.#pair.key, keyPem);
    await sleep(gapMs);
    replace(this.#pair.cert, chainPem);
    this.counts['key first']++;
  }

  #replaceBoth(renewed: Certificate): void {
    this.#journal.note('key and certificate renewed at once');
    this.#swap(renewed);
    this.counts['both at once']++;
  }

  #swap({ keyPem, chainPem }: Certificate): void {
    const link = join(this.#folder, '..data');
    const name = `..pair-${++this.#version}`;
    mkdirSync(join(this.#folder, name));
    writeFileSync(join(this.#folder, name, keyFile), keyPem, { mode: 0o600 });
    writeFileSync(join(this.#folder, name, certFile), chainPem);
    const old = this.#version > 1 ? readlinkSync(link) : undefined;
    relink(link, name);
    if (old !== undefined) rmSync(join(this.#folder, old), { recursive: true });
  }
}
