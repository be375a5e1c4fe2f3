import { describe, expect } from '@jest/globals';
import { publishCrl } from '../../src/sources/publish-crl.js';
import type { CrlStore } from '../../src/sources/crl-store.js';
import { ca, type Certificate, type CertificateAuthority } from '../support/chain.js';
import type { OpenConnection } from '../support/client.js';
import { CutProxy } from '../support/cut-proxy.js';
import { aSecond } from '../support/elapsed.js';
import { formatMs, Member } from '../support/fleet.js';
import { Flood, type HostileWriter, hostileWriter } from '../support/hostile-writer.js';
import { isStoreInstalled, RealStore, type StoreKind, storeIsMissing } from '../support/real-store.js';
import { testWith } from '../support/requirements.js';
import { pause, until } from '../support/server.js';

const kinds: readonly StoreKind[] = ['redis', 'postgres', 'nats'];
const soon = { pollMs: 1000, timeoutMs: 2000 };

interface Scene {
  readonly root: CertificateAuthority;
  readonly kept: Certificate;
  readonly revoked: Certificate;
  readonly store: CrlStore;
  readonly member: Member;
  readonly open: OpenConnection;
  readonly writer: HostileWriter;
}

/** A member that has a CRL of a store in force, a client that is connected to it, and a writer that may do anything. */
async function sceneOf(kind: StoreKind): Promise<Scene> {
  const root = ca();
  const [kept, revoked] = [root.client('kept'), root.client('revoked')];
  const real = await RealStore.start(kind);
  const { store } = await real.open();
  await publishCrl(store, root.crl({ number: 1, revoked: [revoked] }).der, { ca: root.pem });
  const member = await Member.start({ url: real.url(), root, source: soon });
  const open = await member.connect(kept);
  const writer = await hostileWriter(kind, real.url());
  return { root, kept, revoked, store, member, open, writer };
}

describe.each(kinds)('%s', (kind) => {
  const test = testWith(isStoreInstalled(kind), storeIsMissing(kind));

  test('CRLs that are deleted stay in force, and the next one arrives', async () => {
    const { root, kept, revoked, store, member, open, writer } = await sceneOf(kind);
    await writer.deleteAll();
    await until(() => member.reports('reload-failed').length > 0, 'the deletion is a fault');
    expect((await member.as(revoked).get()).status).toBe('refused');
    expect((await member.as(kept).get()).status).toBe(200);
    // An older CRL in an empty store goes back nevertheless.
    await publishCrl(store, root.crl({ number: 0 }).der, { ca: root.pem });
    await until(() => member.reports('reload-failed').length > 1, 'the older CRL is a fault');
    expect((await member.as(revoked).get()).status).toBe('refused');
    expect(open.isClosed).toBe(false);
    await publishCrl(store, root.crl({ number: 2, revoked: [revoked, kept] }).der, { ca: root.pem });
    await until(() => open.isClosed, 'the next CRL is in force');
    await until(() => member.reports('recovered').length > 0, 'the fault is gone');
  }, 120_000);

  test('ten thousand notices a second take no more than half a core, and delay no certificate', async () => {
    const { root, kept, revoked, store, member, open, writer } = await sceneOf(kind);
    const before = await member.figures(kept);
    const started = performance.now();
    const flood = Flood.ofNotices(writer);
    const renewals: number[] = [];
    for (let renewal = 0; renewal < 4; renewal++) {
      await pause(500);
      renewals.push(await member.renew(kept));
    }
    const after = await member.figures(kept);
    const tookMs = performance.now() - started;
    const sent = await flood.stop();
    const cpuMs = after.cpuMs - before.cpuMs;
    process.stderr.write(
      `${kind}: ${Math.round((sent / tookMs) * 1000)} notices a second, renewed after ${formatMs(renewals)}, ${Math.round((cpuMs / tookMs) * 100)} % of a core, ${Math.round((after.rss - before.rss) / 1e6)} MB more\n`,
    );
    expect(Math.min(...renewals)).toBeLessThan(aSecond);
    expect(cpuMs).toBeLessThan(tookMs / 2);
    expect(after.rss - before.rss).toBeLessThan(150e6);
    expect((await member.as(revoked).get()).status).toBe('refused');
    expect(open.isClosed).toBe(false);
    await writer.cleanUp();
    await publishCrl(store, root.crl({ number: 2, revoked: [revoked, kept] }).der, { ca: root.pem });
    await until(() => open.isClosed, 'the next CRL is in force', 30_000);
  }, 120_000);

  test('split brain: each side keeps its newest CRL, and the higher number decides when it heals', async () => {
    const root = ca();
    const [first, second] = [root.client('first'), root.client('second')];
    const [left, right] = await Promise.all([RealStore.start(kind), RealStore.start(kind)]);
    const [ofLeft, ofRight] = await Promise.all([left.open(), right.open()]);
    const older = root.crl({ number: 2, revoked: [first] }).der;
    const newer = root.crl({ number: 3, revoked: [first, second] }).der;
    await publishCrl(ofLeft.store, older, { ca: root.pem });
    await publishCrl(ofRight.store, newer, { ca: root.pem });
    const [toOlder, toNewer] = await Promise.all([CutProxy.to(left.port), CutProxy.to(right.port)]);
    const one = await Member.start({ url: left.url(toOlder.port), root, source: soon });
    const other = await Member.start({ url: right.url(toNewer.port), root, source: soon });
    const open = await one.connect(second);
    expect((await other.as(second).get()).status).toBe('refused');

    // The network heals in the worst way: each side sees the store of the other.
    toOlder.moveTo(right.port);
    toNewer.moveTo(left.port);
    await until(() => open.isClosed, 'the newer CRL has reached the other side', 60_000);
    await until(() => other.reports('reload-failed').length > 0, 'the older CRL is a fault', 60_000);
    for (const member of [one, other])
      for (const client of [first, second]) expect((await member.as(client).get()).status).toBe('refused');

    await publishCrl(ofLeft.store, newer, { ca: root.pem });
    await until(() => other.reports('recovered').length > 0, 'the fault is gone', 60_000);
    expect((await other.as(second).get()).status).toBe('refused');
  }, 180_000);
});
