/**
 * The end of a server: what is under way is finished, and nothing is left behind.
 *
 * @module
 */
import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import { expect, test } from '@jest/globals';
import { protect } from 'express-mtls';
import { ca } from '../support/chain.js';
import { Client, tlsVersions } from '../support/client.js';
import { http2Server, listen, material, publish, startServer, until } from '../support/server.js';

test.each(tlsVersions)(
  'over %s, a request under way is answered to its end, in either order of the closing',
  async (version) => {
    for (const first of ['server', 'mtls'] as const) {
      const waiting: ServerResponse[] = [];
      const app: RequestListener = (_req, res) => {
        res.write('begun ');
        waiting.push(res);
      };
      const { server, mtls, root, as } = await startServer({ app });
      const answer = as(root.client('client1'), { version }).get();
      await until(() => waiting.length > 0, 'the request is under way');
      const closed = once(server, 'close');
      if (first === 'mtls') await mtls.close();
      server.close();
      if (first === 'server') await mtls.close();
      expect(
        await as(root.client('client1'))
          .get()
          .catch((error: unknown) => (error as NodeJS.ErrnoException).code),
      ).toBe('ECONNREFUSED');
      waiting[0]?.end('ended');
      expect(await answer).toMatchObject({ status: 200, body: 'begun ended' });
      await closed;
    }
  },
);

test('over HTTP/2, so is a stream, and the session is closed by its end', async () => {
  const written = material();
  const server = http2Server(written);
  const mtls = await protect(server, written.options);
  let finish: (() => void) | undefined;
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('begun ');
    finish = () => stream.end('ended');
  });
  const target = { port: await listen(server), ca: written.root.pem };
  const client = await new Client(target, written.root.client()).http2();
  const answer = client.get();
  await until(() => finish !== undefined, 'the stream is under way');
  await mtls.close();
  server.close();
  finish?.();
  expect(await answer).toEqual({ status: 200, body: 'begun ended' });
});

test('mtls.close() may be called again, and while a reload is under way', async () => {
  let load = (): Promise<Buffer[]> => Promise.reject(new Error('not yet'));
  const { root, options } = material();
  load = () => Promise.resolve([root.crl().der]);
  const { mtls, recorder } = await startServer({
    root,
    options: { ...options, crl: { load: () => load() }, watch: false },
  });
  load = () => new Promise(() => undefined);
  const reload = mtls.reload().then(
    () => 'done',
    (error: unknown) => (error as Error).message,
  );
  await Promise.all([mtls.close(), mtls.close()]);
  expect(await reload).toContain('the server was closed');
  await mtls.close();
  // A reload that close() aborted is not reported as a fault.
  expect(recorder.events('reload-failed')).toEqual([]);
  expect(mtls.fault).toBeUndefined();
});

test('after mtls.close() has resolved nothing is committed, not even by a reload that waited for another', async () => {
  const root = ca('ca');
  const { mtls, recorder, files } = await startServer({ root, options: { watch: false } });
  publish(files.crl, root.crl({ number: 2 }).pem);
  const running = mtls.reload();
  await Promise.resolve();
  // Between the two, so that the second has something to commit.
  mtls.once('reloaded', () => {
    publish(files.crl, root.crl({ number: 3 }).pem);
  });
  const waiting = mtls.reload();
  await mtls.close();
  const told = recorder.events('reloaded').length;
  await Promise.allSettled([running, waiting]);
  expect(recorder.events('reloaded')).toHaveLength(told);
  expect(mtls.revocation.crls).toMatchObject([{ number: '3' }]);
});
