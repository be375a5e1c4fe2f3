/**
 * The status page and its probe: who gets them, what they tell, and what they never tell.
 *
 * @module
 */
import { renameSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import express4 from 'express4';
import { mtlsErrorHandler, protect, requireClient, type MtlsOptions } from 'express-mtls';
import { type StatusOptions, type StatusReport, statusRouter } from 'express-mtls/status';
import { ca, type CertificateAuthority } from '../support/chain.js';
import type { Answer } from '../support/client.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import {
  http2Server,
  listen,
  material,
  publish,
  startServer,
  type TestServer,
  until,
} from '../support/server.js';
import { takeWarnings } from '../support/warnings.js';

const access = { organizationalUnit: 'operators' };
const browser = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

interface Watched extends TestServer {
  readonly root: CertificateAuthority;
  /** The page for a client that is allowed to see it. */
  report(path?: string): Promise<StatusReport>;
  page(): Promise<Answer>;
}

interface WatchedOptions {
  readonly root?: CertificateAuthority;
  readonly crl?: string;
  readonly options?: Partial<MtlsOptions>;
  readonly status?: Partial<StatusOptions>;
  readonly makeApp?: () => express.Express;
}

/** A server with a status page under /status that has a guard, and a client who may see it. */
async function watched(given: WatchedOptions = {}): Promise<Watched> {
  const root = given.root ?? ca('ca');
  const app = (given.makeApp ?? express)();
  app.get('/', (_req, res) => res.send('hello'));
  const server = await startServer({
    root,
    app,
    ...(given.crl === undefined ? {} : { crl: given.crl }),
    options: { clients: 'optional', ...given.options },
  });
  app.use('/status', statusRouter(server.mtls, { access, now: server.clock.now, ...given.status }));
  app.use((_req, res) => res.status(404).send('nothing here'));
  const operator = root.client({ commonName: 'op', organizationalUnit: 'operators' });
  return {
    ...server,
    report: async (path = '/status') => {
      const { status, body } = await server.as(operator).get(path);
      expect(status).toBe(200);
      return JSON.parse(body) as StatusReport;
    },
    page: async () => await server.as(operator).get('/status', browser),
  };
}

describe.each([
  ['5', () => express()],
  ['4', () => express4()],
])('with Express %s', (_version, makeApp) => {
  test('the page is JSON for programs and HTML for browsers, with restrictive headers', async () => {
    const { page, report, as, root } = await watched({ makeApp });
    const html = await page();
    expect(html).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': expect.stringMatching(
          /^default-src 'none'; style-src 'sha256-[\w+/=]{44}'; .*frame-ancestors 'none'$/,
        ),
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        vary: 'Accept',
      },
    });
    expect(html.body).toMatch(/^<!doctype html>[^]*<\/html>\n$/);
    expect(await report()).toMatchObject({ ready: true, clients: { connections: 1, total: 1 } });
    expect(await report('/status/')).toMatchObject({ ready: true });
    expect(await report('/status?x=/ready')).toMatchObject({ ready: true });
    const operator = root.client({ organizationalUnit: 'operators' });
    const headers = { accept: 'application/json' };
    expect(await as(operator).get('/status', { headers })).toMatchObject({
      headers: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' },
    });
  });

  test('it can be mounted on a router that was created before the server, ahead of a catch-all handler', async () => {
    const root = ca('ca');
    const app = makeApp();
    const place = express.Router();
    app.use('/status', place);
    app.use((_req, res) => res.status(404).send('nothing here'));
    const server = await startServer({ root, app });
    const client = server.as(root.client('client1'));
    expect(await client.get('/status')).toMatchObject({ status: 404 });
    place.use(statusRouter(server.mtls, { access: { commonName: 'client1' } }));
    expect(await client.get('/status', browser)).toMatchObject({ status: 200 });
    expect(await client.get('/status/ready')).toMatchObject({ status: 200, body: '{"ready":true}\n' });
    expect(await client.get('/status/else')).toMatchObject({ status: 404 });
  });

  test('HEAD has only the headers, other methods are not allowed, and other paths are passed on', async () => {
    const { as, root } = await watched({ makeApp });
    const operator = as(root.client({ organizationalUnit: 'operators' }));
    for (const path of ['/status', '/status/ready', '/status/ready/']) {
      const got = await operator.get(path);
      const head = await operator.get(path, { method: 'HEAD' });
      expect(head).toMatchObject({ status: 200, body: '' });
      expect(head.headers['content-type']).toBe(got.headers['content-type']);
      expect(Number(head.headers['content-length'])).toBeGreaterThan(10);
      const post = await operator.get(path, { method: 'POST' });
      expect(post).toMatchObject({ status: 405, body: '', headers: { allow: 'GET, HEAD' } });
    }
    for (const path of ['/status/other', '/status/ready/more', '/status/READY'])
      expect(await operator.get(path)).toMatchObject({ status: 404, body: 'nothing here' });
    // As a proxy asks: with the whole URL.
    expect(await operator.get('https://localhost/status/ready')).toMatchObject({ status: 200 });
  });

  test.each(['/status', '/status/ready'])('%s is only for clients that the rule allows', async (path) => {
    const { as, root } = await watched({ makeApp });
    const nobody = await as().get(path, browser);
    const other = await as(root.client('client1')).get(path, browser);
    const answers = [
      [nobody, 401, 'Unauthorized', 'ERR_MTLS_CERTIFICATE_REQUIRED'],
      [other, 403, 'Forbidden', 'ERR_MTLS_CLIENT_FORBIDDEN'],
    ] as const;
    for (const [answer, status, title, code] of answers) {
      expect(answer.status).toBe(status);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(answer.body).toBe(`${JSON.stringify({ type: 'about:blank', title, status, code })}\n`);
    }
    for (const method of ['HEAD', 'POST', 'DELETE'])
      expect(await as().get(path, { method })).toMatchObject({ body: '' });
    expect(await as().get(path, { method: 'HEAD' })).toMatchObject({ status: 401 });
  });
});

