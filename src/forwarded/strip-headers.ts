/**
 * Removes headers from a request, so that no handler can use a certificate that was not judged.
 *
 * @module
 */

/**
 * Returns raw headers or trailers without those of some names, in any letter case, also with underscores in place of
 * dashes.
 * @param rawHeaders - Name, value, name, value, as in `req.rawHeaders`.
 * @param names - In lower case, as `headersToStrip()` returns them. Must not be changed afterwards.
 * @returns A new array, or the given one if nothing is removed.
 */
export function withoutHeaders(rawHeaders: readonly string[], names: ReadonlySet<string>): readonly string[] {
  const shapes = shapesOf(names);
  let kept: string[] | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (shapes[shapeOf(name)] === 1 && isOneOf(name, names)) kept ??= rawHeaders.slice(0, index);
    else kept?.push(name, rawHeaders[index + 1] as string);
  }
  return kept ?? rawHeaders;
}

/**
 * Returns a copy of an object whose keys are names in lower case, without the same headers. A copy, because V8 makes a
 * slow object of one that loses a property.
 */
export function copyWithout<Headers extends object>(headers: Headers, names: ReadonlySet<string>): Headers {
  const shapes = shapesOf(names);
  const copy = Object.create(Object.getPrototypeOf(headers) as object | null) as Headers;
  for (const name of Object.keys(headers) as (keyof Headers & string)[])
    if (shapes[shapeOf(name)] !== 1 || !isOneOf(name, names)) copy[name] = headers[name];
  return copy;
}

/** Removes the same headers from an object whose keys are names in lower case. */
export function deleteHeaders(headers: object, names: ReadonlySet<string>): void {
  for (const name of Object.keys(headers)) if (isOneOf(name, names)) Reflect.deleteProperty(headers, name);
}

function isOneOf(name: string, names: ReadonlySet<string>): boolean {
  const lowerCase = name.toLowerCase();
  return names.has(lowerCase) || (lowerCase.includes('_') && names.has(lowerCase.replaceAll('_', '-')));
}

// The length and the first letter exclude nearly every other header without a lower-case copy of its name. The lowest
// five bits of a letter are the same in both cases.
const shapeCount = 2048;
const shapesByNames = new WeakMap<ReadonlySet<string>, Uint8Array>();

function shapeOf(name: string): number {
  return ((name.charCodeAt(0) & 31) << 6) | (name.length & 63);
}

function shapesOf(names: ReadonlySet<string>): Uint8Array {
  const known = shapesByNames.get(names);
  if (known !== undefined) return known;
  const shapes = new Uint8Array(shapeCount);
  for (const name of names) shapes[shapeOf(name)] = 1;
  shapesByNames.set(names, shapes);
  return shapes;
}
