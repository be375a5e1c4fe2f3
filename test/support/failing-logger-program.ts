/**
 * A server whose logger and listeners fail at every line, each in one way. It writes the events of the lines that it
 * was given to stdout, as lines of JSON.
 *
 * @module
 */
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createServer, mtlsErrorHandler, requestLog, requireClient, type MtlsOptions } from 'express-mtls';

/** How its logger fails. */
export type LoggerFailure = keyof typeof failures;

/** A thenable, which a `catch` of promises has never seen. */
class Thenable {
  readonly #then: (resolve: unknown, reject: (error: unknown) => void) => void;

  constructor(then: (resolve: unknown, reject: (error: unknown) => void) => void) {
    this.#then = then;
  }

  then(resolve: unknown, reject: (error: unknown) => void): void {
    this.#then(resolve, reject);
  }
}

const failures = {
  rejects: () => Promise.reject(new Error('disk full')),
  'rejects later': () =>
    new Promise((_resolve, reject) => {
      setTimeout(reject, 5, new Error('disk full'));
    }),
  throws: () => {
    throw new Error('disk full');
  },
  'throws what has no text': () => {
    throw Object.create(null) as Error;
  },
  'rejects with what has no text': () => Promise.reject(Object.create(null) as Error),
  'returns a thenable that rejects': () =>
    new Thenable((_resolve, reject) => {
      reject(new Error('disk full'));
    }),
  'returns a thenable that throws': () =>
    new Thenable(() => {
      throw new Error('disk full');
    }),
  'returns a promise whose catch does nothing': () =>
    Object.assign(Promise.reject(new Error('disk full')), { catch: () => undefined }),
} as const;

const given = JSON.parse(process.argv[2] ?? '') as { options: MtlsOptions; failure: LoggerFailure };
const fail: () => unknown = failures[given.failure];

function log(fields: object): unknown {
  const { event } = fields as { event: string };
  process.stdout.write(`${JSON.stringify({ line: event })}\n`);
  return fail();
}

const logger = { info: log, warn: log, error: log };
const app = express();
app.use(requestLog({ logger }));
app.get('/forbidden', requireClient({ commonName: 'another' }));
app.get(
  '/fails',
  requireClient(() => {
    throw new Error('in the rule');
  }),
);
app.get('/', requireClient(), (_req, res) => {
  res.json({});
});
app.use(mtlsErrorHandler());

const server = await createServer({ ...given.options, logger, signals: true }, app);
for (const name of ['authenticated', 'refused', 'evicted', 'forbidden', 'reloaded', 'reload-failed'] as const)
  server.mtls.on(name, fail);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});