describe('the report', () => {
  test('has the CAs and CRLs in force, and files without directories', async () => {
    const { report, files, page, directory } = await watched();
    const { authorities, crls } = await report();
    expect(authorities).toEqual({
      total: 1,
      list: [
        {
          subject: 'CN=ca',
          issuer: 'CN=ca',
          serialNumber: expect.stringMatching(/^[0-9a-f]+$/),
          notBefore: expect.stringMatching(/^\d{4}-.*Z$/),
          notAfter: expect.stringMatching(/^\d{4}-.*Z$/),
          state: 'current',
          names: ['*'],
          crl: 'loaded',
        },
      ],
    });
    expect(crls).toMatchObject({
      total: 1,
      list: [{ issuer: 'CN=ca', number: '1', source: 'ca-crl.pem', entries: 0, state: 'current', left: 1 }],
    });
    expect((await page()).body).not.toContain(directory);
    const open = await watched({ status: { sources: 'paths' } });
    expect((await open.report()).crls.list[0]).toMatchObject({ source: open.files.crl });
    expect(files.crl).toMatch(/\/ca-crl\.pem$/);
  });

  test('has the connected clients, each once, and no disconnected ones', async () => {
    const { report, as, root } = await watched();
    const [one, two] = [root.client('client1'), root.client('client2')];
    const open = await Promise.all([as(one).open(), as(one).open(), as(two).open(), as().open()]);
    await until(async () => (await report()).clients.connections === 4, 'all are in');
    const { clients } = await report();
    expect(clients).toMatchObject({ connections: 4, total: 3 });
    expect(clients.list[0]).toEqual({
      subject: 'CN=client1',
      issuer: 'CN=ca',
      serialNumber: one.serial,
      fingerprint256: one.x509.fingerprint256,
      notAfter: one.notAfter.toISOString(),
      connections: 2,
      since: expect.any(String),
      addresses: ['127.0.0.1'],
      addressCount: 1,
    });
    expect(open).toHaveLength(4);
  });

  test('has the refusals, evictions and reloads since the page was created, including failed ones', async () => {
    const { report, as, root, files, mtls, page, directory } = await watched({ options: { watch: false } });
    const client2 = root.client('client2');
    expect(await as(client2, { keepAlive: true }).get()).toMatchObject({ status: 200 });
    publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    await mtls.reload();
    expect(await as(client2).get()).toMatchObject({ status: 'refused' });
    expect(await as(ca('elsewhere').client('stranger')).get()).toMatchObject({ status: 'refused' });
    publish(files.crl, 'no CRL at all');
    await mtls.reload().catch(() => undefined);
    const { refusals, evictions, reloads, since, at } = await report();
    expect(since < at).toBe(true);
    const convicted = {
      reason: 'revoked',
      code: 'ERR_MTLS_CERTIFICATE_REVOKED',
      detail: expect.stringContaining('CRL number 2 of "CN=ca"'),
      subject: 'CN=client2',
      serialNumber: client2.serial,
      remoteAddress: '127.0.0.1',
      count: 1,
    };
    expect(refusals).toMatchObject({
      total: 2,
      byReason: { revoked: 1, untrusted: 1 },
      list: [{ reason: 'untrusted', subject: 'CN=stranger' }, convicted],
    });
    expect(evictions).toMatchObject({ total: 1, byReason: { revoked: 1 }, list: [convicted] });
    expect(reloads).toMatchObject({
      total: 2,
      failed: 1,
      list: [
        { outcome: 'failed', code: 'ERR_MTLS_PEM_INVALID', message: expect.stringMatching(/^ca-crl\.pem: /) },
        { outcome: 'reloaded', added: 1, removed: 0, evicted: 1 },
      ],
    });
    const { body } = await page();
    expect(body).toContain('<bdi>ca-crl.pem</bdi> has been at fault for');
    expect(body).not.toContain(directory);
    publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    await mtls.reload();
    expect((await page()).body).not.toContain('has been at fault for');
    expect((await report()).reloads.list.slice(0, 2)).toMatchObject([
      { outcome: 'reloaded' },
      { outcome: 'recovered', source: 'ca-crl.pem', code: 'ERR_MTLS_PEM_INVALID' },
    ]);
    expect(JSON.stringify([refusals, evictions, reloads])).not.toContain(directory);
  });

  test('has refusals for which an earlier listener throws or rejects', async () => {
    const app = express();
    const root = ca('ca');
    const { mtls, as } = await startServer({ root, app });
    mtls.on('refused', () => {
      throw new Error('a fault');
    });
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- a listener may be an async function
    mtls.on('refused', async () => Promise.reject(new Error('another')));
    app.use(statusRouter(mtls, { access: 'anyone' }));
    expect(await as().get()).toMatchObject({ status: 'refused' });
    const { body } = await as(root.client('client1')).get('/');
    expect(JSON.parse(body)).toMatchObject({ refusals: { total: 1 } });
    expect(takeWarnings()).toEqual([
      "a listener of 'refused' threw: Error: a fault",
      "a listener of 'refused' rejected: Error: another",
    ]);
  });

  test('has the last 50 reloads, and a line for each fault', async () => {
    const { report, root, files, mtls } = await watched({ options: { watch: false } });
    for (let number = 2; number <= 53; number++) {
      publish(files.crl, root.crl({ number }).pem);
      await mtls.reload();
    }
    publish(files.key, 'no key');
    publish(files.ca, 'no CA');
    await mtls.reload().catch(() => undefined);
    const { reloads } = await report();
    expect([reloads.total, reloads.failed, reloads.list.length]).toEqual([54, 2, 50]);
    expect(reloads.list.slice(0, 2)).toMatchObject([
      { outcome: 'failed', source: 'ca-crt.pem' },
      { outcome: 'failed', source: 'server-key.pem' },
    ]);
  });

  test('escapes invisible characters in file names', async () => {
    const root = ca('ca');
    const directory = temporaryDirectory();
    const { crl } = writeMaterial(directory, { crl: root.crl().pem });
    const odd = `${crl}\u202e<b>.pem`;
    renameSync(crl, odd);
    const { report, page, mtls } = await watched({ root, options: { watch: false, crl: odd } });
    publish(odd, 'no CRL');
    await mtls.reload().catch(() => undefined);
    const { crls, reloads } = await report();
    expect(crls.list).toMatchObject([{ source: 'crl\\u{202e}<b>.pem' }]);
    expect(reloads.list).toMatchObject([{ message: expect.stringContaining('crl\\u{202e}<b>.pem: ') }]);
    expect((await page()).body).not.toMatch(/\u202e|<b>/);
  });

  test('contains no key and no complete certificate', async () => {
    const { report, page, as, root } = await watched();
    await as(root.client('client1')).open();
    const shown = JSON.stringify(await report()) + (await page()).body;
    expect(shown).not.toMatch(/PRIVATE|BEGIN|-----/);
    expect(shown).not.toContain(root.der.toString('base64').slice(0, 60));
  });

  test('counts what it does not list', async () => {
    const root = ca('ca');
    const others = Array.from({ length: 104 }, (_, index) => ca(`other${index}`));
    const { files, mtls, ...server } = await watched({ root });
    publish(files.ca, [root, ...others].map(({ pem }) => pem).join(''));
    await mtls.reload();
    const { authorities } = await server.report();
    expect([authorities.total, authorities.list.length]).toEqual([105, 100]);
    expect(authorities.list[1]).toMatchObject({ subject: 'CN=other0', crl: 'missing' });
    expect((await server.page()).body).toContain('5 more are not listed');
  });

  test('has the forbidden requests, with the whole path and without the query', async () => {
    const { report, page, as, root } = await watched({
      makeApp: () => {
        const app = express();
        app.use('/reports', requireClient({ commonName: 'boss' }));
        app.use(mtlsErrorHandler());
        return app;
      },
    });
    const client1 = root.client('client1');
    for (const query of ['a=1', 'a=2'])
      expect(await as(client1).get(`/reports/7?${query}`)).toMatchObject({ status: 403 });
    const { forbidden, refusals } = await report();
    expect(refusals.total).toBe(0);
    expect(forbidden).toMatchObject({ total: 2, lastHour: { total: 2 } });
    expect(forbidden.list).toEqual([
      {
        at: expect.any(String),
        firstAt: expect.any(String),
        count: 2,
        subject: 'CN=client1',
        serialNumber: client1.serial,
        remoteAddress: '127.0.0.1',
        method: 'GET',
        url: '/reports/7',
        rule: '{ commonName: "boss" }',
        refusedBy: ['commonName'],
      },
    ]);
    expect((await page()).body).toContain('<bdi>GET /reports/7</bdi>');
  });

  test('counts the refusals of the last hour', async () => {
    const { report, as, clock } = await watched();
    const stranger = ca('elsewhere').client('stranger');
    expect(await as(stranger).get()).toMatchObject({ status: 'refused' });
    expect((await report()).refusals.lastHour).toMatchObject({ total: 1 });
    clock.advance(3_600_000);
    const { refusals } = await report();
    expect(refusals).toMatchObject({ total: 1, lastHour: { total: 0, byReason: {} } });
  });

  test('has the certificates of the server and of its names, and what expires first', async () => {
    const root = ca('ca');
    const own = root.server({ sans: { dns: ['a.example'] }, notAfter: new Date(Date.now() + 3_600_000) });
    const sni = { 'a.example': { key: own.keyPem, cert: own.pem } };
    const { report } = await watched({ root, options: { sni } });
    const { certificates, expiries } = await report();
    expect(certificates).toMatchObject({
      total: 2,
      list: [{ servername: null }, { servername: 'a.example' }],
    });
    expect(expiries.list).toMatchObject([
      {
        kind: 'server-certificate',
        name: 'a.example',
        source: null,
        expiresAt: own.notAfter.toISOString(),
        state: 'current',
      },
      { kind: 'server-certificate', name: null },
      { kind: 'crl', name: 'CN=ca', source: 'ca-crl.pem, number 1' },
      { kind: 'ca', name: 'CN=ca' },
    ]);
  });

  test('states that there is no CRL', async () => {
    const app = express();
    const root = ca('ca');
    const server = await startServer({ root, app, crl: null });
    app.use('/status', statusRouter(server.mtls, { access: { commonName: 'client1' } }));
    const { body } = await server.as(root.client('client1')).get('/status');
    expect(JSON.parse(body)).toMatchObject({
      ready: true,
      authorities: { list: [{ crl: 'not-configured' }] },
      crls: { total: 0, list: [] },
    });
  });
});

