/**
 * A file or folder of CRLs as a loader.
 *
 * @module
 */
import { FileWatch } from '../material/file-watch.js';
import { type SourceLoader } from '../material/source-options.js';
import { crlBlocks, readPath } from '../material/sources.js';

const pollMs = 500;

/** Reads a file, or the files of a folder. */
export class FileLoader implements SourceLoader {
  readonly #path: string;
  #known: readonly Buffer[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads the file now. A file that did not change gives the same Buffer. */
  load(): Promise<readonly Buffer[]> {
    return Promise.resolve().then(() => {
      const read = readPath(this.#path, 'crl', crlBlocks).map(({ bytes }) => bytes);
      this.#known = read.map((bytes) => this.#known.find((known) => known.equals(bytes)) ?? bytes);
      return this.#known;
    });
  }

  /** Polls the file, like those that options name. */
  watch(notify: () => void): Disposable {
    const files = new FileWatch({ paths: [this.#path], pollMs, onChange: notify });
    let isOver = false;
    void files.remember().then(() => {
      if (!isOver) files.begin();
    });
    return {
      [Symbol.dispose]: () => {
        isOver = true;
        files.close();
      },
    };
  }
}
