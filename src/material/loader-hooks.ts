/**
 * What the loaders of a server are told, each by the trust that it is a source of.
 *
 * @module
 */
import { type Trust } from '../judgement/judges.js';
import { type LoaderState } from './loader-state.js';
import { type SourceFault } from './source-fault.js';
import { type TrustUnit } from './trust-material.js';

/** Whose clients a trust is for. */
export interface TrustOwner {
  /** The server name; `undefined` for the server itself. */
  readonly name: string | undefined;
  /** Whether it is for proxies. */
  readonly isProxy: boolean;
}

/** The trust units of one server name. */
interface TrustUnits {
  readonly name: string | undefined;
  readonly trust: TrustUnit | undefined;
  readonly proxies: { readonly trust: TrustUnit | undefined } | undefined;
}

interface TrustedMaterial {
  readonly trust: Trust;
  readonly proxies: { readonly trust: Trust | undefined } | undefined;
}

interface TrustedMaterials {
  readonly main: TrustedMaterial;
  readonly named: ReadonlyMap<string, TrustedMaterial>;
}

/** Tells the loaders of a server what they ask to be told. */
export class LoaderHooks {
  readonly #units: readonly TrustUnits[];
  readonly #loaders: readonly LoaderState[];

  constructor(units: readonly TrustUnits[], loaders: readonly LoaderState[]) {
    this.#units = units;
    this.#loaders = loaders;
  }

  /** Tells loaders which of their CRLs are in force, and the distribution points of the CAs. */
  tell(materials: TrustedMaterials): void {
    for (const [unit, trust] of this.#trustsIn(materials)) unit.tell(trust);
  }

  /** Tells loaders the distribution points of clients. */
  want(uris: readonly string[], { name, isProxy }: TrustOwner): void {
    const [main] = this.#units;
    const unit = this.#units.find((one) => one.name === name);
    if (isProxy) main?.proxies?.trust?.want(uris);
    else (unit?.trust ?? main?.trust)?.want(uris);
  }

  /** Loads the CRLs for which the CAs name distribution points: once for each set of CAs. */
  loadPointsOf(materials: TrustedMaterials, signal: AbortSignal): void {
    for (const [unit, { store }] of this.#trustsIn(materials))
      for (const loader of unit.wantOf(store)) loader.refresh(signal);
  }

  /** The errors of loaders that were told something. They affect no material. */
  get faults(): readonly SourceFault[] {
    return this.#loaders.flatMap(({ hookFaults }) => hookFaults);
  }

  /** Calls a listener when these errors change. */
  onFault(listener: () => void): void {
    for (const loader of this.#loaders) loader.onHookFault = listener;
  }

  #trustsIn({ main, named }: TrustedMaterials): (readonly [TrustUnit, Trust])[] {
    return this.#units.flatMap(({ name, trust, proxies }) => {
      const material = name === undefined ? main : named.get(name);
      const own = material && trust && ([trust, material.trust] as const);
      const ofProxies =
        material?.proxies?.trust && proxies?.trust && ([proxies.trust, material.proxies.trust] as const);
      return [own, ofProxies].filter((one) => one !== undefined);
    });
  }
}
