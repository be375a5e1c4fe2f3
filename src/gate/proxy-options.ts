/**
 * The option `proxies`: which proxies are trusted, and how they forward client certificates.
 *
 * @module
 */
import { BlockList, isIP } from 'node:net';
import { MtlsError } from '../errors.js';
import {
  checkForwardedHeader,
  type ForwardedField,
  type ForwardedHeader,
  type ForwardedPreset,
} from '../forwarded/forwarded-header.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { checkProxySecrets, type ProxySecret, type ProxySources } from '../material/proxy-sources.js';
import {
  type CaSource,
  checkCaSources,
  checkCrlSources,
  type CrlSource,
} from '../material/source-options.js';
import { checkChoice, checkEach, invalid } from '../option-checks.js';
import { type ClientRule, compileRule } from '../policy/client-rule.js';
import { accountOf } from '../policy/rule-account.js';

/**
 * How a proxy proves that it is one.
 * @example
 * ```ts
 * const byCertificate: ProxyOrigin = { ca: 'internal-ca.pem', crl: 'internal.crl', rule: { commonName: 'nginx' } };
 * const bySocket: ProxyOrigin = { socket: true };
 * const bySecret: ProxyOrigin = { secret: { path: '/run/secrets/proxy' } };
 * ```
 */
export type ProxyOrigin =
  | {
      /** The CAs that issue certificates to proxies. They may also issue certificates to clients. */
      readonly ca: CaSource | readonly CaSource[];
      /** The CRLs of those CAs. The connections of a revoked proxy are closed, with all client requests on them. */
      readonly crl?: CrlSource | readonly CrlSource[];
      /** Which certificates of those CAs belong to proxies: fields as for `requireClient()`, not a function. */
      readonly rule: ClientRule;
    }
  | {
      /** Every process that can open the server's Unix socket is trusted as a proxy. */
      readonly socket: true;
      /**
       * The mode of the socket's file.
       * @defaultValue `0o660`
       */
      readonly mode?: 0o600 | 0o660;
    }
  | {
      /** The secret that proxies send in the header `Mtls-Proxy-Secret`; a list, for rotation, accepts each of them. */
      readonly secret: ProxySecret | readonly ProxySecret[];
    }
  | {
      /** The addresses of proxies, as CIDR. An address alone proves little, so each start logs a warning. */
      readonly addresses: readonly string[];
    };

/**
 * A header by its name and encoding.
 * @example
 * ```ts
 * const header: ForwardedHeaderOptions = {
 *   name: 'X-Client-Certificate',
 *   encoding: 'percent-pem',
 *   chain: { name: 'X-Client-Chain', encoding: 'percent-pem' },
 * };
 * ```
 */
export interface ForwardedHeaderOptions extends ForwardedField {
  /** The header with the intermediates, if they are in a separate header. */
  readonly chain?: ForwardedField;
}

/**
 * The option `proxies`.
 * @example
 * ```ts
 * const proxies: ProxyOptions = { from: { socket: true }, header: 'nginx', clientAddress: 'x-real-ip' };
 * const server = await createServer({ ca, crl, proxies }, app);
 * server.listen('/run/app/http.sock');
 * ```
 */
export interface ProxyOptions {
  /** How a proxy proves that it is one. There is no default. */
  readonly from: ProxyOrigin;
  /** The header with the certificate: the name of a proxy, or a header's name and encoding. */
  readonly header: ForwardedPreset | ForwardedHeaderOptions;
  /**
   * Whether a client may connect without a proxy, with its own certificate.
   * @defaultValue `'refuse'`
   */
  readonly direct?: 'refuse' | 'admit';
  /**
   * The header with the client's address, for the log and events. Its last element is used, and only in requests from a
   * proxy. If unset, the address is the proxy's.
   */
  readonly clientAddress?: 'forwarded' | 'x-forwarded-for' | 'x-real-ip';
}

/** {@link ProxyOptions}, checked. */
export interface ProxySettings extends ProxySources {
  /** Whether a certificate of the CAs in `trust` belongs to a proxy; `undefined` if proxies have no certificates. */
  readonly isProxy: ((identity: ClientIdentity) => boolean) | undefined;
  /** The mode of the Unix socket; `undefined` if proxies are not recognised by a socket. */
  readonly socketMode: number | undefined;
  readonly addresses: BlockList | undefined;
  readonly header: ForwardedHeader;
  readonly clientAddress: ProxyOptions['clientAddress'];
}

/** The options that `proxies` depends on. */
interface Beside {
  readonly proxies?: ProxyOptions | undefined;
  readonly key?: unknown;
  readonly cert?: unknown;
  readonly credentials?: unknown;
  readonly sni?: unknown;
  readonly refusals?: unknown;
}

/**
 * Checks `options.proxies`.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` with each invalid option, what was given and what was expected.
 */
export function checkProxies(options: Beside): ProxySettings | undefined {
  if (options.proxies === undefined) return undefined;
  const proxies: ProxyOptions = options.proxies;
  const { key, cert, credentials } = options;
  const hasTls = [key, cert, credentials].some((option) => option !== undefined);
  const { from, header, direct, clientAddress } = checkEach(proxies, 'proxies', {
    from: () => checkOrigin(proxies.from, hasTls),
    header: () => checkForwardedHeader(proxies.header, 'proxies.header'),
    direct: () => checkChoice(proxies.direct, 'proxies.direct', ['refuse', 'admit']),
    clientAddress: () => checkAddressHeader(proxies.clientAddress),
  });
  refuseTogether(options.sni !== undefined, 'sni', 'each name would need proxies of its own');
  refuseTogether(
    options.refusals === 'native',
    "refusals: 'native'",
    'node:tls sees no forwarded certificate',
  );
  if (direct === 'admit' && !hasTls)
    throw needsTls("proxies.direct: 'admit'", 'clients connect with a certificate of their own');
  return Object.freeze({ ...from, header, direct, clientAddress });
}

