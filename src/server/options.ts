/**
 * The options of a server. `settings.ts` checks and completes them.
 *
 * @module
 */
import type { ServerOptions } from 'node:https';
import { type ProxyOptions } from '../gate/proxy-options.js';
import { type LimitOptions } from '../gate/settings.js';
import { type CertificatePolicy } from '../judgement/certificate-policy.js';
import { type Logger } from '../logger.js';
import { type CredentialsLoader } from '../material/credentials-loader.js';
import { type LoadedServerNameOptions, type ServerNameOptions } from '../material/server-names.js';
import { type CaSource, type CrlSource, type Source } from '../material/source-options.js';
import { type RevocationPolicy } from '../revocation/revocation-policy.js';

/**
 * The options of `createServer`, `createServerOptions` and `protect`.
 * @example
 * ```ts
 * const options: MtlsOptions = {
 *   key: 'server-key.pem',
 *   cert: 'server-crt.pem',
 *   ca: ['staff-ca.pem', 'partner-ca.pem'],
 *   crl: ['staff-crl.pem', 'partner-crl.pem'],
 *   clients: 'optional',
 *   logger: pino(),
 * };
 * ```
 */
export interface MtlsOptions {
  /** The server's private key: PEM, or DER in PKCS#8, PKCS#1 or SEC1. */
  readonly key: Source;
  /** The server's certificate, followed by its intermediate CAs. */
  readonly cert: Source;
  /** The passphrase of an encrypted `key`. */
  readonly passphrase?: string | undefined;
  /** In place of `key` and `cert`: see {@link LoadedOptions}. */
  readonly credentials?: undefined;
  /**
   * The trust store for clients: the trust anchors (root CAs) whose clients are admitted, and the intermediate CAs
   * below them. Every handshake carries the names of all CAs, which may take 65,407 octets; clients in Java accept
   * 32,640.
   * @example
   * ```ts
   * ca: ['staff-ca.pem', 'partner-cas/']
   * ```
   */
  readonly ca: CaSource | readonly CaSource[];
  /**
   * Whether a CA in `ca` without a configured root is a trust anchor. `'allow'` admits the clients of that CA, but
   * not those of other CAs below the same root. OpenSSL cannot verify such a certification path, so only the gate
   * decides: this requires `refusals: 'named'` and a server with the gate.
   * @defaultValue `'deny'`
   */
  readonly partialChain?: 'deny' | 'allow';
  /**
   * Whether the names of the CAs are sent in every handshake, so that clients can choose a certificate. `'none'` is
   * for more CAs than clients accept. OpenSSL then has no trust anchors, so only the gate decides: this requires
   * `refusals: 'named'` and a server with the gate.
   * @defaultValue `'all'`
   */
  readonly announceCas?: 'all' | 'none';
  /**
   * Proxies in front of the server that terminate TLS and forward client certificates. Each forwarded certificate is
   * checked like that of a directly connected client. Requires a server with the gate; cannot be combined with `sni`
   * or `refusals: 'native'`.
   * @example
   * ```ts
   * proxies: { from: { ca: 'proxy-ca.pem', rule: { commonName: 'proxy1' } }, header: 'nginx' }
   * ```
   */
  readonly proxies?: ProxyOptions;
  /**
   * The certificate revocation lists (CRLs) of those CAs. Without it, no certificate is ever revoked.
   * @example
   * ```ts
   * crl: ['root-crl.pem', 'intermediate-crl.pem']
   * ```
   */
  readonly crl?: CrlSource | readonly CrlSource[];
  /**
   * Server names with their own certificate and, if their clients differ, their own CAs and CRLs: `'a.example'`, or
   * `'*.example'` for all names one label below it. A request for the host of another name is answered with 421.
   * Sessions are not resumed, because node:tls does not tell for which name a session was created. Only for
   * `createServer()`.
   * @example
   * ```ts
   * sni: { 'partners.example': { key: 'partners-key.pem', cert: 'partners-crt.pem', ca: 'partner-ca.pem', crl: 'partner-crl.pem' } }
   * ```
   */
  readonly sni?: Readonly<Record<string, ServerNameOptions | LoadedServerNameOptions>>;
  /**
   * Whether a client must present a certificate. `'optional'` also admits clients without one, which
   * `requireClient()` answers with 401. An invalid certificate is refused either way.
   * @defaultValue `'required'`
   */
  readonly clients?: 'required' | 'optional';
  /**
   * What refuses clients. `'named'`: the gate, which logs the client and the reason. `'native'`: node:tls first
   * (`rejectUnauthorized: true`), which reports only the reason, then the gate.
   * @defaultValue `'named'`
   */
  readonly refusals?: 'named' | 'native';
  /**
   * What a refused client sees. `'close'`: its connection is closed before any request is read. `'respond'`: its
   * first request is answered with problem details (RFC 9457), which contain only the reason, and the connection is
   * closed; no handler sees the request. `'respond'` requires `refusals: 'named'`.
   * @defaultValue `'close'`
   */
  readonly onRefused?: 'close' | 'respond';
  /**
   * How revocation is checked.
   * @example
   * ```ts
   * revocation: { graceMs: 3_600_000, warnAt: 0.5 }
   * ```
   */
  readonly revocation?: RevocationPolicy;
  /**
   * Which certificates are accepted as client certificates.
   * @example
   * ```ts
   * certificates: { missingUsage: 'allow', minRsaBits: 3072 }
   * ```
   */
  readonly certificates?: CertificatePolicy;
  /**
   * Whether the files are watched. With `false`, only `mtls.reload()` and SIGHUP reload.
   * @defaultValue `{ pollMs: 500 }`
   */
  readonly watch?:
    | false
    | {
        /**
         * How often files are checked for changes, in milliseconds.
         * @defaultValue `500`; an integer from 50 to 3_600_000
         */
        readonly pollMs?: number;
      };
  /**
   * Whether SIGHUP triggers a reload, as `mtls.reload()` does. With `false`, this package does not handle SIGHUP.
   * @defaultValue `false`
   */
  readonly signals?: boolean;
  /**
   * Whether clients may resume TLS sessions. The client of a resumed session is judged again.
   * @defaultValue `true`; `false` with `sni`
   */
  readonly resumption?: boolean;
  /**
   * Limits on connections whose handshake is not done.
   * @example
   * ```ts
   * limits: { handshakeTimeoutMs: 5000, pendingHandshakes: 500 }
   * ```
   */
  readonly limits?: LimitOptions;
  /**
   * Where events are logged: `developmentLogger()`, pino, `console`, or any object with the methods `info`, `warn`
   * and `error`. Without a logger, only the first refusal and each error with status 500 are reported, as process
   * warnings.
   * @defaultValue none
   */
  readonly logger?: Logger | undefined;
  /**
   * Further options for `https.createServer`: minVersion, ciphers, ALPN, timeouts. Options that would weaken the
   * authentication of clients are errors.
   * @example
   * ```ts
   * tls: { minVersion: 'TLSv1.3' }
   * ```
   */
  readonly tls?: ServerOptions | undefined;
  /**
   * The clock, for tests: returns milliseconds since 1970.
   * @defaultValue `Date.now`
   */
  readonly now?: (() => number) | undefined;
}

