import { describe, expect, test } from '@jest/globals';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { noPolicyInputs, type PolicyInputs, processPolicies } from '../../../src/x509/policy-graph.js';
import {
  ca,
  type Certificate,
  type CertificateAuthority,
  type CertificateOptions,
} from '../../support/chain.js';
import type { ExtraExtension } from '../../support/extensions.js';
import {
  certificatePolicies,
  inhibitAnyPolicy,
  policyConstraints,
  policyMappings,
} from '../../support/path-extensions.js';
import { fastestTurn } from '../../support/cpu-time.js';

const any = '2.5.29.32.0';
const [gold, silver, bronze] = ['1.2.3.1', '1.2.3.2', '1.2.3.3'] as const;

/** The policy extensions of a certificate. */
interface Said {
  readonly policies?: readonly string[];
  readonly mappings?: readonly (readonly [string, string])[];
  readonly requireExplicit?: number;
  readonly inhibitMapping?: number;
  readonly inhibitAny?: number;
  /** Whether it is self-issued. */
  readonly isSelfIssued?: boolean;
}

type Inputs = Partial<PolicyInputs>;

function extensionsOf({
  policies,
  mappings,
  requireExplicit,
  inhibitMapping,
  inhibitAny,
}: Said): ExtraExtension[] {
  return [
    ...(policies === undefined ? [] : [certificatePolicies(...policies)]),
    ...(mappings === undefined ? [] : [policyMappings(...mappings)]),
    ...(requireExplicit === undefined && inhibitMapping === undefined
      ? []
      : [
          policyConstraints({
            ...(requireExplicit !== undefined && { requireExplicitPolicy: requireExplicit }),
            ...(inhibitMapping !== undefined && { inhibitPolicyMapping: inhibitMapping }),
          }),
        ]),
    ...(inhibitAny === undefined ? [] : [inhibitAnyPolicy(inhibitAny)]),
  ];
}

/** A path of certificates with these extensions, the trust anchor first. */
function pathOf(anchor: Said, ...below: readonly Said[]): Certificate[] {
  const path: [Certificate, ...Certificate[]] = [
    ca({ commonName: 'ca0', extraExtensions: extensionsOf(anchor) }),
  ];
  let name = 'ca0';
  for (const [index, said] of below.entries()) {
    name = said.isSelfIssued === true ? name : `ca${index + 1}`;
    const options: CertificateOptions = { commonName: name, extraExtensions: extensionsOf(said) };
    const issuer = path[0] as CertificateAuthority;
    path.unshift(index === below.length - 1 ? issuer.client(options) : issuer.intermediate(options));
  }
  return path;
}

/** The sorted policies of a path; or its fault and the certificate at fault, counted from the anchor. */
function outcome(inputs: Inputs, ...said: readonly [Said, ...Said[]]): readonly string[] | string {
  const path = pathOf(...said).map(({ der }) => parseCertificate(der));
  const { policies, fault, certificate } = {
    certificate: undefined,
    ...processPolicies(path, { ...noPolicyInputs, ...inputs }),
  };
  if (fault === undefined) return [...policies].sort();
  return `${path.length - 1 - path.findIndex((one) => one === certificate)}: ${fault}`;
}

const explicit: Inputs = { initialExplicitPolicy: true };
const none = 'has no certificate policy in common with the certificates above it (certificatePolicies)';
const unwanted = 'has none of the required certificate policies';
const policies = (...list: string[]): Said => ({ policies: list });

describe('without any input and extension', () => {
  test('every path is valid, for no policy', () => {
    expect(outcome({}, {}, {})).toEqual([]);
    expect(outcome({}, {}, {}, {}, {})).toEqual([]);
    expect(Object.isFrozen(noPolicyInputs)).toBe(true);
    expect(noPolicyInputs).toEqual({
      initialPolicySet: undefined,
      initialExplicitPolicy: false,
      initialPolicyMappingInhibit: false,
      initialInhibitAnyPolicy: false,
    });
  });

  test('a trust anchor alone is valid for any', () => {
    expect(outcome(explicit, {})).toEqual([any]);
    expect(outcome({ ...explicit, initialPolicySet: [gold] }, {})).toEqual([gold]);
    expect(outcome({ ...explicit, initialPolicySet: [gold] }, policies(silver))).toBe(`0: ${unwanted}`);
  });
});

