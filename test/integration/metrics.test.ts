import { hasSubscribers } from 'node:diagnostics_channel';
import { afterEach, describe, expect, test } from '@jest/globals';
import express from 'express';
import { clientIdentity, mtlsErrorHandler, requireClient } from 'express-mtls';
import { collectMetrics, type MetricsOptions, type MtlsMetrics } from 'express-mtls/metrics';
import {
  AggregatorRegistry,
  type OpenMetricsContentType,
  register as globalRegister,
  Registry,
} from 'prom-client';
import { ca, type CertificateOptions } from '../support/chain.js';
import { parseScrape, read, scrape } from '../support/metrics.js';
import {
  material,
  publish,
  startServer,
  type StartOptions,
  type TestServer,
  until,
} from '../support/server.js';
import { takeWarnings } from '../support/warnings.js';

const day = 86_400;
const hourMs = 3_600_000;
const inMs = (ms: number): Date => new Date(Date.now() + ms);

const opened: MtlsMetrics[] = [];
afterEach(() => {
  for (const metrics of opened.splice(0)) metrics.close();
});

/** Metrics that are closed after the test. */
function collect(...given: Parameters<typeof collectMetrics>): MtlsMetrics {
  const metrics = collectMetrics(...given);
  opened.push(metrics);
  return metrics;
}

interface MeasuredServer extends TestServer {
  readonly register: Registry;
  readonly metrics: MtlsMetrics;
  /** The one value under this name and these labels. */
  read(name: string, labels?: Record<string, string>): Promise<number | undefined>;
}

/** A server whose metrics are in a register of its own, and whose clock they go by. */
async function startMeasured(
  given: StartOptions = {},
  options: MetricsOptions = {},
): Promise<MeasuredServer> {
  const register = new Registry();
  const server = await startServer(given);
  const metrics = collect(server.mtls, { register, now: server.clock.now, ...options });
  return { ...server, register, metrics, read: (name, labels) => read(register, name, labels) };
}

describe('handshakes', () => {
  test.each<[reason: string, client: CertificateOptions | undefined]>([
    ['no-certificate', undefined],
    ['revoked', { serial: '1002' }],
    ['expired', { notAfter: inMs(-hourMs) }],
    ['not-yet-valid', { notBefore: inMs(hourMs), notAfter: inMs(2 * hourMs) }],
    ['wrong-purpose', { extendedKeyUsage: null }],
  ])('a refusal is counted under its reason: %s', async (reason, client) => {
    const root = ca('ca');
    const server = await startMeasured({ root, crl: root.crl({ revoked: [{ serial: '1002' }] }).pem });
    const labels = { outcome: 'refused', reason };
    // From the start, so that the first one is an increase.
    expect(await server.read('mtls_handshakes_total', labels)).toBe(0);

    for (let times = 0; times < 2; times++)
      expect((await server.as(client && root.client(client)).get()).status).toBe('refused');
    expect(await server.read('mtls_handshakes_total', labels)).toBe(2);
    expect((await server.as(root.client('client1')).get()).status).toBe(200);
    expect(await server.read('mtls_handshakes_total', { outcome: 'admitted' })).toBe(1);
    const all = (await scrape(server.register)).filter(({ name }) => name === 'mtls_handshakes_total');
    expect(all.reduce((sum, { value }) => sum + value, 0)).toBe(3);
  });

  test('the certificates of admitted clients are counted by remaining days', async () => {
    const server = await startMeasured();
    for (const days of [0.5, 10, 200]) {
      const notAfter = inMs(days * day * 1000);
      await server.as(server.root.client({ notAfter })).get();
    }
    const name = 'mtls_client_certificate_remaining_seconds';
    const buckets = (await scrape(server.register)).filter((sample) => sample.name === `${name}_bucket`);
    expect(buckets.map(({ labels, value }) => [Number(labels['le']) / day, value])).toEqual([
      [1, 1],
      [7, 1],
      [14, 2],
      [30, 2],
      [90, 2],
      [365, 3],
      [NaN, 3],
    ]);
    expect(await server.read(`${name}_count`)).toBe(3);
    expect((await server.read(`${name}_sum`))! / day).toBeCloseTo(210.5, 1);
  });
});

