import { afterAll, beforeAll, expect } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createServer } from 'express-mtls';
import { openDevCa } from 'express-mtls/dev-ca';
import { testWithOpenssl as test } from '../support/openssl.js';
import { silent } from '../support/server.js';

let directory: string;
let transcript: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'openssl-walkthrough-'));
  await cp('certs-dev', directory, {
    recursive: true,
    filter: (source) => !path.extname(source) || /\.(cnf|md)$/.test(source),
  });
  const readme = await readFile(path.join(directory, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1]);
  expect(blocks.length).toBeGreaterThan(5);
  const { stdout, stderr, status } = spawnSync('bash', ['-e'], {
    cwd: directory,
    input: blocks.join('\n'),
    encoding: 'utf8',
  });
  transcript = stdout + stderr;
  if (status !== 0) throw new Error(`the commands of certs-dev/README.md failed:\n${transcript}`);
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

test("the README's commands end with client2 revoked in the eyes of openssl", () => {
  expect(transcript).toMatch(/client1-crt\.pem: OK/);
  expect(transcript).toMatch(/error 23 at 0 depth lookup: ?certificate revoked/);
});

test("the README's certificates admit client1 over TLS and refuse client2 by the CRL alone", async () => {
  const crl = await readFile(path.join(directory, 'ca-crl.pem'));
  expect(await answersFrom(undefined)).toEqual({ client1: 200, client2: 200, nobody: 'refused' });
  expect(await answersFrom(crl)).toEqual({ client1: 200, client2: 'refused', nobody: 'refused' });
});

test("the library goes on from the README's CA", async () => {
  const ca = await openDevCa(directory);
  expect(await ca.list()).toMatchObject([
    { name: 'server', commonName: 'localhost', revokedAt: undefined },
    { name: 'client1', commonName: 'client1', revokedAt: undefined },
    { name: 'client2', commonName: 'client2', reason: 'keyCompromise' },
  ]);
  expect(await ca.writeCrl()).toMatchObject({ number: 3n, entries: 1 });
});

type Answer = number | 'refused' | undefined;

/** What each client gets from a server that runs on the README's files. */
async function answersFrom(crl: Buffer | undefined): Promise<Record<string, Answer>> {
  const read = (file: string): Promise<Buffer> => readFile(path.join(directory, file));
  const [key, cert, ca] = await Promise.all([
    read('server-key.pem'),
    read('server-crt.pem'),
    read('ca-crt.pem'),
  ]);
  const options = { key, cert, ca, logger: silent, ...(crl === undefined ? {} : { crl }) };
  const server = await createServer(options, (_, response) => response.end('hello\n'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return {
      client1: await get(port, {
        ca,
        cert: await read('client1-crt.pem'),
        key: await read('client1-key.pem'),
      }),
      client2: await get(port, {
        ca,
        cert: await read('client2-crt.pem'),
        key: await read('client2-key.pem'),
      }),
      nobody: await get(port, { ca }),
    };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function get(port: number, credentials: https.RequestOptions): Promise<Answer> {
  return new Promise((resolve) => {
    https
      .get({ host: 'localhost', port, agent: false, ...credentials }, (response) => {
        response.resume().on('end', () => {
          resolve(response.statusCode);
        });
      })
      // Not every error is a refusal: one about the server's certificate would be the client's own.
      .on('error', (error: NodeJS.ErrnoException) => {
        resolve(/^(ECONNRESET|EPIPE)$/.test(error.code ?? '') ? 'refused' : undefined);
      });
  });
}
