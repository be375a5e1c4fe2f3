import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { aboutASecond, Stage } from '../support/stage.js';

const sockets: WebSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});

function open(stage: Stage, as?: string): WebSocket {
  const socket = new WebSocket(stage.url.replace('https', 'wss'), stage.credentials(as));
  sockets.push(socket);
  socket.on('error', () => {});
  return socket;
}

async function message(socket: WebSocket): Promise<string> {
  const [data] = (await once(socket, 'message')) as [Buffer];
  return data.toString();
}

async function refusal(socket: WebSocket): Promise<string> {
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  return `${response.statusCode} ${await text(response)}`;
}

test('the websocket example lets its clients chat, answers the others, and closes a revoked one', async () => {
  const stage = await Stage.set('examples/websocket/server.ts');
  const one = open(stage, 'client1');
  expect(await message(one)).toBe('welcome client1');
  const two = open(stage, 'client2');
  expect(await message(two)).toBe('welcome client2');
  two.send('hello');
  expect(await message(one)).toBe('client2: hello');

  expect(await refusal(open(stage, 'client3'))).toBe(
    '403 {"type":"about:blank","title":"Forbidden","status":403,"code":"ERR_MTLS_CLIENT_FORBIDDEN"}\n',
  );
  expect(await refusal(open(stage))).toBe(
    '401 {"type":"about:blank","title":"Unauthorized","status":401,"code":"ERR_MTLS_CERTIFICATE_REQUIRED"}\n',
  );
  expect(await stage.call('/', 'client1')).toMatch(/^426 /);

  expect(await stage.revoke('client2', () => two.readyState === WebSocket.CLOSED)).toBeLessThan(aboutASecond);
  await stage.program.wrote(/^client2 has left$/m);
  one.send('still here');
  expect(await message(one)).toBe('client1: still here');
});
