/**
 * stunnel: https://www.stunnel.org/static/stunnel.html.
 *
 * @module
 */
import type { Adapter } from '../adapter.js';
import { startDaemon, versionOf } from '../harness/daemon.js';

const passesBytes = 'stunnel passes bytes on, and tells the app nothing about the client';

export const stunnel: Adapter = {
  name: 'stunnel',
  title: 'verifyChain, CRLfile',
  lacks: {
    identity: passesBytes,
    alternativeNames: passesBytes,
    http2: 'stunnel passes bytes on, and the app behind it speaks HTTP/1.1',
    hosts: passesBytes,
    names: 'the suite does not configure its `sni` services',
  },
  version: () => versionOf('stunnel4', ['-version']),
  start: async (material) => {
    const { folder, files, backend } = material;
    return await startDaemon({
      material,
      program: 'stunnel4',
      file: 'stunnel.conf',
      configure: (port) => `foreground = yes
pid = ${folder}/stunnel.pid
debug = err
syslog = no
[https]
accept = 127.0.0.1:${port}
connect = 127.0.0.1:${backend}
cert = ${files.cert}
key = ${files.key}
CAfile = ${files.ca}
CRLfile = ${files.crl}
requireCert = yes
verifyChain = yes
`,
      args: (path) => [path],
      reload: 'SIGHUP',
    });
  },
};
