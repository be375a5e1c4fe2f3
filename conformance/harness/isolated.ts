/**
 * Runs the servers of an adapter in a process of their own.
 *
 * @module
 */
import { Child } from '../../bench/harness/child.js';
import type { Adapter, RunningServer } from '../adapter.js';
import type { Host } from './host.js';
import { within } from './waiting.js';

const stopLimitMs = 10_000;

/** The same adapter, whose servers share one process; another one is started if that has ended. */
export function isolate(adapter: Adapter): Adapter & { end(): Promise<void> } {
  let host: Child<Host> | undefined;
  const process = (): Child<Host> => {
    if (host !== undefined) return host;
    const started = new Child<Host>(new URL('host.ts', import.meta.url));
    host = started;
    void started.endsItself(2 ** 31 - 1).then(() => {
      if (host === started) host = undefined;
    });
    return started;
  };
  return {
    ...adapter,
    start: async (material): Promise<RunningServer> => {
      const child = process();
      const { id, port, configuration, pid } = await child
        .call('start', adapter.name, material)
        .catch(firstLine);
      const isThere = (): boolean => host === child;
      return {
        ...{ port, configuration, pid },
        reload: async (changed) => {
          if (isThere()) await child.call('reload', id, changed);
        },
        stop: async () => {
          if (isThere()) await within(child.call('stop', id), stopLimitMs, 'stop').catch(() => child.stop());
        },
      };
    },
    end: async () => {
      await host?.stop();
    },
  };
}

/** An error comes from the other process with its stack. */
function firstLine(error: Error): never {
  throw new Error(error.message.split('\n', 1)[0]?.replace(/^\w*Error(?: \[\w+\])?: /, ''));
}
