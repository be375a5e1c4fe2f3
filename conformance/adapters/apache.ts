/**
 * Apache: https://httpd.apache.org/docs/2.4/mod/mod_ssl.html.
 *
 * @module
 */
import type { Adapter, Files } from '../adapter.js';
import { nameHeader } from '../harness/app.js';
import { startDaemon, versionOf } from '../harness/daemon.js';

const modules = [
  ...['mpm_event', 'authz_core', 'headers', 'http2', 'proxy', 'proxy_http', 'proxy_wstunnel', 'reqtimeout'],
  ...['socache_shmcb', 'ssl'],
];

export const apache: Adapter = {
  name: 'apache',
  title: 'SSLVerifyClient, SSLCARevocationCheck chain',
  lacks: {
    alternativeNames: 'mod_ssl numbers the names, and the suite does not configure a header for each number',
  },
  version: () => versionOf('apache2', ['-v']),
  start: async (material) => {
    const { folder, files, names, backend } = material;
    return await startDaemon({
      material,
      program: 'apache2',
      file: 'apache2.conf',
      configure: (port) => `PidFile ${folder}/apache2.pid
DefaultRuntimeDir ${folder}
ErrorLog ${folder}/error.log
ServerName localhost
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data\n' : ''}${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
SSLSessionCache shmcb:${folder}/cache(512000)
Listen 127.0.0.1:${port}
${[host(port, 'localhost', files, backend), ...names.map((one) => host(port, one.name, one.files, backend))].join('\n')}
`,
      args: (path) => ['-D', 'FOREGROUND', '-d', folder, '-f', path],
      // What `apache2ctl graceful` does.
      test: (path) => ['-t', '-d', folder, '-f', path],
      reload: 'SIGUSR1',
    });
  },
};

function host(port: number, name: string, { key, cert, ca, crl }: Files, backend: number): string {
  return `<VirtualHost 127.0.0.1:${port}>
    ServerName ${name}
    Protocols h2 http/1.1
    SSLEngine on
    SSLCertificateFile ${cert}
    SSLCertificateKeyFile ${key}
    SSLCACertificateFile ${ca}
    SSLCARevocationFile ${crl}
    SSLCARevocationCheck chain
    SSLVerifyClient require
    SSLVerifyDepth 3
    RequestHeader set ${nameHeader} "%{SSL_CLIENT_S_DN_CN}s"
    ProxyPass / http://127.0.0.1:${backend}/ upgrade=websocket
    ProxyPreserveHost On
</VirtualHost>`;
}
