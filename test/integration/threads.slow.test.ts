import { expect, test } from '@jest/globals';
import { ca } from '../support/chain.js';
import { tlsVersions } from '../support/client.js';
import { ProcessServer } from '../support/process-server.js';
import { material, publish, until } from '../support/server.js';
import { aSecond, ownTime } from '../support/elapsed.js';

test.each(tlsVersions)(
  'servers in threads of one process reload each on its own, and each lets a revoked client go, over %s',
  async (version) => {
    const root = ca('ca');
    const [client1, client2] = [root.client('client1'), root.client('client2')];
    const files = material({ root });
    const server = await ProcessServer.start(files, { threads: 2 });
    const started = server.reports('listening');
    expect(new Set(started.map(({ by }) => by)).size).toBe(2);
    const threads = started.map(({ port, by }) => ({
      by,
      good: server.as(client1, { version, keepAlive: true }, port),
      bad: server.as(client2, { version, keepAlive: true }, port),
    }));
    const localPorts: unknown[] = [];
    for (const { by, good, bad } of threads) {
      const answer = await good.get();
      expect(JSON.parse(answer.body)).toMatchObject({ hello: 'client1', by });
      localPorts.push(answer.localPort);
      expect(JSON.parse((await bad.get()).body)).toMatchObject({ hello: 'client2', by });
    }

    publish(files.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    const published = ownTime();
    await until(() => threads.every(({ bad }) => bad.connection.isClosed), 'both threads have let it go');
    expect(ownTime() - published).toBeLessThan(1.5 * aSecond);
    await server.tells('reloaded', 2);
    expect(new Set(server.reports('reloaded').map(({ by }) => by))).toEqual(
      new Set(threads.map(({ by }) => by)),
    );
    for (const { bad } of threads) expect(await bad.get()).toMatchObject({ status: 'refused' });
    const after = await Promise.all(threads.map(({ good }) => good.get()));
    expect(after.map(({ localPort }) => localPort)).toEqual(localPorts);
  },
);
