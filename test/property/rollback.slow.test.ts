/**
 * Lists that honest CAs have signed, put in place in any mix and any order, never admit a client again that a list in
 * force has turned away: full lists, deltas, and partitions that come and go.
 *
 * @module
 */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MtlsError } from '../../src/errors.js';
import { checkRevocationPolicy } from '../../src/revocation/revocation-policy.js';
import { compareCrls } from '../../src/revocation/crl-diff.js';
import { newestOfEachScope } from '../../src/revocation/crl-set.js';
import { refuseRollback } from '../support/rollback.js';
import { RevocationChecker } from '../../src/revocation/revocation-checker.js';
import { type VerifiedCrl } from '../../src/revocation/verified-crl.js';
import { ca } from '../support/chain.js';
import type { CrlOptions, RevokedEntry } from '../support/crl.js';
import {
  admitted,
  chainOf,
  distributionPoints,
  entriesOf,
  fromNow,
  lenient,
  minute,
  storeOf,
} from '../support/lists.js';

const root = ca('root');
const other = root.intermediate('other');
const store = storeOf(root, other);
const policy = checkRevocationPolicy({ scope: 'leaf' });

const near = 'http://near.test/crl';
const far = 'http://far.test/crl';

/** A client of the CA, one whose distribution point names the CA as issuer of its CRL, and one of another CA. */
const own = root.client({ extraExtensions: [distributionPoints({ uris: [near] })] });
const pointed = root.client({
  extraExtensions: [distributionPoints({ uris: [near], crlIssuer: root.subject })],
});
const guest = other.client({
  extraExtensions: [distributionPoints({ uris: [near], crlIssuer: root.subject })],
});
const clients = [chainOf(own, root), chainOf(pointed, root), chainOf(guest, other, root)];
/** The other CA's own list, which does not have what the indirect lists revoke. */
const ofOther = admitted(other.crl(), store);

interface Scope {
  readonly idp: CrlOptions['idp'];
  readonly lists: readonly RevokedEntry[];
}

const reason = 'keyCompromise';
const owns: readonly RevokedEntry[] = [own, pointed].map(({ serialContent: serial }) => ({ serial, reason }));
const all: readonly RevokedEntry[] = [
  ...owns,
  { serial: guest.serialContent, reason, certificateIssuer: other.subject },
];

/** What a list of each scope has of the clients, once they are revoked. */
const scopes = {
  all: { idp: undefined, lists: owns },
  users: { idp: { onlyUser: true }, lists: owns },
  cas: { idp: { onlyCa: true }, lists: [] },
  attributes: { idp: { onlyAttribute: true }, lists: [] },
  near: { idp: { fullName: [near] }, lists: owns },
  far: { idp: { fullName: [far] }, lists: [] },
  both: { idp: { fullName: [far, near] }, lists: owns },
  compromised: { idp: { onlySomeReasons: ['keyCompromise', 'superseded'] }, lists: owns },
  superseded: { idp: { onlySomeReasons: ['superseded'] }, lists: [] },
  indirect: { idp: { indirect: true }, lists: all },
  indirectNear: { idp: { indirect: true, fullName: [near] }, lists: owns },
} as const satisfies Record<string, Scope>;
type ScopeName = keyof typeof scopes;
const scopeNames = Object.keys(scopes) as ScopeName[];

const mostIssues = 12;

/** One list of the CA, in full or as what has changed since the full list `base` before it. */
interface Issue {
  /** Which of the scopes of this history. */
  readonly scope: number;
  readonly kind: 'full' | 'delta';
  readonly base: number;
}

interface History {
  /** The CA's lists are of these scopes. */
  readonly scopes: readonly ScopeName[];
  readonly issues: readonly Issue[];
  /** The issue from which on the clients are revoked. */
  readonly revokedOn: number;
  /** Whether all lists of the CA count together, or those of each scope by themselves. */
  readonly numbers: 'shared' | 'own';
  /** How many lists have one thisUpdate. */
  readonly atOnce: number;
}

