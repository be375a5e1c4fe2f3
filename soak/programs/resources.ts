/**
 * What a process holds open: what keeps its event loop alive, and what Linux
 * knows besides, such as the sockets and watches that keep nothing alive.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** One name for each, such as `TCPSocketWrap`, `socket` or `file watch`. */
export type Resources = readonly string[];

/** Everything that is open now. */
export function openResources(): Resources {
  // A timer that waits for this very question is not held open by the servers.
  const held = process.getActiveResourcesInfo().filter((name) => name !== 'Timeout');
  return [...held, ...openFiles()];
}

/** What is among `all` and not among `known`, each as often as it is more. */
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
      // The descriptor by which the folder was read, gone by now.
      return [];
    }
  });
}

/** libuv keeps its one inotify descriptor for good; what counts is what is watched by it. */
function watchesOf(descriptor: string): string[] {
  const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1');
  return [...info.matchAll(/^inotify wd:/gm)].map(() => 'file watch');
}
