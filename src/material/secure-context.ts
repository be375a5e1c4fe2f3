/**
 * The options of a secure context: complete and frozen, for creation of the server and for every swap.
 * `setSecureContext` resets every omitted option to its default, including `ca`, which then means all public CAs.
 *
 * @module
 */
import { constants, createHash } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { MtlsError } from '../errors.js';
import { type Trust } from '../judgement/judges.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { parseCrlOutline } from '../x509/crl.js';
import { isSelfIssued, mayMean } from '../x509/issuance.js';
import { type Certificate } from '../x509/certificate.js';
import { type Material } from './material.js';
import { hasOpensslAnchors, type MaterialSettings } from './settings.js';
import { toPem } from './sources.js';

const contextNames = [
  'ciphers',
  'ecdhCurve',
  'sigalgs',
  'minVersion',
  'maxVersion',
  'dhparam',
  'honorCipherOrder',
  'ticketKeys',
  'sessionTimeout',
  'allowPartialTrustChain',
] as const;

/** Options, and the context made from them. Immutable. */
export class BuiltContext {
  readonly options: SecureContextOptions;
  #context: SecureContext | undefined;

  /** @throws MtlsError `ERR_MTLS_TLS_CONFIG_INVALID` if OpenSSL rejects the options. */
  static of(options: SecureContextOptions): BuiltContext {
    return new BuiltContext(options, build(options));
  }

  private constructor(options: SecureContextOptions, context: SecureContext | undefined) {
    this.options = options;
    this.#context = context;
    Object.freeze(this);
  }

  /** Whether its options are those of the previous context without the CRLs. False once the context has been built. */
  get onlyLacksCrls(): boolean {
    return this.#context === undefined;
  }

  /** The same one each time. */
  get context(): SecureContext {
    return (this.#context ??= build(this.options));
  }

  /**
   * The context for `options`. If they only leave out CRLs, OpenSSL has accepted them already, and the context is built
   * when it is first needed. Otherwise a large CRL in place of a small one would keep the event loop for longer.
   * @throws MtlsError `ERR_MTLS_TLS_CONFIG_INVALID` if OpenSSL rejects the options.
   */
  with(options: SecureContextOptions): BuiltContext {
    if (areSameOptions(options, this.options)) return this;
    const { crl, ...others } = this.options;
    return areSameOptions(options, others) ? new BuiltContext(options, undefined) : BuiltContext.of(options);
  }
}

/** Keys, certificates and what an app configures are the same objects until they are replaced; lists are made anew. */
function areSameOptions(one: SecureContextOptions, other: SecureContextOptions): boolean {
  const others = new Map<string, unknown>(Object.entries(other));
  const values = Object.entries(one) as [string, unknown][];
  return values.length === others.size && values.every(([name, value]) => isSame(value, others.get(name)));
}

function isSame(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other;
  return one.length === other.length && one.every((item, index) => item === other[index]);
}

/** What a context is for. */
export interface ContextPurpose {
  /** Whether OpenSSL alone refuses clients, or the gate does too. */
  readonly enforcer: 'openssl' | 'gate';
  /** The context in force. If the options are the same, it is returned and no context is built. */
  readonly inForce?: BuiltContext | undefined;
}

/**
 * Builds the options and the context for a reading of the sources. OpenSSL rejects invalid ones here.
 * @throws MtlsError `ERR_MTLS_CRL_UNSUPPORTED` if OpenSSL alone would decide by CRLs that it misreads.
 */
export function secureContextOf(
  settings: MaterialSettings,
  material: Material,
  { enforcer, inForce }: ContextPurpose,
): BuiltContext {
  const options = optionsOf(settings, material, enforcer);
  return inForce === undefined ? BuiltContext.of(options) : inForce.with(options);
}

function optionsOf(
  settings: MaterialSettings,
  material: Material,
  enforcer: ContextPurpose['enforcer'],
): SecureContextOptions {
  const { credentials, trust, proxies } = material;
  if (credentials === undefined)
    throw new MtlsError('ERR_MTLS_INTERNAL', { seen: 'there is no certificate to make a secure context of' });
  const { store, revocation } = trust;
  // Behind proxies OpenSSL would want a CRL of each proxy's CA too.
  const crl =
    revocation && proxies === undefined && hasOpensslAnchors(settings)
      ? crlsFor(enforcer, { store, revocation }, new Date(settings.now()))
      : undefined;
  const cas = casAtHandshake(settings, material);
  const given = settings.tls as Readonly<Record<string, unknown>>;
  const handedOn = Object.fromEntries(
    contextNames.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])),
  );
  return Object.freeze({
    minVersion: 'TLSv1.2',
    ...handedOn,
    key: credentials.key,
    cert: credentials.cert,
    ...(credentials.passphrase === undefined ? {} : { passphrase: credentials.passphrase }),
    // An empty list: `undefined` would mean all public CAs.
    ca: settings.announceCas === 'none' ? [] : toPem(rootsFirst(cas), 'CERTIFICATE'),
    ...(crl === undefined ? {} : { crl }),
    secureOptions: secureOptions(settings),
    sessionIdContext: sessionIdContext(settings, cas, revocation, enforcer),
  });
}

/** The CAs of connecting clients, of proxies, or of both. */
function casAtHandshake({ proxies: sources }: MaterialSettings, { trust, proxies }: Material): Certificate[] {
  const ofClients = sources === undefined || sources.direct === 'admit' ? trust.store.certificates : [];
  const all = [...(proxies?.trust?.store.certificates ?? []), ...ofClients];
  return [...new Map(all.map((ca) => [ca.raw.toString('latin1'), ca])).values()];
}

