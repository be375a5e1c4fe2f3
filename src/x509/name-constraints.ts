/**
 * Name constraints (RFC 5280 section 4.2.1.10): the names that certificates below a CA may have.
 *
 * @module
 */
import { context, type DerReader, Tag } from './der.js';
import { type DistinguishedName, readName } from './distinguished-name.js';

/** One constraint, and the GeneralName tag of the names that it applies to. */
export type GeneralSubtree = { readonly tag: number } & SubtreeBase;

/** `unsupported` is a constraint that cannot be compared with names, and why. Hosts are in lower case. */
type SubtreeBase =
  | { readonly kind: 'dns' | 'uri'; readonly base: string }
  /** `local` is the part before the `@`, if the constraint is one mailbox and not a host. */
  | { readonly kind: 'email'; readonly base: string; readonly local: string | undefined }
  | { readonly kind: 'ip'; readonly address: Buffer; readonly mask: Buffer }
  | { readonly kind: 'directoryName'; readonly base: DistinguishedName }
  | {
      readonly kind: 'unsupported';
      readonly fault: string;
      /** Whether its kind is supported, but its value is malformed. */
      readonly isMalformed: boolean;
    };

/** The name constraints of a CA certificate. Both lists may be empty here, although that is invalid. */
export interface NameConstraints {
  readonly permitted: readonly GeneralSubtree[];
  readonly excluded: readonly GeneralSubtree[];
  readonly isCritical: boolean;
  /** What is wrong with the extension as a whole, or `undefined`. */
  readonly fault: string | undefined;
}

/** Reads NameConstraints. Malformed constraints are kept as faults: only a path that depends on them is refused. */
export function readNameConstraints(sequence: DerReader, isCritical: boolean): NameConstraints {
  const permitted = readSubtrees(sequence.enterOptional(context(0, 'constructed')));
  const excluded = readSubtrees(sequence.enterOptional(context(1, 'constructed')));
  sequence.finish();
  const isEmpty =
    permitted?.length === 0 || excluded?.length === 0 || (permitted === undefined && excluded === undefined);
  return {
    permitted: permitted ?? [],
    excluded: excluded ?? [],
    isCritical,
    fault: isEmpty ? 'has an empty list' : undefined,
  };
}

function readSubtrees(list: DerReader | undefined): GeneralSubtree[] | undefined {
  if (list === undefined) return undefined;
  const subtrees: GeneralSubtree[] = [];
  while (!list.done) {
    const subtree = list.enter(Tag.sequence);
    subtree.next();
    const { tag } = subtree;
    const base = readBase(subtree);
    subtrees.push({ tag, ...(readExtent(subtree) ? base : malformed('has a minimum or a maximum')) });
  }
  return subtrees;
}

/** Reads the rest of a subtree. Returns whether it conforms to RFC 5280: a minimum of 0, and no maximum. */
function readExtent(subtree: DerReader): boolean {
  let isUsual = true;
  for (let index = 0; !subtree.done; index++) {
    const isMinimum = index === 0 && subtree.at(context(0, 'primitive'));
    const { content } = subtree.next();
    // DER omits a default. Some CAs write it.
    isUsual &&= isMinimum && content.length === 1 && content[0] === 0;
  }
  return isUsual;
}

function malformed(fault: string): SubtreeBase {
  return { kind: 'unsupported', fault, isMalformed: true };
}

/** The GeneralName tags (RFC 5280 section 4.2.1.6) of the supported kinds. */
export const comparedTags: Readonly<Record<'email' | 'dns' | 'directoryName' | 'uri' | 'ip', number>> = {
  email: context(1, 'primitive'),
  dns: context(2, 'primitive'),
  directoryName: context(4, 'constructed'),
  uri: context(6, 'primitive'),
  ip: context(7, 'primitive'),
};

function readBase(subtree: DerReader): SubtreeBase {
  switch (subtree.tag) {
    case comparedTags.email:
      return readText(subtree, 'email');
    case comparedTags.dns:
      return readText(subtree, 'dns');
    case comparedTags.uri:
      return readText(subtree, 'uri');
    case comparedTags.directoryName: {
      const explicit = subtree.inside();
      const base = readName(explicit);
      explicit.finish();
      return { kind: 'directoryName', base };
    }
    case comparedTags.ip:
      return readRange(subtree);
    default:
      return { kind: 'unsupported', fault: 'is of an unknown kind', isMalformed: false };
  }
}

function readText(subtree: DerReader, kind: 'dns' | 'email' | 'uri'): SubtreeBase {
  const text = subtree.content.toString('latin1');
  if (!/^[\x21-\x7e]*$/.test(text)) return malformed('is not valid text for its kind');
  if (!isBase(kind, text)) return malformed(`"${text.slice(0, 100)}" is no ${kind} constraint`);
  if (kind !== 'email') return { kind, base: text.toLowerCase() };
  const at = text.lastIndexOf('@');
  // Microsoft documents "@host", and OpenSSL reads it as the host.
  return { kind, base: text.slice(at + 1).toLowerCase(), local: at > 0 ? text.slice(0, at) : undefined };
}

const label = '[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?';
const host = new RegExp(`^\\.?(${label}\\.)*${label}$`, 'i');

/** Whether a text is a valid constraint of its kind. An empty DNS constraint covers every name. */
function isBase(kind: 'dns' | 'email' | 'uri', base: string): boolean {
  if (kind === 'dns' && base === '') return true;
  const at = kind === 'email' ? base.lastIndexOf('@') : -1;
  if (at < 0) return host.test(base);
  return !base.slice(at + 1).startsWith('.') && host.test(base.slice(at + 1));
}

function readRange({ content }: DerReader): SubtreeBase {
  if (content.length !== 8 && content.length !== 32)
    return malformed(`has ${content.length} bytes for an address and a mask`);
  const half = content.length / 2;
  const [address, mask] = [content.subarray(0, half), content.subarray(half)];
  return isPrefix(mask) ? { kind: 'ip', address, mask } : malformed('has a mask that is not a prefix');
}

/** Whether all ones come before all zeros. */
function isPrefix(mask: Buffer): boolean {
  const bits = [...mask].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(bits);
}
