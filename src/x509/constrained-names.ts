/**
 * Whether the names of a certificate are within a CA's name constraints: RFC 5280
 * sections 4.2.1.10 and 6.1.3 (b) and (c).
 *
 * @module
 */
import { type Certificate } from './certificate.js';
import { context } from './der.js';
import { type DistinguishedName } from './distinguished-name.js';
import { type GeneralName, ipOctets } from './general-name.js';
import { comparedTags, type GeneralSubtree, type NameConstraints } from './name-constraints.js';
import { shorten } from './string.js';

/** How many names may still be compared: constraints times names has cost other libraries a denial of service. */
export interface ComparisonBudget {
  left: number;
}

/** A name that constraints can be about, by the tag of GeneralName where its kind is not compared. */
type Constrained =
  | { readonly kind: 'dns' | 'email' | 'uri' | 'ip'; readonly value: string }
  | { readonly kind: 'directoryName'; readonly value: DistinguishedName }
  | { readonly kind: 'incomparable'; readonly tag: number };

const emailAddress = '1.2.840.113549.1.9.1';
const commonName = '2.5.4.3';
const otherName = context(0, 'constructed');

/**
 * Looks for a name that the constraints do not admit.
 * @param certificate - One below the CA, and not one that it issued to itself, but for the last of the path.
 * @param isLeaf - Whether it is the last of the path: its commonName may be a host's.
 * @returns What is wrong; `undefined` where nothing is.
 */
export function findViolation(
  { permitted, excluded, isCritical, fault }: NameConstraints,
  certificate: Certificate,
  isLeaf: boolean,
  budget: ComparisonBudget,
): string | undefined {
  if (fault !== undefined) return `are invalid: it ${fault}`;
  const names = namesOf(certificate, isLeaf);
  for (const subtree of [...permitted, ...excluded]) {
    if (subtree.kind !== 'unsupported') continue;
    const isMet = names.some((name) => tagOf(name) === subtree.tag);
    if (isCritical || subtree.isMalformed || isMet) return `cannot be checked: one ${subtree.fault}`;
  }
  for (const name of names) {
    const violation = violationBy(name, permitted, excluded, budget);
    if (violation !== undefined) return violation;
  }
  return undefined;
}

function violationBy(
  name: Constrained,
  permitted: readonly GeneralSubtree[],
  excluded: readonly GeneralSubtree[],
  budget: ComparisonBudget,
): string | undefined {
  let isConstrained = false;
  let isPermitted = false;
  for (const [list, subtrees] of [
    ['excluded', excluded],
    ['permitted', permitted],
  ] as const) {
    for (const subtree of subtrees) {
      if (!isAbout(subtree, name)) continue;
      if (--budget.left < 0) return 'are more than are compared for one client';
      const matches = compare(name, subtree, list);
      if (matches === undefined) return `cannot be compared with ${describe(name)}`;
      if (list === 'excluded' && matches) return `exclude ${describe(name)}`;
      isConstrained ||= list === 'permitted';
      isPermitted ||= list === 'permitted' && matches;
    }
  }
  return isConstrained && !isPermitted ? `do not permit ${describe(name)}` : undefined;
}

function isAbout(subtree: GeneralSubtree, name: Constrained): boolean {
  return subtree.kind !== 'unsupported' && comparedTags[subtree.kind] === tagOf(name);
}

function namesOf({ subject, subjectAltNames }: Certificate, isLeaf: boolean): Constrained[] {
  const names: Constrained[] = subject.isEmpty ? [] : [{ kind: 'directoryName', value: subject }];
  // RFC 5280 wants it where there is no subjectAltName, and OpenSSL does it in any case.
  for (const value of subject.get(emailAddress)) names.push({ kind: 'email', value });
  for (const name of subjectAltNames) names.push(constrainedBy(name));
  if (isLeaf && !subjectAltNames.some(({ kind }) => kind === 'dns'))
    for (const value of subject.get(commonName)) if (isHostLike(value)) names.push({ kind: 'dns', value });
  return names;
}

function constrainedBy(name: GeneralName): Constrained {
  switch (name.kind) {
    case 'unreadable':
      return { kind: 'incomparable', tag: name.of === 'upn' ? otherName : comparedTags[name.of] };
    case 'upn':
      return { kind: 'incomparable', tag: otherName };
    case 'other':
      return { kind: 'incomparable', tag: name.value[0] ?? 0 };
    case 'directoryName':
      return { kind: name.kind, value: name.value };
    default:
      return { kind: name.kind, value: name.value };
  }
}

