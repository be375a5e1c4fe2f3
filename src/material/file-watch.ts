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

/** What to watch, and whom to tell. */
export interface FileWatchOptions {
  /** Files, and directories whose files count. Symbolic links are followed. */
  readonly paths: readonly string[];
  /** Milliseconds between two looks. */
  readonly pollMs: number;
  /** Called once after each change, when two looks in a row have seen the same. */
  readonly onChange: () => void;
}

// A writer that truncates and writes gives an empty file in between: let it finish.
const settleMs = 25;

// How often the event loop shows that it turns, and by how much a timer may be late on one that is not busy.
const beatMs = 250;
const lateMs = 100;

/**
 * Watches until it is closed. Keeps no process alive. First {@link FileWatch.remember} what is there, then read
 * it, then {@link FileWatch.begin}: no change in between is lost.
 */
export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #hints = new Map<string, { readonly watcher: FSWatcher; readonly inode: string }>();
  #interval: NodeJS.Timeout | undefined;
  /** When the event loop last turned, and when the files were last looked at; by `performance.now()`. */
  #beatAt = 0;
  #lookedAt = 0;
  #settling: NodeJS.Timeout | undefined;
  /** What was there when a change was last told. */
  #told = '';
  /** What was there at the last look. */
  #seen = '';
  #looking = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  /** Takes what is there now as what is known. */
  async remember(): Promise<void> {
    this.#told = await this.#describe();
    this.#seen = this.#told;
  }

  /** Tells of every change from what was remembered. */
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
   * Looks in this turn of the event loop where the last one was too long ago: the loop is busy, or the process was
   * stopped. Costs a reading of the clock otherwise.
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

  /** On a busy event loop each `await` takes a turn, in which others are served by what was in force. */
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
    // Closed meanwhile.
    if (this.#interval === undefined) return;
    // To locate the directories takes longer than to look at the files: only where something changed.
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

  /** Everything that changes when a file does: identity, size, and both times, to the nanosecond. */
  async #describe(): Promise<string> {
    const descriptions = await Promise.all(this.#options.paths.map((path) => describe(path)));
    return descriptions.join('\n');
  }

  /**
   * Watches the directories of the files. A directory can be created later or replaced, and a link can be changed:
   * the watch of the old directory does not report it, but a look at the files does.
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
      // What changed between the last look and the start of this watch was reported by neither.
      this.#lookSoon();
    } catch {
      // Gone meanwhile, or no notices left to be had: the looks go on.
    }
  }
}

/** The directories that can tell of the files: where each is named, and where its links lead; with their identity. */
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
    // What is deeper is not read, and may be a link back to here.
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

function textOf(path: string, { dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${path} ${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

/** The same as {@link describe}, in this turn of the event loop. */
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
