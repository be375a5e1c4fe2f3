/**
 * Watches every source in the options: files, directories, loaders.
 *
 * @module
 */
import { holdDescriptor, releaseDescriptor } from './descriptor-reserve.js';
import { type EventSink } from '../logger.js';
import { type MaterialEvents } from './events.js';
import { FileWatch } from './file-watch.js';
import { isGoneFrom } from './removed-file.js';
import { type MaterialSettings } from './settings.js';
import { type SourceLoader } from './source-options.js';
import { isLoader, isPath } from './sources.js';
import { UnlinkedFiles } from './unlinked-files.js';

/** Reports that a source may have changed. */
export class SourceWatch {
  readonly #clients: readonly string[];
  readonly #files: FileWatch | undefined;
  readonly #unlinked: UnlinkedFiles;
  readonly #loaders: readonly Pick<SourceLoader, 'watch'>[];
  #subscriptions: readonly Disposable[] | undefined;
  #onChange: () => void = () => {
    this.#isMissed = true;
  };
  #isMissed = false;
  #isHolding = false;

  /** Subscribes to the loaders. Files are watched from {@link SourceWatch.begin} on. */
  constructor(
    { credentials, ca, crl, proxies, names, pollMs }: MaterialSettings,
    sink: EventSink<MaterialEvents>,
  ) {
    const own = [...names.values()];
    const trusts = [proxies?.trust, ...own.map(({ trust }) => trust)];
    const clients = [
      ...ca,
      ...crl,
      ...trusts.flatMap((trust) => (trust === undefined ? [] : [...trust.ca, ...trust.crl])),
    ];
    this.#clients = clients.filter(isPath);
    const secrets = proxies?.secrets ?? [];
    const pairs = [credentials, ...own].filter((pair) => pair !== undefined);
    const files = pairs.flatMap((pair) => (pair.credentials === undefined ? [pair.key, pair.cert] : []));
    const pairLoaders = pairs.flatMap((pair) => pair.credentials ?? []);
    const paths = [...new Set([...files, ...clients, ...secrets].filter(isPath))];
    this.#unlinked = new UnlinkedFiles(paths, sink);
    const onChange = (): void => {
      this.#onChange();
      void this.#unlinked.look();
    };
    this.#files = pollMs === undefined ? undefined : new FileWatch({ paths, pollMs, onChange });
    const loaders = [...pairLoaders, ...[...clients, ...secrets].filter(isLoader)];
    this.#loaders = pollMs === undefined ? [] : [...new Set(loaders)];
    this.#subscribe();
  }

  #subscribe(): void {
    this.#subscriptions = this.#loaders.flatMap((loader) => {
      const subscription = loader.watch?.(() => {
        this.#onChange();
      });
      return subscription === undefined ? [] : [subscription];
    });
  }

  /** Remembers the current state as known. Call it before reading the sources. */
  async remember(): Promise<void> {
    await this.#files?.remember();
  }

  /**
   * Calls `onChange` for every change since the remembered state, possibly once more after {@link SourceWatch.close}.
   */
  begin(onChange: () => void): void {
    this.#onChange = onChange;
    if (!this.#isHolding) holdDescriptor();
    this.#isHolding = true;
    if (this.#subscriptions === undefined) this.#subscribe();
    this.#files?.begin();
    if (this.#files !== undefined) void this.#unlinked.look();
    if (this.#isMissed) onChange();
  }

  /** Polls the files at once if the event loop is too busy to do so by itself. */
  lookIfLate(): void {
    this.#files?.lookIfLate();
  }

  /**
   * Whether a file is gone from its directory, which is no fault: a missing file that an option names is one.
   * @param source - The file, or a position in it.
   */
  isRemoved(source: string): boolean {
    return this.#clients.some((path) => isGoneFrom(path, source));
  }

  /** Stops watching. */
  close(): void {
    this.#files?.close();
    if (this.#isHolding) releaseDescriptor();
    this.#isHolding = false;
    for (const subscription of this.#subscriptions ?? []) subscription[Symbol.dispose]();
    this.#subscriptions = undefined;
  }
}
