/**
 * What callers may say of a certificate, and what that comes to.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import type { CertificateKind } from './database.js';
import type { KeyAlgorithm } from './keys.js';
import { checkAltNames, checkSpiffeId, checkSubject, noAltNames } from './subject.js';
import type { AltNames, CertificateNames } from './subject.js';

/** What servers and clients have in common. Without effect on a certificate that is kept. */
interface CertificateOptions {
  /**
   * Its commonName, of 1 to 64 characters.
   * @defaultValue of a client its name, of a server its first host name or address
   */
  readonly commonName?: string;
  /** Its organization, of 1 to 64 characters; none by default. */
  readonly organization?: string;
  /** Its organizational units, of 1 to 64 characters each; none by default. */
  readonly organizationalUnit?: string | readonly string[];
  /** The URIs of its subjectAltName; none by default. */
  readonly uri?: string | readonly string[];
  /** Its SPIFFE ID, the one URI of its subjectAltName: not together with `uri`. None by default. */
  readonly spiffeId?: string;
  /**
   * Days until it expires, at the latest with the CA.
   * @defaultValue `365`; above 0, at most 36_500, parts of a day allowed
   */
  readonly days?: number;
  /**
   * What kind of key to make.
   * @defaultValue the kind of the CA's own key
   */
  readonly algorithm?: KeyAlgorithm;
}

/** What a server certificate says. Without effect on one that is kept. */
export interface ServerCertificateOptions extends CertificateOptions {
  /**
   * The NAME of `NAME-crt.pem` and `NAME-key.pem`.
   * @defaultValue `'server'`; letters, digits, `.`, `_` and `-`, at most 64, the first a letter, a digit or `_`
   */
  readonly name?: string;
  /**
   * Its host names.
   * @defaultValue `['localhost']`
   */
  readonly dns?: readonly string[];
  /**
   * Its IP addresses.
   * @defaultValue `['127.0.0.1', '::1']`
   */
  readonly ip?: readonly string[];
}

/** What a client certificate says. Without effect on one that is kept. */
export interface ClientCertificateOptions extends CertificateOptions {
  /** The email addresses of its subjectAltName; none by default. */
  readonly email?: string | readonly string[];
  /** The host names of its subjectAltName; none by default. */
  readonly dns?: readonly string[];
}

/** A certificate as it was asked for. */
export interface CertificateParams {
  readonly name: string;
  readonly kind: CertificateKind;
  readonly names: CertificateNames;
  readonly days: number | undefined;
  readonly algorithm: KeyAlgorithm | undefined;
}

/** What a caller said of the names, and what was left open. */
export interface SaidNames {
  readonly commonName: string | undefined;
  readonly organization: string | undefined;
  readonly organizationalUnits: readonly string[] | undefined;
  /** `undefined` where none of its names was said: they are said together or not at all. */
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
 * Fills in what was left open, and checks all of it.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 */
export function completeNames(kind: CertificateKind, name: string, said: SaidNames): CertificateNames {
  const altNames = checkAltNames(said.altNames ?? noAltNames);
  const hosts = [...altNames.dns, ...altNames.ip];
  if (kind === 'server' && hosts.length === 0) {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'dns and ip are both empty',
      remedy: 'a server needs a name to be called by: give it a host name or an address',
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
      seen: 'uri and spiffeId are both there',
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
