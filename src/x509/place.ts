/**
 * Finds the field of a certificate or a CRL that contains a byte, for errors. It is called after reading has failed,
 * so it makes no assumptions about the bytes.
 *
 * @module
 */
import { context, DerReader, Tag } from './der.js';
import { describeExtension } from './extension-name.js';
import { attributeName } from './name-attribute.js';

// RFC 5280 section 4.1.2.2; DER may add one octet for the sign.
const longestSerial = 21;

interface Element {
  readonly tag: number;
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

/** The field of a certificate that contains a byte; `undefined` if it cannot be determined. */
export function placeInCertificate(bytes: Buffer, offset: number): string | undefined {
  const tbs = signedPart(bytes, offset);
  if (tbs === undefined || typeof tbs === 'string') return tbs;
  const names = ['serialNumber', 'signature algorithm', 'issuer', 'validity', 'subject', 'public key'];
  let index = -1;
  return placeAmong(bytes, tbs, offset, (tag) => {
    if (index < 0 && tag === context(0, 'constructed')) return 'version';
    index++;
    if (index === 0 && tag !== Tag.integer) return undefined;
    if (index < names.length) return names[index];
    return tag === context(3, 'constructed') ? 'extensions' : undefined;
  });
}

/** The field of a CRL that contains a byte; `undefined` if it cannot be determined. */
export function placeInCrl(bytes: Buffer, offset: number): string | undefined {
  const tbs = signedPart(bytes, offset);
  if (tbs === undefined || typeof tbs === 'string') return tbs;
  const names = ['signature algorithm', 'issuer', 'thisUpdate'];
  let index = -1;
  return placeAmong(bytes, tbs, offset, (tag) => {
    if (index < 0 && tag === Tag.integer) return 'version';
    index++;
    // For example, if a certificate is read as a CRL.
    if (index === 0 && tag !== Tag.sequence) return undefined;
    if (index < names.length) return names[index];
    if (tag === Tag.utcTime || tag === Tag.generalizedTime) return 'nextUpdate';
    if (tag === Tag.sequence) return 'revokedCertificates';
    return tag === context(0, 'constructed') ? 'extensions' : undefined;
  });
}

/** The signed part if it contains the byte; otherwise the field after it. */
function signedPart(bytes: Buffer, offset: number): Element | string | undefined {
  const outer = elementAt(bytes, 0, bytes.length);
  const tbs = outer && elementAt(bytes, outer.content, outer.end);
  if (outer?.tag !== Tag.sequence || tbs?.tag !== Tag.sequence || offset < tbs.content) return undefined;
  if (offset < tbs.end) return tbs;
  const algorithm = elementAt(bytes, tbs.end, outer.end);
  if (algorithm === undefined || offset < algorithm.end) return 'the signature algorithm';
  return offset < outer.end ? 'the signature' : undefined;
}

function placeAmong(
  bytes: Buffer,
  around: Element,
  offset: number,
  nameOf: (tag: number) => string | undefined,
): string | undefined {
  for (let start = around.content; start < around.end;) {
    const name = nameOf(bytes[start] as number);
    const element = elementAt(bytes, start, around.end);
    if (element === undefined || offset < element.end)
      return name && placeWithin(bytes, name, element, offset);
    start = element.end;
  }
  return undefined;
}

/** The place within a field; `field` is `undefined` if its header cannot be read. */
function placeWithin(bytes: Buffer, name: string, field: Element | undefined, offset: number): string {
  if (field === undefined || offset < field.content) return called(name);
  switch (name) {
    case 'issuer':
    case 'subject': {
      const rdn = childAt(bytes, field, offset);
      const attribute = rdn && childAt(bytes, rdn, offset);
      const type = attribute && typeOf(bytes, attribute);
      return type === undefined ? called(name) : `the ${attributeName(type)} of the ${name}`;
    }
    case 'validity':
      return offset < (elementAt(bytes, field.content, field.end)?.end ?? Infinity)
        ? 'notBefore'
        : 'notAfter';
    case 'extensions': {
      const list = childAt(bytes, field, offset);
      return (list && placeAmongExtensions(bytes, list, offset)) ?? 'the extensions';
    }
    case 'revokedCertificates':
      return placeInEntries(bytes, field, offset);
    default:
      return called(name);
  }
}

/** RFC 5280 field names have no article. */
function called(name: string): string {
  return /[A-Z]/.test(name) ? name : `the ${name}`;
}

function placeInEntries(bytes: Buffer, list: Element, offset: number): string {
  let number = 1;
  let entry = elementAt(bytes, list.content, list.end);
  for (; entry !== undefined && entry.end <= offset; number++) entry = elementAt(bytes, entry.end, list.end);
  const serial = entry && elementAt(bytes, entry.content, entry.end);
  if (entry === undefined || serial === undefined || offset < serial.end)
    return `entry ${number} of revokedCertificates`;
  const digits = bytes.toString('hex', serial.content, Math.min(serial.end, serial.content + longestSerial));
  const which = `entry ${number} of revokedCertificates (serial ${digits})`;
  const date = elementAt(bytes, serial.end, entry.end);
  if (date === undefined || offset < date.end) return `the revocationDate of ${which}`;
  const extensions = elementAt(bytes, date.end, entry.end);
  const place = extensions && placeAmongExtensions(bytes, extensions, offset);
  return place === undefined ? which : `${place} of ${which}`;
}

function placeAmongExtensions(bytes: Buffer, list: Element, offset: number): string | undefined {
  const extension = childAt(bytes, list, offset);
  const type = extension && typeOf(bytes, extension);
  return type === undefined ? undefined : `the extension ${describeExtension(type)}`;
}

/** The element within another that contains a byte. */
function childAt(bytes: Buffer, around: Element, offset: number): Element | undefined {
  let child = elementAt(bytes, around.content, around.end);
  while (child !== undefined && child.end <= offset) child = elementAt(bytes, child.end, around.end);
  return child !== undefined && child.start <= offset ? child : undefined;
}

/** The OBJECT IDENTIFIER that an element begins with. */
function typeOf(bytes: Buffer, element: Element): string | undefined {
  try {
    // Without `placeOf`, so that an error here does not search for its own place.
    const reader = new DerReader(
      bytes,
      { code: 'ERR_MTLS_PEM_INVALID', noun: 'type' },
      element.content,
      element.end,
    );
    return reader.oid();
  } catch {
    return undefined;
  }
}

function elementAt(bytes: Buffer, start: number, limit: number): Element | undefined {
  try {
    const reader = new DerReader(bytes, { code: 'ERR_MTLS_PEM_INVALID', noun: 'element' }, start, limit);
    reader.next();
    return { tag: reader.tag, start, content: reader.contentStart, end: reader.contentEnd };
  } catch {
    return undefined;
  }
}