describe('a policy', () => {
  test.each<[string, readonly [Said, ...Said[]], readonly string[] | string]>([
    ['of the last certificate', [{}, policies(gold)], [gold]],
    ['of all of the path', [{}, policies(gold), policies(gold), policies(gold)], [gold]],
    ['of some of two', [{}, policies(gold, silver), policies(silver, bronze)], [silver]],
    ['of two of two', [{}, policies(gold, silver), policies(silver, gold)], [gold, silver]],
    ['of none of two', [{}, policies(gold), policies(silver)], `2: ${none}`],
    ['that the CA does not have', [{}, {}, policies(gold)], `1: ${none}`],
    ['that the last does not have', [{}, policies(gold), {}], `2: ${none}`],
    ['that is lost between', [{}, policies(gold), policies(silver), policies(gold)], `2: ${none}`],
    ['that a CA between does not have', [{}, policies(gold), {}, policies(gold)], `2: ${none}`],
  ])('%s', (_what, said, expected) => {
    expect(outcome(explicit, ...said)).toEqual(expected);
    // If none is required, a path without policies is valid for none.
    expect(outcome({}, ...said)).toEqual(typeof expected === 'string' ? [] : expected);
  });

  test('has to be one of those that are accepted, where one is needed', () => {
    const path = [{}, policies(gold, silver), policies(gold, silver)] as const;
    expect(outcome({ ...explicit, initialPolicySet: [gold] }, ...path)).toEqual([gold]);
    expect(outcome({ ...explicit, initialPolicySet: [bronze, silver] }, ...path)).toEqual([silver]);
    expect(outcome({ ...explicit, initialPolicySet: [bronze] }, ...path)).toBe(`2: ${unwanted}`);
    expect(outcome({ initialPolicySet: [bronze] }, ...path)).toEqual([]);
    expect(outcome({ ...explicit, initialPolicySet: [bronze, any] }, ...path)).toEqual([gold, silver]);
  });

  test('of the trust anchor restricts those (RFC 5937)', () => {
    const below = [policies(gold, silver), policies(gold, silver)] as const;
    expect(outcome(explicit, policies(gold), ...below)).toEqual([gold]);
    expect(outcome(explicit, policies(bronze), ...below)).toBe(`2: ${unwanted}`);
    expect(outcome(explicit, policies(bronze, any), ...below)).toEqual([gold, silver]);
    expect(outcome({ initialPolicySet: [silver] }, policies(gold), ...below)).toEqual([]);
    const both = { ...explicit, initialPolicySet: [gold, bronze] };
    expect(outcome(both, policies(gold, silver), ...below)).toEqual([gold]);
    expect(outcome(both, policies(bronze, silver), ...below)).toBe(`2: ${unwanted}`);
    expect(outcome(both, policies(any), ...below)).toEqual([gold]);
    const anything = { ...explicit, initialPolicySet: [any] };
    expect(outcome(anything, policies(silver), ...below)).toEqual([silver]);
  });
});

