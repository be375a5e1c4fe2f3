/**
 * Everything the sources hold, read and checked as one, for each name of the
 * server. What a reload builds before it touches anything in force.
 *
 * @module
 */
import { combineFaults, type MtlsError } from '../errors.js';
import { type CrlDiff } from '../revocation/crl-diff.js';
import { allOrFaults } from './all-or-faults.js';
import { loadCredentials, type ServerCredentials } from './server-credentials.js';
import { type MaterialSettings } from './settings.js';
import { loadTrust, type TrustLoadOptions, type LoadedTrust } from './trust-material.js';

/** What a server works with under one name. */
export interface Material {
  readonly credentials: ServerCredentials;
  /** The same object as that of the server, for a name without CAs of its own. */
  readonly trust: LoadedTrust;
}

/** What a server works with, from one reading of its sources. Immutable. */
export interface Materials {
  /** For all names that have nothing of their own. */
  readonly main: Material;
  readonly named: ReadonlyMap<string, Material>;
}

/** Material, and what its CRLs list that those before did not. */
export interface LoadedMaterials {
  readonly materials: Materials;
  readonly diff: CrlDiff;
  /**
   * `ERR_MTLS_KEY_MISMATCH`, where a new key waits for its certificate or the other way round: then the material has
   * the pair in force. The two come one after the other, and no revocation is to wait for them.
   */
  readonly waiting: MtlsError | undefined;
}

/**
 * Reads and checks every source.
 * @param inForce - What it would replace: what did not change is taken over, and if nothing did, all of it is.
 * @throws MtlsError naming file, fault and remedy; where several sources are at fault, the message lists them all.
 */
export async function loadMaterials(
  settings: MaterialSettings,
  options: Pick<TrustLoadOptions, 'enforcer' | 'signal'>,
  inForce?: Materials,
): Promise<LoadedMaterials> {
  const at = new Date(settings.now());
  const parts = [
    { prefix: '', pair: settings, clients: settings, before: inForce?.main },
    ...[...settings.names].map(([name, own]) => ({
      prefix: `sni["${name}"].`,
      pair: own,
      clients: own.trust,
      before: inForce?.named.get(name),
    })),
  ];
  const [pairs, trusts] = await allOrFaults([
    allOrFaults(
      parts.map(({ prefix, pair, before }) => loadCredentials(pair, { prefix, at }, before?.credentials)),
    ),
    allOrFaults(
      parts.map(async ({ prefix, clients, before }) => {
        if (clients === undefined) return undefined;
        return await loadTrust(
          clients,
          { ...options, prefix, at, policy: settings.revocation },
          before?.trust,
        );
      }),
    ),
  ]);
  const [main, ...named] = parts.map(({ before }, index) => {
    const { credentials } = pairs[index] as (typeof pairs)[number];
    const { trust } = (trusts[index] ?? trusts[0]) as NonNullable<(typeof trusts)[number]>;
    if (before?.credentials === credentials && before.trust === trust) return before;
    return Object.freeze({ credentials, trust });
  });
  const [waiting, ...others] = pairs.flatMap((pair) => pair.waiting ?? []);
  const materials = {
    main: main as Material,
    named: new Map([...settings.names.keys()].map((name, index) => [name, named[index] as Material])),
  };
  return {
    materials: inForce !== undefined && isEqual(materials, inForce) ? inForce : Object.freeze(materials),
    diff: trusts.reduce(addDiffs, { added: 0, removed: 0 }),
    waiting: waiting && combineFaults([waiting, ...others]),
  };
}

function isEqual(one: Materials, other: Materials): boolean {
  return (
    one.main === other.main && [...one.named].every(([name, material]) => material === other.named.get(name))
  );
}

function addDiffs(sum: CrlDiff, loaded: { readonly diff: CrlDiff } | undefined): CrlDiff {
  return { added: sum.added + (loaded?.diff.added ?? 0), removed: sum.removed + (loaded?.diff.removed ?? 0) };
}
