/**
 * Random hierarchies of CAs, and whether a client is admitted: the judge has to agree with a validator that is written
 * here from RFC 5280 section 6.1 alone, the policy tree included, and asked of every path. `FUZZ_RUNS=20000` searches
 * for minutes.
 *
 * @module
 */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { identityOf } from '../../src/identity/client-identity.js';
import { checkCertificatePolicy } from '../../src/judgement/certificate-policy.js';
import { createJudge } from '../../src/judgement/judges.js';
import { choosePath } from '../../src/judgement/path-choice.js';
import {
  ca,
  type Certificate,
  type CertificateAuthority,
  type CertificateOptions,
  purposes,
} from '../support/chain.js';
import type { ExtraExtension } from '../support/extensions.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { day, fromNow, read, storeOf } from '../support/lists.js';
import { openssl, testWithOpenssl } from '../support/openssl.js';
import {
  authorityCertificate,
  certificatePolicies,
  inhibitAnyPolicy,
  nameConstraints,
  policyConstraints,
  policyMappings,
} from '../support/path-extensions.js';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 400);
const timeout = Math.max(120_000, numRuns * 100);

// Entities: a name and a key. Names with two keys have a rollover; the first three may be roots.
const names = ['R', 'R', 'S', 'T', 'A', 'A', 'B', 'C'] as const;
/** That of a client is "o". */
const organizationOf = (entity: number): 'o' | 'p' => (entity < 4 ? 'o' : 'p');
const entities = names.map((commonName, entity) => ca({ commonName, organization: organizationOf(entity) }));
const leafKey = ca('leaf').privateKey;
const any = '2.5.29.32.0';
const oids = ['1.2.3.1', '1.2.3.2', '1.2.3.3'] as const;

/** What a certificate says, as it is written into it, and as the validator reads it. */
interface Said {
  readonly subject: number;
  readonly issuer: number;
  readonly version: 1 | 3;
  readonly isCa: boolean;
  readonly maySign: boolean;
  readonly pathLength: number | undefined;
  readonly permitted: Subtrees | undefined;
  readonly excluded: Subtrees | undefined;
  readonly policies: readonly string[] | undefined;
  readonly mappings: readonly (readonly [string, string])[] | undefined;
  readonly requireExplicit: number | undefined;
  readonly inhibitMapping: number | undefined;
  readonly inhibitAny: number | undefined;
  readonly usage: 'none' | 'client' | 'server';
  readonly validity: 'now' | 'past' | 'future';
  readonly isUnknownCritical: boolean;
  /** Among the configured CAs, or sent by the client. */
  readonly isConfigured: boolean;
}

/** Bases: of DNS names, of email addresses, and of directory names the organization. */
interface Subtrees {
  readonly dns: readonly string[];
  readonly email: readonly string[];
  readonly organization: readonly string[];
}

interface Leaf {
  readonly issuer: number;
  readonly dns: readonly string[];
  readonly email: readonly string[];
  readonly policies: readonly string[] | undefined;
  readonly requireExplicit: number | undefined;
  /** The CA's certificate that authorityKeyIdentifier names by issuer and serial number. */
  readonly pin: number | undefined;
}

interface Inputs {
  readonly initialPolicySet: readonly string[] | undefined;
  readonly initialExplicitPolicy: boolean;
  readonly initialPolicyMappingInhibit: boolean;
  readonly initialInhibitAnyPolicy: boolean;
}

interface World {
  readonly cas: readonly Said[];
  readonly leaf: Leaf;
  readonly inputs: Inputs;
}

// ---- generation

function rarely<T>(value: fc.Arbitrary<T>, weight = 1, of = 5): fc.Arbitrary<T | undefined> {
  return fc.oneof({ arbitrary: fc.constant(undefined), weight: of - weight }, { arbitrary: value, weight });
}

