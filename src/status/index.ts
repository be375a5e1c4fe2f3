/**
 * `express-mtls/status`: a status page for operators, and a readiness probe.
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
