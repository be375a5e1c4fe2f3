/**
 * Keeps verified CRLs in a file, for a restart while the source is down or sends older ones.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { readBlocks } from '../material/blocks.js';
import { type CrlInForce, type SourceLoader } from '../material/source-options.js';
import { crlBlocks } from '../material/sources.js';
import { parseCrlOutline } from '../x509/crl.js';
import { within } from '../within.js';
import { FileLoader } from './file-loader.js';
import { LastGoodFile, type RememberedCrl, rememberedCrl } from './last-good-file.js';

// Less than the minute that load() has, and more than the 50 seconds after which HttpLoader resolves to what has arrived.
const longestStartMs = 55_000;

/**
 * Remembers the CRLs of a source in a file once they are verified and in force. After a restart, the remembered CRLs
 * are verified again and used like any others: the server starts while its source is down, and a CRL that is older
 * than the remembered one is refused. Until the source answers, its error is a fault in `mtls.faults`.
 *
 * Keep the file in a folder that only the process can write to. If others can delete the copy, an older CRL is accepted
 * after a restart; if they can replace it with a symbolic link, the process overwrites the file that the link leads to.
 * @param source - A loader, or the path of a file or folder of CRLs.
 * @param file - The path of the file. Several processes can share it. Its folder must exist.
 * @returns A loader for the option `crl`.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 * @example
 * ```ts
 * const crl = lastGood(crlFromUrl('http://crl.example.org/ca.crl'), '/var/lib/app/last-good.crl');
 * const server = await createServer({ key, cert, ca, crl }, app);
 * ```
 */
export function lastGood(source: SourceLoader | string, file: string): SourceLoader {
  const given: unknown = file;
  if (typeof given !== 'string' || given.trim() === '')
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'file is not a path',
      expected: 'the path of a file',
    });
  return lastGoodWithin(longestStartMs, loaderOf(source), file);
}

/**
 * {@link lastGood} with another limit, for tests.
 * @param startMs - How long a start with a copy waits for the source, in milliseconds.
 */
export function lastGoodWithin(startMs: number, source: SourceLoader, file: string): SourceLoader {
  return new LastGoodLoader(source, new LastGoodFile(file), startMs);
}

function loaderOf(source: unknown): SourceLoader {
  if (typeof source === 'string' && source.trim() !== '') return new FileLoader(source);
  if (typeof (source as Partial<SourceLoader> | null)?.load === 'function') return source as SourceLoader;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: 'source is neither a loader nor a path',
    expected: 'an object with a load() method, or the path of a file or folder',
  });
}

