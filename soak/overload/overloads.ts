/**
 * Clients that keep a server busy and are then revoked, with one load after the other. The server reads the files of
 * the other servers too, one of which is broken at all times.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../../bench/harness/child.js';
import { machineTime } from '../../bench/harness/clock.js';
import type { ClientCalls } from '../../bench/programs/client.js';
import { ca, type Certificate, type CertificateAuthority } from '../../test/support/chain.js';
import { replace } from '../chaos/crl-updates.js';
import type { Journal } from '../chaos/journal.js';
import { repeat } from '../chaos/schedule.js';
import { changeEveryMs, type Overload, overloadLimitMs, overloadMs, overloads } from '../plan.js';
import type { OverloadedServerCalls } from '../programs/overloaded-server.js';
import type { ServerFiles } from '../server-files.js';
import type { OverloadFigures } from './overload-figures.js';

const firstAfterMs = 2000;
// Requests that reach a handler after their connection was closed have done so by then.
const settleMs = 200;

const issuerName = 'overload-ca';

export class Overloads {
  readonly #authority: CertificateAuthority = ca(issuerName);
  readonly #files: { readonly ca: string; readonly crl: string };
  readonly #journal: Journal;
  readonly #server = new Child<OverloadedServerCalls>(
    new URL('../programs/overloaded-server.ts', import.meta.url),
  );
  readonly #client = new Child<ClientCalls>('client');
  readonly #revoked: Certificate[] = [];
  #target: { readonly port: number; readonly trusted: string } | undefined;
  readonly #figures = new Map<Overload, OverloadFigures>();

  /** Writes the CA of the clients, and its first CRL. */
  constructor(folder: string, journal: Journal) {
    this.#files = { ca: join(folder, 'overload-crt.pem'), crl: join(folder, 'overload-crl.pem') };
    this.#journal = journal;
    writeFileSync(this.#files.ca, this.#authority.pem);
    writeFileSync(this.#files.crl, this.#authority.crl({ number: 1 }).pem);
  }

  /** One row for each load that has run. */
  get figures(): readonly OverloadFigures[] {
    return [...this.#figures.values()];
  }

  /**
   * Starts the server. Call this before a source is broken: a server does not start with it.
   * @param files - Those of the other servers that break. Without the CRL of every second: loading it here too would
   *   take the cores from the servers under test.
   * @param trusted - The CA of the server's certificate, in PEM.
   */
  async start(files: ServerFiles, trusted: string): Promise<void> {
    const { ca: own, crl } = this.#files;
    const all = { ...files, ca: [...files.ca, own], crl: [...files.crl, crl] };
    this.#target = { port: await this.#server.call('listen', all, `CN=${issuerName}`), trusted };
  }

  /** Overloads the server until `signal`. A load that has begun is completed. */
  async run(signal: AbortSignal): Promise<void> {
    await repeat({ firstAfterMs, everyMs: changeEveryMs.overload, signal }, async (count) => {
      await this.#overload(overloads[count % overloads.length] as Overload);
    });
  }

  async stop(): Promise<void> {
    await Promise.all([this.#server.stop(), this.#client.stop()]);
  }

  async #overload(load: Overload): Promise<void> {
    if (this.#target === undefined) throw new Error('the server was not started');
    const { port, trusted } = this.#target;
    this.#journal.note(`a server is overloaded: ${load.name}`);
    const certificate = this.#authority.client();
    const { keyPem: key, chainPem: cert } = certificate;
    const target = { port, credentials: { key, cert, ca: trusted } };
    await this.#server.call('begin', load.handleMs);
    await this.#client.call('openBusy', target, load.connections, load.sending);
    await this.#client.call('beginBusy');
    await sleep(overloadMs);
    const writtenAt = this.#revoke(certificate);
    const closedAt = await this.#client.call('busyAreClosed', overloadLimitMs);
    await sleep(settleMs);
    const { count, afterCommit, firstAt, lastAt } = await this.#server.call('handled');
    // On a slow machine the load may come after its revocation. It has its turn again.
    if (count === 0 || firstAt > writtenAt) return;
    const before = this.#figures.get(load);
    this.#figures.set(load, {
      name: load.name,
      revocations: (before?.revocations ?? 0) + 1,
      handled: (before?.handled ?? 0) + count,
      lastHandledMs: Math.max(before?.lastHandledMs ?? 0, Math.round(lastAt - writtenAt)),
      closedMs: Math.max(before?.closedMs ?? 0, Math.round(closedAt - writtenAt)),
      afterCommit: (before?.afterCommit ?? 0) + afterCommit,
    });
  }

  /** Publishes a CRL with one more client, and returns when it was written. */
  #revoke(certificate: Certificate): number {
    this.#revoked.push(certificate);
    const number = this.#revoked.length + 1;
    const { pem } = this.#authority.crl({ revoked: this.#revoked, number });
    replace(this.#files.crl, pem);
    return machineTime();
  }
}
