/**
 * Caddy: https://caddyserver.com/docs/caddyfile/directives/tls (`client_auth`).
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Adapter, Files } from '../adapter.js';
import { nameHeader } from '../harness/app.js';
import { startDaemon, versionOf } from '../harness/daemon.js';
import { isRoot } from '../harness/roots.js';

export const caddy: Adapter = {
  name: 'caddy',
  title: 'client_auth require_and_verify',
  lacks: {
    crl: 'Caddy has no CRLs',
    alternativeNames: 'Caddy numbers the names, and the suite does not configure a header for each number',
  },
  nameOf: (name) => `CN=${name}`,
  version: () => versionOf('caddy', ['version']),
  start: async (material) => {
    const { folder, files, names, backend } = material;
    const admin = `unix/${folder}/admin.sock`;
    return await startDaemon({
      material,
      program: 'caddy',
      file: 'Caddyfile',
      configure: (port) => `{
	admin ${admin}
	auto_https off
	storage file_system ${folder}/storage
}
${[site(`localhost:${port}`, files, backend), ...names.map((one) => site(`${one.name}:${port}`, one.files, backend))].join('\n')}
`,
      args: (path) => ['run', '--config', path, '--adapter', 'caddyfile'],
      reload: (path) => ['reload', '--config', path, '--adapter', 'caddyfile', '--address', admin, '--force'],
    });
  },
};

function site(address: string, { key, cert, cas }: Files, backend: number): string {
  return `https://${address} {
	bind 127.0.0.1
	tls ${cert} ${key} {
		client_auth {
			mode require_and_verify
${cas
  .filter(isTrusted)
  .map((ca) => `			trusted_ca_cert_file ${ca}`)
  .join('\n')}
		}
	}
	reverse_proxy 127.0.0.1:${backend} {
		header_up ${nameHeader} {http.request.tls.client.subject}
	}
}`;
}

/** Every certificate there is a trust anchor, so that an intermediate CA has to come from the client. */
function isTrusted(file: string): boolean {
  return !existsSync(file) || isRoot(readFileSync(file, 'latin1'));
}
