/**
 * Checks the names of a certificate against the name constraints of a CA: RFC 5280 sections 4.2.1.10 and 6.1.3 (b)
 * and (c).
 *
 * @module
 */
import { type Certificate } from './certificate.js';
import { context } from './der.js';
import { type DistinguishedName } from './distinguished-name.js';
import { type GeneralName, ipOctets } from './general-name.js';
import { comparedTags, type GeneralSubtree, type NameConstraints } from './name-constraints.js';
import { shorten } from './string.js';

/** The remaining number of comparisons. Without a limit, constraints times names allows a denial of service. */
export interface ComparisonBudget {
  left: number;
}

/** A name that can be constrained. It is parsed once and compared many times. */
interface Constrained {
  /** The tag of GeneralName. */
  readonly tag: number;
  readonly kind: GeneralName['kind'];
  /** `undefined` if it cannot be compared. */
  readonly form: Form | undefined;
  /** The original text; `undefined` if it is unreadable. */
  readonly text: string | DistinguishedName | undefined;
}

type Form =
  /** `star` is the position of the last `*`, or -1. */
  | { readonly kind: 'dns'; readonly host: string; readonly star: number }
  | { readonly kind: 'uri'; readonly host: string }
  | { readonly kind: 'email'; readonly local: string; readonly host: string }
  | { readonly kind: 'ip'; readonly octets: Buffer }
  | { readonly kind: 'directoryName'; readonly name: DistinguishedName };

const emailAddress = '1.2.840.113549.1.9.1';
const commonName = '2.5.4.3';
const otherName = context(0, 'constructed');
/** The DER of id-on-SmtpUTF8Mailbox (RFC 9598): an email address whose mailbox is not ASCII. */
const utf8Mailbox = Buffer.from('06082b06010505070809', 'hex');

/**
 * Looks for a name that violates the constraints.
 * @param certificate - A certificate below the CA. Self-issued ones are only checked at the end of the path.
 * @param isLeaf - Whether it is the last of the path, whose commonName may be a host name.
 * @returns The violation, or `undefined`.
 */
export function findViolation(
  { permitted, excluded, isCritical, fault }: NameConstraints,
  certificate: Certificate,
  isLeaf: boolean,
  budget: ComparisonBudget,
): string | undefined {
  if (fault !== undefined) return `are invalid: it ${fault}`;
  for (const subtree of [...permitted, ...excluded])
    if (subtree.kind === 'unsupported' && (isCritical || subtree.isMalformed))
      return `cannot be checked: one ${subtree.fault}`;
  const names = namesOf(certificate, isLeaf);
  budget.left -= names.length + permitted.length + excluded.length;
  for (const tag of new Set(names.map((name) => name.tag))) {
    const isOfTag = (each: { readonly tag: number }): boolean => each.tag === tag;
    const ofTag = [excluded.filter(isOfTag), permitted.filter(isOfTag)] as const;
    for (const name of names.filter(isOfTag)) {
      const violation = violationBy(name, ...ofTag, budget);
      if (violation !== undefined) return violation;
    }
  }
  return undefined;
}

/** @param excluded - The excluded subtrees with the tag of the name. */
function violationBy(
  name: Constrained,
  excluded: readonly GeneralSubtree[],
  permitted: readonly GeneralSubtree[],
  budget: ComparisonBudget,
): string | undefined {
  budget.left -= excluded.length + permitted.length;
  if (budget.left < 0) return 'exceed the comparison limit for the names';
  for (const subtree of excluded) {
    const matches = compare(name, subtree, 'excluded');
    if (matches !== false) return matches ? `exclude ${describe(name)}` : incomparable(name, subtree);
  }
  let isPermitted = permitted.length === 0;
  for (const subtree of permitted) {
    const matches = compare(name, subtree, 'permitted');
    if (matches === undefined) return incomparable(name, subtree);
    isPermitted ||= matches;
  }
  return isPermitted ? undefined : `do not permit ${describe(name)}`;
}

function incomparable(name: Constrained, subtree: GeneralSubtree): string {
  const why = subtree.kind === 'unsupported' ? `: one ${subtree.fault}` : '';
  return `cannot be compared with ${describe(name)}${why}`;
}

function namesOf({ subject, subjectAltNames }: Certificate, isLeaf: boolean): Constrained[] {
  const names = subject.isEmpty ? [] : [constrainedBy({ kind: 'directoryName', value: subject })];
  // RFC 5280 requires it without subjectAltName; OpenSSL always does it.
  for (const { type, value, der } of subject.rdns.flat())
    if (type === emailAddress)
      names.push(
        constrainedBy(
          value === undefined ? { kind: 'unreadable', of: 'email', value: der } : { kind: 'email', value },
        ),
      );
  for (const name of subjectAltNames) {
    names.push(constrainedBy(name));
    // Email constraints apply to an SmtpUTF8Mailbox too (RFC 9598 section 6), but it is not compared.
    if (name.kind === 'other' && name.value.includes(utf8Mailbox))
      names.push({ tag: comparedTags.email, kind: 'other', form: undefined, text: undefined });
  }
  if (isLeaf && !subjectAltNames.some(({ kind }) => kind === 'dns'))
    for (const value of subject.get(commonName))
      if (isHostLike(value)) names.push(constrainedBy({ kind: 'dns', value }));
  return names;
}

function constrainedBy(name: GeneralName): Constrained {
  const { kind } = name;
  switch (kind) {
    case 'unreadable': {
      const tag = name.of === 'upn' ? otherName : comparedTags[name.of];
      return { tag, kind, form: undefined, text: undefined };
    }
    case 'upn':
      return { tag: otherName, kind, form: undefined, text: name.value };
    case 'other':
      return { tag: name.value[0] ?? 0, kind, form: undefined, text: undefined };
    case 'directoryName':
      return { tag: comparedTags[kind], kind, form: { kind, name: name.value }, text: name.value };
    default:
      return { tag: comparedTags[kind], kind, form: readForm(kind, name.value), text: name.value };
  }
}

