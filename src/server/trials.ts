/**
 * Tries new keys, certificates and CAs in a handshake before they come into force, each name separately.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { casKeyOf } from '../material/ca-unit.js';
import { tryContext } from '../material/handshake-trial.js';
import { type Material, type MaterialReader, type Materials } from '../material/material.js';
import { type BuiltContext, secureContextOf } from '../material/secure-context.js';
import { attempt } from '../material/source-fault.js';
import { type Settings } from './settings.js';
import { type Reporter } from './reporter.js';

/** The material to try under one name. */
export interface Trial {
  /** `undefined` for the server itself. */
  readonly name: string | undefined;
  readonly material: Material;
  readonly before: Material | undefined;
}

/** Tries material, and remembers what succeeded. */
export class Trials {
  readonly #settings: Settings;
  readonly #reporter: Reporter;
  /** The material that succeeded, by {@link keyOf}. */
  readonly #tried = new Set<string>();

  constructor(settings: Settings, reporter: Reporter) {
    this.#settings = settings;
    this.#reporter = reporter;
  }

  /** The material to try before it comes into force. */
  missingFor({ main, named }: Materials, inForce: Materials | undefined): Trial[] {
    const all = [
      { name: undefined, material: main, before: inForce?.main },
      ...[...named].map(([name, material]) => ({ name, material, before: inForce?.named.get(name) })),
    ];
    return all.filter(({ material, before }) => {
      if (material.credentials === undefined) return false;
      const isSame = before?.credentials === material.credentials && isSameTrust(before, material);
      return !isSame && !this.#tried.has(keyOf(material));
    });
  }

  /** Tries material. If it fails, the reader rejects it as a fault of its source. */
  async try({ name, material, before }: Trial, reader: MaterialReader): Promise<void> {
    const fault = await this.#faultOf(material, name);
    if (fault === undefined) {
      this.#tried.add(keyOf(material));
      return;
    }
    const { credentials, trust, proxies } = material;
    const isOldPair = before?.credentials === credentials;
    const isOldTrust = before !== undefined && isSameTrust(before, material);
    // If both are new, try the pair with the CAs in force, to find which of them is at fault.
    const isOfPair =
      !isOldPair &&
      (isOldTrust ||
        before === undefined ||
        (await this.#faultOf({ ...before, credentials }, name)) !== undefined);
    reader.reject(name, isOfPair ? { credentials } : { trust, proxies }, fault);
  }

  async #faultOf(material: Material, name: string | undefined): Promise<MtlsError | undefined> {
    try {
      await tryContext(this.#reporter, buildContext(this.#settings, material, undefined), name);
      return undefined;
    } catch (error) {
      if (error instanceof MtlsError) return error;
      throw error;
    }
  }
}

/** A key that is equal for two materials if a handshake with them has the same result. */
function keyOf({ credentials, trust, proxies }: Material): string {
  const stores = [trust.store, proxies?.trust?.store].map((store) => store && casKeyOf(store.certificates));
  return [credentials?.hash, ...stores].join(' ');
}

function isSameTrust(one: Material, other: Material): boolean {
  return one.trust.store === other.trust.store && one.proxies?.trust?.store === other.proxies?.trust?.store;
}

/**
 * The secure context of a server with the gate.
 * @param inForce - Returned if nothing changed.
 */
export function buildContext(
  settings: Settings,
  material: Material,
  inForce: BuiltContext | undefined,
): BuiltContext {
  return secureContextOf(settings, material, { enforcer: 'gate', inForce });
}

/**
 * The secure context for a commit. If OpenSSL rejects the material, the previous context stays: the gate still enforces
 * the revocation.
 */
export function rebuildContext(
  settings: Settings,
  material: Material,
  before: BuiltContext | undefined,
): BuiltContext {
  const built = attempt('options', () => buildContext(settings, material, before));
  if (built.result !== undefined) return built.result;
  if (before === undefined) throw built.fault.error;
  return before;
}