describe('what is in force', () => {
  test('connections are counted, and a revocation is an eviction, a reload and one more entry', async () => {
    const server = await startMeasured();
    const client1 = server.root.client('client1');
    const client2 = server.root.client('client2');
    expect(await server.read('mtls_connections')).toBe(0);
    const [one, two] = [server.as(client1, { keepAlive: true }), server.as(client2, { keepAlive: true })];
    await one.get();
    await two.get();
    expect(await server.read('mtls_connections')).toBe(2);
    expect(await server.read('mtls_evictions_total', { reason: 'revoked' })).toBe(0);

    const before = await server.read('mtls_last_reload_success_timestamp_seconds');
    expect(before).toBeGreaterThan(Date.now() / 1000 - 60);
    expect(before).toBeLessThan(Date.now() / 1000 + 60);
    expect(await server.read('mtls_reload_duration_seconds_count')).toBe(0);
    publish(server.files.crl, server.root.crl({ revoked: [client2], number: 2 }).pem);
    await until(() => two.connection.isClosed, 'client2 is disconnected');
    await until(async () => (await server.read('mtls_connections')) === 1, 'one connection is left');
    await until(() => server.recorder.events('reloaded').length === 1, 'the reload is told');
    expect(await server.read('mtls_evictions_total', { reason: 'revoked' })).toBe(1);
    expect(await server.read('mtls_crl_entries', { issuer: 'CN=ca', source: server.files.crl })).toBe(1);
    expect(await server.read('mtls_reloads_total', { outcome: 'succeeded' })).toBe(1);
    expect(await server.read('mtls_reload_duration_seconds_count')).toBe(1);
    const durationMs = server.recorder.events('reloaded')[0]!.durationMs;
    expect(await server.read('mtls_reload_duration_seconds_sum')).toBe(durationMs / 1000);
    expect(await server.read('mtls_last_reload_success_timestamp_seconds')).toBeGreaterThan(before!);
    expect(await server.read('mtls_handshakes_total', { outcome: 'refused', reason: 'revoked' })).toBe(0);
  });

  test('the age of a CRL and its remaining time follow the clock, even past its nextUpdate', async () => {
    const root = ca('ca');
    const crl = root.crl({ thisUpdate: inMs(-hourMs), nextUpdate: inMs(hourMs) }).pem;
    const server = await startMeasured({ root, crl });
    const labels = { issuer: 'CN=ca', source: server.files.crl };
    const figures = async (): Promise<number[]> => {
      const age = await server.read('mtls_crl_age_seconds', labels);
      const remaining = await server.read('mtls_crl_remaining_seconds', labels);
      const healthy = await server.read('mtls_crls_healthy');
      return [Math.round(age! / 60), Math.round(remaining! / 60), healthy!];
    };
    expect(await figures()).toEqual([60, 60, 1]);
    server.clock.advance(1.5 * hourMs);
    expect(await figures()).toEqual([150, -30, 0]);
  });

  test('a CRL without a nextUpdate has infinite remaining time, and a server without CRLs has no CRL figures', async () => {
    const root = ca('ca');
    const eternal = await startMeasured({ root, crl: root.crl({ nextUpdate: null }).pem });
    const labels = { issuer: 'CN=ca', source: eternal.files.crl };
    expect(await eternal.read('mtls_crl_remaining_seconds', labels)).toBe(Infinity);
    const without = await startMeasured({ crl: null });
    expect((await scrape(without.register)).filter(({ name }) => name.startsWith('mtls_crl_'))).toEqual([]);
    expect(await without.read('mtls_crls_healthy')).toBe(1);
  });

  test.each([
    ['the base', 3, 1],
    ['the delta', 1, 3],
  ])(
    'CRLs of one issuer in one file are combined, by earliest nextUpdate and oldest thisUpdate: %s',
    async (_which, baseHours, deltaHours) => {
      const root = ca('ca');
      const dates = (hours: number): { thisUpdate: Date; nextUpdate: Date } => ({
        thisUpdate: inMs((hours - 10) * hourMs),
        nextUpdate: inMs(hours * hourMs),
      });
      const revoked = [{ serial: '1001' }, { serial: '1002' }];
      const base = root.crl({ number: 4, revoked, ...dates(baseHours) });
      const delta = root.crl({ number: 5, delta: 4, revoked: revoked.slice(1), ...dates(deltaHours) });
      const server = await startMeasured({ root, crl: base.pem + delta.pem });
      const labels = { issuer: 'CN=ca', source: server.files.crl };
      expect(await server.read('mtls_crl_entries', labels)).toBe(3);
      expect(Math.round((await server.read('mtls_crl_remaining_seconds', labels))! / 3600)).toBe(1);
      expect(Math.round((await server.read('mtls_crl_age_seconds', labels))! / 3600)).toBe(9);
    },
  );

  test('a CRL that a name in sni shares is counted once', async () => {
    const root = ca('ca');
    const named = root.server({ sans: { dns: ['a.example'] } });
    const { files } = material({ root, crl: root.crl({ revoked: [{ serial: '1001' }] }).pem });
    const own = { key: named.keyPem, cert: named.pem, ca: files.ca, crl: files.crl };
    const server = await startMeasured({ root, options: { crl: files.crl, sni: { 'a.example': own } } });
    expect(server.mtls.revocation.crls).toHaveLength(2);
    expect(await server.read('mtls_crl_entries', { issuer: 'CN=ca', source: files.crl })).toBe(1);
  });

  test('a CA without a CRL is counted', async () => {
    const [root, other] = [ca('ca'), ca('other')];
    const server = await startMeasured({ root, cas: [root, other] });
    expect(await server.read('mtls_uncovered_cas')).toBe(1);
  });

  test("the server's own certificate and that of a name have a remaining time", async () => {
    const root = ca('ca');
    const named = root.server({ sans: { dns: ['a.example'] }, notAfter: inMs(5 * hourMs) });
    const server = await startMeasured({
      root,
      serverCertificate: root.server({ notAfter: inMs(2 * hourMs) }),
      options: { sni: { 'a.example': { key: named.keyPem, cert: named.pem } } },
    });
    const name = 'mtls_server_certificate_remaining_seconds';
    const hours = async (labels: Record<string, string>): Promise<number> =>
      Math.round((await server.read(name, labels))! / 3600);
    expect(await hours({})).toBe(2);
    expect(await hours({ servername: 'a.example' })).toBe(5);
    // Half of a new pair changes nothing; the other half does.
    const renewed = root.server({ notAfter: inMs(7 * hourMs) });
    publish(server.files.key, renewed.keyPem);
    await expect(server.mtls.reload()).rejects.toThrow('does not belong to the certificate');
    expect(await hours({})).toBe(2);
    expect(await server.read('mtls_last_reload_successful')).toBe(0);
    publish(server.files.cert, renewed.pem);
    await server.mtls.reload();
    expect(await hours({})).toBe(7);
    expect(await server.read('mtls_last_reload_successful')).toBe(1);
  });
});