class LastGoodLoader implements SourceLoader {
  readonly mayBeEmpty: boolean;
  /** A damaged copy, or a faulty source beside a good copy, must not keep the server from starting. */
  readonly mayBeFaulty: boolean = true;
  readonly #source: SourceLoader;
  readonly #file: LastGoodFile;
  readonly #startMs: number;
  readonly #watchers = new Set<() => void>();
  readonly #crlsIn = new WeakMap<Buffer, readonly RememberedCrl[]>();
  #recalled: Promise<void> | undefined;
  #remembered: readonly RememberedCrl[] = [];
  #rememberedAt: Date | undefined;
  #fileFault: MtlsError | undefined;
  #sourceFault: Error | undefined;
  #state: 'starting' | 'started' | 'running' = 'starting';
  #own: readonly Buffer[] = [];
  #ownAt: Date | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(source: SourceLoader, file: LastGoodFile, startMs: number) {
    this.#source = source;
    this.#file = file;
    this.#startMs = startMs;
    this.mayBeEmpty = source.mayBeEmpty === true;
  }

  async load(signal: AbortSignal): Promise<readonly Buffer[]> {
    await (this.#recalled ??= this.#recall());
    try {
      this.#own = await this.#loadOwn(signal);
      this.#ownAt = new Date();
      this.#sourceFault = undefined;
    } catch (error) {
      // Later, a rejection keeps what is in force.
      if (this.#state === 'running' || this.#remembered.length === 0 || signal.aborted)
        throw this.#withFile(error);
      this.#sourceFault = error instanceof Error ? error : new Error(String(error));
    }
    const isStart = this.#state === 'starting' || this.#ownAt === undefined;
    const copies = this.#remembered.filter((copy) => (isStart ? !this.#hasSame(copy) : !this.#hasNext(copy)));
    return [...this.#own, ...copies.map(({ outline }) => outline.raw)];
  }

  /** A source that never answers must not prevent a start with the copy. */
  async #loadOwn(signal: AbortSignal): Promise<readonly Buffer[]> {
    if (this.#state === 'running' || this.#remembered.length === 0) return await this.#source.load(signal);
    return await within(this.#startMs, (limited) => this.#source.load(limited), signal);
  }

  watch(notify: () => void): Disposable {
    this.#watchers.add(notify);
    const watching = this.#source.watch?.(notify);
    return {
      [Symbol.dispose]: () => {
        this.#watchers.delete(notify);
        watching?.[Symbol.dispose]();
      },
    };
  }

  want(uris: readonly string[]): void {
    this.#source.want?.(uris);
  }

  async inForce(given: readonly Buffer[], crls: readonly CrlInForce[]): Promise<void> {
    const own = given.filter((one) => this.#own.includes(one));
    const isFirst = this.#state === 'starting';
    if (isFirst) {
      // From now on, what is in force is compared with what the source sends: an older CRL is a rollback.
      this.#state = 'started';
      this.#remembered = this.#remembered.filter(({ outline }) => given.includes(outline.raw));
      if (this.#remembered.length > 0)
        setImmediate(() => {
          for (const notify of this.#watchers) notify();
        });
    }
    if (this.#ownAt !== undefined) this.#state = 'running';
    try {
      await this.#saveInTurn(given);
    } finally {
      // After saving: a process that is reported to have a CRL in force has it after a restart too.
      await this.#source.inForce?.(own, crls);
    }
  }

  async #saveInTurn(given: readonly Buffer[]): Promise<void> {
    if (given.length === 0) return;
    this.#saving = this.#saving.then(
      () => this.#save(given),
      () => this.#save(given),
    );
    await this.#saving;
  }

  faults(): readonly Error[] {
    return [...(this.#source.faults?.() ?? []), this.#sourceFault, this.#fileFault].filter(
      (one) => one !== undefined,
    );
  }

  confirmedAt(given: Buffer): Date | undefined {
    if (!this.#own.includes(given)) return this.#rememberedAt;
    return this.#source.confirmedAt === undefined ? this.#ownAt : this.#source.confirmedAt(given);
  }

  async #recall(): Promise<void> {
    try {
      const { crls, confirmedAt } = await this.#file.read();
      this.#remembered = crls;
      this.#rememberedAt = confirmedAt;
    } catch (error) {
      if (!(error instanceof MtlsError)) throw error;
      this.#fileFault = error;
    }
  }

  async #save(given: readonly Buffer[]): Promise<void> {
    const crls = given.flatMap((one) => this.#crlsOf(one));
    await this.#file.save(given, crls);
    this.#fileFault = undefined;
  }

  /** Whether the source sends the same CRL. */
  #hasSame({ outline }: RememberedCrl): boolean {
    return this.#own.some((one) => this.#crlsOf(one).some((crl) => crl.outline.raw.equals(outline.raw)));
  }

  /** Whether the source sends a CRL in its place, newer or older. */
  #hasNext({ key }: RememberedCrl): boolean {
    return this.#own.some((one) => this.#crlsOf(one).some((crl) => crl.key === key));
  }

  /** The CRLs in a Buffer; none if it cannot be read; the error is reported when it is loaded. */
  #crlsOf(bytes: Buffer): readonly RememberedCrl[] {
    const known = this.#crlsIn.get(bytes);
    if (known !== undefined) return known;
    let crls: readonly RememberedCrl[] = [];
    try {
      crls = readBlocks({ bytes, origin: 'a CRL' }, crlBlocks).map((der) =>
        rememberedCrl(parseCrlOutline(der)),
      );
    } catch (error) {
      if (!(error instanceof MtlsError)) throw error;
    }
    this.#crlsIn.set(bytes, crls);
    return crls;
  }

  #withFile(error: unknown): unknown {
    if (this.#fileFault === undefined || !(error instanceof Error)) return error;
    return new MtlsError(
      this.#fileFault.code,
      { seen: `${error.message}; ${this.#fileFault.message}` },
      { cause: error },
    );
  }
}