const hosts = ['x.test', 'a.x.test', 'b.a.x.test', '*.x.test', 'A.X.Test', 'y.test', 'ax.test'] as const;
const hostBases = ['', 'x.test', '.x.test', 'a.x.test', 'X.TEST', 'y.test', 'test'] as const;
const mailboxes = ['u@x.test', 'U@x.test', 'v@a.x.test', 'u@y.test', 'u@Y.test'] as const;
const mailboxBases = ['x.test', '.x.test', 'u@x.test', 'y.test'] as const;

const subtrees = fc
  .record({
    dns: fc.subarray([...hostBases], { maxLength: 2 }),
    email: fc.subarray([...mailboxBases], { maxLength: 2 }),
    organization: fc.subarray(['o', 'O', 'p'], { maxLength: 1 }),
  })
  .filter(({ dns, email, organization }) => dns.length + email.length + organization.length > 0);

const policyList = fc.oneof(
  { arbitrary: fc.constant([any]), weight: 2 },
  { arbitrary: fc.subarray([...oids, any], { minLength: 1 }), weight: 4 },
  { arbitrary: fc.constant([oids[0]]), weight: 2 },
);
const mappings = fc.array(fc.tuple(fc.constantFrom(...oids), fc.constantFrom(...oids)), {
  minLength: 1,
  maxLength: 3,
});
const toAny = fc.constantFrom([[any, oids[0]] as const], [[oids[0], any] as const]);
const skip = fc.integer({ min: 0, max: 2 });
const entity = fc.nat(entities.length - 1);

const extensions = {
  maySign: fc.oneof({ arbitrary: fc.constant(true), weight: 30 }, { arbitrary: fc.boolean(), weight: 1 }),
  pathLength: rarely(fc.integer({ min: 0, max: 2 }), 1, 4),
  permitted: rarely(subtrees, 1, 8),
  excluded: rarely(subtrees, 1, 8),
  policies: rarely(policyList, 9, 10),
  mappings: fc.oneof(
    { arbitrary: fc.constant(undefined), weight: 20 },
    { arbitrary: mappings, weight: 10 },
    { arbitrary: toAny, weight: 1 },
  ),
  requireExplicit: rarely(skip, 1, 5),
  inhibitMapping: rarely(skip, 1, 8),
  inhibitAny: rarely(skip, 1, 5),
  usage: fc.oneof(
    { arbitrary: fc.constant('none' as const), weight: 10 },
    { arbitrary: fc.constantFrom('client' as const, 'server' as const), weight: 2 },
  ),
  validity: fc.oneof(
    { arbitrary: fc.constant('now' as const), weight: 20 },
    { arbitrary: fc.constantFrom('past' as const, 'future' as const), weight: 1 },
  ),
  isUnknownCritical: fc.oneof(
    { arbitrary: fc.constant(false), weight: 40 },
    { arbitrary: fc.constant(true), weight: 1 },
  ),
  isCa: fc.oneof({ arbitrary: fc.constant(true), weight: 40 }, { arbitrary: fc.boolean(), weight: 1 }),
};

const plain = {
  maySign: fc.constant(true),
  permitted: fc.constant(undefined),
  excluded: fc.constant(undefined),
  mappings: fc.constant(undefined),
  inhibitMapping: fc.constant(undefined),
  usage: fc.constant('none' as const),
  validity: fc.constant('now' as const),
  isUnknownCritical: fc.constant(false),
  isCa: fc.constant(true),
};

function saying(subject: fc.Arbitrary<number>, issuer: fc.Arbitrary<number>, simple: boolean) {
  const isConfigured = fc.oneof(
    { arbitrary: fc.constant(true), weight: 3 },
    { arbitrary: fc.constant(false), weight: 1 },
  );
  const version = fc.oneof(
    { arbitrary: fc.constant(3 as const), weight: 15 },
    { arbitrary: fc.constant(1 as const), weight: 1 },
  );
  return fc.record({ subject, issuer, version, isConfigured, ...extensions, ...(simple ? plain : {}) });
}