describe('a reload that fails', () => {
  test('is counted once under its code, and reported until the sources are valid again', async () => {
    const server = await startMeasured({ options: { watch: false } });
    const good = server.root.crl({ number: 5 }).pem;
    publish(server.files.crl, good);
    await server.mtls.reload();
    const failed = { outcome: 'failed', code: 'ERR_MTLS_CRL_SIGNATURE_INVALID' };
    expect(await server.read('mtls_reloads_total', failed)).toBe(0);
    expect(await server.read('mtls_last_reload_successful')).toBe(1);
    expect(server.mtls.fault).toBeUndefined();

    publish(
      server.files.crl,
      ca({ commonName: 'ca', subjectKeyId: server.root.keyId }).crl({ number: 6 }).pem,
    );
    for (let times = 0; times < 2; times++) await expect(server.mtls.reload()).rejects.toThrow();
    expect(await server.read('mtls_reloads_total', failed)).toBe(1);
    expect(await server.read('mtls_last_reload_successful')).toBe(0);
    expect(server.mtls.fault?.code).toBe(failed.code);

    // The file that is in force comes back: nothing is reloaded, and nothing is wrong any more.
    publish(server.files.crl, good);
    expect((await server.mtls.reload()).changed).toBe(false);
    expect(await server.read('mtls_last_reload_successful')).toBe(1);
    expect(await server.read('mtls_reloads_total', { outcome: 'succeeded' })).toBe(1);
  });
});

