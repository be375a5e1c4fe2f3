import https from 'node:https';
import type { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { aboutASecond, Stage } from '../support/stage.js';

const problem = (status: number, title: string, code: string): string =>
  `${status} ${JSON.stringify({ type: 'about:blank', title, status, code })}\n`;
const required = 'ERR_MTLS_CERTIFICATE_REQUIRED';
const forbidden = 'ERR_MTLS_CLIENT_FORBIDDEN';

test.each([
  ['plain-node', problem(401, 'Unauthorized', required), problem(403, 'Forbidden', forbidden)],
  ['connect', problem(401, 'Unauthorized', required), problem(403, 'Forbidden', forbidden)],
  [
    'fastify',
    `401 {"statusCode":401,"code":"${required}","error":"Unauthorized","message":"this route needs a client certificate, and the caller has none"}`,
    `403 {"statusCode":403,"code":"${forbidden}","error":"Forbidden","message":"the rule of this route forbids the request"}`,
  ],
])(
  'the %s example serves its clients, refuses the others, and lets a revoked one go',
  async (name, unauthorized, refused) => {
    const stage = await Stage.set(`examples/${name}/server.ts`);
    expect(await stage.call('/', 'client1')).toBe('200 hello client1\n');
    expect(await stage.call('/')).toBe('200 hello stranger\n');
    expect(await stage.call('/admin', 'client1')).toBe('200 welcome\n');
    expect(await stage.call('/admin', 'client2')).toBe(refused);
    expect(await stage.call('/admin')).toBe(unauthorized);

    const agent = new https.Agent({ keepAlive: true });
    const sockets: Socket[] = [];
    agent.on('free', (socket: Socket) => sockets.push(socket));
    expect(await stage.call('/', 'client2', { agent })).toBe('200 hello client2\n');
    const took = await stage.revoke('client2', () => sockets.length > 0 && sockets.every((s) => s.destroyed));
    expect(took).toBeLessThan(aboutASecond);
    expect(await stage.call('/', 'client2')).toBe('refused');
    expect(await stage.call('/admin', 'client1')).toBe('200 welcome\n');
  },
);
