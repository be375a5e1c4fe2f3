import { describe, expect, test } from '@jest/globals';
import { type Fetched, fetchBounded, type FetchRequest } from '../../../src/sources/bounded-fetch.js';
import { type HttpSettings } from '../../../src/sources/http-options.js';

const never = new AbortController().signal;

/** A request as `fetch` saw it. */
interface Seen {
  readonly url: string;
  readonly headers: Headers;
}

type Answer = (seen: Seen) => Response | Promise<Response>;

/** Fetches from servers that answer one after the other, and returns what they saw too. */
async function fetchFrom(
  answers: readonly Answer[],
  {
    url = 'http://crl.test/ca.crl',
    closing = never,
    timeoutMs = 60_000,
    settings = {},
    ...request
  }: Partial<Omit<FetchRequest, 'url'>> & {
    url?: string;
    closing?: AbortSignal;
    settings?: Partial<HttpSettings>;
  } = {},
): Promise<Fetched & { readonly seen: readonly Seen[] }> {
  const seen: Seen[] = [];
  const fetched = await fetchBounded(
    { url: new URL(url), validators: undefined, mayFollow: () => true, timeoutMs, ...request },
    {
      maxBytes: 1000,
      idleMs: 60_000,
      fetch: async (to: string, { headers }: { headers: Record<string, string> }) => {
        seen.push({ url: to, headers: new Headers(headers) });
        const answer = answers[seen.length - 1];
        if (answer === undefined) throw new Error('one request too many');
        return await answer(seen.at(-1) as Seen);
      },
      ...settings,
    } as HttpSettings,
    closing,
  );
  return { ...fetched, seen };
}

const ok =
  (headers: Record<string, string> = {}, body: BodyInit = 'a CRL'): Answer =>
  () =>
    new Response(body, { headers });
const redirect =
  (location: string, status = 302): Answer =>
  () =>
    new Response(null, { status, headers: { location } });
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  () =>
    new Response(null, { status: code, headers });

describe('a redirect', () => {
  test.each([301, 302, 303, 307, 308])('with status %i is followed, relative to its URL', async (code) => {
    const { seen, content } = await fetchFrom([redirect('other.crl', code), ok()]);
    expect(seen.map(({ url }) => url)).toEqual(['http://crl.test/ca.crl', 'http://crl.test/other.crl']);
    expect(content?.bytes.toString()).toBe('a CRL');
  });

  test('is followed five times and not six', async () => {
    const five = Array.from({ length: 5 }, (_, index) => redirect(`/${index}`));
    expect((await fetchFrom([...five, ok()])).seen).toHaveLength(6);
    await expect(fetchFrom([...five, redirect('/5'), ok()])).rejects.toThrow('redirects more than 5 times');
  });

  test.each([
    ['http://', 'redirects to something that is not a URL'],
    ['ftp://crl.test/', 'redirects to a URL of ftp:'],
    ['http://crl.test/', 'redirects from https: to http://crl.test'],
  ])('from https: to %s is not followed', async (location, message) => {
    await expect(fetchFrom([redirect(location), ok()], { url: 'https://crl.test/' })).rejects.toThrow(
      message,
    );
  });

  test('that is not allowed is not followed', async () => {
    const mayFollow = (to: URL): boolean => to.origin === 'http://crl.test';
    await expect(fetchFrom([redirect('http://127.0.0.1/'), ok()], { mayFollow })).rejects.toThrow(
      'which is not allowed',
    );
  });

  test('to another origin gets neither the password nor the validators, and back again the password alone', async () => {
    const { seen } = await fetchFrom([redirect('http://other.test/'), redirect('http://crl.test/'), ok()], {
      url: 'http://me:p%40ss@crl.test/ca.crl#part',
      validators: { etag: '"1"', lastModified: 'yesterday' },
    });
    expect(seen.map(({ url }) => url)).toEqual([
      'http://crl.test/ca.crl',
      'http://other.test/',
      'http://crl.test/',
    ]);
    const secret = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    expect(seen.map(({ headers }) => headers.get('authorization'))).toEqual([secret, null, secret]);
    expect(seen.map(({ headers }) => headers.get('if-none-match'))).toEqual(['"1"', null, '"1"']);
    expect(seen.map(({ headers }) => headers.get('if-modified-since'))).toEqual([
      'yesterday',
      null,
      'yesterday',
    ]);
  });
});

