import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import https from 'node:https';
import { describe, expect, test } from '@jest/globals';
import { createServer } from '../../src/index.js';
import { ca } from '../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { freePort } from '../support/ports.js';
import { testWith } from '../support/requirements.js';
import { listen, silent } from '../support/server.js';

const page = readFileSync('docs/troubleshooting.md', 'utf8');
const root = ca('ca');
const [server, client] = [root.server(), root.client('client')];
const options = { key: server.keyPem, cert: server.pem, ca: root.pem, logger: silent };
const good = { ca: root.pem, cert: client.pem, key: client.keyPem };
const wrongKey = root.client('other').keyPem;

const startTls = async (): Promise<number> =>
  await listen(await createServer(options, (_req, res) => res.end()));
const startHttp = async (): Promise<number> => await listen(createHttpServer((_req, res) => res.end()));
const startNothing = async (): Promise<number> => Number(await freePort());

/** The row of the page that begins with a symptom. */
function rowWith(symptom: string): string {
  const row = page.split('\n').find((line) => line.startsWith('|') && line.split('|')[1]?.includes(symptom));
  return row ?? `no row of docs/troubleshooting.md begins with ${symptom}`;
}

test('a server without await has no listen(), as the page says', () => {
  const server = createServer(options) as unknown as https.Server;
  expect(() => server.listen(0)).toThrow('server.listen is not a function');
  expect(rowWith('`TypeError: server.listen is not a function`')).toContain('await createServer(');
});

describe.each([
  ['no certificate', { cert: '', key: '' }, startTls, 'ECONNRESET', [52, 56]],
  ['a server whose CA it does not know', { ca: '' }, startTls, 'SELF_SIGNED_CERT_IN_CHAIN', [60]],
  ['a URL with another name', { host: 'api.test' }, startTls, 'ERR_TLS_CERT_ALTNAME_INVALID', [60]],
  ['a port that speaks plain HTTP', {}, startHttp, 'EPROTO', [35]],
  ['a key of another certificate', { key: wrongKey }, startTls, 'ERR_OSSL_X509_KEY_VALUES_MISMATCH', [58]],
  ['a port where no process listens', {}, startNothing, 'ECONNREFUSED', [7]],
])('a client with %s', (_title, given, start, code, curlExitCodes) => {
  const { host = 'localhost', ...material } = { host: undefined, ...good, ...given };

  test(`reports ${code}, which the page explains`, async () => {
    const port = await start();
    const { ca: trusted, ...identity } = material;
    const failed = new Promise((resolve) => {
      const call = { ...identity, ...(trusted && { ca: trusted }), servername: host, agent: false as const };
      try {
        https.get({ host: '127.0.0.1', port, ...call }, resolve).on('error', resolve);
      } catch (error) {
        resolve(error);
      }
    });
    expect(await failed).toMatchObject({ code });
    for (const exitCode of curlExitCodes) expect(rowWith(code)).toContain(`(${exitCode})`);
  });

  testWith(spawnSync('curl', ['--version']).status === 0, 'curl is not installed')(
    `and curl's exit code is ${curlExitCodes.join(' or ')}`,
    async () => {
      const port = await start();
      const files = writeMaterial(temporaryDirectory(), material);
      const args = [
        ...['--silent', '--resolve', `${host}:${port}:127.0.0.1`],
        ...(material.ca ? ['--cacert', files.ca] : []),
        ...(material.cert ? ['--cert', files.cert, '--key', files.key] : []),
      ];
      const exitCode = await new Promise((resolve) => {
        execFile('curl', [...args, `https://${host}:${port}/`], (error) => {
          resolve(error?.code);
        });
      });
      expect(curlExitCodes).toContain(exitCode);
    },
  );
});
