/**
 * The hosts that a request is for: its Host header, and the host of its target in absolute form (RFC 9112 section
 * 3.2.2).
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';

// Anything that two parsers could read as different hosts is malformed, such as user names or a second port.
const authority = /^(\[[\da-f:.]+\]|[\w.-]*)(?::\d*)?$/i;
// A URL parser that resolves such a path as a reference finds a host in it.
const disguised = /^(?:[/\\]{2}|[a-z][a-z\d+.-]*:\/\/[/\\])/i;
const absoluteForm = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i;

/**
 * Returns the hosts, without ports.
 * @returns `undefined` if one of them is malformed. `''` stands for the server itself, if an HTTP/1.0 request names
 *   no host.
 */
export function requestedHosts(req: IncomingMessage): readonly string[] | undefined {
  const { headers, url, method } = req;
  // RFC 9112 section 3.2: more than one Host is an error, because parsers differ in which one they read.
  if (countOf(req.rawHeaders, 'host') > 1) return undefined;
  if (method !== 'CONNECT' && disguised.test(url ?? '')) return undefined;
  // The target of CONNECT is not a resource of this server.
  const target = method === 'CONNECT' ? undefined : absoluteForm.exec(url ?? '')?.[1];
  const hosts: string[] = [];
  for (const given of [headers.host, target]) {
    if (given === undefined) continue;
    const host = authority.exec(given)?.[1];
    if (host === undefined) return undefined;
    hosts.push(host);
  }
  return hosts.length === 0 ? [''] : hosts;
}

/** `headersDistinct` has them too, and some releases of Node throw there at a header called __proto__. */
function countOf(rawHeaders: readonly string[], name: string): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.length === name.length && rawHeaders[index]?.toLowerCase() === name) count++;
  return count;
}
