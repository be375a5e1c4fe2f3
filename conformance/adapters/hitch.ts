/**
 * hitch: `man hitch.conf` (`client-verify`, `client-verify-ca`).
 *
 * @module
 */
import type { Adapter } from '../adapter.js';
import { startDaemon, versionOf } from '../harness/daemon.js';

const passesBytes = 'hitch passes bytes on, and tells the app nothing about the client';

export const hitch: Adapter = {
  name: 'hitch',
  title: 'client-verify = required',
  lacks: {
    crl: 'hitch has no CRLs',
    http2: 'hitch passes bytes on, and the app behind it speaks HTTP/1.1',
    identity: passesBytes,
    alternativeNames: passesBytes,
    hosts: passesBytes,
    names: 'hitch has one list of CAs for a port, whatever the server name',
  },
  version: () => versionOf('hitch', ['--version']),
  start: async (material) => {
    const { files, backend } = material;
    return await startDaemon({
      material,
      program: 'hitch',
      file: 'hitch.conf',
      configure: (port) => `frontend = "[127.0.0.1]:${port}"
backend = "[127.0.0.1]:${backend}"
pem-file = "${files.pair}"
client-verify = required
client-verify-ca = "${files.ca}"
workers = 2
${process.getuid?.() === 0 ? 'user = "nobody"\n' : ''}daemon = off
`,
      args: (path) => [`--config=${path}`],
      // What `systemctl reload hitch` does.
      test: (path) => ['--test', `--config=${path}`],
      reload: 'SIGHUP',
    });
  },
};