/**
 * {@link MtlsOptions} with a loader in place of `key` and `cert`.
 * @example
 * ```ts
 * // The private key, the certificate and the trust bundle of a SPIFFE workload.
 * const options: LoadedOptions = { credentials: { load: async () => await fetchSvid() }, crl: '/run/crls' };
 * ```
 */
export interface LoadedOptions extends Omit<MtlsOptions, 'key' | 'cert' | 'credentials' | 'ca'> {
  /**
   * The loader of the server's key and certificate, always as a pair. While it has a fault, or the pair that it gives
   * cannot be used, the pair in force stays. It holds up no other source.
   */
  readonly credentials: CredentialsLoader;
  /** The key comes from `credentials`. */
  readonly key?: undefined;
  /** The certificate comes from `credentials`. */
  readonly cert?: undefined;
  /**
   * The trust store for clients, as in {@link MtlsOptions.ca}. The `ca` of `credentials` adds to it.
   * @defaultValue only the `ca` of `credentials`, which is then required
   */
  readonly ca?: CaSource | readonly CaSource[];
}

/**
 * The options of a server without TLS of its own, behind proxies on the same host or network: `proxies.from` is
 * `{ socket: true }`, `{ secret }` or `{ addresses }`.
 */
export interface ProxiedOptions extends Omit<MtlsOptions, 'key' | 'cert' | 'passphrase' | 'credentials'> {
  /** The server has no TLS. */
  readonly key?: undefined;
  /** The server has no TLS. */
  readonly cert?: undefined;
  /** The server has no TLS. */
  readonly passphrase?: undefined;
  /** The server has no TLS. */
  readonly credentials?: undefined;
  /** The proxies that the server is behind. */
  readonly proxies: ProxyOptions;
}

/** The options of any kind of server. */
export type AnyOptions = MtlsOptions | LoadedOptions | ProxiedOptions;

/** The same, before they are checked. */
export type GivenOptions = { readonly [Name in keyof MtlsOptions]?: AnyOptions[Name] | undefined };
