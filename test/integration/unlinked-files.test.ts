/**
 * A file that is mounted alone stays the old file after another was renamed to its name. That is reported, because no
 * update reaches the process.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createServer } from 'express-mtls';
import { testOn } from '../support/requirements.js';
import { listen, material, publish, startServer, until } from '../support/server.js';
import { temporaryDirectory } from '../support/files.js';
import { takeWarnings } from '../support/warnings.js';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
});

const testOnLinux = testOn(process.platform === 'linux', 'only Linux has /proc/self/fd');

/** A path that keeps leading to a file that has lost its name, as the mount of a single file does. */
function pathByDescriptor(file: string): string {
  const descriptor = openSync(file, 'r');
  cleanups.push(() => {
    closeSync(descriptor);
  });
  return `/proc/self/fd/${descriptor}`;
}

describe('a file whose path leads to the old content after it was replaced', () => {
  testOnLinux('is reported once, with what to do', async () => {
    const { files } = material();
    const crl = pathByDescriptor(files.crl);
    const server = await startServer({ options: { ...files, crl, watch: { pollMs: 50 } } });
    const lines = (): unknown[] => server.recorder.linesOf('file-unlinked');
    expect(lines()).toEqual([]);
    publish(files.crl, 'another');
    await until(() => lines().length > 0, 'it is reported');
    expect(lines()).toMatchObject([
      {
        level: 'warn',
        fields: { source: crl },
        message: expect.stringContaining('mount its folder instead'),
      },
    ]);
    // Another change makes the watch look again.
    publish(files.key, 'garbled');
    await until(() => server.recorder.events('reload-failed').length > 0, 'the watch sees another change');
    expect(lines()).toHaveLength(1);
  });

  testOnLinux('is reported at the start too, as a warning if there is no logger', async () => {
    const { files } = material();
    const crl = pathByDescriptor(files.crl);
    rmSync(files.crl);
    const warnings: string[] = [];
    await listen(await createServer({ ...files, crl }, (_req, res) => res.end()));
    await until(() => warnings.push(...takeWarnings()) > 0, 'it is warned of');
    expect(warnings).toEqual([expect.stringContaining(`${crl} was removed or replaced`)]);
  });
});

test('a file that is renamed into place, or removed, is not reported as unlinked', async () => {
  const { files, root } = material();
  const server = await startServer({ root, options: { ...files, watch: { pollMs: 50 } } });
  publish(files.crl, root.crl({ number: 7 }).pem);
  await until(() => server.recorder.events('reloaded').length > 0, 'the new CRL is in force');
  rmSync(files.crl);
  await until(() => server.recorder.events('reload-failed').length > 0, 'the removal is seen');
  publish(files.crl, root.crl({ number: 8 }).pem);
  await until(() => server.recorder.events('recovered').length > 0, 'the next CRL is in force');
  expect(server.recorder.linesOf('file-unlinked')).toEqual([]);
});

/** Whether this process may mount, which takes root and, in a container, a capability. */
function mayMount(): boolean {
  const folder = temporaryDirectory();
  try {
    execFileSync('mount', ['--bind', folder, folder], { stdio: 'ignore' });
    execFileSync('umount', [folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

testOn(mayMount(), 'mounting takes root on Linux')(
  'the mount of a single file is reported when another is renamed to its name outside',
  async () => {
    const { files, root } = material();
    const crl = path.join(temporaryDirectory(), 'ca.crl');
    writeFileSync(crl, '');
    execFileSync('mount', ['--bind', files.crl, crl]);
    cleanups.push(() => execFileSync('umount', [crl]));
    const server = await startServer({ root, options: { ...files, crl, watch: { pollMs: 50 } } });
    publish(files.crl, root.crl({ revoked: [root.client('client1')], number: 2 }).pem);
    await until(() => server.recorder.linesOf('file-unlinked').length > 0, 'it is reported');
    expect(server.recorder.events('reloaded')).toEqual([]);
  },
);
