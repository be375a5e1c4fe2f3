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
  readonly #files: FileWatch;
  readonly #loaders: Disposable[];

  constructor({ key, cert, ca, crl }: Settings, pollMs: number, onChange: () => void) {
    this.#files = new FileWatch({ paths: [key, cert, ...ca, ...crl].filter(isPath), pollMs, onChange });
    this.#loaders = crl.flatMap((source) => {
      const watching = typeof source === 'object' && 'load' in source ? source.watch?.(onChange) : undefined;
      return watching === undefined ? [] : [watching];
    });
  }

  /** Takes what is there now as what is known. */
  async start(): Promise<void> {
    await this.#files.start();
  }

  /** Stops watching. */
  close(): void {
    this.#files.close();
    for (const loader of this.#loaders) loader[Symbol.dispose]();
  }
}