const root = (index: number, simple: boolean): fc.Arbitrary<Said> =>
  saying(fc.constant(index), fc.constant(index), simple).map((said) => ({ ...said, isConfigured: true }));
// A subject further down than its issuer, mostly: a line of CAs below a root is what leads somewhere.
const lower = fc
  .tuple(entity, entity)
  .filter(([one, other]) => one !== other)
  .map(([one, other]): readonly [number, number] => [Math.max(one, other), Math.min(one, other)]);
const between = (simple: boolean): fc.Arbitrary<Said> =>
  fc
    .tuple(
      saying(fc.constant(0), fc.constant(0), simple),
      fc.oneof(
        { arbitrary: lower, weight: 4 },
        { arbitrary: fc.tuple(entity, entity).filter(([one, other]) => one !== other), weight: 1 },
        { arbitrary: fc.constantFrom<[number, number]>([5, 4], [1, 0], [4, 5]), weight: 1 },
      ),
    )
    .map(([said, [subject, issuer]]) => ({ ...said, subject, issuer }));

const world: fc.Arbitrary<World> = fc
  .tuple(fc.boolean(), fc.boolean(), fc.integer({ min: 2, max: 5 }), fc.boolean())
  .chain(([simpleRoots, simpleCas, size, renewed]) =>
    fc.record({
      roots: fc.tuple(root(0, simpleRoots), root(2, simpleRoots), ...(renewed ? [root(3, false)] : [])),
      below: fc.array(between(simpleCas), { minLength: size - 1, maxLength: size }),
      // The key of one more certificate of a CA that is there: a renewal or a cross-certificate.
      again: rarely(fc.tuple(fc.nat(4), between(simpleCas)), 1, 2),
      leaf: fc.record({
        issuer: fc.nat(5),
        dns: fc.subarray([...hosts], { maxLength: 2 }),
        email: fc.subarray([...mailboxes], { maxLength: 1 }),
        policies: rarely(policyList, 9, 10),
        requireExplicit: rarely(skip, 1, 10),
        pin: rarely(fc.nat(6), 1, 12),
      }),
      inputs: fc.record({
        initialPolicySet: rarely(fc.subarray([...oids, any], { minLength: 1 }), 1, 2),
        initialExplicitPolicy: fc.boolean(),
        initialPolicyMappingInhibit: rarely(fc.constant(true), 1, 6).map(Boolean),
        initialInhibitAnyPolicy: rarely(fc.constant(true), 1, 6).map(Boolean),
      }),
    }),
  )
  .map(({ roots, below, again, leaf, inputs }) => {
    const renewal = again && below[again[0] % below.length];
    const cas = [
      ...roots,
      ...below,
      ...(again && renewal ? [{ ...again[1], subject: renewal.subject, issuer: renewal.issuer }] : []),
    ];
    // By one of the CAs that are there, the last of them mostly.
    const issuer = (cas.at(-1 - (leaf.issuer % cas.length)) as Said).subject;
    const pin = leaf.pin === undefined ? undefined : leaf.pin % cas.length;
    return { cas, leaf: { ...leaf, issuer, pin }, inputs };
  });

// ---- certificates

interface Made {
  readonly cas: readonly Certificate[];
  readonly leaf: Certificate;
}

const validities = {
  now: { notBefore: fromNow(-day) },
  past: { notBefore: fromNow(-2 * day), notAfter: fromNow(-day) },
  future: { notBefore: fromNow(day) },
} as const;

