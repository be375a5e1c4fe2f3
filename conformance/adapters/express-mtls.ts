/**
 * This package, as its README shows it.
 *
 * @module
 */
import { createServer } from 'express-mtls';
import type { Adapter, Files } from '../adapter.js';
import { app, echoGuarded, quiet } from './guarded-app.js';
import { packageVersion, serve } from './node-server.js';

export const expressMtls: Adapter = {
  name: 'express-mtls',
  title: 'createServer()',
  ours: true,
  inNode: true,
  lacks: { http2: 'createServer() makes an https.Server; see express-mtls-http2' },
  version: () => packageVersion('express-mtls'),
  start: async ({ files, names, port }) => {
    const sni = Object.fromEntries(names.map(({ name, files: own }) => [name, sources(own)]));
    const server = await createServer(
      { ...sources(files), ...(names.length > 0 && { sni }), logger: quiet },
      app,
    );
    echoGuarded(server);
    // It reads its files when they change.
    return await serve(server, () => undefined, import.meta.url, port);
  },
};

function sources({ key, cert, ca, crl }: Files): Pick<Files, 'key' | 'cert' | 'ca' | 'crl'> {
  return { key, cert, ca, crl };
}
