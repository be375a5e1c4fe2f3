/**
 * Every server that the suite knows, ours first.
 *
 * @module
 */
import type { Adapter } from '../adapter.js';
import { apache } from './apache.js';
import { caddy } from './caddy.js';
import { clientCertificateAuth } from './client-certificate-auth.js';
import { expressMtls } from './express-mtls.js';
import { expressMtlsCluster } from './express-mtls-cluster.js';
import { expressMtlsHttp2 } from './express-mtls-http2.js';
import { expressMtlsNginx } from './express-mtls-nginx.js';
import { haproxy } from './haproxy.js';
import { hitch } from './hitch.js';
import { nginx } from './nginx.js';
import { nodeHttps } from './node-https.js';
import { passportClientCert } from './passport-client-cert.js';
import { stunnel } from './stunnel.js';

export const adapters: readonly Adapter[] = [
  ...[expressMtls, expressMtlsCluster, expressMtlsHttp2, expressMtlsNginx],
  ...[nodeHttps, clientCertificateAuth, passportClientCert],
  ...[nginx, haproxy, apache, caddy, stunnel, hitch],
];
