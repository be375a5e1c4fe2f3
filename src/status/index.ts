/**
 * `express-mtls/status`: a status page for operators, and a readiness probe.
 *
 * @module
 */
export type { ReadFleet } from './fleet.js';
export type {
  StatusCertificate,
  StatusExpiry,
  StatusForbidden,
  StatusLastHour,
  StatusProxies,
  StatusProxy,
  StatusServer,
} from './status-overview.js';
export { type StatusOptions, statusRouter } from './status-router.js';
export type { StatusAuthority, StatusCrl, StatusList } from './status-material.js';
export type {
  StatusClient,
  StatusClients,
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
