/**
 * What is in force: one value, which a commit replaces whole. The handle, the gate and the reloader read it here, and
 * keep nothing of it.
 *
 * @module
 */
import { type CompleteCertificatePolicy } from '../judgement/certificate-policy.js';
import { createJudges, type Judges } from '../judgement/judges.js';
import { type Materials } from '../material/material.js';
import { type BuiltContext } from '../material/secure-context.js';

/** Secure contexts: that of the server, and those of names with a certificate of their own. */
export interface Contexts {
  /** `undefined`: the server has no TLS. */
  readonly main: BuiltContext | undefined;
  readonly named: ReadonlyMap<string, BuiltContext>;
}

/** Material that was checked, and the secure contexts it makes: all that a commit needs. */
export interface Prepared {
  readonly materials: Materials;
  readonly contexts: Contexts;
}

/** What a server works by at one time. */
export interface InForce extends Prepared {
  /** Counts commits: a connection judged under another generation is judged again. */
  readonly generation: number;
  readonly judges: Judges;
}

/** The one place where what is in force is replaced. */
export class State {
  readonly #certificates: CompleteCertificatePolicy;
  #inForce: InForce | undefined;

  constructor(certificates: CompleteCertificatePolicy) {
    this.#certificates = certificates;
  }

  /** What is in force now; `undefined` until the sources have been read. */
  get inForce(): InForce | undefined {
    return this.#inForce;
  }

  /** The SHA-256 of each secret that proves a proxy. */
  get proxySecrets(): readonly Buffer[] {
    return this.#inForce?.materials.main.proxies?.secrets ?? [];
  }

  /** By whom clients are judged now; `undefined`: nobody is let in. */
  get judges(): Judges | undefined {
    return this.#inForce?.judges;
  }

  /** Puts prepared material into force. */
  commit({ materials, contexts }: Prepared): void {
    const generation = (this.#inForce?.generation ?? 0) + 1;
    const judges = createJudges(materials, this.#certificates, generation);
    this.#inForce = Object.freeze({ generation, materials, contexts, judges });
  }
}
