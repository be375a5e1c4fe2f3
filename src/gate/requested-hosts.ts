/**
 * Which host a request is for: its Host, and that of its target where it has the
 * absolute form (RFC 9112 section 3.2.2).
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';

// Whatever somebody might read a host out of and somebody else another one is not well-formed: user names, a second port.
const authority = /^(\[[\da-f:.]+\]|[\w.-]*)(?::\d*)?$/i;
// A path that begins like this is a host to whoever resolves it as a URL reference.
const disguised = /^(?:[/\\]{2}|[a-z][a-z\d+.-]*:\/\/[/\\])/i;
const absoluteForm = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i;

/**
 * The hosts, without port.
 * @returns `undefined` where one of them is not well-formed. An old request that names none is for the server itself,
 *   which is `''`.
 */
export function requestedHosts(req: IncomingMessage): readonly string[] | undefined {
  const { headers, url, method } = req;
  // RFC 9112 section 3.2: more than one is an error, and which of them is read is anybody's guess.
  if (countOf(req.rawHeaders, 'host') > 1) return undefined;
  if (method !== 'CONNECT' && disguised.test(url ?? '')) return undefined;
  // The target of CONNECT is no resource of this server.
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
