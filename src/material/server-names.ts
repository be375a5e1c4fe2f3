/**
 * The names with a certificate of their own (`options.sni`), and which of them a host matches.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { checkEach, invalid } from '../option-checks.js';
import { checkCredentialsLoader, type CredentialsLoader } from './credentials-loader.js';
import {
  type CaSource,
  checkCaSources,
  checkCrlSources,
  checkPassphrase,
  checkSource,
  type CrlSource,
  type Source,
} from './source-options.js';

/**
 * The options of one server name.
 * @example
 * ```ts
 * const server = await createServer(
 *   { key, cert, ca, crl, sni: { 'partners.example': { key: pKey, cert: pCert, ca: partnerCa, crl: partnerCrl } } },
 *   app,
 * );
 * ```
 */
export interface ServerNameOptions {
  /** The private key: PEM, or DER in PKCS#8, PKCS#1 or SEC1. */
  readonly key: Source;
  /** The certificate, followed by its intermediate CAs. */
  readonly cert: Source;
  /** The passphrase of an encrypted `key`. */
  readonly passphrase?: string | undefined;
  /** In place of `key` and `cert`: see {@link LoadedServerNameOptions}. */
  readonly credentials?: undefined;
  /**
   * The CAs whose clients are admitted under this name. No others are.
   * @defaultValue the CAs of the server
   */
  readonly ca?: CaSource | readonly CaSource[];
  /**
   * The CRLs of those CAs.
   * @defaultValue the CRLs of the server; none if `ca` is set
   */
  readonly crl?: CrlSource | readonly CrlSource[];
}

/** {@link ServerNameOptions} with a loader in place of `key` and `cert`. */
export interface LoadedServerNameOptions extends Omit<ServerNameOptions, 'key' | 'cert' | 'credentials'> {
  /**
   * The loader. Its `ca` is used only if the name has its own `ca` or `crl`, and adds to that `ca`; without them, the
   * name admits the clients of the server, and a `ca` is a fault.
   */
  readonly credentials: CredentialsLoader;
  /** The key comes from `credentials`. */
  readonly key?: undefined;
  /** The certificate comes from `credentials`. */
  readonly cert?: undefined;
}

/** The sources that decide which clients are admitted. */
export interface TrustSources {
  /** Empty if all CAs come with the credentials. */
  readonly ca: readonly CaSource[];
  /** Empty if revocation is not configured. */
  readonly crl: readonly CrlSource[];
}

/** The sources of a key and its certificate. */
export interface PairSources {
  readonly key: Source;
  readonly cert: Source;
  readonly passphrase: string | undefined;
  readonly credentials?: undefined;
}

/** A loader of both. */
export interface PairLoader {
  readonly credentials: CredentialsLoader;
  readonly passphrase: string | undefined;
}

/** Where a key and its certificate come from. */
export type CredentialSources = PairSources | PairLoader;

/** The options of a name, checked. */
export type ServerNameSettings = CredentialSources & {
  /** `undefined` if its clients are those of the server. */
  readonly trust: TrustSources | undefined;
};

/** The options that say where a key and its certificate come from, unchecked. */
interface GivenCredentials {
  readonly key?: unknown;
  readonly cert?: unknown;
  readonly passphrase?: unknown;
  readonly credentials?: unknown;
}

/**
 * Checks `key`, `cert`, `passphrase` and `credentials`.
 * @param prefix - The prefix of the option names in errors: `''`, or `'sni["a.example"].'`.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for each invalid option, and for a loader beside `key` or `cert`.
 */
