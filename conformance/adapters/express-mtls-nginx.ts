/**
 * This package behind nginx, as docs/behind-nginx.md configures it. A secret takes the place of the certificates between
 * the two.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'express-mtls';
import type { Adapter } from '../adapter.js';
import { startDaemon, versionOf } from '../harness/daemon.js';
import { rootsOf } from '../harness/roots.js';
import { app, echoGuarded, quiet } from './guarded-app.js';
import { serve } from './node-server.js';
import { nginxMain, nginxProgram, tunnel } from './nginx-main.js';

export const expressMtlsNginx: Adapter = {
  name: 'express-mtls-nginx',
  title: 'createServer() behind nginx',
  ours: true,
  inNode: true,
  lacks: { names: 'nginx ends TLS, and `sni` and `proxies` exclude each other' },
  version: () => versionOf('nginx', ['-v']),
  start: async (material) => {
    const { folder, files } = material;
    const secret = `${folder}/proxy-secret`;
    const value = randomBytes(32).toString('hex');
    writeFileSync(secret, value, { mode: 0o600 });
    const proxies = { from: { secret: { path: secret } }, header: 'nginx' } as const;
    const inner = await createServer({ ca: files.ca, crl: files.crl, logger: quiet, proxies }, app);
    echoGuarded(inner);
    const served = await serve(inner, () => undefined, import.meta.url);
    const roots = `${folder}/roots.pem`;
    const write = (): string => {
      writeFileSync(roots, rootsOf(readFileSync(files.ca, 'latin1')));
      return readFileSync(files.cert, 'latin1') + readFileSync(files.ca, 'latin1');
    };
    let ofNginx = write();
    const nginx = await startDaemon({
      material,
      ...nginxProgram(folder),
      configure: (port) =>
        nginxMain(
          folder,
          `    server {
        listen 127.0.0.1:${port} ssl http2;
        ssl_certificate ${files.cert};
        ssl_certificate_key ${files.key};
        ssl_client_certificate ${roots};
        ssl_verify_client on;
        ssl_verify_depth 3;
        client_header_timeout 10s;
        keepalive_timeout 3s;
        location / {
            proxy_pass http://127.0.0.1:${served.port};
            ${tunnel}
            proxy_set_header Mtls-Proxy-Secret "${value}";
            proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
        }
    }`,
        ),
    });
    return {
      ...nginx,
      configuration: `${nginx.configuration}\n\n${served.configuration}`.replaceAll(value, '…'),
      pid: process.pid,
      // The app reads its files when they change. nginx is told about its own.
      reload: async () => {
        const before = ofNginx;
        ofNginx = write();
        if (ofNginx !== before) await nginx.reload(material);
      },
      stop: async () => {
        await nginx.stop();
        await served.stop();
      },
    };
  },
};
