/**
 * nginx: https://nginx.org/en/docs/http/ngx_http_ssl_module.html.
 *
 * @module
 */
import type { Adapter, Files } from '../adapter.js';
import { nameHeader } from '../harness/app.js';
import { startDaemon, versionOf } from '../harness/daemon.js';
import { nginxMain, nginxProgram, tunnel } from './nginx-main.js';

export const nginx: Adapter = {
  name: 'nginx',
  title: 'ssl_verify_client, ssl_crl',
  nameOf: (name) => `CN=${name}`,
  lacks: { alternativeNames: 'nginx has no variable for the subjectAltName' },
  version: () => versionOf('nginx', ['-v']),
  start: async (material) => {
    const { folder, files, names, backend } = material;
    return await startDaemon({
      material,
      ...nginxProgram(folder),
      configure: (port) =>
        nginxMain(
          folder,
          [
            server(port, undefined, files, backend),
            ...names.map((one) => server(port, one.name, one.files, backend)),
          ].join('\n'),
        ),
    });
  },
};

function server(
  port: number,
  name: string | undefined,
  { key, cert, ca, crl }: Files,
  backend: number,
): string {
  return `    server {
        listen 127.0.0.1:${port} ssl http2${name === undefined ? ' default_server' : ''};
        server_name ${name ?? '_'};
        ssl_certificate ${cert};
        ssl_certificate_key ${key};
        ssl_client_certificate ${ca};
        ssl_crl ${crl};
        ssl_verify_client on;
        ssl_verify_depth 3;
        location / {
            proxy_pass http://127.0.0.1:${backend};
            ${tunnel}
            proxy_set_header ${nameHeader} $ssl_client_s_dn;
        }
    }`;
}
