/**
 * Abbreviated lists of names in log lines and errors.
 *
 * @module
 */

const mostInSentence = 3;
const mostInField = 10;

/** `'CN=a and CN=b'`, `'CN=a, CN=b, CN=c and 397 more'`. */
export function listSome(names: readonly string[], separator: ' and ' | ', ' = ' and '): string {
  if (names.length <= mostInSentence) return names.join(separator);
  return `${names.slice(0, mostInSentence).join(', ')} and ${names.length - mostInSentence} more`;
}

/** The first items of a list, as many as a log line can hold. The total is logged separately. */
export function firstOf<Item>(items: readonly Item[]): readonly Item[] {
  return items.slice(0, mostInField);
}
