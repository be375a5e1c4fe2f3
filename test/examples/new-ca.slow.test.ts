/**
 * The commands of "A new CA, step by step" in docs/rotation.md, while a client of each CA calls.
 */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { createServer } from 'express-mtls';
import { call } from '../support/call.js';
import { runCommand } from '../support/command.js';
import { temporaryDirectory } from '../support/files.js';
import { readDocument } from '../support/markdown.js';
import { freePort } from '../support/ports.js';
import { until } from '../support/server.js';

const section = readDocument('docs/rotation.md').split('\n## A new CA, step by step\n')[1] ?? '';
const steps = [...section.matchAll(/^\$ (.*)$/gm)].map(([, line = '']) => line);

const silent = { info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // The test looks at what clients see.
}

test('the commands of docs/rotation.md move a client to a new CA, and a revocation reaches the server', async () => {
  const folder = temporaryDirectory();
  const inFolder = (name: string): string => path.join(folder, name);
  const run = async (line: string): Promise<void> => {
    const [program, ...args] = line.split(' ');
    if (program === 'mkdir') for (const name of args) mkdirSync(inFolder(name));
    else if (program === 'rm') for (const name of args) rmSync(inFolder(name));
    else if (program === 'ln') symlinkSync(args[1] as string, inFolder(args[2] as string));
    else {
      expect([line, args[0]]).toEqual([line, 'express-mtls']);
      const given = args.slice(1).map((arg) => (/^(?:old|new)-ca$/.test(arg) ? inFolder(arg) : arg));
      expect(await runCommand(given)).toMatchObject({ code: 0, err: '' });
    }
  };
  const isOfNew = (line: string): boolean => line.includes('init new-ca');
  const [before, after] = [steps.slice(0, steps.findIndex(isOfNew)), steps.slice(steps.findIndex(isOfNew))];
  for (const line of before) await run(line);
  const [key, cert] = [inFolder('old-ca/server-key.pem'), inFolder('old-ca/server-crt.pem')];
  const server = await createServer(
    { key, cert, ca: inFolder('cas'), crl: inFolder('crls'), logger: silent },
    (_req, res) => {
      res.end('hello\n');
    },
  );
  const port = await freePort();
  server.listen(Number(port), 'localhost');
  const as = async (certs: string, client: string): Promise<string> =>
    await call(`https://localhost:${port}`, {
      certs: inFolder(certs),
      as: client,
      ca: inFolder('old-ca/ca-crt.pem'),
    });
  try {
    expect(await as('old-ca', 'alice')).toBe('200 hello\n');
    for (const line of after) {
      if (line.startsWith('rm ')) {
        await until(async () => (await as('new-ca', 'alice')) === '200 hello\n', 'the new CA is in force');
        expect(await as('old-ca', 'alice')).toBe('200 hello\n');
      }
      await run(line);
    }
    await until(async () => (await as('old-ca', 'alice')) === 'refused', 'the old CA is gone');
    expect(await as('new-ca', 'alice')).toBe('200 hello\n');
    // The links lead to the files that the commands write.
    await run('npx express-mtls revoke alice --dir new-ca');
    await until(async () => (await as('new-ca', 'alice')) === 'refused', 'the revocation is in force');
  } finally {
    server.close();
    await server.mtls.close();
  }
});
