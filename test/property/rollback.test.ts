/**
 * Whoever may put any lists in place that one honest CA has ever signed, in any mix and any order, never gets a
 * client in again that a list in force has turned away.
 *
 * @module
 */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkRevocationPolicy } from '../../src/policies.js';
import { compareCrls, type ScopedEntries } from '../../src/revocation/crl-diff.js';
import { newestOfEachScope, refuseRollback, scopeKey } from '../../src/revocation/crl-set.js';
import { RevocationChecker } from '../../src/revocation/revocation-checker.js';
import { type VerifiedCrl } from '../../src/revocation/verified-crl.js';
import { ca } from '../support/chain.js';
import { admitted, chainOf, fromNow, minute, storeOf } from '../unit/revocation/lists.js';

const root = ca('root');
const store = storeOf(root);
const client = root.client('client1');
const chain = chainOf(client, root);
const policy = checkRevocationPolicy({});

/** One day of the CA: a list of a scope, in full or as what has changed since the full list `base` before it. */
interface Issue {
  readonly scope: 'all' | 'users' | 'cas';
  readonly kind: 'full' | 'delta';
  readonly base: number;
}

const issue: fc.Arbitrary<Issue> = fc.record({
  scope: fc.constantFrom('all', 'users', 'cas'),
  kind: fc.constantFrom('full', 'full', 'delta'),
  base: fc.nat(5),
});

const idps = { all: undefined, users: { onlyUser: true }, cas: { onlyCa: true } } as const;

/** Every list that the CA has signed, by its days; the client is revoked from one of them on. */
function publish(issues: readonly Issue[], { revokedOn, numbers }: History): VerifiedCrl[] {
  const fulls: Record<Issue['scope'], { number: number; day: number }[]> = { all: [], users: [], cas: [] };
  const counts: Record<Issue['scope'], number> = { all: 0, users: 0, cas: 0 };
  return issues.map(({ scope, kind, base }, day) => {
    counts[scope]++;
    const number = numbers === 'shared' ? day + 1 : counts[scope];
    const isListed = day >= revokedOn && scope !== 'cas';
    const idp = idps[scope];
    const dates = { thisUpdate: fromNow((day - issues.length) * minute) };
    const shared = { number, ...dates, ...(idp && { idp }) };
    const known = fulls[scope];
    const since = known[base % Math.max(known.length, 1)];
    if (kind === 'full' || since === undefined) {
      known.push({ number, day });
      return admitted(root.crl({ ...shared, revoked: isListed ? [client] : [] }), store);
    }
    const revoked = isListed && since.day < revokedOn ? [client] : [];
    return admitted(root.crl({ ...shared, delta: since.number, revoked }), store);
  });
}

interface History {
  /** The day from which on the client is revoked. */
  readonly revokedOn: number;
  /** Whether all lists of the CA count together, or those of each scope by themselves. */
  readonly numbers: 'shared' | 'own';
}

function entriesOf(crls: readonly VerifiedCrl[]): ScopedEntries[] {
  return crls.map((one) => ({ scope: scopeKey(one), digest: one.digest, index: one.index.data }));
}

/** What a reload puts into force: the new lists, or where they would go back, the old ones. */
function reload(inForce: readonly VerifiedCrl[], lists: readonly VerifiedCrl[]): readonly VerifiedCrl[] {
  const crls = newestOfEachScope(lists);
  const { shrunk } = compareCrls(entriesOf(inForce), entriesOf(crls));
  try {
    refuseRollback(inForce, { crls, shrunk, isConfigured: () => true, isSuccessor: () => false });
    return crls;
  } catch {
    return inForce;
  }
}

test('a client that was turned away stays out, whichever lists of its CA are put in place', () => {
  const histories = fc.record({
    revokedOn: fc.integer({ min: 1, max: 8 }),
    numbers: fc.constantFrom('shared', 'own'),
  });
  const mixes = fc.array(fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), {
    minLength: 2,
    maxLength: 12,
  });
  const outcomes = { out: 0, reloads: 0 };
  fc.assert(
    fc.property(
      fc.array(issue, { minLength: 4, maxLength: 12 }),
      histories as fc.Arbitrary<History>,
      mixes,
      (issues, history, readings) => {
        const signed = publish(issues, history);
        let inForce: readonly VerifiedCrl[] = [];
        let wasOut = false;
        for (const mix of readings) {
          const next = reload(
            inForce,
            signed.filter((_, index) => mix[index]),
          );
          if (next !== inForce) outcomes.reloads++;
          inForce = next;
          const { status } = new RevocationChecker(inForce, store, policy).checkChain(chain, new Date());
          if (wasOut) expect(status).not.toBe('good');
          if (status === 'revoked') wasOut = true;
        }
        if (wasOut) outcomes.out++;
      },
    ),
    { numRuns: 300 },
  );
  // Histories in which nothing happens prove nothing.
  expect(outcomes.out).toBeGreaterThan(50);
  expect(outcomes.reloads).toBeGreaterThan(300);
}, 60_000);