describe('anyPolicy', () => {
  const every = policies(any);

  test.each<[string, readonly Said[], readonly string[] | string]>([
    ['of the CA', [every, policies(gold)], [gold]],
    ['of all', [every, every], [any]],
    ['of the last certificate', [policies(gold, silver), every], [gold, silver]],
    ['beside another, of the CA', [policies(gold, any), policies(silver)], [silver]],
    ['beside another, of both', [policies(gold, any), policies(gold, any)], [gold, any]],
    ['beside another, of the last', [policies(gold, silver), policies(gold, any)], [gold, silver]],
    ['between', [policies(gold), every, policies(gold)], [gold]],
    ['between, and then another', [policies(gold), every, policies(silver)], `3: ${none}`],
    ['twice, and then another', [every, every, policies(silver)], [silver]],
    ['on top alone', [every, policies(gold), policies(silver)], `3: ${none}`],
  ])('%s', (_what, below, expected) => {
    expect(outcome(explicit, {}, ...below)).toEqual(
      typeof expected === 'string' ? expected : [...expected].sort(),
    );
  });

  test('of the last certificate is what is accepted', () => {
    const accepted = { ...explicit, initialPolicySet: [bronze, gold] };
    expect(outcome(accepted, {}, every, every)).toEqual([gold, bronze]);
    expect(outcome(accepted, {}, every, policies(gold))).toEqual([gold]);
    expect(outcome(accepted, {}, every, policies(silver))).toBe(`2: ${unwanted}`);
    expect(outcome(accepted, policies(silver), every, every)).toBe(`2: ${unwanted}`);
    expect(outcome(accepted, {}, policies(gold, silver), every)).toEqual([gold]);
  });

  describe('does not count', () => {
    test('where the caller says so, but in what a CA issues to itself above the last', () => {
      const inputs = { ...explicit, initialInhibitAnyPolicy: true };
      expect(outcome(inputs, {}, every)).toBe(`1: ${none}`);
      expect(outcome(inputs, {}, every, policies(gold))).toBe(`1: ${none}`);
      expect(outcome(inputs, {}, policies(gold), every)).toBe(`2: ${none}`);
      expect(outcome(inputs, {}, policies(gold), policies(gold, any))).toEqual([gold]);
      expect(outcome(inputs, {}, { ...every, isSelfIssued: true }, policies(gold))).toEqual([gold]);
      expect(outcome(inputs, {}, { ...every, isSelfIssued: true })).toBe(`1: ${none}`);
    });

    test.each([
      [0, 1],
      [1, 2],
      [2, 3],
    ])('after inhibitAnyPolicy = %i from depth %i on', (skip, depth) => {
      const path = (length: number): Said[] => Array.from({ length }, () => every);
      const anchor = { inhibitAny: skip };
      expect(outcome(explicit, anchor, ...path(depth - 1))).toEqual([any]);
      expect(outcome(explicit, anchor, ...path(depth))).toBe(`${depth}: ${none}`);
      // The same, said by the CA below the anchor.
      const first = { ...every, inhibitAny: skip };
      expect(outcome(explicit, {}, first, ...path(depth - 1))).toEqual([any]);
      expect(outcome(explicit, {}, first, ...path(depth))).toBe(`${depth + 1}: ${none}`);
    });

    test('and what a CA issues to itself is not counted', () => {
      const itself = { ...every, isSelfIssued: true };
      expect(outcome(explicit, { inhibitAny: 1 }, itself, itself, every)).toEqual([any]);
      expect(outcome(explicit, { inhibitAny: 1 }, itself, every, every)).toBe(`3: ${none}`);
      expect(outcome(explicit, { inhibitAny: 0 }, itself, itself, every)).toBe(`3: ${none}`);
    });

    test('by the smallest number, which no CA below can raise', () => {
      expect(outcome(explicit, { inhibitAny: 0 }, { ...policies(gold), inhibitAny: 5 }, every)).toBe(
        `2: ${none}`,
      );
      expect(outcome(explicit, { inhibitAny: 5 }, { ...policies(gold), inhibitAny: 0 }, every)).toBe(
        `2: ${none}`,
      );
    });
  });
});

