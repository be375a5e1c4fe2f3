/**
 * Two copies of this package in one process, as where a dependency has its own: what one admits, refuses and throws, the
 * other recognises.
 *
 * @module
 */
import { expect, jest, test } from '@jest/globals';
import express, { type ErrorRequestHandler } from 'express';
import type * as Package from 'express-mtls';
import type * as StatusPackage from 'express-mtls/status';
import { ca } from '../support/chain.js';
import { Client } from '../support/client.js';
import { listen, material } from '../support/server.js';

interface Copy {
  readonly main: typeof Package;
  readonly status: typeof StatusPackage;
}

function loadCopy(): Copy {
  let copy: Copy | undefined;
  jest.isolateModules(() => {
    copy = {
      main: jest.requireActual<typeof Package>('../../src/index.js'),
      status: jest.requireActual<typeof StatusPackage>('../../src/status/index.js'),
    };
  });
  return copy as Copy;
}

const [first, second] = [loadCopy(), loadCopy()];
const root = ca('ca');
const [client1, client2] = ['client1', 'client2'].map((name) => root.client(name));

/** A server of the first copy; its app gets the guards of one copy, and the rest of the other. */
async function start(guards: Copy, others: Copy): Promise<{ port: number; seen: unknown[] }> {
  const seen: unknown[] = [];
  const app = express();
  const { options } = material({ root });
  const server = await first.main.createServer({ ...options, onRefused: 'respond', watch: false }, app);
  app.use(
    '/status',
    guards.main.requireClient({ commonName: 'client1' }),
    others.status.statusRouter(server.mtls),
  );
  app.get('/', guards.main.requireClient({ commonName: 'client1' }), (req, res) => {
    res.send(`hello ${others.main.clientOf(req).commonName}`);
  });
  const note: ErrorRequestHandler = (error, _req, _res, next) => {
    seen.push(error);
    next(error);
  };
  app.use(note, others.main.mtlsErrorHandler());
  return { port: await listen(server), seen };
}

test('the copies are two', () => {
  expect(first.main.MtlsError).not.toBe(second.main.MtlsError);
  expect(first.main.clientOf).not.toBe(second.main.clientOf);
});

test.each([
  ['the second copy', second, first],
  ['the first copy', first, second],
])('with the guards of %s', async (_which, guards, others) => {
  const { port, seen } = await start(guards, others);
  const as = (one: typeof client1): Client => new Client({ port, ca: root.pem }, one);
  expect(await as(client1).get('/')).toMatchObject({ status: 200, body: 'hello client1' });
  expect(await as(client1).get('/status')).toMatchObject({ status: 200 });
  const refused = await as(client2).get('/');
  expect(refused.status).toBe(403);
  expect(JSON.parse(refused.body)).toMatchObject({ code: 'ERR_MTLS_CLIENT_FORBIDDEN' });
  expect(seen[0]).toBeInstanceOf(others.main.MtlsError);
  expect(Object.getPrototypeOf(seen[0])).toBe(guards.main.MtlsError.prototype);
});

test('the status page of one copy stays closed without a guard of any', async () => {
  const app = express();
  const { options } = material({ root });
  const server = await first.main.createServer({ ...options, watch: false }, app);
  app.use('/status', second.status.statusRouter(server.mtls));
  const client = new Client({ port: await listen(server), ca: root.pem }, client1);
  expect(await client.get('/status')).toMatchObject({ status: 403 });
});
