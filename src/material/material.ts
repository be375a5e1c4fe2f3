/**
 * The content of all sources, read and validated, for each server name. A reload builds it before it changes what is
 * in force.
 *
 * @module
 */
import { type MtlsError } from '../errors.js';
import { type Trust } from '../judgement/judges.js';
import { type CrlDiff } from '../revocation/crl-diff.js';
import { sumOf } from './crl-change.js';
import { LoaderHooks } from './loader-hooks.js';
import { type LoaderCall } from './loader-call.js';
import { type LoaderState } from './loader-state.js';
import { type ProxyMaterial, type ProxyReading, ProxyUnit } from './proxy-unit.js';
import { CredentialUnit } from './credential-unit.js';
import { type ServerCredentials } from './server-credentials.js';
import { type CredentialSources, type TrustSources } from './server-names.js';
import { type MaterialSettings } from './settings.js';
import { combined, type SourceFault } from './source-fault.js';
import { type TrustReading, type TrustSettings, TrustUnit } from './trust-material.js';

/** The key, certificate, CAs and CRLs for one server name. */
export interface Material {
  /** `undefined`: proxies connect without TLS. */
  readonly credentials: ServerCredentials | undefined;
  /** The object of the server itself, if the name has no CAs of its own. */
  readonly trust: Trust;
  /** What proves a proxy; `undefined` without proxies. */
  readonly proxies: ProxyMaterial | undefined;
}

/** The material of a server. Immutable. */
export interface Materials {
  /** The material for all names without their own. */
  readonly main: Material;
  readonly named: ReadonlyMap<string, Material>;
}

/** Material that can come into force, and what its CRLs newly list. */
export interface MaterialChange {
  /** The object in force, if nothing changed. */
  readonly materials: Materials;
  readonly diff: CrlDiff;
}

/** What the sources currently hold, as far as it can be used. */
export interface MaterialReading {
  /**
   * What is in force, minus what was removed or revoked. It takes effect immediately. `undefined` if nothing is in
   * force.
   */
  readonly narrowed: MaterialChange | undefined;
  /**
   * `narrowed`, plus new keys, certificates and CAs, which must pass a trial first. `undefined` if something
   * essential is missing.
   */
  readonly whole: MaterialChange | undefined;
  readonly faults: readonly SourceFault[];
}

/** The unit of one server name. */
interface NameUnit {
  /** `undefined` for the server itself. */
  readonly name: string | undefined;
  readonly credentials: CredentialUnit | undefined;
  /** `undefined` if its clients are those of the server. */
  readonly trust: TrustUnit | undefined;
  /** Of the server itself, behind proxies. */
  readonly proxies: ProxyUnit | undefined;
}

/** Reads the sources of a server repeatedly. A fault of one source does not hold up the others. */
export class MaterialReader {
  readonly #settings: MaterialSettings;
  readonly #units: readonly NameUnit[];
  /** What the loaders are told. */
  readonly hooks: LoaderHooks;
  /** Settled by the next {@link MaterialReader.refresh}. */
  #refreshed = deferred();

  constructor(settings: MaterialSettings, enforcer: TrustSettings['enforcer']) {
    this.#settings = settings;
    const common = { policy: settings.revocation, enforcer, cas: settings };
    const proxies = settings.proxies && new ProxyUnit(settings.proxies, common);
    const unitOf = (
      name: string | undefined,
      credentials: CredentialSources | undefined,
      sources: TrustSources | undefined,
    ): NameUnit => {
      const prefix = name === undefined ? '' : `sni["${name}"].`;
      const casOfLoader =
        sources === undefined ? 'unused' : sources.ca.length === 0 ? 'required' : 'optional';
      return {
        name,
        credentials: credentials && new CredentialUnit(credentials, { prefix, casOfLoader }),
        trust: sources && new TrustUnit({ ...common, ...sources, prefix }),
        proxies: name === undefined ? proxies : undefined,
      };
    };
    this.#units = [
      unitOf(undefined, settings.credentials, settings),
      ...[...settings.names].map(([name, own]) => unitOf(name, own, own.trust)),
    ];
    this.hooks = new LoaderHooks(this.#units, this.#loaders);
  }