export function checkCredentials(
  { key, cert, passphrase, credentials }: GivenCredentials,
  prefix = '',
): CredentialSources {
  const passphraseCheck = { passphrase: () => checkPassphrase(passphrase, `${prefix}passphrase`) };
  if (credentials === undefined)
    return checkEach({}, 'options', {
      key: () => checkSource(key, `${prefix}key`),
      cert: () => checkSource(cert, `${prefix}cert`),
      ...passphraseCheck,
    });
  return checkEach({}, 'options', {
    credentials: () => {
      const others = Object.entries({ key, cert }).filter(([, value]) => value !== undefined);
      if (others.length === 0) return checkCredentialsLoader(credentials, `${prefix}credentials`);
      const names = others.map(([name]) => `${prefix}${name}`).join(' and ');
      throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
        seen: `${prefix}credentials and ${names} exclude each other, because the loader gives both key and certificate`,
        remedy: `omit ${names}, or ${prefix}credentials`,
      });
    },
    ...passphraseCheck,
  });
}

/**
 * Checks `options.sni`.
 * @param serverCas - The CAs of a name without its own.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` with the name, the option, the given value and what is allowed.
 */
export function checkServerNames(
  sni: unknown,
  serverCas: () => readonly CaSource[],
): ReadonlyMap<string, ServerNameSettings> {
  if (typeof sni !== 'object' || sni === null || Array.isArray(sni)) throw invalid('sni', sni, 'an object');
  const entries = Object.entries(sni);
  if (entries.length === 0)
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'sni is {}, without a name',
      expected: 'at least one',
    });
  const names = new Map<string, ServerNameSettings>();
  const checks = entries.map(([given, options]) => {
    const check = (): void => {
      const name = checkServerName(given);
      if (names.has(name))
        throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
          seen: `sni has the name "${name}" twice`,
          remedy: 'remove one',
        });
      names.set(name, checkOne(options, `sni["${given}"]`, serverCas));
    };
    return [given, check] as const;
  });
  checkEach(sni, 'sni', Object.fromEntries(checks));
  return names;
}

function checkOne(given: unknown, name: string, serverCas: () => readonly CaSource[]): ServerNameSettings {
  const options = (given ?? {}) as Partial<ServerNameOptions>;
  const credentials = (): CredentialSources => checkCredentials(options, `${name}.`);
  const {
    key: sources,
    ca,
    crl,
  } = checkEach(given, name, {
    key: credentials,
    cert: credentials,
    passphrase: credentials,
    credentials,
    ca: () => ('ca' in options ? checkCaSources(options.ca, `${name}.ca`) : undefined),
    crl: () => ('crl' in options ? checkCrlSources(options.crl, `${name}.crl`) : undefined),
  });
  const trust = ca === undefined && crl === undefined ? undefined : { ca: ca ?? serverCas(), crl: crl ?? [] };
  if (trust?.ca.length === 0 && sources.credentials === undefined)
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: `${name} has crl without ca, and the CAs of the server come from options.credentials`,
      remedy: `set ${name}.ca`,
    });
  return Object.freeze({ ...sources, trust: trust && Object.freeze(trust) });
}

const label = '(?!-)[a-z0-9_-]{1,63}';
const serverName = new RegExp(String.raw`^(?:\*\.)?${label}(?:\.${label})*$`);
// URL parsers treat a name whose last label is numeric as an IPv4 address, and RFC 6066 does not allow one.
const address = /(?:^|\.)\d+$/;

function checkServerName(given: string): string {
  const lower = given.toLowerCase();
  if (lower.length <= 253 && serverName.test(lower) && !address.test(lower)) return lower;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `sni has ${JSON.stringify(given.slice(0, 60))}, which no client can request`,
    expected: "an ASCII name such as 'a.example', or '*.example' for names one label below it",
  });
}

/** Finds the server name that a host matches. */
export class ServerNames {
  readonly #names: ReadonlySet<string>;

  /** @param names - In lower case. */
  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
  }

  /** The name itself, or the wildcard that covers it; `undefined` if it has no certificate of its own. */
  find(host: string): string | undefined {
    const lower = host.toLowerCase().replace(/\.$/, '');
    if (this.#names.has(lower)) return lower;
    const wildcard = lower.replace(/^[^.]+/, '*');
    return this.#names.has(wildcard) ? wildcard : undefined;
  }
}
