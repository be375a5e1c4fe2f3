import { once } from 'node:events';
import http2, { type ClientHttp2Session } from 'node:http2';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from '@jest/globals';
import { aboutASecond, Stage } from '../support/stage.js';

const sessions: ClientHttp2Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});

async function connectTo(stage: Stage, as: string): Promise<ClientHttp2Session> {
  const session = http2.connect(stage.url, stage.credentials(as));
  sessions.push(session);
  session.on('error', () => {});
  await once(session, 'connect');
  return session;
}

async function get(session: ClientHttp2Session, path: string): Promise<string> {
  const stream = session.request({ ':path': path });
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  return `${String(headers[':status'])} ${await text(stream)}`;
}

test('the http2 example serves a plain handler and Express over both versions, and ends a revoked session', async () => {
  const stage = await Stage.set('examples/http2/server.ts');
  const [one, two] = [await connectTo(stage, 'client1'), await connectTo(stage, 'client2')];
  expect(await get(one, '/whoami')).toBe('200 CN=client1\n');
  expect(await get(one, '/')).toBe('200 hello client1, over HTTP/2.0\n');
  expect(await get(one, '/admin')).toBe('200 welcome\n');
  expect(await get(two, '/admin')).toBe(
    '403 {"type":"about:blank","title":"Forbidden","status":403,"code":"ERR_MTLS_CLIENT_FORBIDDEN"}\n',
  );
  expect(await get(one, '/nowhere')).toMatch(/^404 /);
  expect(await stage.call('/', 'client2')).toBe('200 hello client2, over HTTP/1.1\n');
  expect(await stage.call('/whoami', 'client2')).toBe('200 CN=client2\n');
  expect(await stage.call('/admin', 'client2')).toMatch(/^403 .*ERR_MTLS_CLIENT_FORBIDDEN/);
  expect(await stage.call('/')).toBe('refused');

  expect(await stage.revoke('client2', () => two.destroyed)).toBeLessThan(aboutASecond);
  expect(await stage.call('/', 'client2')).toBe('refused');
  expect(await get(one, '/')).toBe('200 hello client1, over HTTP/2.0\n');
  await stage.program.wrote(/^evicted client2: revoked$/m);
});
