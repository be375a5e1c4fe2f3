/**
 * What is in force: one value, which a commit replaces. The handle, the gate and the reloader read it here and keep
 * no copy.
 *
 * @module
 */
import { type CompleteCertificatePolicy } from '../judgement/certificate-policy.js';
import { createJudges, type Judges } from '../judgement/judges.js';
import { type Material, type Materials } from '../material/material.js';
import { type BuiltContext } from '../material/secure-context.js';

/** The secure contexts of the server and of the names with a certificate of their own. */
export interface Contexts {
  /** `undefined` if the server has no TLS. */
  readonly main: BuiltContext | undefined;
  readonly named: ReadonlyMap<string, BuiltContext>;
}

/** Checked material and its secure contexts: the input of a commit. */
export interface Prepared {
  readonly materials: Materials;
  readonly contexts: Contexts;
}

/** What is in force at one time. */
export interface InForce extends Prepared {
  /** The number of the commit. A connection that was judged under another generation is judged again. */
  readonly generation: number;
  readonly judges: Judges;
}

/** Makes the contexts of material, one after another. @param make - Reuses what it can of the context before. */
export function contextsOf(
  { main, named }: Materials,
  before: Contexts | undefined,
  make: (material: Material, before: BuiltContext | undefined) => BuiltContext,
): Contexts {
  return {
    main: main.credentials && make(main, before?.main),
    named: new Map([...named].map(([name, material]) => [name, make(material, before?.named.get(name))])),
  };
}

/** Holds what is in force. Only `commit()` replaces it. */
export class State {
  readonly #certificates: CompleteCertificatePolicy;
  #inForce: InForce | undefined;

  constructor(certificates: CompleteCertificatePolicy) {
    this.#certificates = certificates;
  }

  /** What is in force; `undefined` until the sources have been read. */
  get inForce(): InForce | undefined {
    return this.#inForce;
  }

  /** The SHA-256 hash of each proxy secret. */
  get proxySecrets(): readonly Buffer[] {
    return this.#inForce?.materials.main.proxies?.secrets ?? [];
  }

  /** The judges in force; `undefined` before the first commit, when every client is refused. */
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
