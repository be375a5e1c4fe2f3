/**
 * nginx, HAProxy, Apache and Caddy as child processes on the loopback, with the configuration that a page of docs/ shows.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach } from '@jest/globals';
import { readDocument } from './markdown.js';
import { isListening } from './ports.js';
import { pause } from './server.js';

/** A program, and what a configuration of it needs to run in a folder, in the foreground. */
interface ProxyProgram {
  readonly program: string;
  readonly arguments: (folder: string) => readonly string[];
  /** The files that it is started with, by name: around the configuration of the page. */
  readonly files: (config: string, folder: string) => Readonly<Record<string, string>>;
}

const apacheModules = [
  ...['mpm_event', 'authz_core', 'headers', 'http2', 'proxy', 'proxy_http', 'proxy_wstunnel'],
  ...['socache_shmcb', 'ssl'],
];

const programs = {
  nginx: {
    program: 'nginx',
    arguments: (folder) => ['-p', folder, '-c', `${folder}/nginx.conf`, '-e', 'stderr'],
    files: (config, folder) => ({
      'app.conf': config,
      'nginx.conf': [
        'daemon off; master_process off; error_log stderr;',
        `pid ${folder}/nginx.pid; events {}`,
        'http { access_log off;',
        ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
          (name) => `${name}_temp_path ${folder}/${name};`,
        ),
        `include ${folder}/app.conf; }`,
      ].join('\n'),
    }),
  },
  haproxy: {
    program: 'haproxy',
    arguments: (folder) => ['-db', '-f', `${folder}/haproxy.cfg`],
    files: (config) => ({ 'haproxy.cfg': config }),
  },
  apache: {
    program: 'apache2',
    arguments: (folder) => ['-X', '-d', folder, '-f', `${folder}/apache2.conf`],
    files: (config, folder) => ({
      'app.conf': config,
      'apache2.conf': [
        `PidFile ${folder}/apache2.pid`,
        `DefaultRuntimeDir ${folder}`,
        `ErrorLog ${folder}/error.log`,
        'ServerName localhost',
        ...(process.getuid?.() === 0 ? ['User www-data', 'Group www-data'] : []),
        ...apacheModules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
        `Include ${folder}/app.conf`,
        '',
      ].join('\n'),
    }),
  },
  caddy: {
    program: 'caddy',
    arguments: (folder) => ['run', '--config', `${folder}/Caddyfile`, '--adapter', 'caddyfile'],
    files: (config) => ({ Caddyfile: config }),
  },
} satisfies Readonly<Record<string, ProxyProgram>>;

export type ProxyName = keyof typeof programs;

// Where Debian has them, and not everyone looks.
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };

/** Whether a proxy is installed. */
export function isInstalled(name: ProxyName): boolean {
  return spawnSync('sh', ['-c', `command -v ${programs[name].program}`], { env }).status === 0;
}

/** The blocks of a page in the language of a proxy's configuration. */
export function configurations(document: string, language: string): string[] {
  const blocks = readDocument(document).matchAll(/^```(\w+)\n(.*?)^```$/gms);
  return [...blocks].flatMap(([, written, text = '']) => (written === language ? [text] : []));
}

/**
 * Puts other text in place of what a page says.
 * @param replacements - Each has to be there: a page that changes must not leave a test with nothing to test.
 */
export function replaceAll(config: string, replacements: Readonly<Record<string, string>>): string {
  let text = config;
  for (const [from, to] of Object.entries(replacements)) {
    if (!text.includes(from)) throw new Error(`the configuration has no ${from}:\n${config}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

const running = new Set<ChildProcess>();

afterEach(async () => {
  await Promise.all([...running].map(end));
});

// How long a proxy may take to start on a busy machine, and to end.
const startLimitMs = 20_000;
const endLimitMs = 3000;

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), endLimitMs);
  await exited;
  clearTimeout(limit);
}

/** Starts a proxy in the foreground, and ends it after the test. @param port - Where its configuration listens. */
export async function startProxy(
  name: ProxyName,
  { config, folder, port }: { readonly config: string; readonly folder: string; readonly port: string },
): Promise<void> {
  const { program, arguments: argumentsIn, files } = programs[name] as ProxyProgram;
  mkdirSync(folder, { recursive: true });
  // Apache's children run as another user.
  chmodSync(folder, 0o755);
  for (const [file, text] of Object.entries(files(config, folder)))
    writeFileSync(path.join(folder, file), text);
  const child = spawn(program, argumentsIn(folder), {
    cwd: folder,
    env: { ...env, HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.once('exit', () => running.delete(child));
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      reject(new Error(`${program} ended:\n${output}`));
    });
  });
  failed.catch(() => {});
  const started = performance.now();
  while (!(await Promise.race([isListening(port), failed]))) {
    if (performance.now() - started > startLimitMs)
      throw new Error(`${program} does not listen after ${startLimitMs} ms:\n${output}`);
    await pause(20);
  }
}