describe('what certificates say', () => {
  const names = [
    ['a script', '<script>alert(1)</script>'],
    ['an end of an attribute', `"><img src=x onerror='alert(1)'>`],
    ['control characters', 'a\n\u001b[31mb\0'],
    ['a turned direction', 'abc\u202egnp.exe\u2066'],
    ['a comment', '--><!-- & &amp; ]]>'],
  ] as const;

  test.each(names)('is only text if it is %s', async (_what, commonName) => {
    const root = ca('ca');
    const { as, page, report, mtls, files } = await watched({ root, options: { watch: false } });
    const [connected, revoked] = [root.client({ commonName }), root.client({ commonName })];
    publish(files.crl, root.crl({ number: 2, revoked: [revoked] }).pem);
    await mtls.reload();
    await as(connected).open();
    expect(await as(revoked).get()).toMatchObject({ status: 'refused' });
    expect(await as(ca({ commonName }).client({ commonName })).get()).toMatchObject({ status: 'refused' });
    const { body } = await page();
    expect(body.match(/<script|<img|<!--|onerror='|[\0\u001b\u202e\u2066]/g)).toBeNull();
    const tags = new Set(body.match(/<[a-z]+/g));
    for (const tag of tags)
      expect(
        '<html <head <meta <title <style <body <header <footer <h <p <a <main <section <div <strong <ul <li <details <summary <table <caption <thead <tr <th <tbody <td <bdi <br <span <code <time <meter <svg <circle <path <rect <line <text'.split(
          ' ',
        ),
      ).toContain(tag);
    const { clients, refusals } = await report();
    const subject = clients.list.find(
      ({ fingerprint256 }) => fingerprint256 === connected.x509.fingerprint256,
    )?.subject;
    expect(subject).toMatch(/^CN=/);
    expect(refusals.list.map((each) => each.subject)).toEqual([subject, subject]);
    expect(JSON.stringify(refusals)).not.toMatch(/[\0-\u001f\u202a-\u202e\u2066-\u2069]/);
  });
});

describe('the probe', () => {
  const ready = (given: Answer): unknown => [given.status, given.body && (JSON.parse(given.body) as unknown)];

  test('is ready while a CRL is current, and otherwise states why not', async () => {
    const root = ca('ca');
    const nextUpdate = new Date(Date.now() + 3_600_000);
    const crl = root.crl({ nextUpdate }).pem;
    const { as, clock, report, page } = await watched({
      root,
      crl,
      options: { revocation: { stale: 'allow' } },
      status: { ready: 'open' },
    });
    expect(ready(await as().get('/status/ready'))).toEqual([200, { ready: true }]);
    expect((await as().get('/status/ready')).headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
    });
    clock.advance(7_200_000);
    const reason = 'every CRL is past its nextUpdate';
    expect(ready(await as().get('/status/ready'))).toEqual([503, { ready: false, reason }]);
    expect(ready(await as().get('/status/ready', { method: 'HEAD' }))).toEqual([503, '']);
    expect(await report()).toMatchObject({ ready: false, crls: { list: [{ state: 'stale', left: 0 }] } });
    const { body } = await page();
    expect(body).toContain('Not ready with 1 problem');
    expect(body).toContain('Every CRL is stale.');
  });

  test('is open to callers without a certificate on request, unlike the page', async () => {
    const { as, root } = await watched({ status: { ready: 'open' } });
    for (const client of [as(), as(root.client('client1'))]) {
      expect(await client.get('/status/ready')).toMatchObject({ status: 200, body: '{"ready":true}\n' });
      expect(await client.get('/status')).toMatchObject({
        headers: { 'content-type': 'application/problem+json' },
      });
    }
  });
});

describe('without an access of its own', () => {
  async function mounted(
    ...guards: express.RequestHandler[]
  ): Promise<TestServer & { root: CertificateAuthority }> {
    const app = express();
    const root = ca('ca');
    const server = await startServer({ root, app, options: { clients: 'optional' } });
    app.use('/status', ...guards, statusRouter(server.mtls));
    app.use(mtlsErrorHandler());
    return { ...server, root };
  }

  test('the page is for clients that the preceding rule allows', async () => {
    const { as, root } = await mounted(requireClient({ commonName: 'client1' }));
    expect(await as(root.client('client1')).get('/status')).toMatchObject({ status: 200 });
    expect(await as(root.client('client1')).get('/status/ready')).toMatchObject({ status: 200 });
    expect(await as(root.client('client2')).get('/status')).toMatchObject({ status: 403 });
    expect(await as().get('/status')).toMatchObject({ status: 401 });
  });

  test('that rule can be asynchronous', async () => {
    const { as, root } = await mounted(
      requireClient(({ commonName }) => Promise.resolve(commonName === 'client1')),
    );
    expect(await as(root.client('client1')).get('/status')).toMatchObject({ status: 200 });
    expect(await as(root.client('client2')).get('/status')).toMatchObject({ status: 403 });
  });

  test('a rule that forbids overrides an earlier one that allowed, even if the app continues', async () => {
    const app = express();
    const root = ca('ca');
    const server = await startServer({ root, app });
    const goOn: express.ErrorRequestHandler = (_error, _req, _res, next) => {
      next();
    };
    const guards = [requireClient({ commonName: ['client1', 'client2'] }), requireClient(access), goOn];
    app.use('/status', ...guards, statusRouter(server.mtls));
    const operator = root.client({ commonName: 'client2', organizationalUnit: 'operators' });
    expect(await server.as(root.client('client1')).get('/status')).toMatchObject({ status: 403 });
    expect(await server.as(operator).get('/status')).toMatchObject({ status: 200 });
  });

  test.each([
    ['nothing before it', []],
    ['a guard without a rule before it', [requireClient()]],
  ])('with %s the page is never shown, and the log has the remedy', async (_what, guards) => {
    const { as, root, recorder } = await mounted(...guards);
    for (const path of ['/status', '/status/ready']) {
      const { status, body } = await as(root.client('client1')).get(path);
      expect([status, JSON.parse(body)]).toMatchObject([403, { code: 'ERR_MTLS_CLIENT_FORBIDDEN' }]);
      expect(Object.keys(JSON.parse(body) as object)).toEqual(['type', 'title', 'status', 'code']);
    }
    expect(await as().get('/status')).toMatchObject({ status: 401 });
    const lines = recorder.linesOf('status-unguarded');
    expect(lines.map(({ level, fields }) => [level, fields['commonName']])).toEqual([
      ['warn', 'client1'],
      ['warn', 'client1'],
    ]);
  });
});

describe('access', () => {
  test('can be an asynchronous rule, and one that fails forbids', async () => {
    const { as, root } = await watched({
      status: {
        access: async ({ commonName }) => {
          await new Promise(setImmediate);
          if (commonName === 'thrower') throw new Error('no');
          return commonName === 'client1';
        },
      },
    });
    expect(await as(root.client('client1')).get('/status')).toMatchObject({ status: 200 });
    expect(await as(root.client('client2')).get('/status')).toMatchObject({ status: 403 });
    expect(await as(root.client('thrower')).get('/status')).toMatchObject({ status: 403 });
  });

  test('can be combined with a guard, which cannot widen it', async () => {
    const app = express();
    const root = ca('ca');
    const server = await startServer({ root, app });
    app.use('/status', requireClient({ commonName: ['client1', 'client2'] }));
    app.use('/status', statusRouter(server.mtls, { access: { commonName: ['client1', 'client3'] } }));
    app.use(mtlsErrorHandler());
    const statusOf = async (name: string): Promise<unknown> =>
      (await server.as(root.client(name)).get('/status')).status;
    expect(await Promise.all(['client1', 'client2', 'client3'].map(statusOf))).toEqual([200, 403, 403]);
  });

  test('to a page on a server without the gate is forbidden, unless it is for anyone', async () => {
    const { mtls } = await watched();
    const routers = {
      guarded: statusRouter(mtls, { access }),
      probed: statusRouter(mtls, { access, ready: 'open' }),
      open: statusRouter(mtls, { access: 'anyone' }),
    };
    const answer = (req: IncomingMessage, res: ServerResponse): void => {
      const [, name = '', path = ''] = /^\/(\w+)(.*)$/.exec(req.url ?? '') ?? [];
      req.url = path;
      routers[name as keyof typeof routers](req, res, () => res.writeHead(404).end());
    };
    const port = await listen(createHttpServer(answer));
    const get = async (path: string): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return `${response.status} ${await response.text()}`;
    };
    for (const path of ['/guarded/', '/guarded/ready', '/probed/'])
      expect(await get(path)).toBe(
        '500 {"type":"about:blank","title":"Internal Server Error","status":500,"code":"ERR_MTLS_SERVER_UNPROTECTED"}\n',
      );
    expect(await get('/probed/ready')).toBe('200 {"ready":true}\n');
    expect(await get('/open/')).toMatch(/^200 \{"at":/);
    expect(await get('/open/ready')).toBe('200 {"ready":true}\n');
    expect(takeWarnings()).toEqual([expect.stringContaining('came through a server without TLS')]);
  });

  test('ends when the client’s certificate is revoked', async () => {
    const { as, root, files, mtls } = await watched({ options: { watch: false } });
    const operator = root.client({ organizationalUnit: 'operators' });
    expect(await as(operator).get('/status')).toMatchObject({ status: 200 });
    publish(files.crl, root.crl({ number: 2, revoked: [operator] }).pem);
    await mtls.reload();
    expect(await as(operator).get('/status')).toMatchObject({ status: 'refused' });
  });

  test.each<[string, unknown, RegExp]>([
    ['access undefined', { access: undefined }, /access is undefined; set it to a rule such as/],
    ['an empty rule', { access: {} }, /the rule is empty/],
    ['a word that is none', { access: 'everyone' }, /a rule is string/],
    ['a misspelt rule', { access: { comonName: 'a' } }, /unknown field "comonName"/],
    [
      'a misspelt option',
      { access: 'anyone', redy: 'open' },
      /unknown key "redy"; did you mean "ready"\? known are access, ready/,
    ],
    ['a word for ready that is none', { access: 'anyone', ready: true }, /ready is true; expected one of/],
    ['a word for sources that is none', { access: 'anyone', sources: 'all' }, /sources is "all"/],
    ['a clock that is none', { access: 'anyone', now: 1 }, /now is 1; expected a function/],
  ])('is required: %s is an error', async (_what, options, message) => {
    const { mtls } = await startServer();
    expect(() => statusRouter(mtls, options as StatusOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_MTLS_OPTION_INVALID', message: expect.stringMatching(message) }),
    );
  });

  test.each([undefined, null, {}, 'mtls'])('to %p is an error, because it is not a handle', (mtls) => {
    expect(() => statusRouter(mtls as never, { access: 'anyone' })).toThrow(/pass server\.mtls/);
  });
});

test('two servers in one process each show their own', async () => {
  const [one, two] = [await watched({ root: ca('one') }), await watched({ root: ca('two') })];
  await one.as(one.root.client('client1')).open();
  await two.as(one.root.client('client1')).get();
  await until(async () => (await one.report()).clients.connections === 2, 'client1 is in');
  const [first, second] = [await one.report(), await two.report()];
  expect(first).toMatchObject({
    authorities: { list: [{ subject: 'CN=one' }] },
    crls: { list: [{ issuer: 'CN=one' }] },
    refusals: { total: 0 },
  });
  expect(second).toMatchObject({
    authorities: { list: [{ subject: 'CN=two' }] },
    clients: { connections: 1, list: [{ subject: expect.stringContaining('CN=op') }] },
    refusals: { total: 1, byReason: { untrusted: 1 } },
  });
});

test('a server with several names shows the CAs, the CRLs and the clients of each', async () => {
  const [root, partner, bare] = [ca('ca'), ca('partner'), ca('bare')];
  const own = root.server({ sans: { dns: ['partner.example'] } });
  const names = writeMaterial(temporaryDirectory(), {
    key: own.keyPem,
    cert: own.pem,
    ca: partner.pem + root.pem,
    crl: partner.crl().pem + root.crl().pem,
  });
  const sni = {
    'partner.example': names,
    'bare.example': { key: own.keyPem, cert: own.pem, ca: [bare.pem, root.pem] },
    'local.example': { key: own.keyPem, cert: own.pem },
  };
  const { report, as, mtls } = await watched({ root, options: { sni } });
  const theirs = partner.client({ commonName: 'theirs' });
  const connection = as(theirs, { servername: 'partner.example', keepAlive: true });
  const host = { headers: { Host: 'partner.example' } };
  expect(await connection.get('/', host)).toMatchObject({ status: 200 });
  expect(await connection.get('/status', host)).toMatchObject({ status: 403 });
  const { authorities, crls, clients } = await report();
  expect(authorities.list.map(({ subject, names: under, crl }) => [subject, under, crl])).toEqual([
    ['CN=ca', ['*', 'partner.example'], 'loaded'],
    ['CN=partner', ['partner.example'], 'loaded'],
    ['CN=bare', ['bare.example'], 'not-configured'],
    // The same CA, whose clients are never revoked under this name.
    ['CN=ca', ['bare.example'], 'not-configured'],
  ]);
  expect(crls.list.map(({ issuer }) => issuer).sort()).toEqual(['CN=ca', 'CN=ca', 'CN=partner']);
  expect(clients.list.map(({ subject }) => subject)).toContain('CN=theirs');
  expect(mtls.authorities).toHaveLength(4);
  expect(Object.isFrozen(mtls.authorities[0]?.names)).toBe(true);
});

test('mtls.authorities is up to date', async () => {
  const root = ca('ca');
  const { mtls, files } = await startServer({ root, options: { watch: false } });
  const [authority] = mtls.authorities;
  expect(authority).toMatchObject({
    serialNumber: root.serial,
    notBefore: root.notBefore,
    notAfter: root.notAfter,
  });
  expect(String(authority?.subject)).toBe('CN=ca');
  authority?.notAfter.setTime(0);
  expect(mtls.authorities[0]).toMatchObject({ notAfter: root.notAfter });
  publish(files.ca, root.pem + ca('next').pem);
  await mtls.reload();
  expect(mtls.authorities.map(({ subject, crl }) => [String(subject), crl])).toEqual([
    ['CN=ca', 'loaded'],
    ['CN=next', 'missing'],
  ]);
});

test('over HTTP/2, on a server made elsewhere, the page and its refusals are the same', async () => {
  const root = ca('ca');
  const written = material({ root });
  const server = http2Server(written);
  const mtls = await protect(server, { ...written.options, clients: 'optional' });
  const router = statusRouter(mtls, { access: async ({ commonName }) => commonName === 'client1' });
  server.on('request', (req, res) => {
    router(req as never, res as never, () => res.end('next'));
  });
  const port = await listen(server);
  const ask = async (name: string, headers: http2.OutgoingHttpHeaders): Promise<string> => {
    const { keyPem: key, pem: cert } = root.client(name);
    const session = http2.connect(`https://localhost:${port}`, { ca: root.pem, key, cert });
    try {
      const stream = session.request(headers);
      const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
      return `${String(answer[':status'])} ${answer['content-type'] ?? '-'} ${await text(stream)}`;
    } finally {
      session.destroy();
    }
  };
  expect(await ask('client1', { ':path': '/', accept: 'text/html' })).toMatch(
    /^200 text\/html.*<!doctype html>/,
  );
  expect(await ask('client1', { ':path': '/ready' })).toBe('200 application/json {"ready":true}\n');
  expect(await ask('client1', { ':path': '/', ':method': 'HEAD' })).toBe('200 application/json ');
  expect(await ask('client2', { ':path': '/' })).toMatch(/^403 application\/problem\+json /);
  expect(await ask('client1', { ':path': '/else' })).toBe('200 - next');
  await mtls.close();
});

test('the page lists the processes of a fleet, escaped, and is shown although the store cannot be read', async () => {
  const process = {
    id: '1',
    host: '<b>host</b>',
    pid: 77,
    node: 'v20',
    startedAt: new Date(),
    at: new Date(),
    versions: new Map<string, string>(),
    crls: [
      { issuer: 'CN=ca', crlNumber: 5n, deltaBase: undefined, thisUpdate: new Date(), nextUpdate: undefined },
    ],
  };
  const { report, page } = await watched({ status: { fleet: () => Promise.resolve([process]) } });
  expect((await report()).fleet).toMatchObject({
    outcome: 'read',
    total: 1,
    list: [{ host: '<b>host</b>', pid: 77, crls: [{ issuer: 'CN=ca', number: '5' }] }],
  });
  const { body } = await page();
  expect(body).toContain('&#60;b&#62;host');
  expect(body).not.toContain('<b>host');
  const down = await watched({ status: { fleet: () => Promise.reject(new Error('down')) } });
  expect((await down.report()).fleet).toEqual({ outcome: 'failed', total: 0, list: [] });
  expect((await down.page()).body).toContain('The store cannot be read.');
  expect((await (await watched()).report()).fleet).toBeUndefined();
});

test('behind proxies with certificates, the page has their CAs and connections, apart from those of clients', async () => {
  const [root, proxyCa] = [ca('ca'), ca('proxy-ca')];
  const { ca: caFile } = writeMaterial(temporaryDirectory(), { ca: proxyCa.pem });
  const proxies: MtlsOptions['proxies'] = {
    from: { ca: caFile, rule: { commonName: 'nginx' } },
    header: 'rfc9440',
    direct: 'admit',
  };
  const { report, as, mtls, page } = await watched({ root, options: { proxies } });
  const nginx = proxyCa.client('nginx');
  const client1 = root.client('client1');
  const headers = { 'Client-Cert': `:${client1.der.toString('base64')}:` };
  const proxy = as(nginx, { keepAlive: true });
  expect(await proxy.get('/', { headers })).toMatchObject({ status: 200 });
  const shown = await report();
  expect(shown.proxies).toMatchObject({
    proof: 'certificate',
    connections: 1,
    authorities: { total: 1, list: [{ subject: 'CN=proxy-ca' }] },
    list: [{ subject: 'CN=nginx', remoteAddress: '127.0.0.1', connections: 1 }],
  });
  expect(shown.authorities.list).toMatchObject([{ subject: 'CN=ca' }]);
  expect(shown.expiries.list.map(({ kind, name }) => [kind, name])).toContainEqual([
    'proxy-ca',
    'CN=proxy-ca',
  ]);
  // The operator, who is connected directly.
  expect(shown.clients.connections).toBe(1);
  expect([...(mtls.proxies?.connections ?? [])]).toMatchObject([{ identity: { commonName: 'nginx' } }]);
  expect((await page()).body).toContain('<h2 id="tile-proxies">Proxies</h2>');
});

test('behind proxies with a secret, a connection is listed once a request on it has the secret', async () => {
  const root = ca('ca');
  const secret = Buffer.alloc(32, 's');
  const proxies: MtlsOptions['proxies'] = { from: { secret }, header: 'rfc9440', direct: 'admit' };
  const { report, as } = await watched({ root, options: { proxies } });
  const client = as(undefined, { keepAlive: true });
  await client.get('/');
  expect((await report()).proxies).toMatchObject({ proof: 'secret', connections: 0 });
  const headers = { 'Mtls-Proxy-Secret': secret.toString('latin1') };
  await client.get('/', { headers });
  expect((await report()).proxies).toMatchObject({
    connections: 1,
    authorities: { total: 0 },
    list: [{ subject: null, remoteAddress: '127.0.0.1', connections: 1 }],
  });
});

test('without proxies, the handle and the report have none', async () => {
  const { report, mtls } = await watched();
  expect(mtls.proxies).toBeUndefined();
  expect(await report()).not.toHaveProperty('proxies');
});
