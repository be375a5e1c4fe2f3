/**
 * `express-mtls/metrics`: metrics for Prometheus. Requires the peer dependency prom-client, which no other entry
 * loads.
 *
 * @module
 */
export { collectMetrics, type MetricsOptions, type MtlsMetrics } from './collect-metrics.js';
