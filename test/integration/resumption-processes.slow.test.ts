/**
 * Sessions of TLS that one process issued and another is asked to resume.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { ca } from '../support/chain.js';
import { tlsVersions } from '../support/client.js';
import { ProcessServer } from '../support/process-server.js';
import { material, publish } from '../support/server.js';

describe.each(tlsVersions)('over %s', (version) => {
  test('two processes with the same ticket keys: a revoked client is not admitted with a ticket of a process that has not reloaded', async () => {
    const root = ca('ca');
    const [client1, client2] = [root.client('client1'), root.client('client2')];
    const files = material({ root });
    const ticketKeys = randomBytes(48).toString('hex');
    const [stale, fresh] = await Promise.all([
      ProcessServer.start(files, { ticketKeys, options: { watch: false } }),
      ProcessServer.start(files, { ticketKeys, options: { watch: { pollMs: 50 } } }),
    ]);
    const before = await stale.as(client2, { version }).get();
    publish(files.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    await fresh.tells('reloaded');
    const after = await stale.as(client2, { version }).get();
    expect(after).toMatchObject({ status: 200, resumed: false });
    for (const { session } of [before, after]) {
      expect(session).toBeDefined();
      expect(await fresh.as(client2, { version }).get('/', { session })).toMatchObject({
        status: 'refused',
        resumed: true,
      });
    }
    await fresh.tells('refused', 2);
    const refusal = { event: 'refused', reason: 'revoked', resumed: true, by: 0 };
    expect(fresh.reports('refused')).toEqual([refusal, refusal]);
    // The keys are the same: a good client's ticket is worth something at the other.
    const { session } = await stale.as(client1, { version }).get();
    const answer = await fresh.as(client1, { version }).get('/', { session });
    expect(JSON.parse(answer.body)).toEqual({ hello: 'client1', resumed: true, by: 0 });
  }, 60_000);

  test('a cluster’s worker, forked after the CRL has changed, resumes no session of before', async () => {
    const root = ca('ca');
    const [client1, client2] = [root.client('client1'), root.client('client2')];
    const files = material({ root });
    const server = await ProcessServer.start(files, { workers: 2, options: { watch: { pollMs: 50 } } });
    const [good, revoked] = [
      await server.as(client1, { version }).get(),
      await server.as(client2, { version }).get(),
    ];
    publish(files.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    await server.tells('reloaded', 2);
    // The worker that stays keeps what the cluster has shared since its start.
    expect(await server.as(client1, { version }).get('/end')).toMatchObject({ status: 200 });
    await server.tells('listening', 3);
    // The workers take turns: of four calls in a row, the new one gets two.
    for (let call = 0; call < 4; call++) {
      const answer = await server.as(client2, { version }).get('/', { session: revoked.session });
      expect(answer).toMatchObject({ status: 'refused' });
    }
    await server.tells('refused', 4);
    expect(server.reports('refused')).toContainEqual(
      expect.objectContaining({ reason: 'revoked', resumed: false, by: 3 }),
    );
    const served: unknown[] = [];
    for (let call = 0; call < 4; call++) {
      const { body } = await server.as(client1, { version }).get('/', { session: good.session });
      served.push(JSON.parse(body));
    }
    expect(served).toContainEqual({ hello: 'client1', resumed: false, by: 3 });
    for (const report of [...served, ...server.reports('refused')] as { by: number; resumed: boolean }[])
      if (report.by === 3) expect(report.resumed).toBe(false);
  }, 60_000);
});