/** OpenSSL uses the first issuer with a matching name. If CAs certify each other, it could otherwise loop. */
function rootsFirst(certificates: readonly Certificate[]): Buffer[] {
  const isRoot = (certificate: Certificate): number => Number(isSelfIssued(certificate));
  return [...certificates].sort((one, other) => isRoot(other) - isRoot(one)).map(({ raw }) => raw);
}

function secureOptions({ tls, resumption }: MaterialSettings): number {
  // With renegotiation, a client could change its certificate on a connection that was already checked.
  const always = constants.SSL_OP_NO_RENEGOTIATION;
  return (tls.secureOptions ?? 0) | always | (resumption ? 0 : constants.SSL_OP_NO_TICKET);
}

/**
 * Prevents resumption of sessions under other CAs, or if fewer clients were asked for a certificate. If OpenSSL alone
 * decides, also under other CRLs, because it does not check CRLs at resumption. The limit is 32 characters.
 */
function sessionIdContext(
  { clients }: MaterialSettings,
  cas: readonly Certificate[],
  revocation: RevocationChecker | undefined,
  enforcer: ContextPurpose['enforcer'],
): string {
  const hash = createHash('sha256').update(`express-mtls ${clients}\n`);
  for (const { raw } of cas) hash.update(createHash('sha256').update(raw).digest());
  if (enforcer === 'openssl') for (const { digest } of revocation?.crls ?? []) hash.update(digest);
  return hash.digest('hex').slice(0, 32);
}

type Lock = Pick<Trust, 'store'> & { readonly revocation: RevocationChecker };

/**
 * The CRLs that OpenSSL reads correctly; `undefined` if it would not, or only at high cost, so that the gate decides.
 */
function crlsFor(enforcer: ContextPurpose['enforcer'], lock: Lock, at: Date): string[] | undefined {
  const { policy, crls } = lock.revocation;
  if (enforcer === 'openssl') {
    const fault = misread(lock);
    if (fault === undefined) return toPems(lock.revocation);
    throw new MtlsError('ERR_MTLS_CRL_UNSUPPORTED', {
      seen: `OpenSSL misreads ${fault}, and with createServerOptions() alone nothing else checks revocation`,
      remedy: 'use createServer(), or protect() the server',
    });
  }
  // OpenSSL has no policy: it requires a current CRL for every CA of the path.
  const strict =
    policy.scope === 'chain' && policy.unknown === 'deny' && policy.stale === 'deny' && policy.graceMs === 0;
  const entries = crls.reduce((sum, { crl }) => sum + crl.entryCount, 0);
  if (!strict || entries > policy.opensslEntries || misread(lock) !== undefined) return undefined;
  return lock.revocation.uncoveredCas(at).length > 0 ? undefined : toPems(lock.revocation);
}

// One string each: before Node 26, only the first of several CRLs in one string is read.
function toPems({ crls }: RevocationChecker): string[] {
  return crls.map(({ raw, origin }) => {
    // An empty string would mean no CRL.
    if (raw === undefined)
      throw new MtlsError('ERR_MTLS_CRL_UNSUPPORTED', {
        source: origin,
        seen: 'the CRL was not kept for OpenSSL',
      });
    return toPem([raw], 'X509 CRL');
  });
}

/** What OpenSSL would misread in the CRLs. */
function misread({ store, revocation: { crls } }: Lock): string | undefined {
  const issuers = new Set<string>();
  for (const { crl, origin } of crls) {
    if (crl.deltaBase !== undefined) return `delta CRLs (${origin})`;
    if (crl.issuingDistributionPoint !== undefined)
      return `CRLs with an issuing distribution point (${origin})`;
    if (issuers.has(crl.issuer.canonical)) return `two CRLs with the same issuer name (${origin})`;
    issuers.add(crl.issuer.canonical);
  }
  for (const { crl, signer, index, origin, raw } of crls) {
    // OpenSSL ignores such an entry.
    if (index.lifts) return `a full CRL with an entry with the reason removeFromCRL (${origin})`;
    // OpenSSL requires the CRL to be signed with the key that signed the certificate.
    const cas = store.named(crl.issuer.canonical);
    if (cas.some(({ publicKey }) => !publicKey.equals(signer.publicKey)))
      return `the CRL of a CA with several keys (${origin})`;
    // OpenSSL finds a CRL by a name in which only ASCII is case-insensitive.
    if (!crl.issuer.der.equals(signer.subject.der))
      return `a CRL that spells the name of its CA differently (${origin})`;
    // Without its bytes, toPems() reports it.
    if (raw === undefined) continue;
    const outline = parseCrlOutline(raw);
    // OpenSSL would refuse every client: a renewed CA can have the same key, but another serial number.
    if (cas.some((ca) => !mayMean(outline, ca)))
      return `a CRL whose authorityKeyIdentifier names another certificate of its CA (${origin})`;
  }
  return undefined;
}

function build(options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options);
  } catch (cause) {
    // Not by `instanceof`: in the contexts of test runners, errors of Node have another class.
    const why = (cause as Partial<Error> | null)?.message ?? String(cause);
    throw new MtlsError(
      'ERR_MTLS_TLS_CONFIG_INVALID',
      { seen: `OpenSSL rejects the options as a whole: ${why}`, remedy: 'check options.tls' },
      { cause },
    );
  }
}