describe('requests', () => {
  /** An app that counts its requests, once its server has metrics. */
  function countedApp(): { app: express.Express; count(metrics: MtlsMetrics): void } {
    let counted: MtlsMetrics | undefined;
    const app = express();
    app.use((req, res, next) => {
      counted!.countRequests(req, res, next);
    });
    app.use(clientIdentity());
    app.get('/', (_req, res) => res.send('hello'));
    app.get('/admin', requireClient({ commonName: 'client1' }), (_req, res) => res.send('welcome'));
    app.use(mtlsErrorHandler());
    return { app, count: (metrics) => (counted = metrics) };
  }

  test('are counted without names by default', async () => {
    const { app, count } = countedApp();
    const server = await startMeasured({ app });
    count(server.metrics);
    for (const name of ['client1', 'client2']) await server.as(server.root.client(name)).get();
    expect(await server.read('mtls_requests_total')).toBe(2);
  });

  test('are counted by client up to the limit, and together for the others', async () => {
    const { app, count } = countedApp();
    const server = await startMeasured({ app, options: { clients: 'optional' } }, { requestsByClient: 2 });
    count(server.metrics);
    for (const name of ['client1', 'client2', 'client3', 'client4', 'client1', 'client4'])
      await server.as(server.root.client(name)).get();
    await server.as(server.root.client({ commonName: 'x'.repeat(3000) })).get();
    await server.as().get();
    const requests = (await scrape(server.register)).filter(({ name }) => name === 'mtls_requests_total');
    expect(Object.fromEntries(requests.map(({ labels, value }) => [labels['client'], value]))).toEqual({
      client1: 2,
      client2: 1,
      other: 4,
      anonymous: 1,
    });
  });

  test('have the SPIFFE ID or the subject of a client without a commonName, and long names are truncated', async () => {
    const { app, count } = countedApp();
    const server = await startMeasured({ app }, { requestsByClient: 10 });
    count(server.metrics);
    const spiffeId = 'spiffe://example.org/billing';
    const nameless = { organization: 'Example', commonName: [] };
    await server.as(server.root.client({ ...nameless, sans: { uri: [spiffeId] } })).get();
    await server.as(server.root.client(nameless)).get();
    await server.as(server.root.client({ commonName: 'x'.repeat(3000) })).get();
    const requests = (await scrape(server.register)).filter(({ name }) => name === 'mtls_requests_total');
    expect(requests.map(({ labels }) => labels['client'])).toEqual([
      spiffeId,
      'O=Example',
      `CN=${'x'.repeat(125)}`,
    ]);
  });

  test('that a rule forbids are counted', async () => {
    const { app, count } = countedApp();
    const server = await startMeasured({ app });
    count(server.metrics);
    expect(await server.read('mtls_forbidden_requests_total')).toBe(0);
    expect((await server.as(server.root.client('client2')).get('/admin')).status).toBe(403);
    expect((await server.as(server.root.client('client1')).get('/admin')).status).toBe(200);
    expect(await server.read('mtls_forbidden_requests_total')).toBe(1);
  });
});