function make({ cas, leaf }: World): Made {
  const made = cas.map(makeCa);
  const issuer = entities[leaf.issuer] as CertificateAuthority;
  const pinned = leaf.pin === undefined ? undefined : made[leaf.pin];
  return {
    cas: made,
    leaf: issuer.client({
      commonName: 'client',
      organization: 'o',
      privateKey: leafKey,
      ...(leaf.dns.length + leaf.email.length === 0 ? {} : { sans: { dns: leaf.dns, email: leaf.email } }),
      ...(pinned && { authorityKeyId: false }),
      extraExtensions: [
        ...(pinned ? [authorityCertificate(pinned)] : []),
        ...(leaf.policies ? [certificatePolicies(...leaf.policies)] : []),
        ...(leaf.requireExplicit === undefined
          ? []
          : [policyConstraints({ requireExplicitPolicy: leaf.requireExplicit })]),
      ],
    }),
  };
}

function makeCa(said: Said): Certificate {
  const subject = entities[said.subject] as CertificateAuthority;
  const options: CertificateOptions = {
    commonName: names[said.subject] as string,
    organization: organizationOf(said.subject),
    privateKey: subject.privateKey,
    version: said.version,
    isCa: said.isCa,
    keyUsage: said.maySign ? ['keyCertSign', 'cRLSign'] : ['cRLSign'],
    ...(said.pathLength !== undefined && said.isCa && { pathLength: said.pathLength }),
    ...(said.usage !== 'none' && {
      extendedKeyUsage: [said.usage === 'client' ? purposes.clientAuth : purposes.serverAuth],
    }),
    ...validities[said.validity],
    extraExtensions: extensionsOf(said),
  };
  return said.subject === said.issuer
    ? ca(options)
    : (entities[said.issuer] as CertificateAuthority).intermediate(options);
}

function extensionsOf(said: Said): ExtraExtension[] {
  const { permitted, excluded, requireExplicit, inhibitMapping } = said;
  const names = (of: Subtrees | undefined) =>
    of && {
      dns: of.dns,
      email: of.email,
      directoryName: of.organization.map((organization) => ({ organization })),
    };
  const [allowed, denied] = [names(permitted), names(excluded)];
  return [
    ...(allowed || denied
      ? [nameConstraints({ ...(allowed && { permitted: allowed }), ...(denied && { excluded: denied }) })]
      : []),
    ...(said.policies ? [certificatePolicies(...said.policies)] : []),
    ...(said.mappings ? [policyMappings(...said.mappings)] : []),
    ...(requireExplicit === undefined && inhibitMapping === undefined
      ? []
      : [
          policyConstraints({
            ...(requireExplicit !== undefined && { requireExplicitPolicy: requireExplicit }),
            ...(inhibitMapping !== undefined && { inhibitPolicyMapping: inhibitMapping }),
          }),
        ]),
    ...(said.inhibitAny === undefined ? [] : [inhibitAnyPolicy(said.inhibitAny)]),
    ...(said.isUnknownCritical ? [{ oid: '1.2.3.99', critical: true, value: Buffer.from([5, 0]) }] : []),
  ];
}

// ---- the validator

/** Version 1 has no extensions. */
function effective(said: Said): Said {
  if (said.version === 3) return said;
  return {
    ...said,
    isCa: true,
    maySign: true,
    pathLength: undefined,
    permitted: undefined,
    excluded: undefined,
    policies: undefined,
    mappings: undefined,
    requireExplicit: undefined,
    inhibitMapping: undefined,
    inhibitAny: undefined,
    usage: 'none',
    isUnknownCritical: false,
  };
}

/** Every path, the trust anchor first, as indices of CAs; none comes back to a name and its key (RFC 4158 section 2.4.2). */
function pathsOf({ cas, leaf }: World): number[][] {
  const paths: number[][] = [];
  const extend = (path: readonly number[], issuer: number, pin?: number): void => {
    for (const [index, said] of cas.entries()) {
      if (said.subject !== issuer || (pin !== undefined && pin !== index)) continue;
      if (path.some((below) => cas[below]?.subject === said.subject)) continue;
      if (said.subject !== said.issuer) extend([index, ...path], said.issuer);
      else if (said.isConfigured) paths.push([index, ...path]);
    }
  };
  extend([], leaf.issuer, leaf.pin);
  return paths;
}