describe('an answer', () => {
  test('of 304 to a conditional request says that nothing has changed', async () => {
    const validators = { etag: '"1"', lastModified: undefined };
    const { content, maxAgeMs } = await fetchFrom([status(304, { 'cache-control': 'max-age=7' })], {
      validators,
    });
    expect({ content, maxAgeMs }).toEqual({ content: undefined, maxAgeMs: 7000 });
  });

  test('of 304 to an unconditional request is a failure', async () => {
    await expect(fetchFrom([status(304)])).rejects.toThrow('answered 304');
  });

  test.each([
    [{ 'retry-after': '60' }, 60_000],
    [{ 'retry-after': '999999999' }, 3_600_000],
    [{ 'retry-after': 'Sat, 01 Jan 2000 00:00:00 GMT' }, 0],
    [{ 'retry-after': 'Sat, 01 Jan 2050 00:00:00 GMT' }, 3_600_000],
    [{ 'retry-after': 'soon' }, 0],
    [{}, 0],
  ])('of 503 with %j asks to wait %i ms', async (headers, retryAfterMs) => {
    await expect(fetchFrom([status(503, headers)])).rejects.toMatchObject({
      message: 'answered 503',
      retryAfterMs,
    });
  });

  test.each(['gzip', 'x-gzip', 'deflate', 'br', 'identity', ' GZIP '])(
    'with content-encoding %j is read',
    async (encoding) => {
      const { content } = await fetchFrom([ok({ 'content-encoding': encoding })]);
      expect(content?.bytes.toString()).toBe('a CRL');
    },
  );

  test.each(['gzip, gzip', 'zstd', 'compress'])('with content-encoding %j is refused', async (encoding) => {
    await expect(fetchFrom([ok({ 'content-encoding': encoding })])).rejects.toThrow('content-encoding');
  });

  test('that is empty is a failure', async () => {
    await expect(fetchFrom([ok({}, '')])).rejects.toThrow('answered with an empty body');
  });

  test('as long as allowed is read, and one byte more is not, whatever its header says', async () => {
    expect((await fetchFrom([ok({}, 'x'.repeat(1000))])).content?.bytes).toHaveLength(1000);
    for (const headers of [{}, { 'content-length': '5' }])
      await expect(fetchFrom([ok(headers, 'x'.repeat(1001))])).rejects.toThrow('more than 1000 bytes');
  });

  test('whose header says that it is too long is not read', async () => {
    let isCancelled = false;
    const body = new ReadableStream({
      cancel: () => {
        isCancelled = true;
      },
    });
    await expect(fetchFrom([ok({ 'content-length': '1001' }, body)])).rejects.toThrow('more than 1000 bytes');
    expect(isCancelled).toBe(true);
  });

  test('in pieces of one byte is read whole, and its stream is given up when it is too long', async () => {
    let isCancelled = false;
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        controller.enqueue(Uint8Array.of(sent++ & 0xff));
      },
      cancel: () => {
        isCancelled = true;
      },
    });
    await expect(fetchFrom([ok({}, body)])).rejects.toThrow('more than 1000 bytes');
    expect(isCancelled).toBe(true);
    expect(sent).toBeLessThan(1010);
  });

  test('has validators, of which those that are too long or empty are left out', async () => {
    const headers = { etag: '"1"', 'last-modified': 'yesterday' };
    expect((await fetchFrom([ok(headers)])).content?.validators).toEqual({
      etag: '"1"',
      lastModified: 'yesterday',
    });
    const odd = { etag: `"${'x'.repeat(1024)}"`, 'last-modified': '' };
    expect((await fetchFrom([ok(odd)])).content?.validators).toEqual({
      etag: undefined,
      lastModified: undefined,
    });
  });

  test.each([
    [{ 'cache-control': 'max-age=60' }, 60_000],
    [{ 'cache-control': 'public, max-age="60", immutable' }, 60_000],
    [{ 'cache-control': 'max-age=60', age: '20' }, 40_000],
    [{ 'cache-control': 'max-age=60', age: '90' }, 0],
    [{ 'cache-control': 'max-age=60', age: 'old' }, 60_000],
    [{ 'cache-control': 'max-age=60, no-store' }, 0],
    [{ 'cache-control': 'No-Cache' }, 0],
    [{ 'cache-control': 's-maxage=60' }, undefined],
    [{ 'cache-control': 'max-age=9999999999' }, undefined],
    [{}, undefined],
  ])('with %j is fresh for %p ms', async (headers, maxAgeMs) => {
    expect((await fetchFrom([ok(headers as Record<string, string>)])).maxAgeMs).toBe(maxAgeMs);
  });
});

describe('a request', () => {
  const silent: Answer = () => new Promise(() => undefined);
  const stalling: Answer = () =>
    new Response(
      new ReadableStream({
        start: (controller) => {
          controller.enqueue(Uint8Array.of(1));
        },
      }),
    );

  test.each([
    ['does not answer', silent],
    ['stalls in the body', stalling],
  ])('is given up when the server %s', async (_, answer) => {
    await expect(fetchFrom([answer], { timeoutMs: 30 })).rejects.toThrow('took longer than 30 ms');
    await expect(fetchFrom([answer], { settings: { idleMs: 30 } })).rejects.toThrow('paused for 30 ms');
    await expect(fetchFrom([answer], { closing: AbortSignal.timeout(30) })).rejects.toThrow(
      'was no longer needed',
    );
  });

  test('that is no longer needed at its start is given up', async () => {
    await expect(fetchFrom([silent], { closing: AbortSignal.abort() })).rejects.toThrow(
      'was no longer needed',
    );
  });

  test.each([
    [Object.assign(new Error('http://me:pass@crl.test'), { code: 'ECONNREFUSED' }), 'failed (ECONNREFUSED)'],
    [new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'EAI' }) }), 'failed (EAI)'],
    [new TypeError('fetch failed', { cause: new Error('bad port') }), 'failed (bad port)'],
    [new Error('unknown'), 'failed (unknown)'],
  ])('that fails says why: %p', async (error, message) => {
    await expect(fetchFrom([() => Promise.reject(error)])).rejects.toMatchObject({ message, cause: error });
  });
});
