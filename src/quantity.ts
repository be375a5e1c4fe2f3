/**
 * Quantities in words.
 *
 * @module
 */

/**
 * `1 key`, `2 keys`, `1,000 entries`.
 * @param plural - Of a noun that takes more than an s.
 */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  // Not toLocaleString(): its first call takes 15 ms, and a server shows numbers too.
  const digits = String(number).replace(/\B(?=(?:\d{3})+$)/g, ',');
  return `${digits} ${number === 1 ? noun : plural}`;
}
