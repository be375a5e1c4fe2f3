/**
 * `express-mtls/dev-ca`: a certification authority for development and tests. It is a folder of PEM files and
 * OpenSSL's own `ca` database. Not for production keys.
 *
 * @module
 */
export { openDevCa } from './dev-ca.js';
export type { DevCa, DevCaOptions } from './dev-ca.js';
export type { ClientCertificateOptions, ServerCertificateOptions } from './certificate-options.js';
export type { CertificateKind, DevCertificate } from './database.js';
export type { IntermediateCa, IntermediateOptions } from './intermediate.js';
export type { IssuedCertificate } from './issuance.js';
export type { KeyAlgorithm } from './keys.js';
export type { Pkcs12File, Pkcs12Options } from './pkcs12.js';
export type { RevocationReason } from './reasons.js';
export type { RenewedCertificate, RenewOptions } from './renewal.js';
export type { RequestedItem, RequestSource, SignedRequest } from './request-signing.js';
export type { CrlFile, CrlOptions, RevocationOutcome, RevokeOptions } from './revocation-list.js';
