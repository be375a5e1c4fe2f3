/**
 * A certification authority for development and tests, as a library: a folder
 * of PEM files and OpenSSL's own `ca` database. Not for production keys.
 *
 * @module
 */
export { openDevCa } from './dev-ca.js';
export type { DevCa, DevCaOptions } from './dev-ca.js';
export type { DevCertificate } from './database.js';
export type { ClientCertificateOptions, IssuedCertificate, ServerCertificateOptions } from './issuance.js';
export type { KeyAlgorithm } from './keys.js';
export type { RevocationReason } from './reasons.js';
export type { CrlFile, CrlOptions, RevocationOutcome, RevokeOptions } from './revocation-list.js';
