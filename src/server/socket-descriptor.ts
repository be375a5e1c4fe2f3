/**
 * The path of a Unix socket that another program has opened, and passed on as a file descriptor.
 *
 * @module
 */
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * The path that the socket behind a descriptor is bound to, as Linux reports it (proc(5), /proc/net/unix).
 * @returns `undefined` if it cannot be found out: on another system, for a socket of another kind, for one without a
 *   path, and for a relative path. An abstract socket's begins with `'\0'`, as in `node:net`.
 */
export function socketPathOf(descriptor: number): string | undefined {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${descriptor}`))?.[1];
    if (inode === undefined) return undefined;
    const sockets = readFileSync('/proc/net/unix', 'utf8');
    return pathIn(sockets, inode);
  } catch {
    return undefined;
  }
}

// Num RefCount Protocol Flags Type St Inode Path
const entry = /^[0-9a-f]+: (?:[0-9A-F]+ ){5} *(\d+) ([/@].*)$/gim;

function pathIn(sockets: string, inode: string): string | undefined {
  const paths = [...sockets.matchAll(entry)].flatMap(([, seen, path]) => (seen === inode ? [path] : []));
  // A path with a line break in it could pass for a second entry.
  return paths.length === 1 ? paths[0]?.replace(/^@/, '\0') : undefined;
}
