import { X509Certificate } from 'node:crypto';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { RevocationPolicy } from 'express-mtls';
import { loadRevocation } from 'express-mtls/revocation';
import { ca, type Certificate } from '../support/chain.js';
import { runCommand } from '../support/command.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { publish, startServer, type TestServer, until } from '../support/server.js';

const hour = 3_600_000;
const inMs = (ms: number): Date => new Date(Math.floor((Date.now() + ms) / 1000) * 1000);

const root = ca('ca');
const [good, added, held] = ['good', 'added', 'held'].map((commonName) => root.client({ commonName })) as [
  Certificate,
  Certificate,
  Certificate,
];

// What AD CS leaves in a folder: a base that holds a certificate, and a delta that lifts the hold and revokes another.
const holds = { serial: held.serialContent, reason: 'certificateHold' } as const;
const lifts = { serial: held.serialContent, reason: 'removeFromCRL' } as const;
const base = root.crl({ number: 20, thisUpdate: inMs(-3 * hour), revoked: [holds] });
const expired = { thisUpdate: inMs(-2 * hour), nextUpdate: inMs(-hour) };
const late = root.crl({ number: 23, delta: 20, ...expired, revoked: [lifts, added] });

function folder(files: Readonly<Record<string, Buffer>>): string {
  const directory = temporaryDirectory();
  writeMaterial(directory, files);
  return directory;
}

/** A server that was started on the late delta. */
async function started(revocation: RevocationPolicy): Promise<TestServer> {
  const crl = folder({ 'CA.crl': base.der, 'CA+.crl': late.der });
  return await startServer({ root, options: { crl, watch: false, revocation } });
}

/** A server whose delta has become late while it was running. */
async function running(revocation: RevocationPolicy): Promise<TestServer> {
  const nextUpdate = inMs(4000);
  const inTime = root.crl({ number: 23, delta: 20, nextUpdate, revoked: [lifts, added] });
  const crl = folder({ 'CA.crl': base.der, 'CA+.crl': inTime.der });
  const server = await startServer({ root, options: { crl, watch: false, revocation } });
  const client = server.as(held, { keepAlive: true });
  expect(await client.get()).toMatchObject({ status: 200 });
  await until(() => Date.now() > nextUpdate.getTime() + 20, 'the delta is late');
  return server;
}

/** A server that got the late delta by a reload. */
async function reloaded(revocation: RevocationPolicy): Promise<TestServer> {
  const crl = folder({ 'CA.crl': base.der });
  const server = await startServer({ root, options: { crl, watch: false, revocation } });
  publish(join(crl, 'CA+.crl'), late.der);
  expect(await server.mtls.reload()).toMatchObject({ changed: true });
  return server;
}

const ways = { started, running, reloaded };
type Way = keyof typeof ways;

async function answersOf(server: TestServer): Promise<unknown[]> {
  const answers = [];
  for (const client of [good, added, held]) answers.push((await server.as(client).get()).status);
  return answers;
}

