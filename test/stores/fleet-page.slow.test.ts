/**
 * The steps of docs/fleet.md, as the page has them, with a real Redis and fewer processes.
 */
import path from 'node:path';
import { expect } from '@jest/globals';
import { call } from '../support/call.js';
import { runCommand } from '../support/command.js';
import { writeProgram } from '../support/document-code.js';
import { temporaryDirectory } from '../support/files.js';
import { readDocument } from '../support/markdown.js';
import { freePort } from '../support/ports.js';
import { Program } from '../support/program.js';
import { isStoreInstalled, RealStore, storeIsMissing } from '../support/real-store.js';
import { testWith } from '../support/requirements.js';

const size = 2;
const section = readDocument('docs/fleet.md').split('\n## Eight processes, step by step\n')[1] ?? '';

testWith(isStoreInstalled('redis'), storeIsMissing('redis'))(
  'the steps of docs/fleet.md: one revocation is in force in every process when the command ends',
  async () => {
    const folder = temporaryDirectory();
    const certs = path.join(folder, 'certs-dev');
    const redis = await RealStore.start('redis');
    const url = /redis:[^' ]+/.exec(section)?.[0] ?? '';
    const steps = [...(section.split('\n## ')[0] ?? '').matchAll(/^\$ (.*)$/gm)].map(([, line = '']) => line);
    const program = writeProgram(['docs/fleet.md', 'server.mjs'], folder, { [url]: redis.url() });
    const ports: string[] = [];
    const outputs: string[] = [];
    for (const step of steps) {
      if (step.startsWith('for port in')) {
        expect(step).toContain('do PORT=$port node server.mjs & done');
        for (let started = 0; started < size; started++) {
          const port = await freePort();
          await new Program(program, { cwd: folder, env: { PORT: port } }).listens(port);
          ports.push(port);
        }
        continue;
      }
      if (step.startsWith('curl ')) {
        expect(step).toMatch(
          /^curl (?:--\w+ certs-dev\/(?:ca|alice)-(?:crt|key)\.pem ){3}'https:\/\/localhost:443\[1-8\]\/'$/,
        );
        for (const port of ports)
          expect(await call(`https://localhost:${port}`, { certs, as: 'alice' })).toBe('200 hello alice\n');
        continue;
      }
      const [, line = ''] = /^npx express-mtls (.*)$/.exec(step) ?? [];
      const args = line.replace(url, redis.url()).replace('--wait 8', `--wait ${size}`).split(' ');
      const inFolder = args[0] === 'init' ? [certs] : args[0] === 'fleet' ? [] : ['--dir', certs];
      const { code, out, err } = await runCommand([...args, ...inFolder]);
      expect([step, code, err]).toEqual([step, 0, '']);
      outputs.push(out);
    }
    expect(outputs.at(-2)).toMatch(new RegExp(`\n${size} of ${size} processes in force after \\d+ ms\n$`));
    expect(outputs.at(-1)).toContain(`${size} processes`);
    for (const port of ports)
      expect(await call(`https://localhost:${port}`, { certs, as: 'alice' })).toBe('refused');
  },
);
