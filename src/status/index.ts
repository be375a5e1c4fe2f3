/**
 * `express-mtls/status`: a status page for operators, and a readiness probe.
 *
 * @module
 */
export type { ReadFleet } from './fleet.js';
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
  StatusFleet,
  StatusProcess,
  StatusProcessCrl,
} from './status-report.js';
