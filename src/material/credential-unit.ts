/**
 * The key and certificate of one server name, from files or from a loader, and the CAs that come with them.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type Certificate } from '../x509/certificate.js';
import { readCas } from './authorities.js';
import { callCredentialsLoader, type CredentialBytes } from './credentials-loader.js';
import { LoaderCall } from './loader-call.js';
import { checkServerCredentials, loadCredentials, type ServerCredentials } from './server-credentials.js';
import { type CredentialSources, type PairSources } from './server-names.js';
import { type Attempt, attempt, type SourceFault, faultOf } from './source-fault.js';
import { hashSources, isPath } from './sources.js';

/** Whether the CAs in a loader's result are used, and whether there must be any. */
export type CasOfLoader = 'required' | 'optional' | 'unused';

/** What the sources currently hold, as far as it can be used. */
export interface CredentialsReading {
  /** The object in force, if nothing changed or the sources are at fault; `undefined` if there is none yet. */
  readonly credentials: ServerCredentials | undefined;
  /** The CAs that came with the credentials. */
  readonly cas: readonly Certificate[];
  readonly faults: readonly SourceFault[];
}

/** The credentials and all CAs in force; `undefined` if there are none yet. */
export interface CredentialsInForce {
  readonly credentials: ServerCredentials | undefined;
  readonly trust: { readonly store: { readonly certificates: readonly Certificate[] } };
}

/** The origin of errors, and the role of a loader's CAs. */
export interface CredentialUnitOptions {
  /** The prefix of the option names in errors: `''`, or `'sni["a.example"].'`. */
  readonly prefix: string;
  readonly casOfLoader: CasOfLoader;
}

/** Reads a key and its certificate. */
export class CredentialUnit {
  readonly #sources: CredentialSources;
  readonly #options: CredentialUnitOptions;
  /** `undefined` for files. */
  readonly loader: LoaderCall | undefined;
  readonly #origin: string;
  /** The last result of the loader. */
  #answer: CredentialBytes | undefined;
  /** The CAs of the loader that may be in force. */
  #cas: readonly Certificate[] = [];
  /** New credentials that failed a trial. */
  #rejected: { readonly hash: string; readonly error: MtlsError } | undefined;

  constructor(sources: CredentialSources, options: CredentialUnitOptions) {
    this.#sources = sources;
    this.#options = options;
    const { credentials: loader } = sources;
    this.#origin = `options.${options.prefix}credentials.load()`;
    this.loader =
      loader &&
      new LoaderCall(async (signal) => {
        this.#answer = await callCredentialsLoader(loader, this.#origin, signal);
      });
  }

  /** Makes the next reading try rejected credentials again. */
  refresh(): void {
    this.#rejected = undefined;
  }

  /** Rejects credentials that failed a trial, until the next {@link CredentialUnit.refresh}. */
  reject({ hash }: ServerCredentials, error: MtlsError): void {
    this.#rejected = { hash, error };
  }

  /** Reads the files, or the last result of the loader. */
  read(before: CredentialsInForce | undefined, at: Date): CredentialsReading {
    if (this.#sources.credentials === undefined)
      return this.#readFiles(this.#sources, before?.credentials, at);
    return this.#readLoader(before, at);
  }

  #readFiles(sources: PairSources, inForce: ServerCredentials | undefined, at: Date): CredentialsReading {
    const { prefix } = this.#options;
    const read = loadCredentials(sources, { prefix, at }, inForce);
    if (read.faults !== undefined) return { credentials: inForce, cas: [], faults: read.faults };
    const source = isPath(sources.cert) ? sources.cert : `options.${prefix}cert`;
    const rejected = this.#rejectionOf(read.credentials);
    if (rejected === undefined) return { credentials: read.credentials, cas: [], faults: [] };
    return { credentials: inForce, cas: [], faults: [faultOf(source, rejected)] };
  }

  /** The new pair and the new CAs are used together or not at all. Removed CAs do not wait for a usable pair. */
  #readLoader(before: CredentialsInForce | undefined, at: Date): CredentialsReading {
    const answer = this.#answer;
    const origin = this.#origin;
    const fault = this.loader?.fault;
    const keep = (faults: readonly SourceFault[]): CredentialsReading => ({
      credentials: before?.credentials,
      cas: this.#cas,
      faults,
    });
    if (fault !== undefined) return keep([faultOf(origin, fault)]);
    if (answer === undefined) return keep([]);
    const pair = attempt(origin, () => this.#checkPair(answer, before?.credentials, at));
    const cas = attempt(origin, () => this.#checkCas(answer));
    if (pair.result !== undefined && cas.result !== undefined) {
      this.#cas = cas.result;
      return { credentials: pair.result, cas: cas.result, faults: [] };
    }
    if (cas.result !== undefined) this.#cas = cas.result.filter((ca) => isInForce(ca, before));
    return keep([pair, cas].flatMap((one: Attempt<unknown>) => one.fault ?? []));
  }

  #checkPair(
    { key, cert }: CredentialBytes,
    inForce: ServerCredentials | undefined,
    at: Date,
  ): ServerCredentials {
    if (inForce?.hash === hashSources([key, cert])) return inForce;
    const credentials = checkServerCredentials(key, cert, this.#sources.passphrase, at, this.#options.prefix);
    const rejected = this.#rejectionOf(credentials);
    if (rejected !== undefined) throw rejected;
    return credentials;
  }

  #checkCas({ ca }: CredentialBytes): readonly Certificate[] {
    const { casOfLoader, prefix } = this.#options;
    if (ca === undefined) {
      // A bundle that is missing is not an empty one.
      if (casOfLoader !== 'required' && this.#cas.length === 0) return [];
      throw new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', {
        source: this.#origin,
        seen:
          this.#cas.length > 0
            ? 'it resolved to a pair without ca, and to one with ca before'
            : `it resolved to a pair without ca, and options.${prefix}ca is not set`,
        remedy: 'give at least one CA',
      });
    }
    if (casOfLoader === 'unused')
      throw new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', {
        source: this.#origin,
        seen: 'it resolved to a pair with ca, but this name admits the clients of the server',
        remedy: `omit ca, or set options.${prefix}ca or options.${prefix}crl, which gives the name clients of its own`,
      });
    return ca.flatMap(readCas);
  }

  #rejectionOf({ hash }: ServerCredentials): MtlsError | undefined {
    return this.#rejected?.hash === hash ? this.#rejected.error : undefined;
  }
}

function isInForce({ raw }: Certificate, before: CredentialsInForce | undefined): boolean {
  return before?.trust.store.certificates.some((ca) => ca.raw.equals(raw)) === true;
}
