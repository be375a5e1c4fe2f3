/**
 * Reports that files changed. Polling is authoritative; file-system events only
 * trigger it sooner, because no kind of event reports every kind of update.
 *
 * @module
 */
import { type BigIntStats, type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { withDescriptor } from './descriptor-reserve.js';

/** What to watch, and the callback. */
export interface FileWatchOptions {
  /** Files and directories. Symbolic links are followed. */
  readonly paths: readonly string[];
  /** The polling interval in milliseconds. */
  readonly pollMs: number;
  /** Called once per change, when two successive polls have seen the same state. */
  readonly onChange: () => void;
}

// Truncating and rewriting a file leaves it empty for a moment. Waits for the writer.
const settleMs = 25;

// How often the event loop is probed, and how late a timer may be on an idle one.
const beatMs = 250;
const lateMs = 100;

/**
 * Watches until it is closed. Does not keep the process alive. Call {@link FileWatch.remember}, read the files, then
 * call {@link FileWatch.begin}: no change in between is missed.
 */
export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #hints = new Map<string, { readonly watcher: FSWatcher; readonly inode: string }>();
  #interval: NodeJS.Timeout | undefined;
  /** When the event loop last turned, and when the files were last polled, by `performance.now()`. */
  #beatAt = 0;
  #lookedAt = 0;
  #settling: NodeJS.Timeout | undefined;
  /** The state at the last reported change. */
  #told = '';
  /** The state at the last poll. */
  #seen = '';
  #looking = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  /** Remembers the current state as known. */
  async remember(): Promise<void> {
    this.#told = await this.#describe();
    this.#seen = this.#told;
  }

  /** Reports every change since the remembered state. */
  begin(): void {
    this.#beatAt = performance.now();
    this.#lookedAt = this.#beatAt;
    this.#interval = setInterval(() => {
      this.#beat();
    }, this.#beatEveryMs);
    this.#interval.unref();
    void this.#listen();
    this.#lookSoon();
  }

  /** Stops watching. */
  close(): void {
    clearInterval(this.#interval);
    this.#interval = undefined;
    clearTimeout(this.#settling);
    for (const { watcher } of this.#hints.values()) watcher.close();
    this.#hints.clear();
  }

  /**
   * Polls in this turn of the event loop if the last poll is overdue, because the loop is busy or the process was
   * suspended. Otherwise it only reads the clock.
   */
  lookIfLate(): void {
    if (this.#interval !== undefined && this.#isLate(this.#beatAt + this.#beatEveryMs, beatMs / 2))
      this.#lookNow();
  }

  get #beatEveryMs(): number {
    return Math.min(this.#options.pollMs, beatMs);
  }

  #isLate(due: number, byMs: number): boolean {
    return performance.now() > due + byMs;
  }

  #beat(): void {
    const isLate = this.#isLate(this.#beatAt + this.#beatEveryMs, lateMs);
    this.#beatAt = performance.now();
    if (isLate || this.#looking) this.#lookNow();
    else if (this.#beatAt >= this.#lookedAt + this.#options.pollMs - lateMs) void this.#look();
  }

  /** On a busy event loop each `await` takes a turn, in which requests are served with the previous state. */
  #lookNow(): void {
    this.#beatAt = performance.now();
    this.#lookedAt = this.#beatAt;
    const now = this.#options.paths.map(describeNow).join('\n');
    if (now === this.#told) return;
    this.#seen = now;
    this.#told = now;
    void this.#listen();
    this.#options.onChange();
  }

  async #look(): Promise<void> {
    if (this.#looking) {
      this.#lookSoon();
      return;
    }
    this.#looking = true;
    this.#lookedAt = performance.now();
    const now = await this.#describe();
    this.#looking = false;
    // Closed in the meantime.
    if (this.#interval === undefined) return;
    // Locating the directories takes longer than polling the files, so it is done only after a change.
    if (now !== this.#seen) void this.#listen();
    this.#compare(now);
  }

  #compare(now: string): void {
    const hasSettled = now === this.#seen;
    this.#seen = now;
    if (now === this.#told) return;
    if (!hasSettled) {
      this.#lookSoon();
      return;
    }
    this.#told = now;
    this.#options.onChange();
  }

  #lookSoon(): void {
    clearTimeout(this.#settling);
    const due = performance.now() + settleMs;
    this.#settling = setTimeout(() => {
      if (this.#isLate(due, lateMs)) this.#lookNow();
      else void this.#look();
    }, settleMs);
    this.#settling.unref();
  }

  /** Everything that changes when a file does: identity, size, number of names, and both times in nanoseconds. */
  async #describe(): Promise<string> {
    const descriptions = await Promise.all(this.#options.paths.map((path) => describe(path)));
    return descriptions.join('\n');
  }

  /**
   * Watches the directories of the files. A directory can be created later or replaced, and a link can change: the
   * watch of the old directory does not report that, but polling does.
   */
  async #listen(): Promise<void> {
    const inodes = await locate(this.#options.paths);
    if (this.#interval === undefined) return;
    for (const [directory, { watcher, inode }] of this.#hints) {
      if (inodes.get(directory) === inode) continue;
      watcher.close();
      this.#hints.delete(directory);
    }
    for (const [directory, inode] of inodes) if (!this.#hints.has(directory)) this.#watch(directory, inode);
  }

  #watch(directory: string, inode: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => {
        this.#lookSoon();
      });
      watcher.on('error', () => {
        watcher.close();
        if (this.#hints.get(directory)?.watcher === watcher) this.#hints.delete(directory);
      });
      this.#hints.set(directory, { watcher, inode });
      // A change between the last poll and the start of this watch was not reported.
      this.#lookSoon();
    } catch {
      // The directory was removed, or no more watches are available. Polling continues.
    }
  }
}

/** The directories to watch: where each file is named and where its links lead, with the identity of each directory. */
async function locate(paths: readonly string[]): Promise<Map<string, string>> {
  const targets = await Promise.all(paths.map((path) => realpath(path).catch(() => path)));
  const directories = new Set([...paths, ...targets].flatMap((path) => [path, dirname(path)]));
  const inodes = new Map<string, string>();
  for (const directory of directories) {
    const seen = await stat(directory, { bigint: true }).catch(() => undefined);
    if (seen?.isDirectory() === true) inodes.set(directory, `${seen.dev} ${seen.ino}`);
  }
  return inodes;
}

async function describe(path: string): Promise<string> {
  try {
    const { text, isDirectory } = await describeOne(path);
    if (!isDirectory) return text;
    const names = (await readdir(path)).sort();
    // Subdirectories are not read, and could link back to here.
    const inside = await Promise.all(names.map((name) => describeEntry(join(path, name))));
    return [text, ...inside].join('\n');
  } catch (error) {
    return `${path} ${codeOf(error)}`;
  }
}

async function describeEntry(path: string): Promise<string> {
  try {
    return (await describeOne(path)).text;
  } catch (error) {
    return `${path} ${codeOf(error)}`;
  }
}

async function describeOne(path: string): Promise<{ text: string; isDirectory: boolean }> {
  const seen = await stat(path, { bigint: true });
  return { text: textOf(path, seen), isDirectory: seen.isDirectory() };
}

function textOf(path: string, { dev, ino, nlink, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${path} ${dev} ${ino} ${nlink} ${size} ${mtimeNs} ${ctimeNs}`;
}

/** {@link describe}, synchronously. */
export function describeNow(path: string): string {
  try {
    const seen = statSync(path, { bigint: true });
    const text = textOf(path, seen);
    if (!seen.isDirectory()) return text;
    const inside = withDescriptor(() => readdirSync(path))
      .sort()
      .map((name) => describeEntryNow(join(path, name)));
    return [text, ...inside].join('\n');
  } catch (error) {
    return `${path} ${codeOf(error)}`;
  }
}

function describeEntryNow(path: string): string {
  try {
    return textOf(path, statSync(path, { bigint: true }));
  } catch (error) {
    return `${path} ${codeOf(error)}`;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unreadable';
}
