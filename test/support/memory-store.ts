/**
 * A store of CRLs in memory, which tests can disturb.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { type CrlStore, type StoredCrl, type StoredVersion } from '../../src/sources/crl-store.js';

export class MemoryStore implements CrlStore {
  readonly name = 'memory';
  /** What it holds. Tests write to it as a hostile writer would. */
  readonly crls = new Map<string, { version: string; crl: Buffer; claimedBytes?: number }>();
  readonly kept = new Map<string, string>();
  /** Each call, as `'list'` or `'read key'`. */
  readonly calls: string[] = [];
  /** What every call fails with; `'silence'` never answers. */
  failure: Error | 'silence' | undefined;
  /** Runs before a write compares versions: what another publisher does meanwhile. */
  beforeWrite: (() => void) | undefined;
  readonly #listeners = new Set<() => void>();
  #subscriptions = 0;

  /** How often watch() was called. */
  get subscriptions(): number {
    return this.#subscriptions;
  }

  /** How many watches have not been disposed of. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /** Sends a notice. */
  notify(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Puts bytes under a key, as anyone could who may write. */
  put(key: string, crl: Buffer): void {
    this.crls.set(key, { version: createHash('sha256').update(crl).digest('hex'), crl });
  }

  async list(most: number): Promise<readonly StoredVersion[]> {
    await this.#call('list');
    if (this.crls.size > most) throw new Error(`more than ${most}`);
    return [...this.crls].map(([key, { version, crl, claimedBytes }]) => ({
      key,
      version,
      bytes: claimedBytes ?? crl.length,
    }));
  }

  async read(key: string, mostBytes: number): Promise<StoredCrl | undefined> {
    await this.#call(`read ${key}`);
    const one = this.crls.get(key);
    if (one === undefined) return undefined;
    const bytes = one.claimedBytes ?? one.crl.length;
    return { version: one.version, bytes, crl: bytes <= mostBytes ? one.crl : undefined };
  }

  async write(key: string, crl: Buffer, replaces: string | undefined): Promise<string | undefined> {
    await this.#call(`write ${key}`);
    this.beforeWrite?.();
    if (this.crls.get(key)?.version !== replaces) return undefined;
    this.put(key, crl);
    this.notify();
    return this.crls.get(key)?.version;
  }

  watch(notify: () => void): Disposable {
    this.#subscriptions++;
    this.#listeners.add(notify);
    return { [Symbol.dispose]: () => this.#listeners.delete(notify) };
  }

  async report(id: string, report: string): Promise<void> {
    await this.#call('report');
    this.kept.set(id, report);
  }

  async reports(most: number): Promise<readonly string[]> {
    await this.#call('reports');
    return [...this.kept.values()].slice(0, most);
  }

  async #call(what: string): Promise<void> {
    this.calls.push(what);
    if (this.failure === 'silence') await new Promise(() => undefined);
    if (this.failure instanceof Error) throw this.failure;
  }
}
