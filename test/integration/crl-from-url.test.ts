import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, jest, test } from '@jest/globals';
import { crlFromUrl, type CrlFromUrlOptions } from 'express-mtls/sources';
import { ca, type CertificateAuthority } from '../support/chain.js';
import { type CrlOptions } from '../support/crl.js';
import { body, CrlServer, status } from '../support/crl-server.js';
import { pause, startServer, type TestServer, until } from '../support/server.js';
import { takeWarnings } from '../support/warnings.js';

const { signal } = new AbortController();
const quick: CrlFromUrlOptions = { refreshMs: 100 };
const strict: CrlFromUrlOptions = { ...quick, timeoutMs: 2000, idleMs: 700, maxBytes: 1024 * 1024 };

function crlOf(root: CertificateAuthority, number: number, options: CrlOptions = {}): Buffer {
  return root.crl({ number, thisUpdate: new Date(Date.now() - 60_000 + number * 1000), ...options }).der;
}

async function started(root: CertificateAuthority, crls: CrlServer): Promise<TestServer> {
  return await startServer({ root, options: { crl: crlFromUrl(crls.url(), quick) } });
}

const numberIn = ({ mtls }: TestServer): string | undefined => mtls.revocation.crls[0]?.number;

describe('a CRL over HTTP', () => {
  test.each(['der', 'pem'] as const)('in %s revokes a client that is connected', async (form) => {
    const root = ca('ca');
    const client = root.client();
    const crls = await CrlServer.start();
    crls.publish('/ca.crl', root.crl({ number: 1, thisUpdate: new Date(Date.now() - 60_000) })[form]);
    const server = await started(root, crls);
    const connected = server.as(client, { keepAlive: true });
    expect(await connected.get()).toMatchObject({ status: 200 });
    crls.publish('/ca.crl', root.crl({ number: 2, revoked: [client] })[form]);
    await until(() => connected.connection.isClosed, 'the connection is closed');
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
    expect(server.mtls.faults).toEqual([]);
  });

  test('that is unchanged costs a 304, and no reading', async () => {
    const root = ca('ca');
    const crls = await CrlServer.start();
    const lastModified = 'Wed, 21 Oct 2026 07:28:00 GMT';
    crls.publish('/ca.crl', crlOf(root, 1), { 'last-modified': lastModified });
    const loader = crlFromUrl(crls.url(), quick);
    const [first] = await loader.load(signal);
    const watching = loader.watch?.(() => undefined);
    await until(() => crls.requests.length >= 3, 'it was asked for again');
    watching?.[Symbol.dispose]();
    expect(crls.requests[0]?.headers).not.toHaveProperty('if-none-match');
    expect(crls.requests[1]?.headers).toMatchObject({
      'if-none-match': expect.any(String) as unknown,
      'if-modified-since': lastModified,
    });
    // The same object: nothing is copied, hashed or parsed again.
    expect((await loader.load(signal))[0]).toBe(first);
  });

  test('is not asked for again after the server was closed', async () => {
    const root = ca('ca');
    const crls = await CrlServer.start();
    crls.publish('/ca.crl', crlOf(root, 1));
    const crl = crlFromUrl(crls.url(), { refreshMs: 1000 });
    const server = await startServer({ root, options: { crl } });
    await server.mtls.close();
    const asked = crls.requests.length;
    await pause(1500);
    expect(crls.requests).toHaveLength(asked);
  });

  test('is asked for on time after the clock was set back', async () => {
    const root = ca('ca');
    const crls = await CrlServer.start();
    crls.publish('/ca.crl', crlOf(root, 1));
    const loader = crlFromUrl(crls.url(), quick);
    await loader.load(signal);
    const watching = loader.watch?.(() => undefined);
    const clock = Date.now;
    const setBack = jest.spyOn(Date, 'now').mockImplementation(() => clock() - 3_600_000);
    try {
      const asked = crls.requests.length;
      await until(() => crls.requests.length > asked + 2, 'it was asked for again');
    } finally {
      setBack.mockRestore();
      watching?.[Symbol.dispose]();
    }
  });

  test('stays in force while the server is down, which is a fault until it answers again', async () => {
    const root = ca('ca');
    const client = root.client();
    const crls = await CrlServer.start();
    crls.publish('/ca.crl', crlOf(root, 1, { revoked: [client] }));
    const server = await started(root, crls);
    crls.on('/ca.crl', status(503));
    await until(() => server.mtls.faults.length === 1, 'the fault stands');
    expect(server.mtls.fault).toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      source: crls.url(),
      seen: 'the server answered 503',
    });
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
    crls.publish('/ca.crl', crlOf(root, 2));
    await until(() => server.mtls.faults.length === 0, 'the fault is gone');
    expect(await server.as(client).get()).toMatchObject({ status: 200 });
  });

  test('that cannot be fetched at the start is an error, without the password in the URL', async () => {
    const root = ca('ca');
    const crls = await CrlServer.start();
    const url = `http://app:s3cret@127.0.0.1:${crls.port}/ca.crl?token=s3cret#s3cret`;
    const starting = startServer({ root, options: { crl: crlFromUrl(url, quick) } });
    const error = await starting.then(
      () => new Error('it started'),
      (cause: unknown) => cause as Error,
    );
    expect(error).toMatchObject({ code: 'ERR_MTLS_SOURCE_UNREADABLE' });
    expect(error.message).toContain(`${crls.url()}?…: the server answered 404`);
    expect(`${error.stack ?? ''} ${JSON.stringify(error)}`).not.toContain('s3cret');
    expect(crls.requests[0]).toMatchObject({
      path: '/ca.crl?token=s3cret',
      headers: { authorization: `Basic ${Buffer.from('app:s3cret').toString('base64')}` },
    });
  });

  test('is fetched with a fetch of your own', async () => {
    const root = ca('ca');
    const crls = await CrlServer.start();
    crls.publish('/ca.crl', crlOf(root, 1));
    const loader = crlFromUrl('http://crl.test/ca.crl', {
      fetch: (url, init) =>
        fetch(url.replace('http://crl.test', crls.origin()), {
          ...init,
          headers: { ...init.headers, 'x-tenant': 'a' },
        }),
    });
    expect(await loader.load(signal)).toHaveLength(1);
    expect(crls.requests[0]?.headers).toMatchObject({ 'x-tenant': 'a' });
  });

  test('waits as long as Retry-After says', async () => {
    const crls = await CrlServer.start();
    crls.on('/ca.crl', status(429, { 'retry-after': '3600' }));
    const loader = crlFromUrl(crls.url(), quick);
    await expect(loader.load(signal)).rejects.toThrow('the server answered 429');
    const watching = loader.watch?.(() => undefined);
    await pause(1500);
    await expect(loader.load(signal)).rejects.toThrow('the server answered 429');
    watching?.[Symbol.dispose]();
    expect(crls.requests).toHaveLength(1);
  });
});

