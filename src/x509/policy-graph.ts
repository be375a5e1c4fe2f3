/**
 * The certificate policies for which a path is valid: RFC 5280 section 6.1, with the policy graph of RFC 9618 instead
 * of the tree, whose size is exponential.
 *
 * @module
 */
import { type Certificate } from './certificate.js';
import { anyPolicy, type PolicyMapping } from './policy-extensions.js';
import { isSelfIssued } from './issuance.js';

/** The inputs of RFC 5280 section 6.1.1 (c) to (f). */
export interface PolicyInputs {
  /** The accepted policies, dotted; `undefined` for any. */
  readonly initialPolicySet: readonly string[] | undefined;
  readonly initialExplicitPolicy: boolean;
  readonly initialPolicyMappingInhibit: boolean;
  readonly initialInhibitAnyPolicy: boolean;
}

/** The default inputs: any policy is accepted, and none is required. */
export const noPolicyInputs: PolicyInputs = Object.freeze({
  initialPolicySet: undefined,
  initialExplicitPolicy: false,
  initialPolicyMappingInhibit: false,
  initialInhibitAnyPolicy: false,
});

/** The policies of a path, in the domain of its trust anchor, or why it is invalid. */
export type PolicyOutcome =
  | { readonly policies: readonly string[]; readonly fault?: undefined }
  | { readonly policies?: undefined; readonly fault: string; readonly certificate: Certificate };

interface Node {
  readonly policy: string;
  expected: ReadonlySet<string>;
  readonly parents: readonly Node[];
}

/** The nodes of one depth, by policy. */
type Level = Map<string, Node>;

// Real certificates have a few policies, bridge CAs a few dozen.
const maxNodes = 2000;

/**
 * Processes the policies of a path.
 * @param path - The last certificate first, the trust anchor last. The policies of the trust anchor apply as in RFC
 *   5937.
 */
export function processPolicies(path: readonly Certificate[], inputs: PolicyInputs): PolicyOutcome {
  const [anchor, ...below] = path.toReversed() as [Certificate, ...Certificate[]];
  const state = new PolicyState(below.length, inputs, anchor);
  for (const [index, certificate] of below.entries()) {
    const fault = state.process(certificate, index === below.length - 1);
    if (fault !== undefined) return { fault, certificate };
  }
  return state.finish(below.at(-1) ?? anchor);
}

class PolicyState {
  readonly #accepted: ReadonlySet<string> | undefined;
  /** One level for each processed certificate, that of the trust anchor first; `undefined` is NULL of RFC 9618. */
  #levels: Level[] | undefined = [new Map([[anyPolicy, nodeOf(anyPolicy, [])]])];
  #nodes = 0;
  /** How many further certificates may follow before each takes effect. */
  #explicitPolicy: number;
  #policyMapping: number;
  #inhibitAnyPolicy: number;

  constructor(length: number, inputs: PolicyInputs, anchor: Certificate) {
    this.#explicitPolicy = inputs.initialExplicitPolicy ? 0 : length + 1;
    this.#policyMapping = inputs.initialPolicyMappingInhibit ? 0 : length + 1;
    this.#inhibitAnyPolicy = inputs.initialInhibitAnyPolicy ? 0 : length + 1;
    this.#accepted = restrict(inputs.initialPolicySet, anchor.certificatePolicies);
    this.#limit(anchor);
  }

