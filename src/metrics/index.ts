/**
 * `express-mtls/metrics`: what an operator watches, as metrics of prom-client. That package is a peer, and nothing
 * else here loads it.
 *
 * @module
 */
export { collectMetrics, type MetricsOptions, type MtlsMetrics } from './collect-metrics.js';