test('what was passed on stays confirmed when a newer CRL arrives before it is in force', async () => {
  const root = ca('ca');
  const crls = await CrlServer.start();
  crls.publish('/ca.crl', root.crl({ number: 1 }).der);
  const loader = crlFromUrl(crls.url(), quick);
  const [first] = await loader.load(signal);
  const watching = loader.watch?.(() => undefined);
  crls.publish('/ca.crl', root.crl({ number: 2 }).der);
  await until(async () => (await loader.load(signal))[0] !== first, 'the newer CRL has arrived');
  watching?.[Symbol.dispose]();
  expect(loader.confirmedAt?.(first as Buffer)).toBeInstanceOf(Date);
});

test('a 304 to an unconditional request is an error', async () => {
  const crls = await CrlServer.start();
  crls.on('/ca.crl', status(304));
  await expect(crlFromUrl(crls.url(), quick).load(signal)).rejects.toThrow('the server answered 304');
});

describe('mirrors', () => {
  test('are tried in order, and one that answers is kept', async () => {
    const root = ca('ca');
    const crls = await CrlServer.start();
    crls.on('/1', status(500));
    crls.on('/2', body('<!doctype html><title>parked</title>'));
    crls.publish('/3', crlOf(root, 1));
    const loader = crlFromUrl([crls.url('/1'), crls.url('/2'), crls.url('/3')], quick);
    expect(await loader.load(signal)).toHaveLength(1);
    expect(loader.faults?.()).toEqual([]);
    const watching = loader.watch?.(() => undefined);
    await until(() => crls.asked('/3') > 1, 'it was asked for again');
    watching?.[Symbol.dispose]();
    expect(crls.requests.slice(0, 4).map(({ path }) => path)).toEqual(['/1', '/2', '/3', '/3']);
  });

  test('are changed if one sends an older CRL', async () => {
    const root = ca('ca');
    const client = root.client();
    const crls = await CrlServer.start();
    crls.publish('/1', crlOf(root, 2));
    crls.publish('/2', crlOf(root, 3, { revoked: [client] }));
    const server = await startServer({
      root,
      options: { crl: crlFromUrl([crls.url('/1'), crls.url('/2')], quick) },
    });
    expect(numberIn(server)).toBe('2');
    crls.publish('/1', crlOf(root, 1));
    await until(() => numberIn(server) === '3', 'the CRL of the other mirror is in force');
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
  });

  test('that all fail are one fault with each of them', async () => {
    const crls = await CrlServer.start();
    const loader = crlFromUrl([crls.url('/1'), crls.url('/2')], quick);
    await expect(loader.load(signal)).rejects.toMatchObject({ errors: [{}, {}] });
  });
});

