/**
 * The options of a server: what may be given, what is taken when it is not, and
 * what is refused. Checked once, when the app starts.
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

/** The options of `createServer`, `createServerOptions` and `protect`. */
export interface MtlsOptions {
  /** The server's private key: PEM, or DER in PKCS#8, PKCS#1 or SEC1. */
  readonly key: Source;
  /** The server's certificate, then its intermediates. */
  readonly cert: Source;
  /** The passphrase of an encrypted `key`. */
  readonly passphrase?: string | undefined;
  /**
   * The CAs whose clients are let in: roots, and the intermediates below them. Every handshake carries the names of
   * all of them: 65,407 octets at the most, and clients in Java accept 32,640.
   */
  readonly ca: CaSource | readonly CaSource[];
  /**
   * Whether a CA in `ca` may be a trust anchor though no root above it is configured: its clients are admitted, and
   * those of other CAs below the same root are not. OpenSSL cannot judge such a path, and the gate judges alone. Needs
   * `refusals: 'named'`, and a server with the gate.
   * @defaultValue `'deny'`
   */
  readonly partialChain?: 'deny' | 'allow';
  /**
   * Whether the names of the CAs are sent in every handshake, so that clients can choose a certificate. `'none'` is for
   * more CAs than clients accept: OpenSSL then trusts none of them, and the gate judges alone. Needs
   * `refusals: 'named'`, and a server with the gate.
   * @defaultValue `'all'`
   */
  readonly announceCas?: 'all' | 'none';
  /**
   * Proxies in front of the server that end TLS and forward the certificates of clients. Each certificate is judged
   * here, as that of a client that connects itself. Excludes `sni` and `refusals: 'native'`, and needs a server with the
   * gate.
   */
  readonly proxies?: ProxyOptions;
  /** The CRLs of those CAs. Left out, nothing is ever revoked. */
  readonly crl?: CrlSource | readonly CrlSource[];
  /**
   * Server names with a certificate of their own, and with CAs and CRLs of their own where they have other clients:
   * `'a.example'`, or `'*.example'` for all names one label below it. A request for the host of another name is
   * answered with 421. Sessions are not resumed, for node:tls does not say under which name one was begun. For
   * `createServer()` alone.
   */
  readonly sni?: Readonly<Record<string, ServerNameOptions>>;
  /**
   * Whether a caller must have a certificate. `'optional'` lets callers without one connect, and
   * `requireClient()` answers them 401 where it stands; a bad certificate is refused all the same.
   * @defaultValue `'required'`
   */
  readonly clients?: 'required' | 'optional';
  /**
   * Who refuses a client. `'named'`: the gate, which logs who and why. `'native'`: node:tls first
   * (`rejectUnauthorized: true`), which says only why, then the gate.
   * @defaultValue `'named'`
   */
  readonly refusals?: 'named' | 'native';
  /**
   * What a refused client sees. `'close'`: its connection ends, before a byte of a request is read. `'respond'`: its
   * first request is answered with problem details (RFC 9457) that say the reason and no more, and then it ends; no
   * handler ever sees it. Needs `refusals: 'named'`.
   * @defaultValue `'close'`
   */
  readonly onRefused?: 'close' | 'respond';
  /** How revocation is decided. */
  readonly revocation?: RevocationPolicy;
  /** Which certificates may be a client's. */
  readonly certificates?: CertificatePolicy;
  /**
   * Whether the files are watched; `false`: only `mtls.reload()` and SIGHUP reload.
   * @defaultValue `{ pollMs: 500 }`
   */
  readonly watch?:
    | false
    | {
        /**
         * The time between two looks at the files, in milliseconds.
         * @defaultValue `500`; an integer from 50 to 3_600_000
         */
        readonly pollMs?: number;
      };
  /**
   * Whether SIGHUP reloads, as `mtls.reload()` does. Without this, SIGHUP is what the process makes of it.
   * @defaultValue `false`
   */
  readonly signals?: boolean;
  /**
   * Whether clients may resume TLS sessions. A resumed session is judged like a new one.
   * @defaultValue `true`; `false` with `sni`
   */
  readonly resumption?: boolean;
  /** How much of the server whoever connects may take before it is known who that is. */
  readonly limits?: LimitOptions;
  /**
   * Where events are logged: `developmentLogger()`, pino, `console`, or what has their methods. Without one, the first
   * refusal is a warning of the process, which says that nothing is logged, and so is each error with status 500.
   * @defaultValue none
   */
  readonly logger?: Logger | undefined;
  /** What else `https.createServer` is given: minVersion, ciphers, ALPN, timeouts. What would open a hole is refused. */
  readonly tls?: ServerOptions | undefined;
  /**
   * The clock, in milliseconds since 1970; for tests.
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

/** {@link MtlsOptions}, checked, with nothing left out and nothing to change. */
export interface Settings extends Omit<MaterialSettings, 'proxies'>, GateSettings {
  readonly refusals: 'named' | 'native';
  readonly certificates: CompleteCertificatePolicy;
  readonly signals: boolean;
  readonly logger: Logger | undefined;
}

/**
 * Checks the options and completes them.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` naming each option that is wrong, what was given and what may be.
 */
export function checkOptions(options: MtlsOptions | ProxiedOptions): Settings {
  // Each option makes the settings of its name or of others; one that is missing here does not compile.
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

/** What the parts of a group are together. */
type Whole<Parts> = (Parts extends unknown ? (part: Parts) => void : never) extends (part: infer All) => void
  ? All
  : never;

/** Proxies may connect without TLS; {@link checkProxies} says which. */
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
    seen: 'resumption: true and sni exclude each other, because node:tls does not say under which name a session was begun',
    remedy: 'leave one of them out',
  });
}

function checkOnRefused({ onRefused, refusals }: GivenOptions): 'close' | 'respond' {
  const choice = checkChoice(onRefused, 'onRefused', ['close', 'respond']);
  if (choice === 'close' || refusals !== 'native') return choice;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: "onRefused: 'respond' needs refusals: 'named', because node:tls ends a connection that it refuses itself",
  });
}

/** A choice whose second value leaves OpenSSL without trust anchors. */
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
