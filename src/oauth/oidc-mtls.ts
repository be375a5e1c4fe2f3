/**
 * Client authentication by certificate (RFC 8705 section 2) for the authorization server `oidc-provider`.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { MtlsError } from '../errors.js';
import { identify } from '../gate/connection.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { compileRule } from '../policy/client-rule.js';
import { type ClientRuleFields } from '../policy/rule-fields.js';
import { DistinguishedName } from '../x509/distinguished-name.js';
import { formatPem } from '../x509/pem.js';

/** What is used of a request in `oidc-provider`, a Koa context. */
export interface OidcContext {
  /** The request of `node:http`. */
  readonly req: IncomingMessage;
}

/** The settings for `features.mTLS` of `oidc-provider` 8 and 9. */
export interface OidcMtls {
  /** The feature is on. */
  readonly enabled: true;
  /** Access tokens can be bound to certificates: `tls_client_certificate_bound_access_tokens` of a client. */
  readonly certificateBoundAccessTokens: true;
  /** Clients can authenticate by a name in their certificate. */
  readonly tlsClientAuth: true;
  /** Clients can authenticate by a certificate in their `jwks`. */
  readonly selfSignedTlsClientAuth: true;
  /**
   * Returns the certificate of the caller, as PEM; `undefined` without one, or if it is no longer admitted.
   * @param ctx - The context of the request.
   */
  readonly getCertificate: (ctx: OidcContext) => string | undefined;
  /**
   * Returns whether the caller has a certificate that the gate admits now.
   * @param ctx - The context of the request.
   */
  readonly certificateAuthorized: (ctx: OidcContext) => boolean;
  /**
   * Returns whether the certificate has the name that was registered for the client.
   * @param ctx - The context of the request.
   * @param property - Which name: `'tls_client_auth_subject_dn'`, `'tls_client_auth_san_dns'`, and so on.
   * @param expected - The registered name. A subject is in RFC 4514 and compared by RFC 5280 section 7.1.
   */
  readonly certificateSubjectMatches: (ctx: OidcContext, property: string, expected: string) => boolean;
}

/**
 * Returns the settings for `features.mTLS` of `oidc-provider`, whose server is made with `createServer()` or prepared
 * by `protect()`. They enable `tls_client_auth`, `self_signed_tls_client_auth` and bound access tokens.
 *
 * Only certificates that the gate admits are considered: with `self_signed_tls_client_auth` too, a certificate has to be
 * issued by one of the CAs in `ca`. It is then recognised by its thumbprint in the client's `jwks`, and not by a name.
 * @example
 * ```ts
 * import { oidcMtls } from 'express-mtls/oauth';
 *
 * const provider = new Provider('https://issuer.example', {
 *   clients,
 *   clientAuthMethods: ['tls_client_auth'],
 *   features: { mTLS: oidcMtls() },
 * });
 * const server = await createServer({ key, cert, ca, crl, clients: 'optional' }, provider.callback());
 * ```
 */
export function oidcMtls(): OidcMtls {
  return Object.freeze({
    enabled: true,
    certificateBoundAccessTokens: true,
    tlsClientAuth: true,
    selfSignedTlsClientAuth: true,
    getCertificate: ({ req }) => {
      const identity = identify(req);
      return identity && formatPem({ label: 'CERTIFICATE', der: identity.raw });
    },
    certificateAuthorized: ({ req }) => identify(req) !== undefined,
    certificateSubjectMatches: ({ req }, property, expected) => {
      const identity = identify(req);
      return identity !== undefined && hasName(identity, property, expected, req);
    },
  } satisfies OidcMtls);
}

const sanFields: Readonly<Record<string, keyof ClientRuleFields>> = {
  tls_client_auth_san_dns: 'dns',
  tls_client_auth_san_uri: 'uri',
  tls_client_auth_san_ip: 'ip',
  tls_client_auth_san_email: 'email',
};

function hasName(
  identity: ClientIdentity,
  property: string,
  expected: string,
  req: IncomingMessage,
): boolean {
  const field = Object.hasOwn(sanFields, property) ? sanFields[property] : undefined;
  try {
    if (field !== undefined) return compileRule({ [field]: expected })(identity, req) === true;
    if (property !== 'tls_client_auth_subject_dn' || identity.subject.isEmpty) return false;
    return identity.subject.equals(DistinguishedName.parse(expected));
  } catch (error) {
    // A name that was registered in another notation matches no certificate.
    if (error instanceof MtlsError) return false;
    throw error;
  }
}