describe('a late delta beside a current base', () => {
  test.each(Object.keys(ways) as Way[])(
    'revokes, lifts no hold, and the base decides about all others: %s',
    async (way) => {
      const server = await ways[way]({});
      expect(await answersOf(server)).toEqual([200, 'refused', 'refused']);
      expect(server.recorder.events('refused')).toMatchObject([
        { reason: 'revoked', revocation: { crlNumber: '23' } },
        { reason: 'revoked', revocation: { crlNumber: '20', reason: 'certificateHold' } },
      ]);
      expect(server.recorder.events('reload-failed')).toEqual([]);
    },
  );

  test.each(Object.keys(ways) as Way[])('is named in the log, once, and in the state: %s', async (way) => {
    const server = await ways[way]({});
    await until(() => server.recorder.linesOf('delta-stale').length > 0, 'the warning comes');
    const [delta] = server.mtls.revocation.crls.filter(({ deltaBase }) => deltaBase === '20');
    const { nextUpdate, source } = delta!;
    expect(source).toMatch(/CA\+\.crl$/);
    expect(nextUpdate!.getTime()).toBeLessThan(Date.now());
    expect(server.recorder.linesOf('delta-stale')).toMatchObject([
      {
        level: 'warn',
        fields: { nextUpdate, source },
        message: expect.stringMatching(
          /^the delta CRL number 23 of "CN=ca" \(.*Z\) expired at .*Z: its entries stay revoked, it removes no entries, and its base decides; publish a newer delta CRL$/,
        ),
      },
    ]);
    expect(server.mtls.revocation.healthy).toBe(false);
    publish(join(dirname(source), 'CA.crl'), root.crl({ number: 21, thisUpdate: inMs(-hour / 2) }).der);
    expect(await server.mtls.reload()).toMatchObject({ changed: true });
    expect(server.recorder.linesOf('delta-stale')).toHaveLength(1);
  });

  test.each(Object.keys(ways) as Way[])('is named by explain(): %s', async (way) => {
    const { mtls } = await ways[way]({});
    const { admitted, text, crls } = mtls.explain(good.pem);
    expect(admitted).toBe(true);
    expect(text).toMatch(
      /passed {2}revocation: not revoked by CRL number 20 of "CN=ca", \d+ hours old, and delta CRL number 23 of "CN=ca", \d+ \w+ old, which has expired\n/,
    );
    expect(crls).toMatchObject([{ deltaBase: undefined }, { deltaBase: '20' }]);
    expect(mtls.explain(held.pem)).toMatchObject({ admitted: false, reason: 'revoked' });
    expect(mtls.explain(added.pem)).toMatchObject({ admitted: false, reason: 'revoked' });
  });

  test.each<[RevocationPolicy, Way]>([
    [{ stale: 'allow' }, 'started'],
    [{ stale: 'allow' }, 'running'],
    [{ stale: 'allow' }, 'reloaded'],
    [{ graceMs: 3 * hour }, 'started'],
    [{ graceMs: 3 * hour }, 'running'],
    [{ graceMs: 3 * hour }, 'reloaded'],
  ])('is current if the policy allows it (%p, %s)', async (policy, way) => {
    const server = await ways[way](policy);
    expect(await answersOf(server)).toEqual([200, 'refused', 200]);
    await until(() => server.recorder.linesOf('crl-expiring').length > 0, 'the warning comes');
    expect(server.recorder.linesOf('delta-stale')).toEqual([]);
  });

  test('ends the connection of a client whose hold it lifted, when it becomes late', async () => {
    const nextUpdate = inMs(4000);
    const inTime = root.crl({ number: 23, delta: 20, nextUpdate, revoked: [lifts] });
    const server = await startServer({
      root,
      options: { crl: folder({ 'CA.crl': base.der, 'CA+.crl': inTime.der }) },
    });
    const [freed, other] = [held, good].map((client) => server.as(client, { keepAlive: true }));
    for (const client of [freed, other]) expect(await client?.get()).toMatchObject({ status: 200 });
    await until(() => freed?.connection.isClosed === true, 'the connection is closed');
    expect(Date.now()).toBeGreaterThanOrEqual(nextUpdate.getTime());
    expect(await other?.get()).toMatchObject({ status: 200 });
    await until(() => server.recorder.linesOf('delta-stale').length > 0, 'the warning comes');
  });

  test('without its base revokes, and vouches for nothing', async () => {
    const crl = folder({ 'CA+.crl': late.der });
    const server = await startServer({ root, options: { crl, watch: false } });
    expect(await answersOf(server)).toEqual(['refused', 'refused', 'refused']);
    expect(server.recorder.events('refused').map(({ reason }) => reason)).toEqual([
      'revocation-unknown',
      'revoked',
      'revocation-unknown',
    ]);
  });
});

test('the base must be current, however new the delta is', async () => {
  const crl = folder({
    'CA.crl': root.crl({ number: 20, ...expired }).der,
    'CA+.crl': root.crl({ number: 23, delta: 20 }).der,
  });
  await expect(startServer({ root, options: { crl } })).rejects.toMatchObject({
    code: 'ERR_MTLS_CRL_EXPIRED',
  });
});

describe('without a server', () => {
  const crl = folder({ 'CA.crl': base.der, 'CA+.crl': late.der });
  const { ca: caFile, ...pems } = writeMaterial(temporaryDirectory(), {
    ca: root.pem,
    good: good.pem,
    added: added.pem,
    held: held.pem,
  });

  test('loadRevocation() answers like a server', async () => {
    const revocation = await loadRevocation({ ca: caFile, crl });
    expect(revocation.rejected).toEqual([]);
    expect(revocation.crls.map(({ number, deltaBase }) => [number, deltaBase]).sort()).toEqual([
      ['20', undefined],
      ['23', '20'],
    ]);
    const statuses = [good, added, held].map(({ der }) => revocation.check([new X509Certificate(der)]));
    expect(statuses).toMatchObject([
      { status: 'good' },
      { status: 'revoked', crlNumber: '23' },
      { status: 'revoked', crlNumber: '20', reason: 'certificateHold' },
    ]);
  });

  test.each([
    ['good', 0, 'good would be admitted'],
    ['added', 1, 'added is refused: revoked'],
    ['held', 1, 'held is refused: revoked'],
  ] as const)('the doctor answers like a server, and names the delta: %s', async (name, code, verdict) => {
    const result = await runCommand(['doctor', '--cert', pems[name], '--ca', caFile, '--crl', crl]);
    expect(result.code).toBe(code);
    expect(result.out).toContain(verdict);
    expect(result.out).toMatch(
      /^note +crl +\S+CA\+\.crl: the delta CRL number 23 of "CN=ca" \(.*Z\) has expired: its entries stay revoked, and its base decides about all others; publish a newer delta$/m,
    );
  });

  test('the doctor rejects an expired base, with which no server starts', async () => {
    const file = join(folder({ 'CA.crl': root.crl({ number: 20, ...expired }).der }), 'CA.crl');
    const { code, out } = await runCommand(['doctor', '--cert', pems.good, '--ca', caFile, '--crl', file]);
    expect(code).toBe(1);
    expect(out).toMatch(/^FAILS +crl +\S+CA\.crl: the CRL number 20 of "CN=ca" .* expired at /m);
  });

  test('inspect accepts it, and notes that it is late', async () => {
    const { code, out } = await runCommand(['inspect', join(crl, 'CA+.crl'), '--ca', caFile]);
    expect(code).toBe(0);
    expect(out).toContain(
      'it has expired: its entries stay revoked, it lifts no hold, and its base decides about all others',
    );
    expect(out).toContain('Would be accepted as a CRL.');
  });
});
