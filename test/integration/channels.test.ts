import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import https from 'node:https';
import { afterEach, describe, expect, test } from '@jest/globals';
import express from 'express';
import {
  createServerOptions,
  mtlsErrorHandler,
  type MtlsEvents,
  type MtlsMessage,
  requireClient,
} from 'express-mtls';
import { openDevCa } from 'express-mtls/dev-ca';
import { call } from '../support/call.js';
import { Program } from '../support/program.js';
import { ca } from '../support/chain.js';
import { Client } from '../support/client.js';
import { temporaryDirectory } from '../support/files.js';
import { listen, material, publish, startServer, until } from '../support/server.js';

const hourMs = 3_600_000;
const leaves: (() => void)[] = [];
afterEach(() => {
  for (const leave of leaves.splice(0)) leave();
});

/** The messages of a channel from now on. */
function messagesOf<Name extends keyof MtlsEvents>(
  name: Name,
  onMessage = (): void => {},
): MtlsMessage<Name>[] {
  const messages: MtlsMessage<Name>[] = [];
  const subscriber = (message: unknown): void => {
    messages.push(message as MtlsMessage<Name>);
    onMessage();
  };
  subscribe(`express-mtls.${name}`, subscriber);
  leaves.push(() => unsubscribe(`express-mtls.${name}`, subscriber));
  return messages;
}

describe('a channel has the data of its event, and the handle', () => {
  test('authenticated, refused, forbidden', async () => {
    const app = express().use(requireClient({ commonName: 'client1' }), (_req, res) => res.send('welcome'));
    const server = await startServer({ app: app.use(mtlsErrorHandler()) });
    const messages = {
      authenticated: messagesOf('authenticated'),
      refused: messagesOf('refused'),
      forbidden: messagesOf('forbidden'),
    };
    expect((await server.as(server.root.client('client1')).get()).status).toBe(200);
    expect((await server.as(server.root.client('client2')).get('/a')).status).toBe(403);
    expect((await server.as().get()).status).toBe('refused');
    for (const name of ['authenticated', 'refused', 'forbidden'] as const) {
      const told: readonly { readonly event: unknown; readonly mtls: unknown }[] = messages[name];
      expect(told).toHaveLength(server.recorder.events(name).length);
      for (const [index, { event, mtls }] of told.entries()) {
        expect(event).toBe(server.recorder.events(name)[index]);
        expect(mtls).toBe(server.mtls);
      }
    }
    expect(messages.authenticated.map(({ event }) => event.identity.commonName)).toEqual([
      'client1',
      'client2',
    ]);
    expect(messages.refused.map(({ event }) => event.reason)).toEqual(['no-certificate']);
    expect(messages.forbidden.map(({ event }) => event)).toEqual([
      {
        identity: messages.authenticated[1]?.event.identity,
        remoteAddress: '127.0.0.1',
        method: 'GET',
        url: '/a',
        rule: '{ commonName: "client1" }',
        refusedBy: ['commonName'],
      },
    ]);
  });

  test('evicted, reloaded, reload-failed', async () => {
    const server = await startServer({ options: { watch: false } });
    const [evicted, reloaded] = [messagesOf('evicted'), messagesOf('reloaded')];
    const failed = messagesOf('reload-failed');
    const client = server.root.client('client1');
    const caller = server.as(client, { keepAlive: true });
    await caller.get();
    publish(server.files.crl, server.root.crl({ revoked: [client], number: 2 }).pem);
    const report = await server.mtls.reload();
    expect(evicted).toEqual([{ mtls: server.mtls, event: server.recorder.events('evicted')[0] }]);
    expect(evicted[0]?.event).toMatchObject({ reason: 'revoked', identity: { commonName: 'client1' } });
    expect(reloaded).toEqual([{ mtls: server.mtls, event: report }]);
    publish(server.files.crl, server.root.crl({ number: 1 }).pem);
    const fault: unknown = await server.mtls.reload().catch((error: unknown) => error);
    expect(failed).toHaveLength(1);
    expect(failed[0]?.event.error).toBe(fault);
    expect(failed[0]?.mtls).toBe(server.mtls);
    expect(failed[0]?.event.error.code).toBe('ERR_MTLS_CRL_ROLLBACK');
  });

  test('crl-expiring', async () => {
    const expiring = messagesOf('crl-expiring');
    const root = ca('ca');
    const past = new Date(Date.now() - 10 * hourMs);
    const nextUpdate = new Date(Math.floor((Date.now() + hourMs) / 1000) * 1000);
    const server = await startServer({ root, crl: root.crl({ thisUpdate: past, nextUpdate }).pem });
    await until(() => expiring.length > 0, 'the warning is published');
    expect(expiring).toMatchObject([{ event: { nextUpdate, source: server.files.crl } }]);
    expect(expiring[0]?.mtls).toBe(server.mtls);
  });
});

test('two servers are distinguished by their handles', async () => {
  const [one, two] = [await startServer(), await startServer()];
  const messages = messagesOf('authenticated');
  await two.as(two.root.client('client1')).get();
  await one.as(one.root.client('client1')).get();
  expect(messages.map(({ mtls }) => (mtls === one.mtls ? 'one' : mtls === two.mtls ? 'two' : mtls))).toEqual([
    'two',
    'one',
  ]);
});

test('a server on options of createServerOptions() publishes too, and has no handle', async () => {
  const messages = messagesOf('authenticated');
  const { root, options } = material();
  const server = https.createServer(await createServerOptions(options), (_req, res) => res.end('hello'));
  const port = await listen(server);
  await new Client({ port, ca: root.pem }, root.client('client1')).get();
  expect(messages).toMatchObject([{ mtls: undefined, event: { identity: { commonName: 'client1' } } }]);
});

test('a rule refuses within the context of the request, so that a tracer finds its span', async () => {
  const spans = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  messagesOf('forbidden', () => seen.push(spans.getStore()));
  const app = express();
  app.use((req, _res, next) => {
    spans.run(`span of ${req.url}`, next);
  });
  app.get('/now', requireClient({ commonName: 'nobody' }));
  app.get(
    '/later',
    requireClient(() => new Promise((resolve) => setTimeout(resolve, 5, false))),
  );
  const server = await startServer({ app: app.use(mtlsErrorHandler()) });
  for (const path of ['/now', '/later']) await server.as(server.root.client('client1')).get(path);
  expect(seen).toEqual(['span of /now', 'span of /later']);
});

test('a subscriber that throws is an uncaught exception of its own, and the client is served', async () => {
  const certs = temporaryDirectory();
  const authority = await openDevCa(certs);
  await authority.issueServer();
  await authority.issueClient('client1');
  const before = `import { subscribe } from 'node:diagnostics_channel';
    process.on('uncaughtException', ({ message }) => console.log('uncaught:', message));
    subscribe('express-mtls.authenticated', () => { throw new Error('mine'); });`;
  const program = new Program('examples/minimal/server.ts', { env: { CERTS: certs, PORT: '0' }, before });
  const [, url = ''] = await program.wrote(/Serving (https:\/\/localhost:\d+)/);
  expect(await call(url, { certs, as: 'client1' })).toMatch(/^200 /);
  await until(() => program.output.includes('uncaught: mine'), 'the exception is told');
  expect(await call(url, { certs, as: 'client1' })).toMatch(/^200 /);
});
