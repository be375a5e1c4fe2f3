/**
 * The options for certificates, and their validation.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import type { CertificateKind } from './database.js';
import type { KeyAlgorithm } from './keys.js';
import { checkAltNames, checkSpiffeId, checkSubject, noAltNames } from './subject.js';
import type { AltNames, CertificateNames } from './subject.js';

/** The options that server and client certificates share. They do not change an existing certificate. */
interface CertificateOptions {
  /**
   * The commonName, 1 to 64 characters.
   * @defaultValue the name of a client; the first host name or address of a server
   */
  readonly commonName?: string;
  /** The organizationName, 1 to 64 characters; none by default. */
  readonly organization?: string;
  /** The organizationalUnitNames, 1 to 64 characters each; none by default. */
  readonly organizationalUnit?: string | readonly string[];
  /** The URIs in subjectAltName; none by default. */
  readonly uri?: string | readonly string[];
  /** The SPIFFE ID, which is the only URI in subjectAltName. It excludes `uri`. None by default. */
  readonly spiffeId?: string;
  /**
   * The lifetime in days, limited to that of the CA.
   * @defaultValue `365`; above 0, at most 36_500, fractions allowed
   */
  readonly days?: number;
  /**
   * The kind of key to generate.
   * @defaultValue the kind of the CA's own key
   */
  readonly algorithm?: KeyAlgorithm;
}

/**
 * The contents of a server certificate. They do not change an existing certificate.
 * @example
 * ```ts
 * await ca.issueServer({ name: 'api', dns: ['api.example', 'localhost'], days: 90 });
 * ```
 */
export interface ServerCertificateOptions extends CertificateOptions {
  /**
   * The NAME in `NAME-crt.pem` and `NAME-key.pem`.
   * @defaultValue `'server'`; letters, digits, `.`, `_` and `-`, at most 64, not starting with `.` or `-`
   */
  readonly name?: string;
  /**
   * The host names.
   * @defaultValue `['localhost']`
   */
  readonly dns?: readonly string[];
  /**
   * The IP addresses.
   * @defaultValue `['127.0.0.1', '::1']`
   */
  readonly ip?: readonly string[];
}

/**
 * The contents of a client certificate. They do not change an existing certificate.
 * @example
 * ```ts
 * await ca.issueClient('billing-1', { organizationalUnit: 'billing', spiffeId: 'spiffe://example.org/billing' });
 * ```
 */
export interface ClientCertificateOptions extends CertificateOptions {
  /** The email addresses in subjectAltName; none by default. */
  readonly email?: string | readonly string[];
  /** The host names in subjectAltName; none by default. */
  readonly dns?: readonly string[];
}

/** A certificate request of a caller. */
export interface CertificateParams {
  readonly name: string;
  readonly kind: CertificateKind;
  readonly names: CertificateNames;
  readonly days: number | undefined;
  readonly algorithm: KeyAlgorithm | undefined;
}

/** The names that a caller has set. */
export interface SaidNames {
  readonly commonName: string | undefined;
  readonly organization: string | undefined;
  readonly organizationalUnits: readonly string[] | undefined;
  /** `undefined` if none of them is set. They are set together or not at all. */
  readonly altNames: AltNames | undefined;
}

/** @throws MtlsError `ERR_MTLS_OPTION_INVALID` */
export function serverParams(options: ServerCertificateOptions): CertificateParams {
  const { name = 'server', dns = ['localhost'], ip = ['127.0.0.1', '::1'], days, algorithm } = options;
  const said = readServerNames(options);
  const altNames = { ...(said.altNames ?? noAltNames), dns, ip };
  return {
    name,
    kind: 'server',
    names: completeNames('server', name, { ...said, altNames }),
    days,
    algorithm,
  };
}

/** @throws MtlsError `ERR_MTLS_OPTION_INVALID` */
export function clientParams(name: string, options: ClientCertificateOptions): CertificateParams {
  const { days, algorithm } = options;
  return {
    name,
    kind: 'client',
    names: completeNames('client', name, readClientNames(options)),
    days,
    algorithm,
  };
}

/** @throws MtlsError `ERR_MTLS_OPTION_INVALID` */
export function readServerNames(options: ServerCertificateOptions): SaidNames {
  const { dns, ip } = options;
  return readNames(options, { dns, ip });
}

/** @throws MtlsError `ERR_MTLS_OPTION_INVALID` */
export function readClientNames(options: ClientCertificateOptions): SaidNames {
  const { dns, email } = options;
  return readNames(options, { dns, email: listOf(email) });
}

/**
 * Applies the defaults and validates the names.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 */
export function completeNames(kind: CertificateKind, name: string, said: SaidNames): CertificateNames {
  const altNames = checkAltNames(said.altNames ?? noAltNames);
  const hosts = [...altNames.dns, ...altNames.ip];
  if (kind === 'server' && hosts.length === 0) {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'dns and ip are both empty',
      remedy: 'set at least one host name or address for the server',
    });
  }
  const subject = checkSubject({
    organization: said.organization,
    organizationalUnits: said.organizationalUnits ?? [],
    commonName: said.commonName ?? (kind === 'server' ? (hosts[0] as string) : name),
  });
  return { subject, altNames };
}

type SomeAltNames = { readonly [Key in keyof AltNames]?: AltNames[Key] | undefined };

function readNames(options: CertificateOptions, others: SomeAltNames): SaidNames {
  const { commonName, organization, organizationalUnit, spiffeId } = options;
  if (spiffeId !== undefined && options.uri !== undefined) {
    // X.509-SVID section 2: exactly one URI.
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'uri and spiffeId are both set',
      remedy: 'a certificate with a SPIFFE ID has no other URI: use one of them',
    });
  }
  const uri = spiffeId === undefined ? listOf(options.uri) : [checkSpiffeId(spiffeId)];
  const said = { ...others, uri };
  const isSaid = Object.values(said).some((values) => values !== undefined);
  const { dns = [], ip = [], email = [] } = others;
  return {
    commonName,
    organization,
    organizationalUnits: listOf(organizationalUnit),
    altNames: isSaid ? { dns, ip, email, uri: uri ?? [] } : undefined,
  };
}

function listOf(values: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof values === 'string' ? [values] : values;
}