describe('requireExplicitPolicy', () => {
  test('0 of the anchor wants a policy of each certificate, 1 from the second on', () => {
    expect(outcome({}, { requireExplicit: 0 }, {})).toBe(`1: ${none}`);
    expect(outcome({}, { requireExplicit: 0 }, policies(gold))).toEqual([gold]);
    expect(outcome({}, { requireExplicit: 1 }, {}, {})).toBe(`2: ${none}`);
    expect(outcome({}, { requireExplicit: 2 }, {}, {}, {})).toBe(`3: ${none}`);
  });

  test('is counted down once more at the end (section 6.1.5 (a))', () => {
    expect(outcome({}, { requireExplicit: 1 }, {})).toBe(`1: ${unwanted}`);
    expect(outcome({}, { requireExplicit: 2 }, {})).toEqual([]);
    expect(outcome({}, { requireExplicit: 2 }, {}, {})).toBe(`2: ${unwanted}`);
    expect(outcome({}, { requireExplicit: 3 }, {}, {})).toEqual([]);
  });

  test('of the last certificate counts where it is 0', () => {
    expect(outcome({}, {}, { requireExplicit: 0 })).toBe(`1: ${unwanted}`);
    expect(outcome({}, {}, { requireExplicit: 1 })).toEqual([]);
    expect(outcome({}, {}, {}, { requireExplicit: 0, ...policies(gold) })).toBe(`2: ${unwanted}`);
    expect(outcome({}, {}, policies(gold), { requireExplicit: 0, ...policies(gold) })).toEqual([gold]);
    expect(outcome({}, {}, { inhibitMapping: 0 })).toEqual([]);
  });

  test('does not count what a CA issues to itself', () => {
    const itself = { isSelfIssued: true };
    expect(outcome({}, { requireExplicit: 2 }, itself, {})).toEqual([]);
    expect(outcome({}, { requireExplicit: 2 }, {}, {})).toBe(`2: ${unwanted}`);
    expect(outcome({}, { requireExplicit: 2 }, itself, itself, itself, {})).toEqual([]);
  });

  test('is the smallest of the path', () => {
    expect(outcome({}, { requireExplicit: 0 }, { requireExplicit: 9, ...policies(gold) }, {})).toBe(
      `2: ${none}`,
    );
    expect(outcome({}, { requireExplicit: 9 }, { requireExplicit: 0 }, {})).toBe(`2: ${none}`);
    expect(outcome({ initialExplicitPolicy: true }, { requireExplicit: 9 }, {})).toBe(`1: ${none}`);
  });
});

