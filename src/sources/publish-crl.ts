/**
 * `publishCrl()`: writes a CRL to a shared store, and never replaces a newer one.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { readCaSources } from '../material/authorities.js';
import { readCertificates } from '../material/certificate-source.js';
import {
  type CaSource,
  checkCaSources,
  checkCrlSources,
  type CrlInForce,
  type CrlSource,
} from '../material/source-options.js';
import { checkInteger, checkKeys } from '../option-checks.js';
import { checkRevocationPolicy } from '../revocation/revocation-policy.js';
import { type VerifiedCrl } from '../revocation/verified-crl.js';
import { CertificateStore } from '../x509/certificate-store.js';
import { type Confirmation, type Expected, waitUntilInForce } from './confirmation.js';
import { type CrlStore, storeFailure, type StoredCrl } from './crl-store.js';
import {
  checkSuccession,
  type Publication,
  readPublications,
  readStored,
  type Verification,
} from './publication.js';
import { within } from '../within.js';

/**
 * The options of {@link publishCrl}.
 * @example
 * ```ts
 * const options: PublishOptions = { ca: 'ca-crt.pem', wait: 8, waitMs: 5000 };
 * ```
 */
export interface PublishOptions {
  /** The CAs that may have signed the CRLs, as in the options of the servers. */
  readonly ca: CaSource | readonly CaSource[];
  /**
   * How many processes must report that the CRL is in force before publishing ends.
   * @defaultValue `0`; an integer up to 10_000
   */
  readonly wait?: number;
  /**
   * How long to wait for them, in milliseconds.
   * @defaultValue `10_000`; an integer from 0 to 600_000
   */
  readonly waitMs?: number;
  /**
   * How long one command to the store may take, in milliseconds.
   * @defaultValue `10_000`; an integer from 100 to 60_000
   */
  readonly timeoutMs?: number;
  /** Ends publishing and waiting. What has been written stays. */
  readonly signal?: AbortSignal;
}

/** A CRL in a store. */
export interface PublishedCrl extends CrlInForce {
  /** `'unchanged'`: the store held it already. */
  readonly outcome: 'published' | 'unchanged';
  /** Its key in the store. */
  readonly key: string;
  /** Its version in the store. */
  readonly version: string;
  /** How many certificates it lists. */
  readonly entries: number;
  /** Its length. */
  readonly bytes: number;
  /**
   * What it replaced: a CRL, or something that was no CRL of this CA and scope (`'foreign'`); `undefined` if the key
   * was unused or is unchanged.
   */
  readonly replaced: CrlInForce | 'foreign' | undefined;
}

/**
 * What was published.
 * @example
 * ```ts
 * const { crls, confirmation } = await publishCrl(store, 'ca-crl.pem', { ca: 'ca-crt.pem', wait: 8 });
 * console.log(crls[0]?.outcome, confirmation?.processes); // 'published' 8
 * ```
 */
export interface PublishReport {
  /** The kind of store. */
  readonly store: string;
  /** Each CRL. */
  readonly crls: readonly PublishedCrl[];
  /** Which processes have the CRLs in force; `undefined` without `wait`. */
  readonly confirmation: Confirmation | undefined;
}

/**
 * Verifies CRLs, and writes them to a store from which servers read them with {@link crlFromStore}. A CRL replaces an
 * older one of the same CA and scope. A CRL that is older than the stored one is refused, by the rules of a server.
 * Several publishers may write at the same time: the newest CRL stays.
 * @param store - The store.
 * @param crl - Files, directories, PEM, DER, or loaders.
 * @param options - The CAs, and how many processes to wait for.
 * @throws MtlsError the fault of a CRL (`ERR_MTLS_CRL_…`), `ERR_MTLS_CRL_ROLLBACK` for one that is older than what the
 *   store holds, `ERR_MTLS_STORE_FAILED`, `ERR_MTLS_OPTION_INVALID`.
 * @example
 * ```ts
 * const report = await publishCrl(redisStore(client), 'ca-crl.pem', { ca: 'ca-crt.pem', wait: 8 });
 * console.log(report.confirmation); // { wanted: 8, processes: 8, durationMs: 41 }
 * ```
 */
export async function publishCrl(
  store: CrlStore,
  crl: CrlSource | readonly CrlSource[],
  options: PublishOptions,
): Promise<PublishReport> {
  checkKeys(options, 'the options of publishCrl()', ['ca', 'wait', 'waitMs', 'timeoutMs', 'signal']);
  const wait = checkInteger(options.wait, 'wait', 0, 0, 10_000);
  const waitMs = checkInteger(options.waitMs, 'waitMs', 10_000, 0, 600_000);
  const timeoutMs = checkInteger(options.timeoutMs, 'timeoutMs', 10_000, 100, 60_000);
  const { signal = new AbortController().signal } = options;
  const verification = await verificationOf(checkCaSources(options.ca), signal);
  const publications = await readPublications(checkCrlSources(crl), verification);
  const publisher = new Publisher(store, timeoutMs, verification);
  const crls: PublishedCrl[] = [];
  const expected: Expected[] = [];
  // A full CRL before its deltas, which readers can use only with it.
  for (const publication of [...publications].sort(fullFirst)) {
    const published = await publisher.publish(publication);
    crls.push(published);
    expected.push(publisher.expect(publication, published.version));
  }
  const confirmation =
    wait === 0 ? undefined : await waitUntilInForce(store, expected, { wait, waitMs, timeoutMs, signal });
  return Object.freeze({ store: store.name, crls: Object.freeze(crls), confirmation });
}

