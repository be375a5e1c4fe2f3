/**
 * What every configuration of nginx begins with, for a program in the foreground with two workers.
 *
 * @module
 */
import type { Daemon } from '../harness/daemon.js';

/** What a location needs for WebSockets. */
export const tunnel = `proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;`;

/** The main configuration around the given servers. */
export function nginxMain(folder: string, servers: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `    ${name}_temp_path ${folder}/${name};`,
  );
  return `${process.getuid?.() === 0 ? 'user root;\n' : ''}daemon off;
worker_processes 2;
pid ${folder}/nginx.pid;
events {}
http {
    access_log off;
${temporary.join('\n')}
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:SSL:1m;
    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
${servers}
}
`;
}

/** How nginx is started in the foreground, and told to read its files again. */
export function nginxProgram(folder: string): Pick<Daemon, 'program' | 'file' | 'args' | 'reload'> {
  return {
    program: 'nginx',
    file: 'nginx.conf',
    args: (path) => ['-p', folder, '-c', path, '-e', 'stderr'],
    reload: 'SIGHUP',
  };
}
