/**
 * A logger that fails, at every line that a server writes: its process goes on, and says so.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { Program } from '../support/program.js';
import { ca, type Certificate } from '../support/chain.js';
import { Client } from '../support/client.js';
import type { LoggerFailure } from '../support/failing-logger-program.js';
import { material, publish, until } from '../support/server.js';

const noText = / a value that cannot be converted to a string/;

test.each<[LoggerFailure, RegExp]>([
  ['rejects', /MtlsWarning: the logger rejected: Error: disk full/],
  ['rejects later', /MtlsWarning: the logger rejected: Error: disk full/],
  ['throws', /MtlsWarning: the logger threw: Error: disk full/],
  ['throws what has no text', noText],
  ['rejects with what has no text', noText],
  ['returns a thenable that rejects', /MtlsWarning: the logger rejected: Error: disk full/],
  ['returns a thenable that throws', /MtlsWarning: the logger rejected: Error: disk full/],
  ['returns a promise whose catch does nothing', /MtlsWarning: the logger rejected: Error: disk full/],
])('a logger that %s ends no process, at any line', async (failure, warning) => {
  const root = ca('ca');
  const [client1, client2] = [root.client('client1'), root.client('client2')];
  const files = material({ root });
  const args = [JSON.stringify({ options: files.options, failure })];
  const program = new Program('test/support/failing-logger-program.ts', { args });
  const [, port] = await program.wrote(/^\{"port":(\d+)\}$/m);
  const as = (certificate?: Certificate): Client =>
    new Client({ port: Number(port), ca: root.pem }, certificate, { keepAlive: true });
  const logs = async (event: string): Promise<void> => {
    await until(() => program.output.includes(`{"line":"${event}"}`), `it logs "${event}"`);
  };
  const [good, bad] = [as(client1), as(client2)];
  expect(await good.get('/')).toMatchObject({ status: 200 });
  expect(await bad.get('/')).toMatchObject({ status: 200 });
  expect(await good.get('/forbidden')).toMatchObject({ status: 403 });
  expect(await good.get('/fails')).toMatchObject({ status: 403 });
  expect(await as().get('/')).toMatchObject({ status: 'refused' });
  program.signal('SIGHUP');
  await logs('unchanged');
  publish(files.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
  await logs('evicted');
  writeFileSync(files.files.crl, 'broken');
  await logs('reload-failed');
  for (const event of ['listening', 'request', 'forbidden', 'rule-failed', 'refused', 'signal', 'reloaded'])
    await logs(event);
  // What rejects late has its time.
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await good.get('/')).toMatchObject({ status: 200 });
  expect(program.output).toMatch(warning);
  expect(program.output).toMatch(/MtlsWarning: the logger of requestLog\(\) (?:threw|rejected): /);
  expect(program.output).toMatch(/MtlsWarning: a listener of 'refused' (?:threw|rejected): /);
});
