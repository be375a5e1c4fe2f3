import { describe, expect, test } from '@jest/globals';
import { type SourceLoader } from 'express-mtls';
import { crlFromUrl } from 'express-mtls/sources';
import { ca } from '../support/chain.js';
import { CrlServer, status } from '../support/crl-server.js';
import { startServer, until } from '../support/server.js';

const minute = 60_000;

describe('a CRL that its loader has not confirmed for maxAgeMs', () => {
  test('is stale: it still revokes, no longer vouches, and connections end', async () => {
    const root = ca('ca');
    const [client1, client2] = [root.client('client1'), root.client('client2')];
    const bytes = root.crl({ revoked: [client2] }).der;
    let fails = false;
    const crl: SourceLoader = {
      load: () => (fails ? Promise.reject(new Error('down')) : Promise.resolve([bytes])),
    };
    const revocation = { maxAgeMs: 10 * minute };
    const server = await startServer({ root, options: { crl, revocation } });
    const connected = server.as(client1, { keepAlive: true });
    expect(await connected.get()).toMatchObject({ status: 200 });

    // A load that resolves confirms, although nothing has changed.
    server.clock.advance(9 * minute);
    await server.mtls.reload();
    server.clock.advance(9 * minute);
    expect(await connected.get()).toMatchObject({ status: 200 });
    expect(server.mtls.revocation.healthy).toBe(true);

    fails = true;
    await expect(server.mtls.reload()).rejects.toThrow('down');
    server.clock.advance(2 * minute);
    await until(() => connected.connection.isClosed, 'the connection is closed');
    expect(await server.as(client1).get()).toMatchObject({ status: 'refused' });
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
    expect(server.recorder.events('refused')).toMatchObject([
      {
        reason: 'revocation-unknown',
        detail: expect.stringContaining(
          'has not confirmed it for longer than revocation.maxAgeMs',
        ) as unknown,
      },
      { reason: 'revoked' },
    ]);
    expect(server.mtls.revocation.healthy).toBe(false);

    fails = false;
    await server.mtls.reload();
    expect(await server.as(client1).get()).toMatchObject({ status: 200 });
  });

  test('is not stale if the policy allows it, nor if it comes from a file too', async () => {
    const root = ca('ca');
    const client = root.client();
    const crl: SourceLoader = { load: () => Promise.resolve([root.crl().der]) };
    const revocation = { maxAgeMs: minute };
    for (const options of [
      { crl, revocation: { ...revocation, stale: 'allow' as const } },
      { revocation },
      { crl: root.crl().der, revocation },
    ]) {
      const server = await startServer({ root, options });
      server.clock.advance(60 * minute);
      expect(await server.as(client).get()).toMatchObject({ status: 200 });
    }
  });

  test('vouches without maxAgeMs, also if it was never confirmed', async () => {
    const root = ca('ca');
    const crl: SourceLoader = {
      load: () => Promise.resolve([root.crl().der]),
      confirmedAt: () => undefined,
    };
    const server = await startServer({ root, options: { crl } });
    expect(await server.as(root.client()).get()).toMatchObject({ status: 200 });
  });

  test('is confirmed by a 304, and not by a reload for another reason', async () => {
    const root = ca('ca');
    const client = root.client();
    const crls = await CrlServer.start();
    crls.publish('/ca.crl', root.crl().der);
    const crl = crlFromUrl(crls.url(), { refreshMs: 100 });
    const server = await startServer({ root, options: { crl, revocation: { maxAgeMs: 2000 } } });
    const connected = server.as(client, { keepAlive: true });
    const first = server.mtls.revocation.crls[0]?.confirmedAt?.getTime() ?? Infinity;
    await until(
      () => (server.mtls.revocation.crls[0]?.confirmedAt?.getTime() ?? 0) > first + 2500,
      'it was confirmed for longer than maxAgeMs',
    );
    expect(await connected.get()).toMatchObject({ status: 200 });
    crls.on('/ca.crl', status(503));
    await until(async () => {
      await server.mtls.reload().catch(() => undefined);
      return (await server.as(client).get()).status === 'refused';
    }, 'it is stale');
    expect(server.recorder.events('refused').at(-1)).toMatchObject({ reason: 'revocation-unknown' });
  });
});