type Origin = Pick<ProxySettings, 'trust' | 'isProxy' | 'secrets' | 'socketMode' | 'addresses'>;

/** The given `proxies.from`, of any kind. */
type GivenOrigin = Readonly<
  Partial<Record<'ca' | 'crl' | 'rule' | 'socket' | 'mode' | 'secret' | 'addresses', unknown>>
>;

const nothing: Origin = Object.freeze({
  trust: undefined,
  isProxy: undefined,
  secrets: Object.freeze([]),
  socketMode: undefined,
  addresses: undefined,
});

const kinds = ['ca', 'socket', 'secret', 'addresses'] as const;

function checkOrigin(given: unknown, hasTls: boolean): Origin {
  if (typeof given !== 'object' || given === null)
    throw invalid('proxies.from', given, '{ ca, rule }, { socket: true }, { secret } or { addresses }');
  const from: GivenOrigin = given;
  const named = kinds.filter((kind) => from[kind] !== undefined);
  const [kind] = named;
  if (kind === undefined || named.length > 1)
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen:
        kind === undefined
          ? 'proxies.from does not say how a proxy proves itself'
          : `proxies.from has ${named.join(' and ')}`,
      expected: 'one of ca (with rule), socket, secret and addresses',
    });
  return Object.freeze({ ...nothing, ...checkKinds[kind](from, hasTls) });
}

const checkKinds: Readonly<
  Record<(typeof kinds)[number], (from: GivenOrigin, hasTls: boolean) => Partial<Origin>>
> = {
  ca: (from, hasTls) => {
    if (!hasTls) throw needsTls('proxies.from.ca', 'proxies connect with a certificate');
    const { ca, crl, rule } = checkEach(from, 'proxies.from', {
      ca: () => checkCaSources(from.ca, 'proxies.from.ca'),
      crl: () => (from.crl === undefined ? [] : checkCrlSources(from.crl, 'proxies.from.crl')),
      rule: () => checkRule(from.rule),
    });
    return { trust: Object.freeze({ ca, crl }), isProxy: rule };
  },
  socket: (from, hasTls) => {
    if (hasTls)
      throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
        seen: 'proxies.from.socket is for a server without TLS, but key or cert is set',
        remedy: 'omit them',
      });
    const { mode } = checkEach(from, 'proxies.from', {
      socket: () => {
        if (from.socket !== true) throw invalid('proxies.from.socket', from.socket, 'true');
      },
      mode: () => checkMode(from.mode),
    });
    return { socketMode: mode };
  },
  secret: (from) => {
    const { secret } = checkEach(from, 'proxies.from', {
      secret: () => checkProxySecrets(from.secret, 'proxies.from.secret'),
    });
    return { secrets: secret };
  },
  addresses: (from) => {
    const { addresses } = checkEach(from, 'proxies.from', {
      addresses: () => checkAddresses(from.addresses),
    });
    return { addresses };
  },
};

/** A proxy is recognised when it connects, before there is a request that a function could decide about. */
function checkRule(rule: unknown): NonNullable<ProxySettings['isProxy']> {
  if (rule === undefined)
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'proxies.from.rule is missing, so every certificate of these CAs would belong to a proxy',
      remedy: "name the proxies: { commonName: 'nginx' }",
    });
  const { asksFunction, findingOn } = accountOf(compileRule(rule as ClientRule));
  if (!asksFunction) return (identity) => findingOn(identity).grants === true;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: 'proxies.from.rule contains a function, but there is no request when a proxy connects',
    expected: "fields such as { commonName: 'nginx' }, or allOf() and anyOf() of them",
  });
}

function checkMode(mode: unknown): number {
  if (mode === undefined) return 0o660;
  if (mode === 0o600 || mode === 0o660) return mode;
  throw invalid('proxies.from.mode', mode, '0o600 or 0o660');
}

function checkAddresses(addresses: unknown): BlockList {
  if (!Array.isArray(addresses) || addresses.length === 0)
    throw invalid('proxies.from.addresses', addresses, "a list such as ['10.0.0.0/8', '::1']");
  const list = new BlockList();
  for (const [index, address] of addresses.entries()) {
    const [, ip = '', bits] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(String(address)) ?? [];
    const family = isIP(ip);
    const most = family === 4 ? 32 : 128;
    if (family === 0 || Number(bits ?? most) > most)
      throw invalid(`proxies.from.addresses[${index}]`, address, "an address or a CIDR such as '10.0.0.0/8'");
    list.addSubnet(ip, Number(bits ?? most), family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

const addressHeaders = ['forwarded', 'x-forwarded-for', 'x-real-ip'] as const;

function checkAddressHeader(name: unknown): ProxyOptions['clientAddress'] {
  return name === undefined ? undefined : checkChoice(name, 'proxies.clientAddress', addressHeaders);
}

function refuseTogether(isGiven: boolean, option: string, why: string): void {
  if (!isGiven) return;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `proxies and ${option} exclude each other, because ${why}`,
    remedy: 'omit one of them',
  });
}

function needsTls(option: string, why: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${option} needs a server with TLS, because ${why}`,
    remedy: 'set key and cert',
  });
}