function saidOf({ cas }: World, path: readonly number[]): Said[] {
  return path.map((index) => cas[index] as Said);
}

/** The outcome of a path: the policies that it is valid for, or `undefined`. */
function validate(path: readonly Said[], leaf: Leaf, inputs: Inputs): Set<string> | undefined {
  const all = path.map(effective);
  const [anchor, ...middle] = all as [Said, ...Said[]];
  // What is asked of every CA, the anchor included (RFC 5937).
  for (const said of all) {
    if (said.validity !== 'now' || !said.isCa || !said.maySign || said.isUnknownCritical) return undefined;
    // Not of RFC 5280: what a CA is for limits what those below it are for.
    if (said.usage === 'server') return undefined;
  }
  // 6.1.4 (k): version 1 cannot say that it is a CA; that of a trust anchor is known.
  if (middle.some(({ version }) => version < 3)) return undefined;
  return obeysLengths(all) && obeysNames(all, leaf) ? policiesOf(anchor, middle, leaf, inputs) : undefined;
}

const isSelfIssued = ({ subject, issuer }: Said): boolean => names[subject] === names[issuer];

function obeysLengths(all: readonly Said[]): boolean {
  let maxPathLength = all.length;
  for (const [index, said] of all.entries()) {
    if (index > 0 && !isSelfIssued(said)) {
      if (maxPathLength <= 0) return false;
      maxPathLength--;
    }
    if (said.pathLength !== undefined && said.pathLength < maxPathLength) maxPathLength = said.pathLength;
  }
  return true;
}

function obeysNames(all: readonly Said[], leaf: Leaf): boolean {
  return all.every(({ permitted, excluded }, index) => {
    const below = all.slice(index + 1).filter((said) => !isSelfIssued(said));
    const organizations = [...below.map(({ subject }) => organizationOf(subject)), 'o'];
    return (
      isWithin(
        organizations,
        permitted?.organization,
        excluded?.organization,
        (base, name) => base.toLowerCase() === name,
      ) &&
      isWithin(leaf.dns.flatMap(hostsOf), permitted?.dns, excluded?.dns, isHostBelow) &&
      isWithin(leaf.email, permitted?.email, excluded?.email, isMailboxOf)
    );
  });
}

function isWithin(
  given: readonly string[],
  permitted: readonly string[] = [],
  excluded: readonly string[] = [],
  matches: (base: string, name: string, isExclusion: boolean) => boolean,
): boolean {
  return given.every(
    (name) =>
      !excluded.some((base) => matches(base, name, true)) &&
      (permitted.length === 0 || permitted.some((base) => matches(base, name, false))),
  );
}

/** The hosts that a name stands for: of a wildcard some, one of which is among the bases. */
function hostsOf(name: string): string[] {
  return name.startsWith('*.') ? ['a', 'b', 'zzz'].map((label) => label + name.slice(1)) : [name];
}

function isHostBelow(base: string, name: string): boolean {
  const labels = name.toLowerCase().split('.').reverse();
  const wanted = base.toLowerCase().split('.').reverse().filter(Boolean);
  const isBelow = wanted.every((label, at) => label === labels[at]);
  return isBelow && (!base.startsWith('.') || labels.length > wanted.length);
}

function isMailboxOf(base: string, name: string, isExclusion: boolean): boolean {
  const [local = '', host = ''] = name.split('@');
  if (!base.includes('@'))
    return base.startsWith('.') ? isHostBelow(base, host) : base.toLowerCase() === host.toLowerCase();
  const [wantedLocal = '', wantedHost = ''] = base.split('@');
  // Not of RFC 5280: an exclusion is of the mailbox in any case.
  const isSame = isExclusion ? local.toLowerCase() === wantedLocal.toLowerCase() : local === wantedLocal;
  return isSame && wantedHost.toLowerCase() === host.toLowerCase();
}