describe('a hostile server', () => {
  const stalls = (bytes: Buffer) => (response: ServerResponse) => {
    response.writeHead(200);
    response.write(bytes);
  };
  const drips = (response: ServerResponse): void => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('x'), 50);
    response.on('close', () => {
      clearInterval(timer);
    });
  };
  const floods = (response: ServerResponse): void => {
    response.writeHead(200);
    const piece = Buffer.alloc(64 * 1024, 0x30);
    const more = (): void => {
      while (!response.destroyed && response.write(piece));
    };
    response.on('drain', more);
    more();
  };
  const list = ca('ca').crl().der;

  test.each<[string, string, Parameters<CrlServer['on']>[1]]>([
    [
      'an HTML page',
      'it is an HTML page; expected a CRL in DER or PEM',
      body('\n<!DOCTYPE html>\n<p>Sign in</p>'),
    ],
    ['something else', 'it is not a CRL; expected a CRL in DER or PEM', body(Buffer.from('hello'))],
    ['nothing', 'an empty body', body('')],
    ['a certificate', 'found a certificate', body(ca('ca').der)],
    ['half of a CRL', 'CRL', body(list.subarray(0, list.length / 2))],
    ['a CRL and a half', 'CRL', body(Buffer.concat([list, list.subarray(0, 20)]))],
    [
      'less than it announced',
      'failed',
      (response) => {
        response.writeHead(200, { 'content-length': String(list.length) });
        response.write(list.subarray(0, 100));
        setTimeout(() => response.destroy(), 20);
      },
    ],
    ['a part and then nothing', 'paused for 700 ms', stalls(list.subarray(0, 100))],
    ['no answer at all', 'paused for 700 ms', () => undefined],
    ['a byte at a time, for ever', 'took longer than 2000 ms', drips],
    ['bytes without end', 'more than 1048576 bytes', floods],
    [
      'a length that is too large',
      'more than 1048576 bytes',
      (response) => {
        response.writeHead(200, { 'content-length': '2147483648' }).flushHeaders();
      },
    ],
    [
      'a gzip bomb',
      'more than 1048576 bytes',
      body(gzipSync(Buffer.alloc(256 * 1024 * 1024)), { 'content-encoding': 'gzip' }),
    ],
    [
      'gzip in gzip',
      'content-encoding other than',
      body(gzipSync(gzipSync(list)), { 'content-encoding': 'gzip, gzip' }),
    ],
    ['a part that was not requested', 'answered 206', status(206)],
    ['500', 'answered 500', status(500)],
  ])('that sends %s is a fault, and the last CRL stays in force', async (_what, seen, answer) => {
    const root = ca('ca');
    const client = root.client();
    const crls = await CrlServer.start();
    crls.publish('/ca.crl', crlOf(root, 1, { revoked: [client] }));
    const crl = crlFromUrl(crls.url(), strict);
    const server = await startServer({ root, options: { crl } });
    const before = process.memoryUsage().rss;
    crls.on('/ca.crl', answer);
    await until(() => server.mtls.faults.length > 0, 'the fault stands');
    expect(server.mtls.fault?.message).toContain(seen);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
    expect(numberIn(server)).toBe('1');
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
  });

  test('cannot bring back an older CRL, or one of another CA', async () => {
    const root = ca('ca');
    const client = root.client();
    const crls = await CrlServer.start();
    crls.publish('/ca.crl', crlOf(root, 5, { revoked: [client] }));
    const server = await started(root, crls);
    for (const bytes of [crlOf(root, 4), crlOf(ca('ca'), 9), crlOf(ca('other'), 9)]) {
      crls.publish('/ca.crl', bytes);
      await until(() => server.mtls.faults.length > 0, 'the fault stands');
      expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
      crls.publish(
        '/ca.crl',
        crlOf(root, 5, { revoked: [client], thisUpdate: server.mtls.revocation.crls[0]?.thisUpdate as Date }),
      );
      await until(() => server.mtls.faults.length === 0, 'the fault is gone');
    }
  });
});

