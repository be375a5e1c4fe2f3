/**
 * docs/systemd.md: the unit and the app belong together, and the app reloads by the signal of the unit.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { call } from '../support/call.js';
import { writeProgram } from '../support/document-code.js';
import { temporaryDirectory } from '../support/files.js';
import { codeBlocks, readDocument } from '../support/markdown.js';
import { freePort } from '../support/ports.js';
import { Program } from '../support/program.js';
import { testOn } from '../support/requirements.js';

const page = readDocument('docs/systemd.md');
const units = new Map(
  [...page.matchAll(/^```ini\n# \/etc\/systemd\/system\/(\S+)\n(.*?)^```$/gms)].map(
    ([, name = '', text = '']) => [name, text],
  ),
);
const app = codeBlocks('docs/systemd.md')[0]?.code ?? '';

/** The values of a directive of a unit. */
function valuesOf(unit: string, directive: string): string[] {
  return [...(units.get(unit) ?? '').matchAll(new RegExp(`^${directive}=(.*)$`, 'gm'))].map(
    ([, value = '']) => value,
  );
}

describe('the unit of the page', () => {
  test('loads the credentials that the app reads, and no others', () => {
    const loaded = valuesOf('api.service', 'LoadCredential').map((value) => value.split(':')[0]);
    const read = [...app.matchAll(/\$\{credentials\}\/([\w.]+)/g)].map(([, name]) => name);
    expect(read).toHaveLength(2);
    expect(loaded).toEqual(read);
  });

  test('reloads by the signal that the app handles, and stops later than the app ends by itself', () => {
    expect(valuesOf('api.service', 'ExecReload')).toEqual(['/bin/kill -HUP $MAINPID']);
    expect(app).toContain('signals: true');
    const [, ms = ''] = /process\.exit\(\), ([\d_]+)\)/.exec(app) ?? [];
    const appEndsAfter = Number(ms.replaceAll('_', '')) / 1000;
    expect(appEndsAfter).toBeGreaterThan(0);
    expect(Number(valuesOf('api.service', 'TimeoutStopSec')[0])).toBeGreaterThan(appEndsAfter);
  });

  test('allows what Node and the port need: writable code, and the only capability', () => {
    expect(valuesOf('api.service', 'MemoryDenyWriteExecute')).toEqual([]);
    const [, port] = /server\.listen\((\d+)\)/.exec(app) ?? [];
    expect(Number(port)).toBeLessThan(1024);
    for (const directive of ['AmbientCapabilities', 'CapabilityBoundingSet'])
      expect(valuesOf('api.service', directive)).toEqual(['CAP_NET_BIND_SERVICE']);
  });

  test('the CRL is replaced by a rename, in the folder that the app watches', () => {
    const [fetch = '', move = ''] = valuesOf('api-crl.service', 'ExecStart');
    const [, from, to] = /^\/bin\/mv (\S+) (\S+)$/.exec(move) ?? [];
    expect(fetch).toContain(` --output ${from} `);
    expect(path.dirname(from ?? '')).toBe(path.dirname(to ?? ''));
    expect(app).toContain(`'${to}'`);
  });

  testOn(spawnSync('systemd-analyze', ['--version']).status === 0, 'systemd-analyze is not installed')(
    'is accepted by systemd-analyze verify, without a word',
    () => {
      expect([...units.keys()]).toEqual(['api.service', 'api-crl.service', 'api-crl.timer']);
      const folder = temporaryDirectory();
      chmodSync(folder, 0o755);
      const files = Array.from(units, ([name, text]) => {
        const file = path.join(folder, name);
        // The programs need not be installed where the test runs.
        writeFileSync(file, text.replaceAll(/^(ExecStart)=\/(?:usr\/bin\/(?:node|curl))/gm, '$1=/bin/true'));
        return file;
      });
      const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], {
        encoding: 'utf8',
      });
      // Of other units, such as those of the machine, it may have something to say.
      const ours = `${stdout}${stderr}`.split('\n').filter((line) => /api|systemd\/system/.test(line));
      expect(ours.filter((line) => line.includes('api'))).toEqual([]);
      expect(status).toBe(0);
    },
  );
});

test('the app of the page reads its credentials, and SIGHUP reloads it', async () => {
  const folder = temporaryDirectory();
  const certs = path.join(folder, 'certs-dev');
  const ca = await openDevCa(certs);
  const site = await ca.issueServer();
  await ca.issueClient('client1');
  const credentials = temporaryDirectory();
  copyFileSync(site.keyFile, path.join(credentials, 'tls.key'));
  copyFileSync(site.certFile, path.join(credentials, 'tls.crt'));
  const port = await freePort();
  const file = writeProgram(['docs/systemd.md', 'server.mjs'], folder, {
    'listen(443)': `listen(${port})`,
    '/etc/api/clients/ca.crt': ca.certFile,
    '/etc/api/clients/ca.crl': ca.crlFile,
  });
  const program = new Program(file, { cwd: folder, env: { CREDENTIALS_DIRECTORY: credentials } });
  await program.listens(port);
  expect(await call(`https://localhost:${port}`, { certs, as: 'client1' })).toBe('200 hello client1\n');
  program.signal('SIGHUP');
  await program.wrote(/"event":"unchanged"/);
  program.signal('SIGTERM');
  expect((await program.ended()).exitCode).toBe(0);
});