/** A node of the valid_policy_tree (RFC 5280 section 6.1.2). */
interface Node {
  readonly policy: string;
  expected: readonly string[];
  readonly parent: Node | undefined;
  children: Node[];
}

const grow = (parent: Node | undefined, policy: string, expected: readonly string[]): Node => {
  const node: Node = { policy, expected, parent, children: [] };
  parent?.children.push(node);
  return node;
};

const atDepth = (tree: Node | undefined, depth: number): Node[] =>
  tree === undefined
    ? []
    : depth === 0
      ? [tree]
      : tree.children.flatMap((child) => atDepth(child, depth - 1));

/** Deletes every node above a depth that has no child; `undefined`: the tree is NULL. */
function prune(tree: Node | undefined, depth: number): Node | undefined {
  if (tree === undefined || depth === 0) return tree;
  tree.children = tree.children.filter((child) => prune(child, depth - 1) !== undefined);
  return tree.children.length === 0 ? undefined : tree;
}

function policiesOf(
  anchor: Said,
  middle: readonly Said[],
  leaf: Leaf,
  inputs: Inputs,
): Set<string> | undefined {
  const last = { mappings: undefined, inhibitMapping: undefined, inhibitAny: undefined };
  const path = [
    ...middle.map((said) => ({ ...said, isSelf: isSelfIssued(said) })),
    { ...leaf, ...last, isSelf: false },
  ];
  const n = path.length;
  let tree: Node | undefined = grow(undefined, any, [any]);
  let explicit = inputs.initialExplicitPolicy ? 0 : n + 1;
  let mapping = inputs.initialPolicyMappingInhibit ? 0 : n + 1;
  let inhibit = inputs.initialInhibitAnyPolicy ? 0 : n + 1;
  const limit = (said: Pick<Said, 'requireExplicit' | 'inhibitMapping' | 'inhibitAny'>): void => {
    explicit = Math.min(explicit, said.requireExplicit ?? explicit);
    mapping = Math.min(mapping, said.inhibitMapping ?? mapping);
    inhibit = Math.min(inhibit, said.inhibitAny ?? inhibit);
  };
  limit(anchor);
  for (const [index, said] of path.entries()) {
    const i = index + 1;
    // 6.1.3 (d)
    if (said.policies !== undefined && tree !== undefined) {
      const above = atDepth(tree, i - 1);
      for (const policy of said.policies.filter((one) => one !== any)) {
        const expecting = above.filter(({ expected }) => expected.includes(policy));
        const wild = above.filter((node) => node.policy === any);
        for (const parent of expecting.length > 0 ? expecting : wild) grow(parent, policy, [policy]);
      }
      if (said.policies.includes(any) && (inhibit > 0 || (i < n && said.isSelf)))
        for (const parent of above)
          for (const policy of parent.expected)
            if (!parent.children.some((child) => child.policy === policy)) grow(parent, policy, [policy]);
      tree = prune(tree, i);
    }
    // (e), (f)
    if (said.policies === undefined) tree = undefined;
    if (explicit === 0 && tree === undefined) return undefined;
    if (i === n) break;
    // 6.1.4 (a), (b)
    const pairs = said.mappings ?? [];
    if (pairs.some((pair) => pair.includes(any))) return undefined;
    for (const policy of new Set(pairs.map(([from]) => from))) {
      const nodes = atDepth(tree, i).filter((node) => node.policy === policy);
      const expected = [...new Set(pairs.filter(([from]) => from === policy).map(([, to]) => to))];
      if (mapping > 0) {
        for (const node of nodes) node.expected = expected;
        const wild = atDepth(tree, i).find((node) => node.policy === any);
        if (nodes.length === 0 && wild !== undefined) grow(wild.parent, policy, expected);
      } else {
        for (const node of nodes)
          if (node.parent !== undefined)
            node.parent.children = node.parent.children.filter((child) => child !== node);
        tree = prune(tree, i);
      }
    }
    // (h), (i), (j)
    if (!said.isSelf) {
      explicit = Math.max(0, explicit - 1);
      mapping = Math.max(0, mapping - 1);
      inhibit = Math.max(0, inhibit - 1);
    }
    limit(said);
  }
  // 6.1.5 (a), (b)
  explicit = Math.max(0, explicit - 1);
  if (leaf.requireExplicit === 0) explicit = 0;
  // (g); the anchor's own policies restrict what is accepted (RFC 5937 section 3.3).
  const wanted = acceptedOf(inputs.initialPolicySet, anchor.policies);
  if (tree !== undefined && wanted !== undefined) {
    const set = nodesBelowAny(tree);
    for (const node of set)
      if (node.policy !== any && !wanted.includes(node.policy) && node.parent !== undefined)
        node.parent.children = node.parent.children.filter((child) => child !== node);
    const wild = atDepth(tree, n).find(({ policy }) => policy === any);
    if (wild?.parent !== undefined) {
      const { parent } = wild;
      for (const policy of wanted)
        if (!set.some((node) => node.policy === policy)) grow(parent, policy, [policy]);
      parent.children = parent.children.filter((child) => child !== wild);
    }
    tree = prune(tree, n);
  }
  if (explicit === 0 && tree === undefined) return undefined;
  const valid = new Set(nodesBelowAny(tree).map(({ policy }) => policy));
  if (atDepth(tree, n).every(({ policy }) => policy !== any)) valid.delete(any);
  return valid;
}

