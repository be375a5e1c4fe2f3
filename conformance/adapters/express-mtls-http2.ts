/**
 * This package on a server of `node:http2`, which also speaks HTTP/1.1.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { protect } from 'express-mtls';
import type { Adapter } from '../adapter.js';
import { app, echoGuarded, quiet } from './guarded-app.js';
import { packageVersion, serve } from './node-server.js';

export const expressMtlsHttp2: Adapter = {
  name: 'express-mtls-http2',
  title: 'protect() on node:http2',
  ours: true,
  inNode: true,
  lacks: {
    names: 'protect() refuses `sni`: node:tls cannot replace the contexts of a server made elsewhere',
  },
  version: () => packageVersion('express-mtls'),
  start: async ({ files: { key, cert, ca, crl } }) => {
    const server = createSecureServer({
      ...{ key: readFileSync(key), cert: readFileSync(cert) },
      ...{ allowHTTP1: true, requestCert: true, rejectUnauthorized: false },
    });
    server.on('request', app as never);
    echoGuarded(server);
    await protect(server, { key, cert, ca, crl, logger: quiet });
    // It reads its files when they change.
    return await serve(server, () => undefined, import.meta.url);
  },
};