describe('the register', () => {
  test("is prom-client's own by default", async () => {
    const { mtls, as, root } = await startServer();
    const metrics = collect(mtls);
    await as(root.client('client1')).get();
    expect(await read(globalRegister, 'mtls_handshakes_total', { outcome: 'admitted' })).toBe(1);
    expect(hasSubscribers('express-mtls.authenticated')).toBe(true);
    metrics.close();
    expect(await scrape(globalRegister)).toEqual([]);
    expect(hasSubscribers('express-mtls.authenticated')).toBe(false);
  });

  test('distinguishes two servers by label, and removes one without the other', async () => {
    const register = new Registry();
    const one = await startServer();
    const two = await startServer();
    const first = collect(one.mtls, { register, server: 'one' });
    const second = collect(two.mtls, { register, server: 'two' });
    await one.as(one.root.client('client1')).get();
    await two.as(two.root.client('client1')).get();
    await two.as(two.root.client('client2')).get();
    const admitted = { outcome: 'admitted' };
    expect(await read(register, 'mtls_handshakes_total', { server: 'one', ...admitted })).toBe(1);
    expect(await read(register, 'mtls_handshakes_total', { server: 'two', ...admitted })).toBe(2);
    const ofEach = (samples: Awaited<ReturnType<typeof scrape>>): Set<string | undefined> =>
      new Set(samples.map(({ labels }) => labels['server']));
    expect(ofEach(await scrape(register))).toEqual(new Set(['one', 'two']));

    first.close();
    expect(ofEach(await scrape(register))).toEqual(new Set(['two']));
    await one.as(one.root.client('client1')).get();
    await two.as(two.root.client('client1')).get();
    expect(await read(register, 'mtls_handshakes_total', { server: 'two', ...admitted })).toBe(3);
    second.close();
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  test('accepts a removed server again, from zero', async () => {
    const server = await startMeasured();
    await server.as(server.root.client('client1')).get();
    server.metrics.close();
    server.metrics.close();
    const again = collect(server.mtls, { register: server.register });
    expect(await server.read('mtls_handshakes_total', { outcome: 'admitted' })).toBe(0);
    await server.as(server.root.client('client1')).get();
    expect(await server.read('mtls_handshakes_total', { outcome: 'admitted' })).toBe(1);
    expect(await server.read('mtls_handshakes_total', { outcome: 'refused', reason: 'expired' })).toBe(0);
    again[Symbol.dispose]();
    expect(await scrape(server.register)).toEqual([]);
  });

  test('is not affected by a second close()', async () => {
    const register = new Registry();
    const [one, two] = [await startServer(), await startServer()];
    collect(one.mtls, { register, server: 'one' });
    const before = collect(two.mtls, { register, server: 'two' });
    before.close();
    collect(two.mtls, { register, server: 'two' });
    before.close();
    expect(await read(register, 'mtls_connections', { server: 'two' })).toBe(0);
  });

  test('can be cleared and filled again', async () => {
    const server = await startMeasured();
    server.register.clear();
    collect(server.mtls, { register: server.register });
    expect(await server.read('mtls_connections')).toBe(0);
    server.metrics.close();
    expect(await server.read('mtls_connections')).toBe(0);
  });

  test('aggregates the workers of a cluster: counts are summed, and the worst state is used', async () => {
    const root = ca('ca');
    const [early, late] = [inMs(hourMs), inMs(3 * hourMs)];
    const workers = [
      await startMeasured({ root, crl: root.crl({ nextUpdate: late }).pem }),
      await startMeasured({ root, crl: root.crl({ nextUpdate: early }).pem }),
    ];
    for (const worker of workers) await worker.as(root.client('client1'), { keepAlive: true }).get();
    workers[1]?.clock.advance(2 * hourMs);
    const together = AggregatorRegistry.aggregate(
      await Promise.all(workers.map(({ register }) => register.getMetricsAsJSON())),
    );
    const samples = parseScrape(await together.metrics());
    const valueOf = (name: string): number =>
      samples.find((sample) => sample.name === name && sample.labels['outcome'] !== 'refused')!.value;
    expect(valueOf('mtls_handshakes_total')).toBe(2);
    expect(valueOf('mtls_connections')).toBe(2);
    expect(valueOf('mtls_crls_healthy')).toBe(0);
    expect(valueOf('mtls_last_reload_successful')).toBe(1);
    expect(valueOf('mtls_client_certificate_remaining_seconds_count')).toBe(2);
  });

  test('can write OpenMetrics', async () => {
    const register = new Registry<OpenMetricsContentType>();
    register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    const { mtls } = await startServer();
    const metrics = collect(mtls, { register });
    expect(await register.metrics()).toContain('\nmtls_reloads_total{outcome="succeeded"} 0\n');
    metrics.close();
    expect(await register.metrics()).not.toContain('mtls_');
  });

  test('has names with another prefix, and no names or serial numbers of clients', async () => {
    const root = ca('ca');
    const server = await startMeasured(
      { root, crl: root.crl({ revoked: [{ serial: '1002' }] }).pem },
      { prefix: 'gate_' },
    );
    await server.as(root.client('somebody')).get();
    await server.as(root.client({ commonName: 'somebody else', serial: '1002' })).get();
    const text = await server.register.metrics();
    expect(await server.read('gate_handshakes_total', { outcome: 'admitted' })).toBe(1);
    expect(text).not.toMatch(/mtls_|somebody|1002/);
  });
});

describe('errors', () => {
  test.each<[string, object, string]>([
    ['a prefix', { prefix: 'my-app ' }, 'prefix is "my-app "; expected a prefix such as \'mtls_\''],
    ['an empty prefix', { prefix: '' }, 'prefix is ""; expected a prefix such as \'mtls_\''],
    ['a server', { server: '' }, 'server is ""; expected a name for the server'],
    ['a number', { requestsByClient: true }, 'requestsByClient is true; expected an integer from 0 to 10000'],
    [
      'a misspelt option',
      { registry: undefined },
      'the options of collectMetrics() has the unknown key "registry"',
    ],
  ])('%s is rejected, with what is allowed', async (_what, options, message) => {
    const { mtls } = await startServer();
    const attempt = (): unknown => collect(mtls, { register: new Registry(), ...options });
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_MTLS_OPTION_INVALID' }));
  });

  test('a server in place of its handle is rejected', async () => {
    const { server } = await startServer();
    expect(() => collect(server as never)).toThrow(/expected the handle: server\.mtls/);
  });

  test('a second server without its own label is rejected, and the first one keeps counting', async () => {
    const server = await startMeasured();
    const { mtls } = await startServer();
    expect(() => collect(mtls, { register: server.register })).toThrow(
      /already has a server without a label; close\(\) its metrics, or give each server its own label/,
    );
    await server.as(server.root.client('client1')).get();
    expect(await server.read('mtls_handshakes_total', { outcome: 'admitted' })).toBe(1);
  });

  test('a register with another metric of that name is rejected and left unchanged', async () => {
    const { Gauge } = await import('prom-client');
    const register = new Registry();
    const mine = new Gauge({ name: 'mtls_connections', help: 'mine', registers: [register] });
    const { mtls } = await startServer();
    expect(() => collect(mtls, { register })).toThrow(/already has another metric "mtls_connections"/);
    expect(register.getMetricsAsArray()).toEqual([mine]);
  });
});

test('a listener that throws does not affect the figures', async () => {
  const server = await startServer();
  server.mtls.on('authenticated', () => {
    throw new Error('mine');
  });
  const register = new Registry();
  collect(server.mtls, { register });
  await server.as(server.root.client('client1')).get();
  expect(await read(register, 'mtls_handshakes_total', { outcome: 'admitted' })).toBe(1);
  expect(takeWarnings()).toEqual(["a listener of 'authenticated' threw: Error: mine"]);
});