describe('policyMappings', () => {
  const mapping = (said: Said, ...mappings: (readonly [string, string])[]): Said => ({ ...said, mappings });

  test('make of the policy of a domain one of the domain below', () => {
    const top = mapping(policies(gold), [gold, silver]);
    expect(outcome(explicit, {}, top, policies(silver))).toEqual([gold]);
    expect(outcome(explicit, {}, top, policies(gold))).toBe(`2: ${none}`);
    expect(outcome(explicit, {}, top, policies(any))).toEqual([gold]);
    expect(outcome({ ...explicit, initialPolicySet: [gold] }, {}, top, policies(silver))).toEqual([gold]);
    expect(outcome({ ...explicit, initialPolicySet: [silver] }, {}, top, policies(silver))).toBe(
      `2: ${unwanted}`,
    );
  });

  test('of one policy to several, and of several to one', () => {
    const spread = mapping(policies(gold), [gold, silver], [gold, bronze]);
    expect(outcome(explicit, {}, spread, policies(silver))).toEqual([gold]);
    expect(outcome(explicit, {}, spread, policies(bronze))).toEqual([gold]);
    expect(outcome(explicit, {}, spread, policies(silver, bronze))).toEqual([gold]);
    const joined = mapping(policies(gold, silver), [gold, bronze], [silver, bronze]);
    expect(outcome(explicit, {}, joined, policies(bronze))).toEqual([gold, silver]);
    expect(outcome(explicit, {}, joined, policies(gold))).toBe(`2: ${none}`);
    const swapped = mapping(policies(gold, silver), [gold, silver], [silver, gold]);
    expect(outcome(explicit, {}, swapped, policies(gold))).toEqual([silver]);
  });

  test('of a chain', () => {
    const path = [
      mapping(policies(gold), [gold, silver]),
      mapping(policies(silver), [silver, bronze]),
    ] as const;
    expect(outcome(explicit, {}, ...path, policies(bronze))).toEqual([gold]);
    expect(outcome(explicit, {}, ...path, policies(silver))).toBe(`3: ${none}`);
  });

  test('of a policy that is not there say nothing, unless any is', () => {
    expect(outcome(explicit, {}, mapping(policies(gold), [silver, bronze]), policies(bronze))).toBe(
      `2: ${none}`,
    );
    expect(outcome(explicit, {}, mapping(policies(gold), [silver, bronze]), policies(gold))).toEqual([gold]);
    const wild = mapping(policies(any), [silver, bronze]);
    expect(outcome(explicit, {}, wild, policies(bronze))).toEqual([silver]);
    expect(outcome(explicit, {}, wild, policies(gold))).toEqual([gold]);
    // RFC 5280 leaves it under anyPolicy too.
    expect(outcome(explicit, {}, wild, policies(silver))).toEqual([silver]);
    expect(outcome(explicit, {}, wild, policies(bronze, silver))).toEqual([silver]);
    expect(outcome({ ...explicit, initialPolicySet: [bronze] }, {}, wild, policies(bronze))).toBe(
      `2: ${unwanted}`,
    );
  });

  test('of the trust anchor, and of the last certificate, say nothing', () => {
    expect(outcome(explicit, mapping({}, [gold, silver]), policies(silver))).toEqual([silver]);
    expect(outcome(explicit, {}, mapping(policies(gold), [gold, silver]))).toEqual([gold]);
    expect(outcome(explicit, {}, mapping(policies(gold), [any, silver]))).toEqual([gold]);
  });

  test.each([
    [any, gold],
    [gold, any],
  ])('from %s to %s are refused, whether a policy is needed or not', (from, to) => {
    const fault = '1: maps anyPolicy (policyMappings)';
    expect(outcome({}, {}, mapping(policies(gold), [silver, bronze], [from, to]), policies(gold))).toBe(
      fault,
    );
    expect(outcome({}, {}, mapping({}, [from, to]), {})).toBe(fault);
  });

  describe('where they are inhibited', () => {
    const top = mapping(policies(gold, silver), [gold, bronze]);

    test('take the policy away', () => {
      const inputs = { ...explicit, initialPolicyMappingInhibit: true };
      expect(outcome(inputs, {}, top, policies(gold))).toBe(`2: ${none}`);
      expect(outcome(inputs, {}, top, policies(bronze))).toBe(`2: ${none}`);
      expect(outcome(inputs, {}, top, policies(silver))).toEqual([silver]);
      // The last policy of a certificate: the fault is reported for the next certificate.
      expect(outcome(inputs, {}, mapping(policies(gold), [gold, silver]), policies(gold))).toBe(`2: ${none}`);
      expect(outcome(inputs, {}, mapping(policies(any), [gold, silver]), policies(silver))).toEqual([silver]);
      const lost = [
        {},
        policies(gold, silver),
        mapping(policies(gold), [gold, bronze]),
        policies(silver),
      ] as const;
      expect(outcome(inputs, ...lost)).toBe(`3: ${none}`);
    });

    test.each([0, 1, 2])('are so after inhibitPolicyMapping = %i of the anchor', (skip) => {
      const above = (length: number): Said[] => Array.from({ length }, () => policies(gold));
      const last = mapping(policies(gold), [gold, silver]);
      const anchor = { inhibitMapping: skip };
      expect(outcome(explicit, anchor, ...above(skip), last, policies(silver))).toBe(`${skip + 2}: ${none}`);
      if (skip > 0)
        expect(outcome(explicit, anchor, ...above(skip - 1), last, policies(silver))).toEqual([gold]);
    });

    test('of a CA do not begin with its own, and what it issues to itself is not counted', () => {
      const first = { ...mapping(policies(gold), [gold, silver]), inhibitMapping: 0 };
      expect(outcome(explicit, {}, first, policies(silver))).toEqual([gold]);
      const second = mapping(policies(silver), [silver, bronze]);
      expect(outcome(explicit, {}, first, second, policies(bronze))).toBe(`3: ${none}`);
      const itself = { ...policies(gold), isSelfIssued: true };
      const last = mapping(policies(gold), [gold, silver]);
      expect(outcome(explicit, { inhibitMapping: 1 }, itself, last, policies(silver))).toEqual([gold]);
      expect(outcome(explicit, { inhibitMapping: 1 }, policies(gold), last, policies(silver))).toBe(
        `3: ${none}`,
      );
    });

    test('by the smallest number of the path', () => {
      const last = mapping(policies(gold), [gold, silver]);
      const some = { ...policies(gold), inhibitMapping: 5 };
      expect(outcome(explicit, { inhibitMapping: 0 }, some, last, policies(silver))).toBe(`3: ${none}`);
      expect(
        outcome(
          { ...explicit, initialPolicyMappingInhibit: true },
          { inhibitMapping: 5 },
          last,
          policies(silver),
        ),
      ).toBe(`2: ${none}`);
    });
  });
});

