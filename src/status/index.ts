/**
 * `express-mtls/status`: a page for operators, and a probe. Nothing else of the package loads it.
 *
 * @module
 */
export { type StatusOptions, statusRouter } from './status-router.js';
export type { StatusAuthority, StatusClient, StatusCrl, StatusList, StatusReport } from './report.js';
export type { StatusReload, StatusRefusal } from './history.js';
