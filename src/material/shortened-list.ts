/**
 * Lists of names in log lines and errors: a few of them, and how many there are.
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

/** The first of a list that a line of the log can bear. How many there are stands beside it. */
export function firstOf<Item>(items: readonly Item[]): readonly Item[] {
  return items.slice(0, mostInField);
}
