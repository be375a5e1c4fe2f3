/**
 * `express-mtls/sources`: loaders of CRLs for many processes.
 *
 * @module
 */
export type { CrlInForce, SourceLoader } from '../material/source-options.js';