  /** Processes one certificate. Returns the fault, if there is one. */
  process(certificate: Certificate, isLast: boolean): string | undefined {
    this.#grow(certificate, isLast);
    if (this.#nodes > maxNodes) return `has more certificate policies than the maximum (${maxNodes})`;
    if (this.#explicitPolicy === 0 && this.#levels === undefined)
      return 'has no certificate policy in common with the certificates above it (certificatePolicies)';
    if (isLast) return undefined;
    const fault = this.#map(certificate);
    if (fault !== undefined) return fault;
    if (!isSelfIssued(certificate)) this.#count();
    this.#limit(certificate);
    return undefined;
  }

  /** RFC 5280 section 6.1.5. */
  finish(last: Certificate): PolicyOutcome {
    if (this.#explicitPolicy > 0) this.#explicitPolicy--;
    if (last.policyConstraints?.requireExplicitPolicy === 0) this.#explicitPolicy = 0;
    const policies = this.#validPolicies();
    if (this.#explicitPolicy === 0 && policies.length === 0)
      return { fault: 'has none of the required certificate policies', certificate: last };
    return { policies };
  }

  /** Steps (d) and (e) of RFC 9618 section 5.3: adds a node for each policy that a node above expects. */
  #grow(certificate: Certificate, isLast: boolean): void {
    const { certificatePolicies: policies } = certificate;
    const above = this.#levels?.at(-1);
    if (this.#levels === undefined || above === undefined) return;
    if (policies === undefined) {
      this.#levels = undefined;
      return;
    }
    const level: Level = new Map();
    const expecting = parentsByExpected(above);
    const any = above.get(anyPolicy);
    for (const policy of policies) {
      if (policy === anyPolicy) continue;
      const parents = expecting.get(policy) ?? (any === undefined ? undefined : [any]);
      if (parents !== undefined) level.set(policy, nodeOf(policy, parents));
    }
    const isAnyAllowed = this.#inhibitAnyPolicy > 0 || (!isLast && isSelfIssued(certificate));
    if (policies.includes(anyPolicy) && isAnyAllowed)
      for (const [policy, parents] of expecting)
        if (!level.has(policy)) level.set(policy, nodeOf(policy, parents));
    this.#put(level);
  }

  #put(level: Level): void {
    this.#nodes += level.size;
    if (level.size === 0) this.#levels = undefined;
    else this.#levels?.push(level);
  }

  /** Steps (a) and (b) of RFC 9618 section 5.4. */
  #map({ policyMappings: mappings = [] }: Certificate): string | undefined {
    if (
      mappings.some(({ issuerDomainPolicy: one, subjectDomainPolicy: other }) =>
        [one, other].includes(anyPolicy),
      )
    )
      return 'maps anyPolicy (policyMappings)';
    const level = this.#levels?.pop();
    if (level === undefined) return undefined;
    this.#nodes -= level.size;
    const any = level.get(anyPolicy);
    for (const [policy, expected] of expectedByPolicy(mappings)) {
      if (this.#policyMapping === 0) {
        level.delete(policy);
        continue;
      }
      const node = level.get(policy);
      if (node !== undefined) node.expected = expected;
      else if (any !== undefined) level.set(policy, { policy, expected, parents: any.parents });
    }
    this.#put(level);
    return undefined;
  }

  #count(): void {
    this.#explicitPolicy = Math.max(0, this.#explicitPolicy - 1);
    this.#policyMapping = Math.max(0, this.#policyMapping - 1);
    this.#inhibitAnyPolicy = Math.max(0, this.#inhibitAnyPolicy - 1);
  }

  /** Steps (i) and (j) of RFC 5280 section 6.1.4. */
  #limit({ policyConstraints, inhibitAnyPolicy = Infinity }: Certificate): void {
    const { requireExplicitPolicy = Infinity, inhibitPolicyMapping = Infinity } = policyConstraints ?? {};
    this.#explicitPolicy = Math.min(this.#explicitPolicy, requireExplicitPolicy);
    this.#policyMapping = Math.min(this.#policyMapping, inhibitPolicyMapping);
    this.#inhibitAnyPolicy = Math.min(this.#inhibitAnyPolicy, inhibitAnyPolicy);
  }

  /**
   * Step (g) of RFC 9618 section 5.5: the accepted policies among those directly below anyPolicy that lead to the
   * last certificate. anyPolicy of the last certificate stands for the accepted policies.
   */
  #validPolicies(): string[] {
    const last = this.#levels?.at(-1);
    if (last === undefined) return [];
    const valid = new Set<string>();
    let nodes = new Set(last.values());
    while (nodes.size > 0) {
      const parents = new Set<Node>();
      for (const node of nodes) {
        if (node.policy !== anyPolicy && node.parents.some(({ policy }) => policy === anyPolicy))
          valid.add(node.policy);
        for (const parent of node.parents) parents.add(parent);
      }
      nodes = parents;
    }
    const accepted = this.#accepted;
    const hasAny = last.has(anyPolicy);
    if (accepted === undefined) return hasAny ? [...valid, anyPolicy] : [...valid];
    return [...(hasAny ? accepted : [...valid].filter((policy) => accepted.has(policy)))];
  }
}

function nodeOf(policy: string, parents: readonly Node[]): Node {
  return { policy, expected: new Set([policy]), parents };
}

/** The nodes of a level by the policies that they expect below them. */
function parentsByExpected(level: Level): Map<string, Node[]> {
  const parents = new Map<string, Node[]>();
  for (const node of level.values()) {
    for (const policy of node.expected) {
      const those = parents.get(policy);
      if (those === undefined) parents.set(policy, [node]);
      else those.push(node);
    }
  }
  return parents;
}

/** The policies that each policy of the issuer's domain is mapped to. */
function expectedByPolicy(mappings: readonly PolicyMapping[]): Map<string, Set<string>> {
  const expected = new Map<string, Set<string>>();
  for (const { issuerDomainPolicy: from, subjectDomainPolicy: to } of mappings) {
    const those = expected.get(from);
    if (those === undefined) expected.set(from, new Set([to]));
    else those.add(to);
  }
  return expected;
}

/** The accepted policies that the certificate of the trust anchor lists (RFC 5937 section 3.3); `undefined` for any. */
function restrict(
  wanted: readonly string[] | undefined,
  own: readonly string[] | undefined,
): ReadonlySet<string> | undefined {
  const accepted = wanted === undefined || wanted.includes(anyPolicy) ? undefined : wanted;
  const named = own === undefined || own.includes(anyPolicy) ? undefined : own;
  if (accepted === undefined || named === undefined) {
    const one = accepted ?? named;
    return one && new Set(one);
  }
  return new Set(accepted.filter((policy) => named.includes(policy)));
}