/** The valid_policy_node_set: (g) (iii) (1). */
function nodesBelowAny(tree: Node | undefined): Node[] {
  if (tree?.policy !== any) return [];
  return tree.children.flatMap((child) => [child, ...nodesBelowAny(child)]);
}

function acceptedOf(
  wanted: readonly string[] | undefined,
  own: readonly string[] | undefined,
): readonly string[] | undefined {
  const lists = [wanted, own].filter((list) => list !== undefined).filter((list) => !list.includes(any));
  const [one, ...others] = lists;
  return one?.filter((policy) => others.every((list) => list.includes(policy)));
}

// ---- the comparison

/** Counted, so that a generator whose clients are all refused, or all admitted, is noticed. */
const seen = { admitted: 0, refused: 0, severalPaths: 0 };

function compare(of: World): void {
  const { cas, leaf } = make(of);
  const configured = cas.filter((_, index) => of.cas[index]?.isConfigured);
  const sent = cas.filter((_, index) => of.cas[index]?.isConfigured === false);
  const store = storeOf(...configured);
  const certificates = checkCertificatePolicy({
    policies: { ...of.inputs, initialPolicySet: of.inputs.initialPolicySet ?? [any] },
  });
  const certificate = read(leaf);
  const peer = { certificate, identity: identityOf(certificate), others: sent.map(read) };
  const at = new Date();
  const measures = { revocation: undefined, certificates };
  const { best } = choosePath({ ...peer, openssl: 'trusted' }, store, measures, at);
  const paths = pathsOf(of);
  const outcomes = paths.map((path) => {
    return validate(saidOf(of, path), of.leaf, of.inputs);
  });
  const isValid = outcomes.some((outcome) => outcome !== undefined);
  expect({ admitted: best.refusal === undefined, why: best.refusal?.detail }).toMatchObject({
    admitted: isValid,
  });
  const judge = createJudge({ store, revocation: undefined }, certificates);
  expect(judge.verdictOn(peer, 'trusted', at).admitted).toBe(isValid);
  seen[isValid ? 'admitted' : 'refused']++;
  if (paths.length > 1) seen.severalPaths++;
  if (!isValid) return;
  // The path that was taken is one of those, and valid for the same policies.
  const taken = best.chain?.slice(1).map(({ raw }) => cas.findIndex(({ der }) => der.equals(raw)));
  const index = paths.findIndex((path) => path.toReversed().join() === taken?.join());
  expect([...best.policies].sort()).toEqual([...(outcomes[index] ?? [])].sort());
}

