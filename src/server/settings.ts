/**
 * The checks of a server's options, and their defaults. They are checked once, when the app starts.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { checkProxies } from '../gate/proxy-options.js';
import { checkLimits, type GateSettings } from '../gate/settings.js';
import { checkCertificatePolicy, type CompleteCertificatePolicy } from '../judgement/certificate-policy.js';
import { type Logger } from '../logger.js';
import { checkCredentials, checkServerNames } from '../material/server-names.js';
import { type MaterialSettings } from '../material/settings.js';
import { checkCaSources, checkCrlSources } from '../material/source-options.js';
import { checkTlsOptions } from '../material/tls-options.js';
import { checkBoolean, checkChoice, checkEach, checkInteger, invalid } from '../option-checks.js';
import { checkRevocationPolicy } from '../revocation/revocation-policy.js';
import { type AnyOptions, type GivenOptions, type MtlsOptions } from './options.js';

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
export function checkOptions(options: AnyOptions): Settings {
  // Each option yields one or more settings. An option that is missing here does not compile.
  const parts = checkEach(options, 'options', {
    key: () => ({ credentials: checkOwnCredentials(options) }),
    cert: () => ({ credentials: checkOwnCredentials(options) }),
    passphrase: () => ({ credentials: checkOwnCredentials(options) }),
    credentials: () => ({ credentials: checkOwnCredentials(options) }),
    ca: () => ({ ca: checkCas(options) }),
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
function checkOwnCredentials(options: GivenOptions): Settings['credentials'] {
  const { key, cert, passphrase, credentials, proxies } = options;
  const isGiven = [key, cert, passphrase, credentials].some((option) => option !== undefined);
  return proxies !== undefined && !isGiven ? undefined : checkCredentials(options);
}

/** The CAs can all come with the credentials. */
function checkCas(options: GivenOptions): Settings['ca'] {
  return options.credentials !== undefined && !('ca' in options) ? [] : checkCaSources(options.ca);
}

function checkSni(options: GivenOptions): Settings['names'] {
  return 'sni' in options ? checkServerNames(options.sni, () => checkCas(options)) : new Map();
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
