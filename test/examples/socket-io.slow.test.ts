import { afterEach, expect, test } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { aboutASecond, Stage } from '../support/stage.js';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});

type Transport = 'polling' | 'websocket';

function open(stage: Stage, transports: Transport[], as?: string): Socket {
  const { ca, cert, key } = stage.credentials(as) as Record<string, Buffer | undefined>;
  const credentials = {
    ca: String(ca),
    ...(as === undefined ? {} : { cert: String(cert), key: String(key) }),
  };
  const socket = io(stage.url, { transports, forceNew: true, reconnection: false, ...credentials });
  sockets.push(socket);
  return socket;
}

async function welcome(socket: Socket): Promise<string> {
  return await new Promise((resolve, reject) => {
    socket.once('welcome', resolve);
    socket.once('connect_error', reject);
  });
}

/** The status of the answer to a refused client. */
async function refusal(socket: Socket): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    socket.once('connect_error', (error: Error & { readonly description?: unknown }) => {
      resolve(error.description);
    });
    socket.once('connect', reject);
  });
}

test.each<Transport>(['polling', 'websocket'])(
  'the socket-io example serves its clients by %s, refuses the others, and drops a revoked one',
  async (transport) => {
    const stage = await Stage.set('examples/socket-io/server.ts');
    const one = open(stage, [transport], 'client1');
    expect(await welcome(one)).toBe('client1');
    const two = open(stage, [transport], 'client2');
    expect(await welcome(two)).toBe('client2');
    const path = `/socket.io/?EIO=4&transport=${transport}`;
    if (transport === 'polling') {
      expect(await refusal(open(stage, [transport], 'client3'))).toBe(403);
      expect(await refusal(open(stage, [transport]))).toBe(401);
    } else {
      const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket' };
      expect(await stage.call(path, 'client3', { headers: upgrade })).toMatch(
        /^403 .*"ERR_MTLS_CLIENT_FORBIDDEN"\}\n$/,
      );
      expect(await stage.call(path, undefined, { headers: upgrade })).toMatch(
        /^401 .*"ERR_MTLS_CERTIFICATE_REQUIRED"\}\n$/,
      );
    }
    expect(await stage.revoke('client2', () => !two.connected)).toBeLessThan(aboutASecond);
    await stage.program.wrote(/^client2 has left$/m);
    expect(one.connected).toBe(true);
    await expect(welcome(open(stage, [transport], 'client2'))).rejects.toThrow();
  },
);

test('a session of the socket-io example serves only the client that opened it, and may be upgraded', async () => {
  const stage = await Stage.set('examples/socket-io/server.ts');
  const path = '/socket.io/?EIO=4&transport=polling';
  const [, sid = ''] = /"sid":"([^"]+)"/.exec(await stage.call(path, 'client1')) ?? [];
  expect(await stage.call(`${path}&sid=${sid}`, 'client2')).toMatch(/^403 .*ERR_MTLS_CLIENT_FORBIDDEN/);
  expect(await stage.call(`${path}&sid=${sid}`, 'client3')).toMatch(/^403 /);
  expect(await stage.call(`${path}&sid=nobody`, 'client2')).toMatch(/^400 .*Session ID unknown/);

  const socket = open(stage, ['polling', 'websocket'], 'client1');
  expect(await welcome(socket)).toBe('client1');
  if (socket.io.engine.transport.name !== 'websocket')
    await new Promise((resolve) => socket.io.engine.once('upgrade', resolve));
  expect(socket.io.engine.transport.name).toBe('websocket');
});