function tagOf(name: Constrained): number {
  return name.kind === 'incomparable' ? name.tag : comparedTags[name.kind];
}

/** As OpenSSL has it: labels of letters, digits and hyphens, and at least one dot. */
function isHostLike(text: string): boolean {
  return /^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)+\.?$/i.test(text);
}

/** Whether a name is in a subtree; `undefined` where nobody can say. */
function compare(
  name: Constrained,
  subtree: GeneralSubtree,
  list: 'permitted' | 'excluded',
): boolean | undefined {
  switch (subtree.kind) {
    case 'dns':
      return name.kind === 'dns' ? compareHosts(name.value, subtree.base, list) : undefined;
    case 'email':
      return name.kind === 'email' ? compareEmails(name.value, subtree.base, list) : undefined;
    case 'uri':
      return name.kind === 'uri' ? compareUris(name.value, subtree.base) : undefined;
    case 'ip':
      return name.kind === 'ip' ? isInRange(ipOctets(name.value), subtree) : undefined;
    case 'directoryName':
      return name.kind === 'directoryName' ? isBelow(name.value, subtree.base) : undefined;
    default:
      return undefined;
  }
}

/** A base stands for itself and all below it; with a dot in front, as OpenSSL reads it, for those below it alone. */
function compareHosts(name: string, base: string, list: 'permitted' | 'excluded'): boolean | undefined {
  const host = name.toLowerCase().replace(/\.$/, '');
  const wanted = base.toLowerCase();
  if (wanted === '') return true;
  const below = wanted.startsWith('.') ? wanted : `.${wanted}`;
  const isIn = host === wanted || host.endsWith(below);
  const star = host.indexOf('*');
  if (star < 0 || isIn) return isIn;
  // A wildcard is of one label, the first. It stands for hosts on either side of an exclusion below it.
  const rest = host.slice(host.indexOf('.'));
  if (star > host.indexOf('.')) return undefined;
  return list === 'excluded' && below.endsWith(rest);
}

/** A base is a mailbox, a host, or with a dot in front all hosts below it. */
function compareEmails(name: string, base: string, list: 'permitted' | 'excluded'): boolean | undefined {
  const at = name.lastIndexOf('@');
  if (at <= 0) return undefined;
  const [local, host] = [name.slice(0, at), name.slice(at + 1).toLowerCase()];
  const baseAt = base.lastIndexOf('@');
  if (baseAt < 0) return isHostIn(host, base);
  const wanted = base.slice(0, baseAt);
  // Two mailboxes may differ in case alone, and hardly ever do: an exclusion is of both.
  const isSame = list === 'excluded' ? local.toLowerCase() === wanted.toLowerCase() : local === wanted;
  return isSame && host === base.slice(baseAt + 1).toLowerCase();
}

/** A URI without a host, or with an address for one, cannot be compared (RFC 5280 section 4.2.1.10). */
function compareUris(name: string, base: string): boolean | undefined {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(name)?.[1];
  const host = authority
    ?.slice(authority.lastIndexOf('@') + 1)
    .replace(/:\d*$/, '')
    .toLowerCase();
  const isName =
    host !== undefined && /^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/.test(host) && !/(^|\.)\d+\.?$/.test(host);
  return isName ? isHostIn(host, base) : undefined;
}

function isHostIn(host: string, base: string): boolean {
  const wanted = base.toLowerCase();
  const name = host.replace(/\.$/, '');
  return wanted.startsWith('.') ? name.endsWith(wanted) : name === wanted;
}

function isInRange(
  octets: Buffer | undefined,
  { address, mask }: { readonly address: Buffer; readonly mask: Buffer },
): boolean | undefined {
  if (octets === undefined) return undefined;
  if (octets.length !== address.length) return false;
  return octets.every((octet, at) => ((octet ^ (address[at] as number)) & (mask[at] as number)) === 0);
}

function isBelow(
  { canonicalParts: parts }: DistinguishedName,
  { canonicalParts: base }: DistinguishedName,
): boolean {
  return base.length <= parts.length && base.every((part, at) => part === parts[at]);
}

function describe(name: Constrained): string {
  if (name.kind === 'incomparable') return 'a name that cannot be read';
  const text = name.kind === 'directoryName' ? name.value.describe() : name.value;
  return `the ${name.kind} name "${shorten(text)}"`;
}
