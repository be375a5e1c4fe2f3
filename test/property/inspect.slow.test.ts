/**
 * Whatever a file holds, `express-mtls inspect` answers or says in one line what is wrong with it, soon, and
 * nothing of it steers the terminal. `FUZZ_RUNS=100000` searches for minutes; without it, for seconds.
 *
 * @module
 */
import { createPublicKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sayHello } from '../../src/cli/inspect/tls12-hello.js';
import { attributeTypes, ca } from '../support/chain.js';
import { runCommand } from '../support/command.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { mutations } from '../support/mutations.js';
import { pkcs12 } from '../support/pkcs12.js';
import { certificateRequest } from '../support/request.js';
import { listen } from '../support/server.js';
import { ownTime } from '../support/elapsed.js';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 1500);
const limitMs = 3000;
const timeout = Math.max(60_000, numRuns * 40);

const directory = temporaryDirectory();
const file = join(directory, 'file');
const password = 'secret';

const root = ca({ commonName: 'root', organization: 'Example' });
const hostile = '\u001B[2J\u001B]0;title\u0007a\rb\nc\u009B31m\u202Ed\u0000';
const client = root.client({
  name: [
    [{ oid: attributeTypes.organization, type: 'bmp', value: hostile }],
    [{ oid: attributeTypes.commonName, type: 'utf8', value: hostile }],
    [{ oid: attributeTypes.emailAddress, type: 'ia5', value: 'a@b.test' }],
  ],
  sans: { dns: ['a.test'], uri: ['spiffe://d.test/e'], ip: ['192.0.2.1'], upn: ['g@h.test'] },
});
const { privateKey } = client;
const der = { type: 'pkcs8', format: 'der' } as const;
const secret = { cipher: 'aes-128-cbc', passphrase: password } as const;
const samples: readonly Buffer[] = [
  client.der,
  root.der,
  root.crl({
    idp: { fullName: ['http://a.test/crl'], indirect: true },
    revoked: [client, { serial: '0a', reason: 'keyCompromise', certificateIssuer: client.subject }],
  }).der,
  certificateRequest({ commonName: hostile, sans: { dns: ['b.test'] }, privateKey }).der,
  pkcs12({ password, certificates: [client, root], key: client, friendlyName: hostile, iterations: 10 }),
  pkcs12({ password, certificates: [client], key: client, mac: false, iterations: 10 }),
  privateKey.export(der),
  privateKey.export({ type: 'sec1', format: 'der' }),
  privateKey.export({ ...der, ...secret }),
  createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
  Buffer.from(client.chainPem + root.pem + client.keyPem + root.crl().pem),
  Buffer.from(String(privateKey.export({ type: 'sec1', format: 'pem', ...secret }))),
];

const { caFile, secretFile } = writeMaterial(directory, { caFile: root.pem, secretFile: password });
const given = ['--ca', caFile, '--find', '0a', '--password-file', secretFile];
const controls = /(?!\n)[\p{Cc}\u061C\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069]/u;

/** Inspects bytes, and returns the exit code. */
async function inspect(input: Buffer, options: readonly string[]): Promise<number> {
  writeFileSync(file, input);
  const start = ownTime();
  const { code, out, err } = await runCommand(['inspect', file, ...options]);
  const elapsed = ownTime() - start;
  if (elapsed > limitMs) throw new Error(`took ${elapsed} ms for ${input.length} bytes`);
  expect(err).not.toContain('defect');
  expect(out + err).not.toMatch(controls);
  if (code === 3)
    expect(err).toMatch(/^((?:ERR_MTLS_[A-Z_]+|error): |\{"error":\{"code":"ERR_MTLS_)[^\n]+\n$/);
  else expect([0, 1]).toContain(code);
  if (options.includes('--json')) JSON.parse(code === 3 ? err : out);
  return code;
}

test.each([[given], [[...given, '--json']], [[]]])(
  'takes every sample as it is, with %j',
  async (options) => {
    // Only those of PKCS#12 need a password.
    for (const sample of samples) {
      const code = await inspect(sample, options);
      if (options.length > 0) expect(code).not.toBe(3);
    }
  },
);

test(
  'answers or refuses what is left of a sample after changes',
  async () => {
    const mutated = fc
      .tuple(fc.constantFrom(...samples), mutations)
      .map(([sample, changes]) => changes.reduce((input, change) => change(input), sample));
    const seen = new Set<number>();
    await fc.assert(
      fc.asyncProperty(mutated, fc.constantFrom([], given, [...given, '--json']), async (input, options) => {
        seen.add(await inspect(input, options));
      }),
      { numRuns },
    );
    expect([...seen].sort()).toStrictEqual([0, 1, 3]);
  },
  timeout,
);

test(
  'answers whatever a server sends',
  async () => {
    const flight = await recordFlight();
    let answer = flight;
    const port = await listen(
      createTcpServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(answer));
      }),
    );
    const place = { host: '127.0.0.1', port, servername: 'a.test' };
    await expect(sayHello(place)).resolves.toMatchObject({ asks: true, authorities: ['CN=root,O=Example'] });
    const changed = mutations.map((changes) => changes.reduce((input, change) => change(input), flight));
    await fc.assert(
      fc.asyncProperty(changed, async (input) => {
        answer = input;
        const start = ownTime();
        await sayHello(place);
        expect(ownTime() - start).toBeLessThan(limitMs);
      }),
      { numRuns: numRuns / 3 },
    );
  },
  timeout,
);

/** What a server of TLS 1.2 that asks for certificates sends to the first hello. */
async function recordFlight(): Promise<Buffer> {
  const { keyPem, pem } = root.server();
  const server = createServer({ key: keyPem, cert: pem, ca: root.pem, requestCert: true });
  server.on('tlsClientError', () => {});
  const behind = await listen(server);
  const parts: Buffer[] = [];
  const port = await listen(
    createTcpServer((socket) => {
      const onward = connect(behind, '127.0.0.1');
      onward.on('data', (part) => parts.push(part));
      for (const each of [socket, onward]) each.on('error', () => {});
      socket.pipe(onward).pipe(socket);
    }),
  );
  await sayHello({ host: '127.0.0.1', port, servername: 'localhost' });
  return Buffer.concat(parts);
}
