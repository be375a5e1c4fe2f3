/**
 * Lists of extensions (RFC 5280 section 4.2) of certificates, certificate requests and CRLs.
 *
 * @module
 */
import { context, type DerReader, Tag } from './der.js';

/** One extension. */
export interface Extension {
  /** Its object identifier, dotted. */
  readonly type: string;
  readonly isCritical: boolean;
  /** The content of its OCTET STRING. */
  readonly value: DerReader;
}

/** Enters an EXPLICIT tag that contains only Extensions. */
export function enterExtensions(tbs: DerReader, number: number): DerReader | undefined {
  const explicit = tbs.enterOptional(context(number, 'constructed'));
  const list = explicit?.enter(Tag.sequence);
  explicit?.finish();
  return list;
}

/** Iterates over the content of an Extensions; `undefined` if there are none. A duplicate is an error. */
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
