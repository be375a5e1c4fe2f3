/**
 * HAProxy: https://docs.haproxy.org/2.6/configuration.html, sections 5.1 (`bind`, `crt-list`) and 7.3.4 (`ssl_c_s_dn`).
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Adapter } from '../adapter.js';
import { nameHeader } from '../harness/app.js';
import { startDaemon, versionOf } from '../harness/daemon.js';

export const haproxy: Adapter = {
  name: 'haproxy',
  title: 'verify required, crl-file',
  lacks: { alternativeNames: 'HAProxy 2.6 has no fetch for the subjectAltName' },
  version: () => versionOf('haproxy', ['-v']),
  start: async (material) => {
    const { folder, files, names, backend } = material;
    const list = join(folder, 'crt-list');
    const lines = names.map(
      ({ name, files: { pair, ca, crl } }) =>
        `${pair} [ca-file ${ca} crl-file ${crl} verify required] ${name}`,
    );
    writeFileSync(list, `${files.pair} localhost\n${lines.join('\n')}\n`);
    const certificates = names.length === 0 ? `crt ${files.pair}` : `crt-list ${list}`;
    return await startDaemon({
      material,
      program: 'haproxy',
      file: 'haproxy.cfg',
      configure: (port) => `global
    nbthread 2
defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
    timeout tunnel 1h
    timeout http-request 10s
frontend https
    bind 127.0.0.1:${port} ssl ${certificates} ca-file ${files.ca} crl-file ${files.crl} verify required alpn h2,http/1.1
    http-request set-header ${nameHeader} %[ssl_c_s_dn(cn)]
    default_backend app
backend app
    server app1 127.0.0.1:${backend}
`,
      args: (path) => ['-W', '-db', '-f', path],
      // What `systemctl reload haproxy` does: the master starts new workers.
      test: (path) => ['-c', '-q', '-f', path],
      reload: 'SIGUSR2',
    });
  },
};
