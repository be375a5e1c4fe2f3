/**
 * The bag of options that makes a secure context: one, complete and frozen, for
 * the server's creation and for every swap. `setSecureContext` forgets whatever
 * a call leaves out, down to trusting every public CA.
 *
 * @module
 */
import { constants, createHash } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { MtlsError } from '../errors.js';
import { type Trust } from '../judgement/judges.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { isSelfIssued } from '../x509/issuance.js';
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

/** A bag of options, and the context that it makes. */
export interface BuiltContext {
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
}

/** What a context is made of. */
export interface ContextPurpose {
  /** Whether OpenSSL is the only one to refuse, or the gate stands behind it. */
  readonly enforcer: 'openssl' | 'gate';
  /** What is in force: where the new bag is the same, this is returned, and no context is built. */
  readonly inForce?: BuiltContext | undefined;
}

/**
 * Makes the bag for a reading of the sources, and its context: what OpenSSL refuses is found here.
 * @throws MtlsError `ERR_MTLS_CRL_UNSUPPORTED` where OpenSSL alone would judge by CRLs that it misreads.
 */
export function secureContextOf(
  settings: MaterialSettings,
  material: Material,
  { enforcer, inForce }: ContextPurpose,
): BuiltContext {
  const options = optionsOf(settings, material, enforcer);
  if (inForce !== undefined && isDeepStrictEqual(options, inForce.options)) return inForce;
  return Object.freeze({ options, context: build(options) });
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
    // An empty list, and not nothing, which would be every public CA.
    ca: settings.announceCas === 'none' ? [] : toPem(rootsFirst(cas), 'CERTIFICATE'),
    ...(crl === undefined ? {} : { crl }),
    secureOptions: secureOptions(settings),
    sessionIdContext: sessionIdContext(settings, cas, revocation, enforcer),
  });
}

/** The CAs of those who connect: of clients, or of proxies, or of both. */
function casAtHandshake({ proxies: sources }: MaterialSettings, { trust, proxies }: Material): Certificate[] {
  const ofClients = sources === undefined || sources.direct === 'admit' ? trust.store.certificates : [];
  const all = [...(proxies?.trust?.store.certificates ?? []), ...ofClients];
  return [...new Map(all.map((ca) => [ca.raw.toString('latin1'), ca])).values()];
}

/** OpenSSL takes the first issuer of a name: where CAs certify each other, it would walk in a circle. */
function rootsFirst(certificates: readonly Certificate[]): Buffer[] {
  const isRoot = (certificate: Certificate): number => Number(isSelfIssued(certificate));
  return [...certificates].sort((one, other) => isRoot(other) - isRoot(one)).map(({ raw }) => raw);
}

function secureOptions({ tls, resumption }: MaterialSettings): number {
  // A client that renegotiates could change its certificate under a connection that has been judged.
  const always = constants.SSL_OP_NO_RENEGOTIATION;
  return (tls.secureOptions ?? 0) | always | (resumption ? 0 : constants.SSL_OP_NO_TICKET);
}

/**
 * No session is resumed under other CAs, or where fewer callers were asked for a certificate; nor under other CRLs,
 * where OpenSSL judges alone: it asks no CRL about a session that is resumed. 32 characters are the most.
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

/** The CRLs as OpenSSL reads them right; `undefined` where it would not, or at a cost, and the gate judges. */
function crlsFor(enforcer: ContextPurpose['enforcer'], lock: Lock, at: Date): string[] | undefined {
  const { policy, crls } = lock.revocation;
  if (enforcer === 'openssl') {
    const fault = misread(lock);
    if (fault === undefined) return toPems(lock.revocation);
    throw new MtlsError('ERR_MTLS_CRL_UNSUPPORTED', {
      seen: `OpenSSL misreads ${fault}, and with createServerOptions() alone it is the only one to judge`,
      remedy: 'use createServer(), or protect() the server',
    });
  }
  // OpenSSL knows no policy: it wants a current CRL for every CA of the chain.
  const strict =
    policy.scope === 'chain' && policy.unknown === 'deny' && policy.stale === 'deny' && policy.graceMs === 0;
  const entries = crls.reduce((sum, { crl }) => sum + crl.entryCount, 0);
  if (!strict || entries > policy.opensslEntries || misread(lock) !== undefined) return undefined;
  return lock.revocation.uncoveredCas(at).length > 0 ? undefined : toPems(lock.revocation);
}

// One string each: of several CRLs in one string, Node before 26 reads the first alone.
function toPems({ crls }: RevocationChecker): string[] {
  return crls.map(({ raw, origin }) => {
    // An empty string would be no CRL at all.
    if (raw === undefined)
      throw new MtlsError('ERR_MTLS_CRL_UNSUPPORTED', {
        source: origin,
        seen: 'the CRL was not kept for OpenSSL',
      });
    return toPem([raw], 'X509 CRL');
  });
}

/** What OpenSSL would misread among the CRLs. */
function misread({ store, revocation: { crls } }: Lock): string | undefined {
  const issuers = new Set<string>();
  for (const { crl, origin } of crls) {
    if (crl.deltaBase !== undefined) return `delta CRLs (${origin})`;
    if (crl.issuingDistributionPoint !== undefined)
      return `CRLs with an issuing distribution point (${origin})`;
    if (issuers.has(crl.issuer.canonical)) return `two CRLs of one issuer name (${origin})`;
    issuers.add(crl.issuer.canonical);
  }
  for (const { crl, signer, index, origin } of crls) {
    // It takes such an entry for none.
    if (index.lifts) return `a full CRL with an entry of the reason removeFromCRL (${origin})`;
    // It wants the CRL to be by the very key that issued the certificate.
    if (store.named(crl.issuer.canonical).some(({ publicKey }) => !publicKey.equals(signer.publicKey)))
      return `the CRL of a CA name with several keys (${origin})`;
    // It finds a CRL by a name that folds the case of ASCII alone.
    if (!crl.issuer.der.equals(signer.subject.der))
      return `a CRL that spells the name of its CA in another way (${origin})`;
  }
  return undefined;
}

function build(options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown error';
    throw new MtlsError(
      'ERR_MTLS_TLS_CONFIG_INVALID',
      { seen: `OpenSSL refuses the options as a whole: ${why}`, remedy: 'check options.tls' },
      { cause },
    );
  }
}