test(
  'of every hierarchy, the judge admits exactly those who have a path that RFC 5280 calls valid',
  () => {
    fc.assert(fc.property(world, compare), { numRuns });
    expect(seen.admitted).toBeGreaterThan(numRuns / 10);
    expect(seen.refused).toBeGreaterThan(numRuns / 10);
    expect(seen.severalPaths).toBeGreaterThan(numRuns / 20);
  },
  timeout,
);

// ---- the third opinion

/** Without that about which OpenSSL and we differ on purpose. */
function comparable({ cas, leaf, inputs }: World): World {
  // It does not look at what a trust anchor says of policies (RFC 5937).
  const ofPolicies = { policies: undefined, requireExplicit: undefined, inhibitMapping: undefined };
  return {
    inputs,
    cas: cas.map((said) => ({
      ...said,
      // A mapping of a policy that is there by anyPolicy alone counts to it where anyPolicy is inhibited.
      mappings: said.mappings?.every(([policy]) => said.policies?.includes(policy))
        ? said.mappings
        : undefined,
      ...(said.subject === said.issuer && { ...ofPolicies, inhibitAny: undefined }),
      // Version 1 has no key identifiers: of two keys under one name it may choose the wrong one.
      version: 3,
    })),
    leaf: {
      ...leaf,
      // A wildcard is a name like any other to it, which is in no exclusion below it.
      dns: leaf.dns.filter((name) => !name.startsWith('*')),
      // An exclusion of a mailbox is to it of that letter case alone.
      email: leaf.email.filter((name) => name === name.toLowerCase()),
    },
  };
}

const folder = temporaryDirectory();

/** What OpenSSL says of one path, the only one that it can find. */
function opensslAdmits(path: readonly Certificate[], leaf: Certificate, inputs: Inputs): boolean {
  const [anchor, ...between] = path as [Certificate, ...Certificate[]];
  writeMaterial(folder, {
    anchor: anchor.pem,
    between: between.map(({ pem }) => pem).join(''),
    leaf: leaf.pem,
  });
  const args = [
    ...(inputs.initialPolicySet ?? [any]).flatMap((policy) => ['-policy', policy]),
    ...(inputs.initialExplicitPolicy ? ['-explicit_policy'] : []),
    ...(inputs.initialPolicyMappingInhibit ? ['-inhibit_map'] : []),
    ...(inputs.initialInhibitAnyPolicy ? ['-inhibit_any'] : []),
    ...['-no-CApath', '-no-CAstore', '-CAfile', 'anchor'],
    ...(between.length > 0 ? ['-untrusted', 'between'] : []),
  ];
  try {
    openssl(folder, 'verify', '-purpose', 'sslclient', '-policy_check', ...args, 'leaf');
    return true;
  } catch (error) {
    if (!String(error).includes('verification failed')) throw error;
    return false;
  }
}

testWithOpenssl(
  'of a path, OpenSSL says the same',
  () => {
    const opinions = { admitted: 0, refused: 0 };
    const check = (of: World): void => {
      const { cas, leaf } = make(of);
      for (const path of pathsOf(of).slice(0, 2)) {
        const certificates = path.map((index) => cas[index] as Certificate);
        const isValid = validate(saidOf(of, path), of.leaf, of.inputs) !== undefined;
        expect({ isValid: opensslAdmits(certificates, leaf, of.inputs) }).toEqual({ isValid });
        opinions[isValid ? 'admitted' : 'refused']++;
      }
    };
    const runs = Math.ceil(numRuns / 4);
    fc.assert(fc.property(world.map(comparable), check), { numRuns: runs });
    expect(opinions.admitted).toBeGreaterThan(runs / 20);
    expect(opinions.refused).toBeGreaterThan(runs / 20);
  },
  timeout,
);
