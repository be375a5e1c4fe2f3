/**
 * docs/behind-nginx.md, "Try it without root": its files and commands, on free ports.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect } from '@jest/globals';
import { call } from '../support/call.js';
import { runCommand } from '../support/command.js';
import { writeProgram } from '../support/document-code.js';
import { temporaryDirectory } from '../support/files.js';
import { readDocument } from '../support/markdown.js';
import { freePort, isListening } from '../support/ports.js';
import { Program } from '../support/program.js';
import { testWith } from '../support/requirements.js';
import { until } from '../support/server.js';

const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
const page = readDocument('docs/behind-nginx.md');
const trial = page.split('\n## Try it without root\n')[1]?.split('\n## ')[0] ?? '';
/** The first user that is not root. */
const nobody = 65_534;
const asUser = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function fileOf(name: string): string {
  const [, text] = new RegExp(`^\`\`\`nginx\\n# ${name}\\n(.*?)^\`\`\`$`, 'ms').exec(page) ?? [];
  if (text === undefined) throw new Error(`the page has no ${name}`);
  return text;
}

testWith(spawnSync('nginx', ['-v'], { env }).status === 0, 'nginx is not installed')(
  'the trial of docs/behind-nginx.md runs without root: a client is known, and after its revocation refused',
  async () => {
    const folder = temporaryDirectory();
    const [port, appPort] = [await freePort(), await freePort()];
    writeFileSync(
      path.join(folder, 'app.conf'),
      fileOf('/etc/nginx/conf.d/app.conf').replace('8443', appPort),
    );
    writeFileSync(path.join(folder, 'trial.conf'), fileOf('trial.conf'));
    const program = writeProgram(['docs/behind-nginx.md', 'server.ts'], folder, { 8443: appPort });
    const inFolder = (word: string): string =>
      ['certs', 'internal'].includes(word) ? path.join(folder, word) : word;
    const commands = [...trial.matchAll(/^\$ (.*)$/gm)].map(([, line = '']) => line.replace('9443', port));
    const url = `https://localhost:${port}`;
    const certs = path.join(folder, 'certs');
    for (const command of commands) {
      const [, args] = /^npx express-mtls (.*)$/.exec(command) ?? [];
      if (args !== undefined) {
        expect(await runCommand(args.split(' ').map(inFolder))).toMatchObject({ code: 0 });
      } else if (command.startsWith('sed ')) {
        expect(spawnSync('sh', ['-c', command], { cwd: folder }).status).toBe(0);
      } else if (command.startsWith('node ')) {
        await new Program(program, { cwd: folder }).listens(appPort);
      } else if (command.startsWith('nginx ')) {
        give(folder);
        const line = command.replace(/ &$/, '');
        const nginx = spawn('sh', ['-c', `exec ${line}`], {
          cwd: folder,
          env: { ...env, PWD: folder },
          stdio: 'ignore',
          ...asUser,
        });
        stops.push(async () => {
          nginx.kill();
          await once(nginx, 'exit');
        });
        await until(async () => await isListening(port), 'nginx listens');
      } else if (command.startsWith('curl ')) {
        expect(await call(url, { certs, as: 'client1' })).toBe('200 hello client1\n');
      }
    }
    await until(
      async () => (await call(url, { certs, as: 'client1' })).startsWith('401 '),
      'the app refuses the client',
    );
  },
);

/** Lets nginx's user read the files, and write beside them. */
function give(folder: string): void {
  if (!('uid' in asUser)) return;
  chmodSync(folder, 0o755);
  chownSync(folder, nobody, nobody);
  for (const name of ['certs', 'internal'])
    for (const file of ['', ...readdirSync(path.join(folder, name))]) {
      const place = path.join(folder, name, file);
      if (/^(?:|.*-(?:crt|key)\.pem)$/.test(file)) chmodSync(place, file === '' ? 0o755 : 0o644);
    }
}
