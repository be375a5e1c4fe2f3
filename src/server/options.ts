/**
 * The options of a server, their defaults and their checks. They are checked once, when the app starts.
 *
 * @module
 */
import type { ServerOptions } from 'node:https';
import { MtlsError } from '../errors.js';
import { checkProxies, type ProxyOptions } from '../gate/proxy-options.js';
import { checkLimits, type GateSettings, type LimitOptions } from '../gate/settings.js';
import {
  type CertificatePolicy,
  checkCertificatePolicy,
  type CompleteCertificatePolicy,
} from '../judgement/certificate-policy.js';
import { type Logger } from '../logger.js';
import { checkServerNames, type ServerNameOptions } from '../material/server-names.js';
import { type MaterialSettings } from '../material/settings.js';
import {
  type CaSource,
  checkCaSources,
  checkCrlSources,
  checkPassphrase,
  checkSource,
  type CrlSource,
  type Source,
} from '../material/source-options.js';
import { checkTlsOptions } from '../material/tls-options.js';
import { checkBoolean, checkChoice, checkEach, checkInteger, invalid } from '../option-checks.js';
import { checkRevocationPolicy, type RevocationPolicy } from '../revocation/revocation-policy.js';

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
  readonly sni?: Readonly<Record<string, ServerNameOptions>>;
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
 * The options of a server without TLS of its own, behind proxies on the same host or network: `proxies.from` is
 * `{ socket: true }`, `{ secret }` or `{ addresses }`.
 */
export interface ProxiedOptions extends Omit<MtlsOptions, 'key' | 'cert' | 'passphrase'> {
  /** The server has no TLS. */
  readonly key?: undefined;
  /** The server has no TLS. */
  readonly cert?: undefined;
  /** The server has no TLS. */
  readonly passphrase?: undefined;
  /** The proxies that the server is behind. */
  readonly proxies: ProxyOptions;
}

/** The options of either kind of server. */
type GivenOptions = { readonly [Name in keyof MtlsOptions]?: MtlsOptions[Name] | undefined };

/** {@link MtlsOptions}, checked, completed and frozen. */
export interface Settings extends Omit<MaterialSettings, 'proxies'>, GateSettings {
  readonly refusals: 'named' | 'native';
  readonly certificates: CompleteCertificatePolicy;
  readonly signals: boolean;
  readonly logger: Logger | undefined;
}

/**
 * Checks the options and completes them.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` with each invalid option, what was given and what was expected.
 */
export function checkOptions(options: MtlsOptions | ProxiedOptions): Settings {
  // Each option yields one or more settings. An option that is missing here does not compile.
  const parts = checkEach(options, 'options', {
    key: () => ({ credentials: checkCredentials(options) }),
    cert: () => ({ credentials: checkCredentials(options) }),
    passphrase: () => ({ credentials: checkCredentials(options) }),
    ca: () => ({ ca: checkCaSources(options.ca) }),
    partialChain: () => ({ partialChain: checkByGate(options, 'partialChain', ['deny', 'allow']) }),
    announceCas: () => ({ announceCas: checkByGate(options, 'announceCas', ['all', 'none']) }),
    crl: () => ({ crl: 'crl' in options ? checkCrlSources(options.crl) : [] }),
    proxies: () => ({ proxies: checkProxies(options) }),
    sni: () => ({ names: checkSni(options) }),
    clients: () => ({ clients: checkChoice(options.clients, 'clients', ['required', 'optional']) }),
    refusals: () => ({ refusals: checkChoice(options.refusals, 'refusals', ['named', 'native']) }),
    onRefused: () => ({ onRefused: checkOnRefused(options) }),
    revocation: () => ({ revocation: checkRevocationPolicy(options.revocation) }),
    certificates: () => ({ certificates: checkCertificatePolicy(options.certificates) }),
    watch: () => ({ pollMs: checkWatch(options.watch) }),
    signals: () => ({ signals: checkBoolean(options.signals, 'signals', false) }),
    resumption: () => ({ resumption: checkResumption(options) }),
    limits: () => ({ limits: checkLimits(options.limits) }),
    logger: () => ({ logger: checkLogger(options.logger) }),
    tls: () => ({ tls: checkTlsOptions(options.tls ?? {}) }),
    now: () => ({ now: checkClock(options.now) }),
  } satisfies Readonly<Record<keyof MtlsOptions, () => Partial<Settings>>>);
  return Object.freeze(
    Object.assign({}, ...Object.values(parts)) as Whole<(typeof parts)[keyof typeof parts]>,
  );
}

/** The intersection of the parts. */
type Whole<Parts> = (Parts extends unknown ? (part: Parts) => void : never) extends (part: infer All) => void
  ? All
  : never;

/** `undefined` without TLS, which {@link checkProxies} accepts for some proxies. */
function checkCredentials(options: GivenOptions): Settings['credentials'] {
  const { key, cert, passphrase, proxies } = options;
  if (proxies !== undefined && key === undefined && cert === undefined && passphrase === undefined)
    return undefined;
  return checkEach({}, 'options', {
    key: () => checkSource(key, 'key'),
    cert: () => checkSource(cert, 'cert'),
    passphrase: () => checkPassphrase(passphrase),
  });
}

function checkSni(options: GivenOptions): Settings['names'] {
  return 'sni' in options ? checkServerNames(options.sni, () => checkCaSources(options.ca)) : new Map();
}

function checkWatch(watch: MtlsOptions['watch'] = {}): number | undefined {
  if (watch === false) return undefined;
  const { pollMs } = checkEach(watch, 'watch', {
    pollMs: () => checkInteger(watch.pollMs, 'watch.pollMs', 500, 50, 3_600_000),
  });
  return pollMs;
}

function checkResumption({ resumption, sni }: GivenOptions): boolean {
  const checked = checkBoolean(resumption, 'resumption', sni === undefined);
  if (!checked || sni === undefined) return checked;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: 'resumption: true and sni cannot be combined, because node:tls does not tell for which name a session was created',
    remedy: 'omit one of them',
  });
}

function checkOnRefused({ onRefused, refusals }: GivenOptions): 'close' | 'respond' {
  const choice = checkChoice(onRefused, 'onRefused', ['close', 'respond']);
  if (choice === 'close' || refusals !== 'native') return choice;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: "onRefused: 'respond' needs refusals: 'named', because node:tls ends a connection that it refuses itself",
  });
}

/** Checks an option whose second value leaves OpenSSL without trust anchors. */
function checkByGate<const Choice extends string>(
  options: GivenOptions,
  name: 'partialChain' | 'announceCas',
  choices: readonly [Choice, Choice],
): Choice {
  const choice = checkChoice(options[name] as Choice | undefined, name, choices);
  if (choice === choices[0] || options.refusals !== 'native') return choice;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${name}: '${choice}' needs refusals: 'named', because node:tls would refuse every client that only the gate trusts`,
  });
}

function checkClock(now: unknown): () => number {
  if (now === undefined) return Date.now;
  if (typeof now === 'function') return now as () => number;
  throw invalid('now', now, 'a function that returns milliseconds since 1970');
}

function checkLogger(logger: MtlsOptions['logger']): Logger | undefined {
  if (logger === undefined) return undefined;
  if ((typeof logger !== 'object' && typeof logger !== 'function') || (logger as unknown) === null)
    throw invalid('logger', logger, 'an object such as pino');
  for (const level of ['info', 'warn', 'error'] as const) {
    const method: unknown = Reflect.get(logger, level);
    if (typeof method !== 'function') throw invalid(`logger.${level}`, method, 'a function, as pino has');
  }
  return logger;
}
