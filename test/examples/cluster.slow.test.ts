import { once } from 'node:events';
import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import tls, { type TLSSocket } from 'node:tls';
import { afterEach, expect, test } from '@jest/globals';
import { aboutASecond, Stage } from '../support/stage.js';

const sockets: TLSSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

interface Visit {
  readonly socket: TLSSocket;
  /** The status and the body, or `'refused'`. */
  readonly answer: string;
  readonly session: Buffer | undefined;
}

/** Opens a connection, asks once, and leaves it open. */
async function visit(stage: Stage, as: string, session?: Buffer): Promise<Visit> {
  const { hostname: host, port } = new URL(stage.url);
  const credentials = { ...stage.credentials(as), ...(session === undefined ? {} : { session }) };
  const socket = tls.connect({ host, port: Number(port), ...credentials });
  sockets.push(socket);
  let newest: Buffer | undefined;
  socket.on('session', (given) => (newest = given));
  socket.on('error', () => {});
  const asked = request(stage.url, { createConnection: () => socket, headers: { Connection: 'keep-alive' } });
  try {
    const [response] = (await once(asked.end(), 'response')) as [IncomingMessage];
    return { socket, answer: `${response.statusCode} ${await text(response)}`, session: newest };
  } catch {
    return { socket, answer: 'refused', session: newest };
  }
}

test('each worker of the cluster example disconnects a revoked client, and no ticket brings it back', async () => {
  const stage = await Stage.set('examples/cluster/server.ts', { WORKERS: '2' });
  await stage.program.wrote(/^worker 1 on [^]*^worker 2 on |^worker 2 on [^]*^worker 1 on /m);
  // Connections go to the workers in turn.
  const visits = [];
  for (let times = 0; times < 4; times++) visits.push(await visit(stage, 'client2'));
  const answers = visits.map(({ answer }) => answer).sort();
  expect(answers).toEqual([1, 1, 2, 2].map((id) => `200 hello client2, from worker ${id}, session new\n`));
  const sessions = visits.map(({ session }) => session);
  const resumed = [await visit(stage, 'client2', sessions[0]), await visit(stage, 'client2', sessions[0])];
  for (const { answer } of resumed) expect(answer).toContain('session resumed');

  const open = [...visits, ...resumed].map(({ socket }) => socket);
  expect(await stage.revoke('client2', () => open.every(({ destroyed }) => destroyed))).toBeLessThan(
    aboutASecond,
  );
  await stage.program.wrote(/^worker 1 reloaded: 1 newly revoked, 3 closed$/m);
  await stage.program.wrote(/^worker 2 reloaded: 1 newly revoked, 3 closed$/m);

  for (const session of [...sessions, undefined])
    expect(await visit(stage, 'client2', session)).toMatchObject({ answer: 'refused' });
  await stage.program.wrote(/^worker 1 refused client2: revoked, session resumed$/m);
  await stage.program.wrote(/^worker 2 refused client2: revoked, session resumed$/m);
  expect((await visit(stage, 'client1')).answer).toMatch(/^200 hello client1/);
});
