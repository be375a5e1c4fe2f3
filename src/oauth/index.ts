/**
 * `express-mtls/oauth`: access tokens that are bound to client certificates, and client authentication by certificate
 * (RFC 8705).
 *
 * @module
 */
export { type BoundTokenOptions, requireBoundToken } from './require-bound-token.js';
export { oidcMtls, type OidcContext, type OidcMtls } from './oidc-mtls.js';