const histories: fc.Arbitrary<History> = fc.record({
  scopes: fc.subarray(scopeNames, { minLength: 2, maxLength: 4 }),
  issues: fc.array(
    fc.record({
      scope: fc.nat(3),
      kind: fc.constantFrom<Issue['kind']>('full', 'full', 'delta'),
      base: fc.nat(5),
    }),
    { minLength: 4, maxLength: mostIssues },
  ),
  revokedOn: fc.integer({ min: 1, max: 8 }),
  numbers: fc.constantFrom<History['numbers']>('shared', 'own'),
  atOnce: fc.constantFrom(1, 2, mostIssues),
});

/** Every list that the CA has signed. */
function publish({ scopes: inUse, issues, revokedOn, numbers, atOnce }: History): VerifiedCrl[] {
  const fulls = new Map<ScopeName, { number: number; day: number }[]>();
  const counts = new Map<ScopeName, number>();
  return issues.map(({ scope, kind, base }, day) => {
    const name = inUse[scope % inUse.length] as ScopeName;
    const { idp, lists } = scopes[name];
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const number = numbers === 'shared' ? day + 1 : count;
    const thisUpdate = fromNow((Math.floor(day / atOnce) - issues.length) * minute);
    const shared: CrlOptions = { number, thisUpdate, ...(idp && { idp }) };
    const known = fulls.get(name) ?? [];
    fulls.set(name, known);
    const since = known[base % Math.max(known.length, 1)];
    const isRevoked = day >= revokedOn;
    if (kind === 'full' || since === undefined) {
      known.push({ number, day });
      return admitted(root.crl({ ...shared, revoked: isRevoked ? lists : [] }), store);
    }
    const revoked = isRevoked && since.day < revokedOn ? lists : [];
    return admitted(root.crl({ ...shared, delta: since.number, revoked }), store);
  });
}

/** What a reload puts into force: the new lists, or where they would go back, the old ones. */
function reload(inForce: readonly VerifiedCrl[], lists: readonly VerifiedCrl[]): readonly VerifiedCrl[] {
  const crls = newestOfEachScope([...lists, ofOther]);
  const { shrunk } = compareCrls(inForce.map(entriesOf), crls.map(entriesOf));
  try {
    refuseRollback(inForce, { ...lenient, crls, shrunk });
    return crls;
  } catch (error) {
    if (!(error instanceof MtlsError) || error.code !== 'ERR_MTLS_CRL_ROLLBACK') throw error;
    return inForce;
  }
}

/** Whether a reload has taken a partition away for a full list of a wider scope. */
function hasTakenOver(before: readonly VerifiedCrl[], after: readonly VerifiedCrl[]): boolean {
  const scopesAfter = new Set(after.map((crl) => entriesOf(crl).scope));
  return before.some((crl) => crl.crl.deltaBase === undefined && !scopesAfter.has(entriesOf(crl).scope));
}

test('a client that was turned away stays out, whichever lists of its CA are put in place', () => {
  // Few lists at once, so that partitions go; and many.
  const mix = fc.oneof(
    fc.uniqueArray(fc.nat(mostIssues - 1), { minLength: 1, maxLength: 3 }),
    fc.subarray([...Array(mostIssues).keys()]),
  );
  const readings = fc.array(mix, { minLength: 2, maxLength: 12 });
  const outcomes = { out: 0, reloads: 0, takeovers: 0 };
  fc.assert(
    fc.property(histories, readings, (history, mixes) => {
      const signed = publish(history);
      let inForce: readonly VerifiedCrl[] = [];
      const wereOut = new Set<number>();
      for (const indexes of mixes) {
        const next = reload(
          inForce,
          signed.filter((_, index) => indexes.includes(index)),
        );
        if (next !== inForce) outcomes.reloads++;
        if (hasTakenOver(inForce, next)) outcomes.takeovers++;
        inForce = next;
        const checker = new RevocationChecker(inForce, store, policy);
        for (const [index, chain] of clients.entries()) {
          const { status } = checker.checkChain(chain, new Date());
          if (wereOut.has(index)) expect(status).not.toBe('good');
          if (status === 'revoked') wereOut.add(index);
        }
      }
      outcomes.out += wereOut.size;
    }),
    { numRuns: 1500 },
  );
  // Histories in which nothing happens prove nothing.
  expect(outcomes.out).toBeGreaterThan(500);
  expect(outcomes.reloads).toBeGreaterThan(1500);
  expect(outcomes.takeovers).toBeGreaterThan(200);
}, 180_000);
