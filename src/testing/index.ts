/**
 * `express-mtls/testing`: tests of protected routes without TLS.
 *
 * @module
 */
export { asClient, type AsClientOptions } from './as-client.js';
export { testIdentity, type TestIdentityFields } from './test-identity.js';
