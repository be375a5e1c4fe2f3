/**
 * Reports watched files that no longer have a name, as a file that is mounted alone into a container has none once
 * another was renamed to its name outside. The path then leads to the old content for as long as the mount lasts.
 *
 * @module
 */
import { stat } from 'node:fs/promises';
import { type EventSink } from '../logger.js';
import { type MaterialEvents } from './events.js';

/** Reports each such file once. */
export class UnlinkedFiles {
  readonly #paths: readonly string[];
  readonly #sink: EventSink<MaterialEvents>;
  /** The files that are reported and still have no name. */
  readonly #reported = new Set<string>();

  constructor(paths: readonly string[], sink: EventSink<MaterialEvents>) {
    this.#paths = paths;
    this.#sink = sink;
  }

  /** Counts the names of each file. Losing the last one changes a file's state, so one look after a change is enough. */
  async look(): Promise<void> {
    const counts = await Promise.all(this.#paths.map(countNames));
    for (const [index, path] of this.#paths.entries()) {
      if (counts[index] !== 0) this.#reported.delete(path);
      else if (!this.#reported.has(path)) {
        this.#reported.add(path);
        this.#sink.emit('file-unlinked', { source: path });
      }
    }
  }
}

/** The number of hard links; `undefined` if there is no file, which the reading of the sources reports. */
async function countNames(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).nlink;
  } catch {
    return undefined;
  }
}
