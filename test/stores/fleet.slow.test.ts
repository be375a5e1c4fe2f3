import { describe, expect } from '@jest/globals';
import { publishCrl } from '../../src/sources/publish-crl.js';
import { ca } from '../support/chain.js';
import { evictions, Member } from '../support/fleet.js';
import { isStoreInstalled, RealStore, type StoreKind, storeIsMissing } from '../support/real-store.js';
import { testWith } from '../support/requirements.js';

const kinds: readonly StoreKind[] = ['redis', 'postgres', 'nats'];
const members = 8;

describe.each(kinds)('%s', (kind) => {
  const test = testWith(isStoreInstalled(kind), storeIsMissing(kind));

  test('a revocation reaches eight processes within a second, again and again, and each confirms', async () => {
    const root = ca();
    const real = await RealStore.start(kind);
    const { store } = await real.open();
    await publishCrl(store, root.crl({ number: 1 }).der, { ca: root.pem });
    const fleet = await Member.startAll(members, { url: real.url(), root });
    const revoked = [];
    const slowest = [];
    for (let round = 0; round < 5; round++) {
      const client = root.client(`client${round}`);
      const connections = await Promise.all(fleet.map((member) => member.connect(client)));
      revoked.push(client);
      const { der } = root.crl({ number: 2 + round, revoked });
      const started = performance.now();
      const report = await publishCrl(store, der, { ca: root.pem, wait: members });
      slowest.push(Math.max(...(await evictions(connections, started))));
      expect(report.confirmation).toMatchObject({ wanted: members, processes: members });
      expect(report.crls).toMatchObject([{ outcome: 'published', crlNumber: BigInt(2 + round) }]);
    }
    process.stderr.write(`${kind}: ${slowest.map(Math.round).join(', ')} ms\n`);
    expect(Math.max(...slowest)).toBeLessThan(1000);
  }, 120_000);
});
