/**
 * The resources that a process holds open: those that keep its event loop alive, and others that Linux reports, such
 * as idle sockets and file watches.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** One name per resource, such as `TCPSocketWrap`, `socket` or `file watch`. */
export type Resources = readonly string[];

/** All open resources. */
export function openResources(): Resources {
  // The timer that waits for this answer does not belong to the servers.
  const held = process.getActiveResourcesInfo().filter((name) => name !== 'Timeout');
  return [...held, ...openFiles()];
}

/** The resources in `all` that are not in `known`, with multiplicity. */
export function withoutThose(all: Resources, known: Resources): Resources {
  const left = [...known];
  return all.filter((name) => {
    const index = left.indexOf(name);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

function openFiles(): string[] {
  if (!existsSync('/proc/self/fd')) return [];
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${descriptor}`);
      if (target.startsWith('socket:')) return ['socket'];
      return target.includes('inotify') ? watchesOf(descriptor) : [];
    } catch {
      // The descriptor for reading the folder itself, which is closed by now.
      return [];
    }
  });
}

/** libuv keeps one inotify descriptor open; its watches are counted instead. */
function watchesOf(descriptor: string): string[] {
  const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1');
  return [...info.matchAll(/^inotify wd:/gm)].map(() => 'file watch');
}
