/**
 * Quantities as text.
 *
 * @module
 */

/**
 * `1 key`, `2 keys`, `1,000 entries`.
 * @param plural - The plural, if the noun takes more than an s.
 */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  // Not toLocaleString(): its first call takes 15 ms, and servers print numbers too.
  const digits = String(number).replace(/\B(?=(?:\d{3})+$)/g, ',');
  return `${digits} ${number === 1 ? noun : plural}`;
}
