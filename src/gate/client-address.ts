/**
 * The client's address in a header that a proxy sets, for the log.
 *
 * @module
 */
import { isIP } from 'node:net';

// An element has an address and a port. Earlier elements, which the client may have sent, are not read.
const longestElement = 200;

/**
 * Returns the address in the last element of a header: the element that the proxy itself added.
 * @param kind - The header. `'forwarded'` has the syntax of RFC 7239; the others contain only addresses.
 * @returns `undefined` if it is not an IP address. An IPv4-mapped address is returned in IPv4 notation.
 */
export function clientAddressIn(
  value: string | undefined,
  kind: 'forwarded' | 'x-forwarded-for' | 'x-real-ip',
): string | undefined {
  if (value === undefined) return undefined;
  const last = value.slice(value.lastIndexOf(',') + 1).trim();
  if (last.length > longestElement) return undefined;
  const node = kind === 'forwarded' ? /(?:^|;)\s*for=(?:"([^"\\]*)"|([^\s;"]+))/i.exec(last) : [last, last];
  const text = node?.[1] ?? node?.[2];
  const address =
    text === undefined ? undefined : (/^\[([0-9a-f:.]+)\](?::\d+)?$/i.exec(text)?.[1] ?? withoutPort(text));
  if (address === undefined || isIP(address) === 0) return undefined;
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  return mapped ?? address;
}

/** `192.0.2.1:4711`. An IPv6 address has a port only in brackets. */
function withoutPort(text: string): string {
  return /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
}