describe('a redirect', () => {
  const to = (location: string, code = 302) => status(code, { location });

  test('within the origin is followed, at most five times', async () => {
    const root = ca('ca');
    const crls = await CrlServer.start();
    crls.publish('/5', crlOf(root, 1));
    crls.on('/ca.crl', to('/1', 301));
    for (const step of [1, 2, 3, 4]) crls.on(`/${step}`, to(`/${step + 1}`, 307));
    expect(await crlFromUrl(crls.url(), quick).load(signal)).toHaveLength(1);
    crls.on('/5', to('/ca.crl'));
    await expect(crlFromUrl(crls.url(), quick).load(signal)).rejects.toThrow('redirects more than 5 times');
  });

  test('to another origin is not followed, and never gets the password', async () => {
    const root = ca('ca');
    const [crls, other] = [await CrlServer.start(), await CrlServer.start()];
    other.publish('/ca.crl', crlOf(root, 1));
    crls.on('/ca.crl', to(other.url()));
    const url = `http://app:s3cret@127.0.0.1:${crls.port}/ca.crl`;
    await expect(crlFromUrl(url, quick).load(signal)).rejects.toThrow(
      `redirects to ${other.url()}, which is not allowed (option allow)`,
    );
    expect(other.requests).toEqual([]);
    const loader = crlFromUrl(url, { ...quick, allow: [other.origin()] });
    expect(await loader.load(signal)).toHaveLength(1);
    expect(other.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  test.each([
    ['another port of the loopback', 'http://127.0.0.1:1/', 'which is not allowed'],
    ['localhost', 'http://localhost:1/', 'which is not allowed'],
    ['the metadata service', 'http://169.254.169.254/latest', 'which is not allowed'],
    ['a file', 'file:///etc/passwd', 'redirects to a URL of file:'],
    ['nothing', 'http://[', 'something that is not a URL'],
  ])('to %s is not followed', async (_what, location, seen) => {
    const crls = await CrlServer.start();
    crls.on('/ca.crl', to(location));
    await expect(crlFromUrl(crls.url(), quick).load(signal)).rejects.toThrow(seen);
  });

  test('from https to http is not followed, even if it is allowed', async () => {
    const fetch: NonNullable<CrlFromUrlOptions['fetch']> = () =>
      Promise.resolve(new Response(null, { status: 302, headers: { location: 'http://crl.test/ca.crl' } }));
    const loader = crlFromUrl('https://crl.test/ca.crl', { fetch, allow: ['http://crl.test'] });
    await expect(loader.load(signal)).rejects.toThrow('redirects from https: to http://crl.test/ca.crl');
  });
});

describe('a delta CRL', () => {
  test('is fetched from where the full CRL says, and revokes', async () => {
    const root = ca('ca');
    const client = root.client();
    const crls = await CrlServer.start();
    crls.publish('/ca.crl', crlOf(root, 1, { freshest: [crls.url('/delta.crl')] }));
    crls.publish('/delta.crl', crlOf(root, 2, { delta: 1 }));
    const server = await started(root, crls);
    expect(server.mtls.revocation.crls).toHaveLength(2);
    expect(await server.as(client).get()).toMatchObject({ status: 200 });
    crls.publish('/delta.crl', crlOf(root, 3, { delta: 1, revoked: [client] }));
    await until(() => server.mtls.revocation.crls.some(({ number }) => number === '3'), 'it is in force');
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });

    crls.on('/delta.crl', status(500));
    await until(() => server.mtls.faults.length === 1, 'the fault stands');
    expect(server.mtls.faults).toMatchObject([{ source: crls.url('/delta.crl') }]);
    crls.publish('/ca.crl', crlOf(root, 4, { revoked: [client], freshest: [crls.url('/delta.crl')] }));
    await until(
      () => numberIn(server) === '4' || server.mtls.revocation.crls.some(({ number }) => number === '4'),
      'the next full CRL is in force',
    );
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
  });

  test('at another origin is not fetched, with a warning', async () => {
    const root = ca('ca');
    const crls = await CrlServer.start();
    crls.publish('/ca.crl', crlOf(root, 1, { freshest: ['http://delta.test/delta.crl'] }));
    expect(await crlFromUrl(crls.url(), quick).load(signal)).toHaveLength(1);
    await until(() => takeWarnings().length === 1, 'the warning came');
  });
});

test.each<[string, () => unknown]>([
  ['a path', () => crlFromUrl('ca.crl')],
  ['another scheme', () => crlFromUrl('ftp://crl.test/ca.crl')],
  ['no mirror', () => crlFromUrl([])],
  ['an unknown option', () => crlFromUrl('http://crl.test', { refresh: 1 } as CrlFromUrlOptions)],
  ['a range', () => crlFromUrl('http://crl.test', { maxBytes: 1 })],
  ['a place with a query', () => crlFromUrl('http://crl.test', { allow: ['http://crl.test/?a'] })],
])('%s is refused', (_what, make) => {
  expect(make).toThrow(expect.objectContaining({ code: 'ERR_MTLS_OPTION_INVALID' }));
});
