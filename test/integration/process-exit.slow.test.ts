/**
 * Nothing of this package keeps a process alive that has nothing left to do.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { material } from '../support/server.js';

const index = pathToFileURL(path.resolve(__dirname, '../../src/index.ts')).href;
const call = `await new Promise((resolve, reject) => https.get({ ...client, port: server.address().port }, (res) => res.resume().on('end', resolve)).on('error', reject));`;

test.each([
  [
    'after server.close()',
    `server.listen(0); await once(server, 'listening'); ${call} server.close(); await once(server, 'close');`,
  ],
  [
    'after mtls.close() and server.close()',
    `server.listen(0); await once(server, 'listening'); await server.mtls.close(); server.close();`,
  ],
  ['without listen() and without any close()', ``],
  ['at the end of an `await using`', `await server.mtls[Symbol.asyncDispose]();`],
  [
    'while a broken file is tried again',
    `server.listen(0); await once(server, 'listening'); writeFileSync(crl, ''); await new Promise((resolve) => server.mtls.once('reload-failed', resolve)); server.close();`,
  ],
])('a process exits by itself %s', async (_title, body) => {
  const { root, options, files } = material();
  const client1 = root.client('client1');
  const client = {
    host: '127.0.0.1',
    servername: 'localhost',
    agent: false,
    ca: root.pem,
    cert: client1.pem,
    key: client1.keyPem,
  };
  const program = `
    import https from 'node:https';
    import { once } from 'node:events';
    import { writeFileSync } from 'node:fs';
    import { createServer } from ${JSON.stringify(index)};
    const crl = ${JSON.stringify(files.crl)};
    const client = ${JSON.stringify(client)};
    const server = await createServer(${JSON.stringify(options)}, (_req, res) => res.end('served'));
    ${body}
    console.log('the end');
  `;
  const outcome = await new Promise<{ error: Error | null; stdout: string; stderr: string }>((resolve) => {
    const args = ['--import', 'tsx', '--input-type=module', '--eval', program];
    const cwd = path.resolve(__dirname, '../..');
    // Killed, it has not exited by itself.
    execFile(process.execPath, args, { cwd, timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ error, stdout, stderr });
    });
  });
  expect(outcome).toEqual({ error: null, stdout: 'the end\n', stderr: '' });
});
