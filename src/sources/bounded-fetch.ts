/**
 * One request for a CRL, bounded in time, bytes and redirects. Nothing that a server sends is kept beyond these limits.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { FetchFailure, RequestClock } from './request-clock.js';
import {
  describeHttpUrl,
  type FetchedBody,
  type FetchedResponse,
  type HttpSettings,
} from './http-options.js';

/** What identifies the version of a resource (RFC 9110 section 8.8). */
export interface Validators {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

/** What to fetch, and from where. */
export interface FetchRequest {
  readonly url: URL;
  /** The validators of the version that is known. */
  readonly validators: Validators | undefined;
  /** Whether a redirect to another origin may be followed. */
  readonly mayFollow: (to: URL) => boolean;
  readonly timeoutMs: number;
}

/** The result of a request: new content, or `undefined` if it is unchanged. */
export interface Fetched {
  readonly content: { readonly bytes: Buffer; readonly validators: Validators } | undefined;
  /** How long a cache may keep it, in milliseconds; `undefined` if the server does not say. */
  readonly maxAgeMs: number | undefined;
}

const mostRedirects = 5;
const longestRetryMs = 3_600_000;
const longestValidator = 1024;

/**
 * Makes one request.
 * @param closing - Aborts it.
 * @throws FetchFailure for every kind of failure, with no secret in its message.
 */
export async function fetchBounded(
  request: FetchRequest,
  settings: HttpSettings,
  closing: AbortSignal,
): Promise<Fetched> {
  const clock = new RequestClock(request.timeoutMs, settings.idleMs, closing);
  try {
    return await follow(request, settings, clock);
  } catch (error) {
    if (error instanceof FetchFailure) throw error;
    throw new FetchFailure(clock.late ?? describeCause(error), { cause: error });
  } finally {
    clock.stop();
  }
}

async function follow(request: FetchRequest, settings: HttpSettings, clock: RequestClock): Promise<Fetched> {
  let { url } = request;
  for (let redirects = 0; ; redirects++) {
    const headers = headersOf(url, request, redirects);
    const response = await clock.limit(
      settings.fetch(withoutSecrets(url), { headers, redirect: 'manual', signal: clock.signal }),
    );
    const location = redirectOf(response);
    if (location === undefined) return await readResponse(response, { request, headers }, settings, clock);
    discard(response.body);
    if (redirects === mostRedirects) throw new FetchFailure(`redirects more than ${mostRedirects} times`);
    url = nextUrl(url, location, request);
  }
}

/** The user name and password of the URL become a header field, and go to its own origin only. */
function headersOf(
  url: URL,
  { url: first, validators }: FetchRequest,
  redirects: number,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { accept: 'application/pkix-crl, */*;q=0.5' };
  const hasPassword = first.username !== '' || first.password !== '';
  if (hasPassword && url.origin === first.origin) {
    const pair = `${decodeURIComponent(first.username)}:${decodeURIComponent(first.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  if (redirects > 0 && url.origin !== first.origin) return headers;
  if (validators?.etag !== undefined) headers['if-none-match'] = validators.etag;
  if (validators?.lastModified !== undefined) headers['if-modified-since'] = validators.lastModified;
  return headers;
}

function withoutSecrets(url: URL): string {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  bare.hash = '';
  return bare.href;
}

function redirectOf({ status, headers }: FetchedResponse): string | undefined {
  return [301, 302, 303, 307, 308].includes(status) ? (headers.get('location') ?? '') : undefined;
}

function nextUrl(from: URL, location: string, { mayFollow }: FetchRequest): URL {
  if (!URL.canParse(location, from)) throw new FetchFailure('redirects to something that is not a URL');
  const to = new URL(location, from);
  const name = describeHttpUrl(to);
  if (to.protocol !== 'http:' && to.protocol !== 'https:')
    throw new FetchFailure(`redirects to a URL of ${to.protocol}`);
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw new FetchFailure(`redirects from https: to ${name}`);
  if (!mayFollow(to)) throw new FetchFailure(`redirects to ${name}, which is not allowed (option allow)`);
  return to;
}

interface Asked {
  readonly request: FetchRequest;
  readonly headers: Readonly<Record<string, string>>;
}

async function readResponse(
  response: FetchedResponse,
  { headers: sent }: Asked,
  { maxBytes }: HttpSettings,
  clock: RequestClock,
): Promise<Fetched> {
  const { status, headers, body } = response;
  const maxAgeMs = maxAgeOf(headers);
  const isConditional = 'if-none-match' in sent || 'if-modified-since' in sent;
  if (status === 304 && isConditional) {
    discard(body);
    return { content: undefined, maxAgeMs };
  }
  if (status !== 200 || body === null) {
    discard(body);
    throw new FetchFailure(`answered ${status}`, { retryAfterMs: retryAfterOf(headers) });
  }
  try {
    refuseEncodings(headers);
    refuseLength(headers, maxBytes);
  } catch (error) {
    discard(body);
    throw error;
  }
  const bytes = await readBody(body, maxBytes, clock);
  return { content: { bytes, validators: validatorsOf(headers) }, maxAgeMs };
}

// One that fetch() decompresses piece by piece. Each further one multiplies the work that a byte causes.
function refuseEncodings(headers: FetchedResponse['headers']): void {
  const encoding = (headers.get('content-encoding') ?? 'identity').trim().toLowerCase();
  if (/^(?:|identity|gzip|x-gzip|deflate|br)$/.test(encoding)) return;
  throw new FetchFailure('answered with a content-encoding other than gzip, deflate or br');
}

function refuseLength(headers: FetchedResponse['headers'], maxBytes: number): void {
  if (Number(headers.get('content-length') ?? 0) > maxBytes) throw tooLong(maxBytes);
}

function tooLong(maxBytes: number): FetchFailure {
  return new FetchFailure(`answered with more than ${maxBytes} bytes (option maxBytes)`);
}

const firstBytes = 64 * 1024;

/** Pieces are copied into one buffer, because a server can send each byte as a piece of its own. */
async function readBody(body: FetchedBody, maxBytes: number, clock: RequestClock): Promise<Buffer> {
  const reader = body.getReader();
  let bytes = Buffer.allocUnsafe(Math.min(firstBytes, maxBytes));
  let length = 0;
  let isDone = false;
  try {
    for (;;) {
      const { done, value } = await clock.limit(reader.read());
      isDone = done;
      if (done) break;
      const piece = value ?? new Uint8Array(0);
      if (length + piece.length > maxBytes) throw tooLong(maxBytes);
      if (length + piece.length > bytes.length) {
        const larger = Buffer.allocUnsafe(
          Math.min(maxBytes, Math.max(bytes.length * 2, length + piece.length)),
        );
        bytes.copy(larger, 0, 0, length);
        bytes = larger;
      }
      bytes.set(piece, length);
      length += piece.length;
    }
  } finally {
    if (!isDone) void reader.cancel().catch(() => undefined);
  }
  if (length === 0) throw new FetchFailure('answered with an empty body');
  return Buffer.from(bytes.subarray(0, length));
}

function discard(body: FetchedBody | null): void {
  void body?.cancel().catch(() => undefined);
}

function validatorsOf(headers: FetchedResponse['headers']): Validators {
  const shortOf = (name: string): string | undefined => {
    const value = headers.get(name);
    return value === null || value === '' || value.length > longestValidator ? undefined : value;
  };
  return { etag: shortOf('etag'), lastModified: shortOf('last-modified') };
}

/** RFC 9111 section 5.2.2.1, minus the time that the response spent in caches. */
function maxAgeOf(headers: FetchedResponse['headers']): number | undefined {
  const control = headers.get('cache-control') ?? '';
  if (/(?:^|[\s,])no-(?:cache|store)(?:$|[\s,;=])/i.test(control)) return 0;
  const seconds = /(?:^|[\s,])max-age\s*=\s*"?(\d{1,9})(?!\d)/i.exec(control)?.[1];
  if (seconds === undefined) return undefined;
  const age = /^\d{1,9}$/.exec(headers.get('age') ?? '')?.[0] ?? '0';
  return Math.max(0, Number(seconds) - Number(age)) * 1000;
}

/** RFC 9110 section 10.2.3: seconds or a date. */
function retryAfterOf(headers: FetchedResponse['headers']): number {
  const value = headers.get('retry-after') ?? '';
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), longestRetryMs) : 0;
}

function describeCause(error: unknown): string {
  if (error instanceof MtlsError) return error.message;
  if (!(error instanceof Error)) return 'failed';
  const { cause, message } = error;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? (error as NodeJS.ErrnoException).code;
  // The message of an unknown error may quote a URL with a password.
  if (typeof code === 'string') return `failed (${code})`;
  return cause instanceof Error && cause.message !== '' ? `failed (${cause.message})` : `failed (${message})`;
}
