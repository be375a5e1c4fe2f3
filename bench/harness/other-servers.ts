/**
 * nginx and HAProxy, if they are installed, configured with only what is compared.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, startProgram } from './child.js';
import type { Material } from './material.js';
import { cpuOfTree } from './process-figures.js';

/** A server under test that is not part of this package. */
export interface OtherServer {
  readonly port: number;
  cpu(): number;
  stop(): Promise<void>;
}

export const otherServers = {
  nginx: {
    versionArgs: ['-v'],
    start: startNginx,
  },
  haproxy: {
    versionArgs: ['-v'],
    start: startHaproxy,
  },
} as const;

export type OtherServerName = keyof typeof otherServers;

/** `'nginx/1.22.1'`; `undefined` if it is not installed. */
export function versionOf(name: OtherServerName): string | undefined {
  const { error, stdout, stderr } = spawnSync(name, otherServers[name].versionArgs, { encoding: 'utf8' });
  return error === undefined ? /\d+\.\d+\.\d+/.exec(stdout + stderr)?.[0] : undefined;
}

async function startNginx(material: Material, crl: string | undefined): Promise<OtherServer> {
  const port = await freePort();
  const { key, cert, ca } = material.serverFiles();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${material.pathOf(name)};`)
    .join(' ');
  const config = `
    daemon off; worker_processes 1; pid ${material.pathOf(`nginx-${port}.pid`)}; error_log stderr crit;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    events { worker_connections 1024; }
    http {
      access_log off; ${temporary}
      server {
        listen 127.0.0.1:${port} ssl; ssl_protocols TLSv1.3;
        ssl_certificate ${cert}; ssl_certificate_key ${key};
        ssl_verify_client on; ssl_client_certificate ${ca}; ${crl === undefined ? '' : `ssl_crl ${crl};`}
        location / { return 200 "welcome\\n"; }
      }
    }`;
  const path = material.pathOf(`nginx-${port}.conf`);
  writeFileSync(path, config);
  return await start('nginx', ['-c', path, '-p', material.directory, '-e', 'stderr'], port);
}

async function startHaproxy(material: Material, crl: string | undefined): Promise<OtherServer> {
  const port = await freePort();
  const { ca } = material.serverFiles();
  const verify = `ca-file ${ca} verify required ${crl === undefined ? '' : `crl-file ${crl}`}`;
  const config = `
global
  nbthread 1
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend bench
  bind 127.0.0.1:${port} ssl crt ${material.pathOf('server.pem')} ssl-min-ver TLSv1.3 ${verify}
  http-request return status 200 content-type text/plain string "welcome"
`;
  const path = material.pathOf(`haproxy-${port}.cfg`);
  writeFileSync(path, config);
  return await start('haproxy', ['-db', '-f', path], port);
}

async function start(command: string, args: readonly string[], port: number): Promise<OtherServer> {
  const child = startProgram(command, args);
  const giveUpAt = performance.now() + 120_000;
  // Reading a CRL with a million entries takes seconds.
  while (!(await accepts(port))) {
    if (child.exitCode !== null || performance.now() > giveUpAt) throw new Error(`${command} does not start`);
    await sleep(50);
  }
  return {
    port,
    cpu: () => cpuOfTree(child.pid as number),
    stop: async () => {
      await endProcess(child);
    },
  };
}

async function accepts(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('error', () => {
      resolve(false);
    });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** A free port of the loopback. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
