import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import express4 from 'express4';
import { type StartOptions, type TestServer, startServer } from '../support/server.js';

/** What a message is an instance of, and what it has for its prototype. */
interface Born {
  readonly request: object | null;
  readonly response: object | null;
  readonly areHttp: boolean;
}

/** Starts a server, and notes what its requests and responses are before the app has touched them. */
async function startNoting(given: StartOptions): Promise<{ server: TestServer; born: Born[] }> {
  const born: Born[] = [];
  const server = await startServer(given);
  server.server.prependListener('request', (req, res) => {
    born.push({
      request: Object.getPrototypeOf(req) as object | null,
      response: Object.getPrototypeOf(res) as object | null,
      areHttp: req instanceof IncomingMessage && res instanceof ServerResponse,
    });
  });
  return { server, born };
}

describe.each([
  { name: 'Express 5', framework: express },
  { name: 'Express 4', framework: express4 },
])('$name: requests and responses', ({ framework }) => {
  test('are born with the prototypes of the app, so that it has none to replace', async () => {
    const app = framework();
    app.get('/', (req, res) => {
      res.status(201).json({ ip: req.ip, secure: req.secure, query: req.query });
    });
    const { server, born } = await startNoting({ app });
    expect(await server.as(server.root.client('client1')).get('/?a=1')).toMatchObject({
      status: 201,
      body: JSON.stringify({ ip: '127.0.0.1', secure: true, query: { a: '1' } }),
    });
    expect(born).toStrictEqual([{ request: app.request, response: app.response, areHttp: true }]);
  });

  test('have what was added to the prototypes later, and the prototypes of an app below, while they are in it', async () => {
    const app = framework();
    const below = framework();
    const server = await startServer({ app });
    const whose = (name: string) => ({ whose: { value: name, configurable: true } });
    Object.defineProperties(app.response, whose('app'));
    Object.defineProperties(below.response, whose('below'));
    const seen: unknown[] = [];
    const look: express.RequestHandler = (_req, res, next) => {
      seen.push('whose' in res && res.whose);
      next();
    };
    below.use(look);
    app.use(look, below, look, (_req, res) => {
      res.send('done');
    });
    expect(await server.as(server.root.client('client1')).get()).toMatchObject({ status: 200 });
    expect(seen).toEqual(['app', 'below', 'app']);
  });
});

describe('requests and responses', () => {
  test('are those of node:http for a listener that is no app', async () => {
    const listener: RequestListener = (_req, res) => res.end('plain');
    const { server, born } = await startNoting({ app: listener });
    expect(await server.as(server.root.client('client1')).get()).toMatchObject({ body: 'plain' });
    expect(born).toStrictEqual([
      { request: IncomingMessage.prototype, response: ServerResponse.prototype, areHttp: true },
    ]);
  });

  test('are made with the classes that the caller gives', async () => {
    class Message extends IncomingMessage {}
    const app = express().get('/', (_req, res) => {
      res.send('served');
    });
    const { server, born } = await startNoting({ app, options: { tls: { IncomingMessage: Message } } });
    expect(await server.as(server.root.client('client1')).get()).toMatchObject({ body: 'served' });
    expect(born).toStrictEqual([{ request: Message.prototype, response: app.response, areHttp: true }]);
  });
});
