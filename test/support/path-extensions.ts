/**
 * The extensions by which a CA limits what is below it, for test material.
 *
 * @module
 */
import type { Certificate } from './chain.js';
import { element, implicit, integer, oid, sequence } from './der-writer.js';
import type { ExtraExtension } from './extensions.js';
import { directoryName, generalNames, type AltNameOptions } from './names.js';

interface ConstraintOptions {
  readonly permitted?: AltNameOptions;
  readonly excluded?: AltNameOptions;
  /** @defaultValue `true` */
  readonly critical?: boolean;
}

/** Addresses are given as `ip: [Buffer]`: the address and the mask. */
export function nameConstraints({ permitted, excluded, critical = true }: ConstraintOptions): ExtraExtension {
  const subtrees = (number: number, names: AltNameOptions | undefined): Buffer[] =>
    names === undefined
      ? []
      : [element(0xa0 + number, Buffer.concat(generalNames(names).map((name) => sequence(name))))];
  return { oid: '2.5.29.30', critical, value: sequence(...subtrees(0, permitted), ...subtrees(1, excluded)) };
}

export function certificatePolicies(...policies: readonly string[]): ExtraExtension {
  return { oid: '2.5.29.32', value: sequence(...policies.map((policy) => sequence(oid(policy)))) };
}

/** Pairs: of the issuer's domain, of the subject's. */
export function policyMappings(...pairs: readonly (readonly [string, string])[]): ExtraExtension {
  return {
    oid: '2.5.29.33',
    critical: true,
    value: sequence(...pairs.map(([issuer, subject]) => sequence(oid(issuer), oid(subject)))),
  };
}

export function policyConstraints(given: {
  readonly requireExplicitPolicy?: number;
  readonly inhibitPolicyMapping?: number;
}): ExtraExtension {
  const { requireExplicitPolicy: explicit, inhibitPolicyMapping: mapping } = given;
  const parts = [explicit, mapping].flatMap((skip, number) =>
    skip === undefined ? [] : [implicit(number, integer(skip))],
  );
  return { oid: '2.5.29.36', critical: true, value: sequence(...parts) };
}

export function inhibitAnyPolicy(skip: number): ExtraExtension {
  return { oid: '2.5.29.54', critical: true, value: integer(skip) };
}

/** An authorityKeyIdentifier that names a certificate by its issuer and serial number. */
export function authorityCertificate({ issuer, serialContent, subject }: Certificate): ExtraExtension {
  const name = directoryName(issuer?.subject ?? subject);
  return {
    oid: '2.5.29.35',
    value: sequence(element(0xa1, name), element(0x82, serialContent)),
  };
}