/** As in OpenSSL: labels of letters, digits and hyphens, and at least one dot. */
function isHostLike(text: string): boolean {
  return /^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)+\.?$/i.test(text);
}

function readForm(kind: 'dns' | 'email' | 'uri' | 'ip', value: string): Form | undefined {
  switch (kind) {
    case 'dns': {
      const host = readHost(value, /^[^.]+(\.[^.]+)*$/);
      return host === undefined ? undefined : { kind, host, star: host.lastIndexOf('*') };
    }
    case 'email': {
      const at = value.lastIndexOf('@');
      const host = readHost(value.slice(at + 1), hostName);
      return host === undefined || at <= 0 ? undefined : { kind, local: value.slice(0, at), host };
    }
    case 'uri': {
      const host = hostOf(value);
      return host === undefined ? undefined : { kind, host };
    }
    default: {
      const octets = ipOctets(value);
      return octets === undefined ? undefined : { kind, octets };
    }
  }
}

const hostName = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;
// RFC 1035 section 2.3.4.
const longestHost = 255;

/** A host in lower case; `undefined` if it is invalid. OpenSSL does not ignore a trailing dot, other readers do. */
function readHost(text: string, form: RegExp): string | undefined {
  if (text.length > longestHost) return undefined;
  const host = text.toLowerCase();
  return form.test(host) ? host : undefined;
}

/**
 * The host of a URI, limited to forms in which all parsers find the same. OpenSSL does not know user information, and
 * ends the host at the first colon, or else at the first slash.
 */
const uriHost = /^[a-z][a-z0-9+.-]*:\/\/([a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?:\/[^:]*|:\d*(?:[/?#].*)?)?$/i;

/** Matches hosts that a URL parser reads as an IPv4 address: the last label is a number. */
const numericHost = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/;

/** A URI without a host, or with an IP address as host, cannot be compared (RFC 5280 section 4.2.1.10). */
function hostOf(uri: string): string | undefined {
  const host = readHost(uriHost.exec(uri)?.[1] ?? '', hostName);
  return host === undefined || numericHost.test(host) ? undefined : host;
}

/** Whether a name is in a subtree of its kind; `undefined` if they cannot be compared. */
function compare(
  { form }: Constrained,
  subtree: GeneralSubtree,
  list: 'permitted' | 'excluded',
): boolean | undefined {
  if (form === undefined) return undefined;
  switch (subtree.kind) {
    case 'dns':
      return form.kind === 'dns' ? compareHosts(form, subtree.base, list) : undefined;
    case 'email':
      return form.kind === 'email' ? compareEmails(form, subtree, list) : undefined;
    case 'uri':
      return form.kind === 'uri' ? isHostIn(form.host, subtree.base) : undefined;
    case 'ip':
      return form.kind === 'ip' ? isInRange(form.octets, subtree) : undefined;
    case 'directoryName':
      return form.kind === 'directoryName' ? isBelow(form.name, subtree.base) : undefined;
    default:
      return undefined;
  }
}

/** A base covers itself and all names below it; with a leading dot, as in OpenSSL, only the names below it. */
function compareHosts(
  { host, star }: Extract<Form, { kind: 'dns' }>,
  base: string,
  list: 'permitted' | 'excluded',
): boolean | undefined {
  if (base === '' || host === base || isBelowHost(host, base)) return true;
  if (star < 0) return false;
  // A wildcard is the first label. It covers hosts inside and outside an exclusion below it.
  const dot = host.indexOf('.');
  if (star > dot) return undefined;
  const rest = host.slice(dot);
  return list === 'excluded' && base.endsWith(rest);
}

/** A constraint is a mailbox, a host, or with a leading dot all hosts below it. */
function compareEmails(
  { local, host }: Extract<Form, { kind: 'email' }>,
  { local: wanted, base }: Extract<GeneralSubtree, { kind: 'email' }>,
  list: 'permitted' | 'excluded',
): boolean | undefined {
  if (wanted === undefined) return isHostIn(host, base);
  if (host !== base) return false;
  if (list === 'permitted') return local === wanted;
  // Mailboxes are case-sensitive, but rarely differ only in case, so an exclusion ignores case. A quoted local part
  // can have several spellings.
  return /["\\]/.test(local) ? undefined : local.toLowerCase() === wanted.toLowerCase();
}

function isHostIn(host: string, base: string): boolean {
  return base.startsWith('.') ? isBelowHost(host, base) : host === base;
}

function isBelowHost(host: string, base: string): boolean {
  return host.endsWith(base) && (base.startsWith('.') || host[host.length - base.length - 1] === '.');
}

function isInRange(
  octets: Buffer,
  { address, mask }: { readonly address: Buffer; readonly mask: Buffer },
): boolean {
  if (octets.length !== address.length) return false;
  for (let at = 0; at < octets.length; at++)
    if ((((octets[at] as number) ^ (address[at] as number)) & (mask[at] as number)) !== 0) return false;
  return true;
}

function isBelow(
  { canonicalParts: parts }: DistinguishedName,
  { canonicalParts: base }: DistinguishedName,
): boolean {
  return base.length <= parts.length && base.every((part, at) => part === parts[at]);
}

function describe({ kind, text }: Constrained): string {
  if (text === undefined) return 'a name that cannot be read';
  return `the ${kind} name "${shorten(typeof text === 'string' ? text : text.describe())}"`;
}
