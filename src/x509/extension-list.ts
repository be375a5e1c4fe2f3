/**
 * Lists of extensions (RFC 5280 section 4.2): of certificates, of requests for
 * them, and of CRLs.
 *
 * @module
 */
import { context, type DerReader, Tag } from './der.js';

/** One extension. */
export interface Extension {
  /** Its object identifier, dotted. */
  readonly type: string;
  readonly isCritical: boolean;
  /** What is in its OCTET STRING. */
  readonly value: DerReader;
}

/** Enters an EXPLICIT tag that holds Extensions and nothing else. */
export function enterExtensions(tbs: DerReader, number: number): DerReader | undefined {
  const explicit = tbs.enterOptional(context(number, 'constructed'));
  const list = explicit?.enter(Tag.sequence);
  explicit?.finish();
  return list;
}

/** Reads the content of an Extensions one by one; `undefined` has none. One that stands twice is an error. */
export function* extensionsOf(list: DerReader | undefined): Generator<Extension, void> {
  const seen = new Set<string>();
  while (list?.done === false) {
    const extension = list.enter(Tag.sequence);
    const type = extension.oid();
    if (seen.has(type)) extension.fail(`has the extension ${type} twice`, list.elementStart);
    seen.add(type);
    const isCritical = extension.at(Tag.boolean) && extension.boolean();
    const value = extension.enter(Tag.octetString);
    extension.finish();
    yield { type, isCritical, value };
  }
}
