/**
 * `express-mtls/status`: a page for operators, and a probe. Nothing else of the package loads it.
 *
 * @module
 */
export { type StatusOptions, statusRouter } from './status-router.js';
export type {
  StatusAuthority,
  StatusClient,
  StatusClients,
  StatusCrl,
  StatusList,
  StatusRefusal,
  StatusRefusals,
  StatusReload,
  StatusReloaded,
  StatusReloadFailed,
  StatusRecovered,
  StatusFault,
  StatusReloads,
  StatusReport,
} from './status-report.js';
