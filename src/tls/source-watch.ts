/**
 * Watches every source that the options name: files, directories, loaders.
 *
 * @module
 */
import { type Settings } from '../options.js';
import { FileWatch } from './file-watch.js';
import { isPath } from './sources.js';

/** Tells when a source may have changed. */
export class SourceWatch {
  readonly #files: FileWatch | undefined;
  readonly #loaders: Disposable[];
  #onChange: () => void = () => {
    this.#isMissed = true;
  };
  #isMissed = false;

  /** Subscribes to the loaders; files are looked at from {@link SourceWatch.begin} on. */
  constructor({ key, cert, ca, crl, pollMs }: Settings) {
    const paths = [key, cert, ...ca, ...crl].filter(isPath);
    const onChange = (): void => {
      this.#onChange();
    };
    this.#files = pollMs === undefined ? undefined : new FileWatch({ paths, pollMs, onChange });
    this.#loaders = crl.flatMap((source) => {
      const isWatched = pollMs !== undefined && typeof source === 'object' && 'load' in source;
      const watching = isWatched ? source.watch?.(onChange) : undefined;
      return watching === undefined ? [] : [watching];
    });
  }

  /** Takes what is there now as what is known: to be called before it is read. */
  async remember(): Promise<void> {
    await this.#files?.remember();
  }

  /** Calls `onChange` for every change from what was remembered. */
  begin(onChange: () => void): void {
    this.#onChange = onChange;
    this.#files?.begin();
    if (this.#isMissed) onChange();
  }

  /** Stops watching. */
  close(): void {
    this.#files?.close();
    for (const loader of this.#loaders) loader[Symbol.dispose]();
  }
}
