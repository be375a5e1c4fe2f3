/**
 * The CAs, CRLs and secrets of proxies, read source by source: each is a unit of its own.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { type Trust } from '../judgement/judges.js';
import { type CrlDiff } from '../revocation/crl-diff.js';
import { LoaderState } from './loader-state.js';
import { checkSecretBytes, type ProxySources } from './proxy-sources.js';
import { attempt, type SourceFault } from './source-fault.js';
import { type CrlSource } from './source-options.js';
import { isLoader, isPath, readSource } from './sources.js';
import { type TrustSettings, TrustUnit } from './trust-material.js';

/** The CAs, CRLs and secrets by which proxies prove themselves. Immutable. */
export interface ProxyMaterial {
  /** `undefined` if proxies have no certificates. */
  readonly trust: Trust | undefined;
  /** The SHA-256 of each secret: two of them are compared in constant time, whatever the length of what was sent. */
  readonly secrets: readonly Buffer[];
}

/** What the sources hold now. */
export interface ProxyReading {
  /** The material in force with newer CRLs, without removed CAs, and with the current secrets. */
  readonly narrowed: ProxyChange | undefined;
  /** The same with CAs that were added; `undefined` if no source has been read yet. */
  readonly whole: ProxyChange | undefined;
  readonly faults: readonly SourceFault[];
}

/** What can come into force. */
export interface ProxyChange {
  /** The object in force, where nothing changed. */
  readonly proxies: ProxyMaterial;
  readonly diff: CrlDiff | undefined;
}

/** Reads the sources of `proxies.from`. */
export class ProxyUnit {
  readonly trust: TrustUnit | undefined;
  readonly #secrets: readonly SecretState[];

  constructor({ trust, secrets }: ProxySources, settings: Omit<TrustSettings, 'ca' | 'crl' | 'prefix'>) {
    this.trust = trust && new TrustUnit({ ...settings, ...trust, prefix: 'proxies.from.' });
    this.#secrets = secrets.map((secret, index) => {
      const option = `proxies.from.secret${secrets.length === 1 ? '' : `[${index}]`}`;
      const loader = isLoader(secret) ? new LoaderState(secret, { option, noun: 'secret' }) : undefined;
      return { secret, option, loader, last: undefined };
    });
  }

  /** The loaders among the sources. */
  get loaders(): readonly LoaderState[] {
    return [...(this.trust?.loaders ?? []), ...this.#secrets.flatMap(({ loader }) => loader ?? [])];
  }

  /** Reads what can be read at once. */
  read(inForce: ProxyMaterial | undefined, at: Date, signal: AbortSignal): ProxyReading {
    const reading = this.trust?.read([], inForce?.trust, at, signal);
    const faults = [...(reading?.faults ?? [])];
    for (const state of this.#secrets) {
      const { result, fault } = attempt(nameOf(state), () => readSecret(state));
      if (result !== undefined) state.last = createHash('sha256').update(result).digest();
      if (fault !== undefined) faults.push(fault);
    }
    const secrets = this.#secrets.flatMap(({ last }) => last ?? []);
    const isWhole = this.#secrets.every(({ last }) => last !== undefined);
    const changeOf = (which: 'narrowed' | 'whole'): ProxyChange | undefined => {
      const change = reading?.[which];
      if (!isWhole || (this.trust !== undefined && change === undefined)) return undefined;
      return { proxies: reuse(inForce, { trust: change?.trust, secrets }), diff: change?.diff };
    };
    return { narrowed: inForce && changeOf('narrowed'), whole: changeOf('whole'), faults };
  }
}

interface SecretState {
  readonly secret: CrlSource;
  readonly option: string;
  readonly loader: LoaderState | undefined;
  /** The hash of what it gave when it last read. */
  last: Buffer | undefined;
}

/** What a source gives now; `undefined`: a loader has not answered yet. */
function readSecret({ secret, option, loader }: SecretState): Buffer | undefined {
  if (loader?.fault !== undefined) throw loader.fault;
  const read = isLoader(secret) ? loader?.answer?.[0] : readSource(secret, option);
  return read && checkSecretBytes(read.bytes, read.origin);
}

function nameOf({ secret, option, loader }: SecretState): string {
  return isPath(secret) ? secret : (loader?.origin ?? `options.${option}`);
}

function reuse(inForce: ProxyMaterial | undefined, next: ProxyMaterial): ProxyMaterial {
  const isSame =
    inForce !== undefined &&
    inForce.trust === next.trust &&
    inForce.secrets.length === next.secrets.length &&
    inForce.secrets.every((secret, index) => secret.equals(next.secrets[index] as Buffer));
  return isSame ? inForce : Object.freeze({ trust: next.trust, secrets: Object.freeze(next.secrets) });
}
