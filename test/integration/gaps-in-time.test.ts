/**
 * Time does not always pass evenly: processes are stopped, and clocks are set.
 *
 * @module
 */
import { describe, expect, test } from '@jest/globals';
import { ca } from '../support/chain.js';
import { Client } from '../support/client.js';
import { dialled } from '../support/dial.js';
import { fromNow as inMs, minute } from '../support/lists.js';
import { Program } from '../support/program.js';
import { testOn } from '../support/requirements.js';
import { material, pause, publish, startServer, until } from '../support/server.js';
import { aSecond, ownTime } from '../support/elapsed.js';

const hour = 60 * minute;

const testOnPosix = testOn(process.platform !== 'win32', 'Windows cannot stop a process');

testOnPosix('after a stop the files are looked at before any client is judged', async () => {
  const root = ca('ca');
  const client2 = root.client('client2');
  const files = material({ root });
  const program = new Program('test/support/descriptors-program.ts', {
    args: [JSON.stringify(files.options)],
  });
  const port = Number((await program.wrote(/"listening","port":(\d+)/))[1]);
  const target = { port, ca: root.pem };
  const sockets = await Promise.all(Array.from({ length: 10 }, () => dialled(target, client2)));
  const answers: string[] = [];
  for (const socket of sockets) {
    socket.on('data', (chunk: Buffer) => answers.push(chunk.toString('latin1').slice(0, 12)));
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  }
  await until(() => answers.length === 10, 'all are served');
  program.signal('SIGSTOP');
  await pause(300);
  for (const socket of sockets) socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const fresh = new Client(target, client2).get();
  publish(files.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
  await pause(1500);
  program.signal('SIGCONT');
  expect(await fresh).toMatchObject({ status: 'refused' });
  await until(() => sockets.every((socket) => socket.destroyed), 'all connections are closed');
  expect(answers.slice(10).filter((answer) => answer.includes('200'))).toEqual([]);
});

describe('a clock that is set', () => {
  test('forward closes the idle connections of clients that have expired by then', async () => {
    const root = ca('ca');
    const server = await startServer({ root, options: { revocation: { stale: 'allow' } } });
    const [short, long] = [
      root.client({ notAfter: inMs(hour) }),
      root.client({ notAfter: inMs(100 * hour) }),
    ];
    const [old, young] = [short, long].map((client) => server.as(client, { keepAlive: true }));
    expect([(await old?.get())?.status, (await young?.get())?.status]).toEqual([200, 200]);
    server.clock.advance(2 * hour);
    const set = ownTime();
    await until(() => old?.connection.isClosed === true, 'the connection is closed');
    expect(ownTime() - set).toBeLessThan(aSecond);
    expect(await young?.get()).toMatchObject({ status: 200 });
  });

  test('back judges open connections as it judges new ones', async () => {
    const root = ca({ commonName: 'ca', notBefore: inMs(-100 * hour) });
    const crl = root.crl({ thisUpdate: inMs(-50 * hour) }).pem;
    const server = await startServer({
      root,
      crl,
      serverCertificate: root.server({ notBefore: inMs(-100 * hour) }),
    });
    const client = root.client({ notBefore: inMs(-hour) });
    const old = server.as(client, { keepAlive: true });
    expect(await old.get()).toMatchObject({ status: 200 });
    server.clock.advance(-10 * hour);
    await until(() => old.connection.isClosed, 'the connection is closed');
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
    expect(server.recorder.events('evicted')).toMatchObject([{ reason: 'not-yet-valid' }]);
  });
});
