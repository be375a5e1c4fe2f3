/**
 * The certificate policy extensions (RFC 5280 sections 4.2.1.4, 4.2.1.5 and 4.2.1.11).
 *
 * @module
 */
import { context, type DerReader, Tag } from './der.js';

/** anyPolicy, which stands for every policy (RFC 5280 section 4.2.1.4). */
export const anyPolicy = '2.5.29.32.0';

/** A policy of the issuer's domain, and the equivalent policy of the subject's domain. */
export interface PolicyMapping {
  readonly issuerDomainPolicy: string;
  readonly subjectDomainPolicy: string;
}

/** How many further certificates may follow before each constraint takes effect; `undefined` for never. */
export interface PolicyConstraints {
  readonly requireExplicitPolicy: number | undefined;
  readonly inhibitPolicyMapping: number | undefined;
}

/** Reads CertificatePolicies. Qualifiers are skipped. */
export function readPolicies(sequence: DerReader): string[] {
  const policies = new Set<string>();
  while (!sequence.done) {
    const information = sequence.enter(Tag.sequence);
    const policy = information.oid();
    if (policies.has(policy)) sequence.fail(`has the policy ${policy} twice`, sequence.elementStart);
    policies.add(policy);
    information.enterOptional(Tag.sequence);
    information.finish();
  }
  if (policies.size === 0) sequence.fail('has an empty list of policies', sequence.offset);
  return [...policies];
}

/** Reads PolicyMappings. */
export function readPolicyMappings(sequence: DerReader): PolicyMapping[] {
  const mappings: PolicyMapping[] = [];
  while (!sequence.done) {
    const mapping = sequence.enter(Tag.sequence);
    mappings.push({ issuerDomainPolicy: mapping.oid(), subjectDomainPolicy: mapping.oid() });
    mapping.finish();
  }
  if (mappings.length === 0) sequence.fail('has an empty list of policy mappings', sequence.offset);
  return mappings;
}

/** Reads PolicyConstraints. */
export function readPolicyConstraints(sequence: DerReader): PolicyConstraints {
  if (sequence.done) sequence.fail('has empty policy constraints', sequence.offset);
  const requireExplicitPolicy = readSkip(sequence, 0);
  const inhibitPolicyMapping = readSkip(sequence, 1);
  sequence.finish();
  return { requireExplicitPolicy, inhibitPolicyMapping };
}

/** Reads a SkipCerts with an IMPLICIT tag. */
function readSkip(sequence: DerReader, number: number): number | undefined {
  const tag = context(number, 'primitive');
  return sequence.at(tag) ? sequence.smallInteger(tag) : undefined;
}