async function verificationOf(ca: readonly CaSource[], signal: AbortSignal): Promise<Verification> {
  const cas = await readCaSources(ca, 'ca', signal);
  const store = new CertificateStore(cas.flatMap((source) => readCertificates(source)));
  return { store, policy: checkRevocationPolicy({}), at: new Date(), signal };
}

function fullFirst(one: Publication, other: Publication): number {
  return Number(isDelta(one)) - Number(isDelta(other));
}

function isDelta({ verified }: Publication): boolean {
  return verified.crl.deltaBase !== undefined;
}

// The largest value that every store can hold. What is longer cannot be a CRL, and is replaced.
const mostBytes = 2 ** 29;
// Each attempt that fails means that another publisher has succeeded.
const mostTries = 100;

class Publisher {
  readonly #store: CrlStore;
  readonly #timeoutMs: number;
  readonly #verification: Verification;

  constructor(store: CrlStore, timeoutMs: number, verification: Verification) {
    this.#store = store;
    this.#timeoutMs = timeoutMs;
    this.#verification = verification;
  }

  async publish(publication: Publication): Promise<PublishedCrl> {
    const { key, der, verified } = publication;
    for (let tries = 0; tries < mostTries; tries++) {
      const stored = await this.#call('reading', (limit) => this.#store.read(key, mostBytes, limit));
      const before = await this.#readStored(stored, publication);
      if (stored !== undefined && before?.digest === verified.digest)
        return describe(publication, 'unchanged', stored.version, undefined);
      if (before !== undefined) await checkSuccession(before, publication, this.#verification);
      const version = await this.#call('writing', (limit) =>
        this.#store.write(key, der, stored?.version, limit),
      );
      if (version !== undefined)
        return describe(publication, 'published', version, before ?? (stored?.crl && 'foreign'));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    }
    throw new MtlsError('ERR_MTLS_STORE_FAILED', {
      source: this.#store.name,
      seen: `the CRL was not written in ${mostTries} attempts, because other publishers replaced it meanwhile`,
      remedy: 'publish again',
    });
  }

  /** What processes report once they have a CRL in force, or a newer one that has replaced it in the store. */
  expect(publication: Publication, version: string): Expected {
    const { key } = publication;
    const versions = new Set([version]);
    let examined: string | undefined = version;
    const refresh = async (): Promise<void> => {
      const read = async (most: number): Promise<StoredCrl | undefined> =>
        await this.#call('reading', (limit) => this.#store.read(key, most, limit));
      if ((await read(0))?.version === examined) return;
      const stored = await read(mostBytes);
      examined = stored?.version;
      const now = await this.#readStored(stored, publication);
      if (stored !== undefined && now !== undefined && isSameOrNewer(now, publication))
        versions.add(stored.version);
    };
    return { key, versions, refresh };
  }

  async #readStored(
    stored: StoredCrl | undefined,
    publication: Publication,
  ): Promise<VerifiedCrl | undefined> {
    if (stored?.crl === undefined) return undefined;
    try {
      return await readStored(stored.crl, publication, this.#verification);
    } catch (error) {
      // What cannot be read as a CRL is replaced.
      if (error instanceof MtlsError && error.code !== 'ERR_MTLS_INTERNAL') return undefined;
      throw error;
    }
  }

  async #call<Result>(what: string, work: (limit: AbortSignal) => Promise<Result>): Promise<Result> {
    try {
      return await within(this.#timeoutMs, work, this.#verification.signal);
    } catch (cause) {
      throw storeFailure(this.#store.name, what, cause);
    }
  }
}

/** Compares CRLs of the same scope. */
function isSameOrNewer({ crl, digest }: VerifiedCrl, { verified }: Publication): boolean {
  const [number, published] = [crl.number, verified.crl.number];
  const isNewer = number !== undefined && published !== undefined && number > published;
  return isNewer || digest === verified.digest;
}

function describe(
  { verified, key, der }: Publication,
  outcome: PublishedCrl['outcome'],
  version: string,
  replaced: VerifiedCrl | 'foreign' | undefined,
): PublishedCrl {
  return Object.freeze({
    outcome,
    key,
    version,
    ...headOf(verified),
    entries: verified.crl.entryCount,
    bytes: der.length,
    replaced: typeof replaced === 'object' ? headOf(replaced) : replaced,
  });
}

function headOf({ crl }: VerifiedCrl): CrlInForce {
  const { issuer, number, deltaBase, thisUpdate, nextUpdate } = crl;
  return { issuer: issuer.toString(), crlNumber: number, deltaBase, thisUpdate, nextUpdate };
}
