/**
 * What a refused client sends is not kept.
 *
 * @module
 */
import { expect, test } from '@jest/globals';
import { ca, selfSigned } from '../support/chain.js';
import { ProcessServer } from '../support/process-server.js';
import { material } from '../support/server.js';

/** About as much as a TLS client may send. */
const manyNames = { dns: Array.from({ length: 22_000 }, () => 'a') };

test('certificates of refused clients, and what they sent beside them, are not kept', async () => {
  const root = ca('ca');
  const server = await ProcessServer.start(material({ root, crl: null }), {}, 96);
  const client1 = root.client('client1');
  const large = ca({ commonName: 'large', sans: manyNames });
  const strangers = [selfSigned({ sans: manyNames }), large.client('client2')];
  const attack = async (times: number): Promise<void> => {
    for (let each = 0; each < times; each++)
      for (const stranger of strangers) {
        const chain = stranger === strangers[0] ? stranger.pem : stranger.pem + large.reissue().pem;
        expect(await server.as(stranger, { chain }).get()).toMatchObject({ status: 'refused' });
      }
  };
  await attack(5);
  const before = await server.figures(server.as(client1));
  await attack(30);
  const after = await server.figures(server.as(client1));
  expect(after.heapUsed - before.heapUsed).toBeLessThan(2e6);
});