describe('the graph', () => {
  test('loses a policy whose way does not lead to the last certificate', () => {
    const path = [policies(gold, silver), policies(gold, silver), policies(silver)] as const;
    expect(outcome(explicit, {}, ...path)).toEqual([silver]);
    expect(outcome({ ...explicit, initialPolicySet: [gold] }, {}, ...path)).toBe(`3: ${unwanted}`);
  });

  test('begins anew below anyPolicy, at any depth', () => {
    const path = [policies(any), policies(gold, any), policies(gold, silver)] as const;
    expect(outcome(explicit, {}, ...path)).toEqual([gold, silver]);
  });

  test('joins the ways to a node: a policy that two are mapped to is both', () => {
    const joined = {
      ...policies(gold, silver),
      mappings: [
        [gold, bronze],
        [silver, bronze],
      ],
    } as const;
    const apart = {
      ...policies(bronze),
      mappings: [
        [bronze, gold],
        [bronze, silver],
      ],
    } as const;
    expect(outcome(explicit, {}, joined, apart, policies(gold))).toEqual([gold, silver]);
    expect(outcome({ ...explicit, initialPolicySet: [silver] }, {}, joined, apart, policies(gold))).toEqual([
      silver,
    ]);
  });

  // In a tree each level would have as many nodes as the one above, squared.
  test('does not grow with a power of the length of the path', () => {
    const pairs = [gold, silver, bronze].flatMap((one) =>
      [gold, silver, bronze].map((other): readonly [string, string] => [one, other]),
    );
    const level = { ...policies(gold, silver, bronze), mappings: pairs };
    const path = Array.from({ length: 30 }, () => level);
    expect(outcome(explicit, {}, ...path, policies(gold))).toEqual([gold, silver, bronze]);
  });

  const many = (count: number, from = 0): string[] =>
    Array.from({ length: count }, (_, index) => `1.2.4.${from + index}`);

  test('has 2,000 nodes, and not one more', () => {
    const fault = '2: has more certificate policies than the maximum (2000)';
    const both = [policies(...many(1000)), policies(...many(1000))] as const;
    expect(outcome(explicit, {}, ...both)).toHaveLength(1000);
    expect(outcome(explicit, {}, policies(...many(1001)), policies(...many(1000)))).toBe(fault);
    expect(outcome({}, {}, policies(...many(1001)), policies(...many(1000)))).toBe(fault);
    expect(outcome({}, {}, policies(...many(2001)))).toBe(fault.replace('2', '1'));
    expect(outcome({}, {}, policies(...many(2000)))).toHaveLength(2000);
  });

  test('counts those that mappings make, and not those that they take away', () => {
    const pairs = many(500, 5000).map((one): readonly [string, string] => [one, gold]);
    const wild = { ...policies(...many(999), any), mappings: pairs };
    expect(outcome({}, {}, wild, policies(...many(500)))).toHaveLength(500);
    expect(outcome({}, {}, wild, policies(...many(501)))).toBe(
      '2: has more certificate policies than the maximum (2000)',
    );
    const own = many(500).map((one): readonly [string, string] => [one, one]);
    const taken = { ...policies(...many(1500)), mappings: own };
    const inhibited = { initialPolicyMappingInhibit: true };
    expect(outcome(inhibited, {}, taken, policies(...many(1000, 500)))).toHaveLength(1000);
    expect(outcome(inhibited, {}, { ...taken, policies: many(1501) }, policies(...many(1001, 500)))).toBe(
      '2: has more certificate policies than the maximum (2000)',
    );
  });

  test('reads thousands of mappings in a moment', () => {
    const mappings = many(6000).map((one): readonly [string, string] => [one, gold]);
    const path = pathOf({}, { ...policies(any), mappings }, policies(gold)).map(({ der }) =>
      parseCertificate(der),
    );
    const read = (): void => {
      expect(processPolicies(path, noPolicyInputs).fault).toBe(
        'has more certificate policies than the maximum (2000)',
      );
    };
    // Each searched for each takes six seconds.
    expect(fastestTurn(read, 3)).toBeLessThan(1500);
  });
});
