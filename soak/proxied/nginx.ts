/**
 * nginx in front of one of the servers: part of the clients come through it.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ca, type CertificateAuthority } from '../../test/support/chain.js';
import { freePort, isListening } from '../../test/support/ports.js';

const startLimitMs = 10_000;
const endLimitMs = 5000;

// Debian has it in a folder that is not in every user's PATH.
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };

export class Nginx {
  /** PEM of the CA that issues the certificate that nginx connects with. */
  readonly ca: string;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  /** @param root - Issues the certificate that clients see. */
  constructor(folder: string, root: CertificateAuthority) {
    mkdirSync(folder);
    this.#folder = folder;
    const internal = ca('internal');
    const [server, own] = [root.server(), internal.client('nginx')];
    const files = {
      'server-crt.pem': server.chainPem,
      'server-key.pem': server.keyPem,
      'own-crt.pem': own.chainPem,
      'own-key.pem': own.keyPem,
      'clients.pem': root.pem,
      'internal.pem': internal.pem,
    };
    for (const [name, text] of Object.entries(files))
      writeFileSync(join(folder, name), text, { mode: name.endsWith('-key.pem') ? 0o600 : 0o644 });
    this.ca = join(folder, 'internal.pem');
  }

  static isInstalled(): boolean {
    return spawnSync('sh', ['-c', 'command -v nginx'], { env }).status === 0;
  }

  /** Starts it. @returns Its port. */
  async start(app: number): Promise<number> {
    const port = Number(await freePort());
    writeFileSync(join(this.#folder, 'nginx.conf'), configuration(this.#folder, { port, app }));
    const child = spawn(
      'nginx',
      ['-p', this.#folder, '-c', join(this.#folder, 'nginx.conf'), '-e', 'stderr'],
      {
        env,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    this.#process = child;
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-2000)));
    const giveUpAt = performance.now() + startLimitMs;
    while (!(await isListening(port))) {
      if (child.exitCode !== null || performance.now() > giveUpAt)
        throw new Error(`nginx does not listen: ${errors}`);
      await sleep(50);
    }
    return port;
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const limit = setTimeout(() => child.kill('SIGKILL'), endLimitMs);
    await exited;
    clearTimeout(limit);
  }
}

/** The gate is to judge the clients, not nginx: CAs come and go. */
function configuration(folder: string, { port, app }: { port: number; app: number }): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `
daemon off;
master_process off;
error_log stderr error;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  # Only the gate may end a connection of a good client.
  keepalive_timeout 1h;
  keepalive_requests 1000000;
  upstream app { server 127.0.0.1:${app} max_fails=0; keepalive 16; keepalive_requests 1000000; }
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${folder}/server-crt.pem;
    ssl_certificate_key ${folder}/server-key.pem;
    ssl_client_certificate ${folder}/clients.pem;
    ssl_verify_client optional_no_ca;
    location / {
      proxy_pass https://app;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
      proxy_ssl_certificate ${folder}/own-crt.pem;
      proxy_ssl_certificate_key ${folder}/own-key.pem;
      proxy_ssl_trusted_certificate ${folder}/clients.pem;
      proxy_ssl_verify on;
      proxy_ssl_name localhost;
    }
  }
}
`;
}