  /** Calls the loaders, and makes the next reading read faulty sources again. */
  refresh(signal: AbortSignal): void {
    for (const call of this.#calls) call.refresh(signal);
    for (const unit of this.#units) {
      for (const trust of trustsOf(unit)) trust.refresh();
      unit.credentials?.refresh();
    }
    this.#refreshed.resolve(false);
    this.#refreshed = deferred();
  }

  /** One promise per operation in progress. After each, there may be more to read. */
  get pending(): readonly Promise<void>[] {
    const asides = this.#units.flatMap(trustsOf).flatMap(({ aside }) => aside ?? []);
    return [...this.#calls.flatMap(({ pending }) => pending ?? []), ...asides];
  }

  /** Waits until an operation in progress has settled; returns `false` if more were started before. */
  async settled(): Promise<boolean> {
    const settled = Promise.race(this.pending).then(() => true);
    return await Promise.race([settled, this.#refreshed.promise]);
  }

  /** The calls of all loaders. */
  get #calls(): readonly Pick<LoaderCall, 'refresh' | 'pending'>[] {
    return [...this.#units.flatMap(({ credentials }) => credentials?.loader ?? []), ...this.#loaders];
  }

  get #loaders(): readonly LoaderState[] {
    return this.#units.flatMap(({ trust, proxies }) => [
      ...(trust?.loaders ?? []),
      ...(proxies?.loaders ?? []),
    ]);
  }

  /**
   * Reads what can be read at once, and starts to load the rest.
   * @param inForce - What it would replace. If nothing changed, it is returned.
   */
  read(inForce: Materials | undefined, signal: AbortSignal): MaterialReading {
    const at = new Date(this.#settings.now());
    const faults: SourceFault[] = [];
    const readings = this.#units.map((unit) => {
      const before = inForce && materialUnder(inForce, unit.name);
      const credentials = unit.credentials?.read(before, at);
      const trust = unit.trust?.read(credentials?.cas ?? [], before?.trust, at, signal);
      const proxies = unit.proxies?.read(before?.proxies, at, signal);
      for (const one of [credentials, trust, proxies]) faults.push(...(one?.faults ?? []));
      return { unit, before, credentials: credentials?.credentials, trust, proxies };
    });
    const ofServer = readings[0]?.trust as TrustReading;
    const names = [...this.#settings.names.keys()];
    const join = (
      base: Materials | undefined,
      which: 'narrowed' | 'whole',
      credentialsOf: (reading: (typeof readings)[number]) => ServerCredentials | undefined,
    ): MaterialChange | undefined => {
      const all = readings.map((reading) => {
        const before = base && materialUnder(base, reading.unit.name);
        const trust = (reading.trust ?? ofServer)[which]?.trust;
        return materialOf(
          reading.unit,
          before,
          credentialsOf(reading),
          trust,
          reading.proxies?.[which]?.proxies,
        );
      });
      const materials = materialsOf(all, names, base);
      const diffs = readings.flatMap(({ trust, proxies }) =>
        [trust, proxies].flatMap((one?: TrustReading | ProxyReading) => one?.[which]?.diff ?? []),
      );
      return materials && { materials, diff: sumOf(diffs) };
    };
    const narrowed = join(inForce, 'narrowed', ({ before }) => before?.credentials);
    const whole = join(narrowed?.materials, 'whole', ({ credentials }) => credentials);
    if (inForce !== undefined && narrowed?.materials === inForce && (whole?.materials ?? inForce) === inForce)
      this.settle(inForce);
    return { narrowed, whole, faults };
  }

  /** These materials are in force. */
  settle(materials: Materials): void {
    for (const { name, trust, proxies } of this.#units) {
      const material = materialUnder(materials, name);
      if (material === undefined) continue;
      trust?.settle(material.trust.store);
      if (material.proxies?.trust !== undefined) proxies?.trust?.settle(material.proxies.trust.store);
    }
  }

  /**
   * Reads everything and waits for it.
   * @throws MtlsError all faults together, each with file, fault and remedy.
   */
  async readAll(signal: AbortSignal): Promise<Materials> {
    this.refresh(signal);
    let reading;
    do {
      await Promise.all(this.pending);
      reading = this.read(undefined, signal);
      if (reading.whole !== undefined) this.hooks.loadPointsOf(reading.whole.materials, signal);
    } while (stopping(reading.faults).length === 0 && this.pending.length > 0);
    const stops = stopping(reading.faults);
    // A loader may have reported the cause: if its source is down, only the copy is left, which cannot be used.
    const fault = combined(stops.length > 0 ? [...stops, ...this.hooks.faults] : []);
    if (fault !== undefined) throw fault;
    const { materials } = reading.whole as MaterialChange;
    this.settle(materials);
    return materials;
  }

  /** Rejects what failed a trial under a name, until the next {@link MaterialReader.refresh}. */
  reject(
    name: string | undefined,
    { credentials, trust, proxies }: Partial<Material>,
    error: MtlsError,
  ): void {
    const unit = this.#units.find((one) => one.name === name);
    if (unit === undefined) return;
    if (credentials !== undefined) unit.credentials?.reject(credentials, error);
    if (trust !== undefined) (unit.trust ?? this.#units[0]?.trust)?.reject(trust, error);
    if (proxies?.trust !== undefined) unit.proxies?.trust?.reject(proxies.trust, error);
  }
}

interface Deferred {
  readonly promise: Promise<boolean>;
  readonly resolve: (value: boolean) => void;
}

function deferred(): Deferred {
  let resolve: Deferred['resolve'] = () => undefined;
  const promise = new Promise<boolean>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function stopping(faults: readonly SourceFault[]): readonly SourceFault[] {
  return faults.filter(({ mayStart }) => mayStart !== true);
}

function trustsOf({ trust, proxies }: NameUnit): TrustUnit[] {
  return [trust, proxies?.trust].filter((one) => one !== undefined);
}

function materialUnder({ main, named }: Materials, name: string | undefined): Material | undefined {
  return name === undefined ? main : named.get(name);
}

function materialOf(
  unit: NameUnit,
  before: Material | undefined,
  credentials: ServerCredentials | undefined,
  trust: Trust | undefined,
  proxies: ProxyMaterial | undefined,
): Material | undefined {
  const isMissing =
    (unit.credentials !== undefined && credentials === undefined) ||
    (unit.proxies !== undefined && proxies === undefined);
  if (isMissing || trust === undefined) return undefined;
  const isSame = before?.credentials === credentials && before?.trust === trust && before.proxies === proxies;
  return isSame ? before : Object.freeze({ credentials, trust, proxies });
}

function materialsOf(
  [main, ...named]: readonly (Material | undefined)[],
  names: readonly string[],
  inForce: Materials | undefined,
): Materials | undefined {
  if (main === undefined || named.includes(undefined)) return undefined;
  const next = { main, named: new Map(names.map((name, index) => [name, named[index] as Material])) };
  const isSame =
    main === inForce?.main && [...next.named].every(([name, one]) => one === inForce.named.get(name));
  return isSame ? inForce : Object.freeze(next);
}
