/**
 * Renews the server's pair behind a loader. Before each renewal, the loader fails for a while.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Certificate, CertificateAuthority } from '../../test/support/chain.js';
import type { Journal } from '../chaos/journal.js';
import { repeat } from '../chaos/schedule.js';
import { changeEveryMs, jitterMs } from '../plan.js';

/** What a loader of credentials resolves to; `undefined` if it rejects. */
export type SuppliedPair = { readonly key: string; readonly cert: string } | undefined;

/** Faults of a loader of credentials. */
export const credentialFaults = [
  'credentials: load() rejects',
  'credentials: the key of another certificate',
  'credentials: the certificate has expired',
] as const;
type CredentialFault = (typeof credentialFaults)[number];

const hour = 3_600_000;

export class CredentialRenewal {
  readonly first: SuppliedPair;
  /** How often the pair was renewed. */
  renewals: number = 0;
  /** How often the loader failed, by fault. */
  readonly broken: Record<string, number> = {};
  readonly #issuer: CertificateAuthority;
  readonly #journal: Journal;

  constructor(issuer: CertificateAuthority, journal: Journal) {
    this.#issuer = issuer;
    this.#journal = journal;
    this.first = pairOf(issuer.server());
  }

  /** Renews the pair until `signal`. @param supply - Gives the loader its next result. */
  async run(supply: (pair: SuppliedPair) => Promise<void>, signal: AbortSignal): Promise<void> {
    const everyMs = changeEveryMs.keyAndCertificate;
    await repeat({ firstAfterMs: everyMs / 2, everyMs, jitterMs, signal }, async (count) => {
      const fault = credentialFaults[count % credentialFaults.length] as CredentialFault;
      this.#journal.note(fault);
      this.broken[fault] = (this.broken[fault] ?? 0) + 1;
      await supply(this.#faulty(fault));
      await sleep(changeEveryMs.brokenPair);
      this.#journal.note('credentials renewed');
      await supply(pairOf(this.#issuer.server()));
      this.renewals++;
    });
  }

  #faulty(fault: CredentialFault): SuppliedPair {
    if (fault === 'credentials: load() rejects') return undefined;
    const [one, other] = [this.#issuer.server(), this.#issuer.server()];
    if (fault === 'credentials: the key of another certificate')
      return { key: one.keyPem, cert: other.chainPem };
    const from = (ms: number): Date => new Date(Date.now() + ms);
    return pairOf(this.#issuer.server({ notBefore: from(-2 * hour), notAfter: from(-hour) }));
  }
}

function pairOf({ keyPem, chainPem }: Certificate): SuppliedPair {
  return { key: keyPem, cert: chainPem };
}
