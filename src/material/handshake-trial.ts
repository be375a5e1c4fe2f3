/**
 * One handshake with each secure context before it comes into force, with a client in this process and over streams
 * in memory. Some faults OpenSSL finds in a handshake only: the server would start, and every client would fail.
 *
 * @module
 */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { duplexPair } from 'node:stream';
import {
  connect,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  TLSSocket,
} from 'node:tls';
import { MtlsError } from '../errors.js';
import { type EventSink } from '../logger.js';
import { type MaterialEvents } from './events.js';
import { type BuiltContext } from './secure-context.js';

/** The contexts of a server. */
export interface SecureContexts {
  /** `undefined`: the server has no TLS. */
  readonly main: BuiltContext | undefined;
  /** By name of `sni`. */
  readonly named: ReadonlyMap<string, BuiltContext>;
}

// A handshake takes two or three milliseconds. Where the process is too busy for it, nothing is learned.
const trialTimeoutMs = 2000;

const everyCipher = 'ALL:COMPLEMENTOFALL:@SECLEVEL=0';
const usualCurves = 'X25519:prime256v1:secp384r1:secp521r1';

/**
 * Tries the contexts of a server.
 * @throws MtlsError `ERR_MTLS_TLS_CONFIG_INVALID` where the server fails with every kind of client. Where it fails with
 *   the usual ones only, it reports `few-clients`.
 */
export async function tryHandshakes(
  sink: EventSink<MaterialEvents>,
  { main, named }: SecureContexts,
): Promise<void> {
  if (main === undefined) return;
  await tryContext(sink, main, undefined);
  for (const [name, context] of named) if (!isLike(context, main)) await tryContext(sink, context, name);
}

/** Whether the server's part of a handshake is the same. What else is in the options comes from options.tls, and stays. */
function isLike({ options }: BuiltContext, other: BuiltContext): boolean {
  const deciding = ['key', 'cert', 'ca'] as const;
  return deciding.every((name) => options[name] === other.options[name]);
}

/**
 * Tries one context.
 * @param name - That of `sni` which it is for; `undefined` for the server itself.
 * @throws MtlsError as {@link tryHandshakes}.
 */
export async function tryContext(
  sink: EventSink<MaterialEvents>,
  { options, context }: BuiltContext,
  name: string | undefined,
): Promise<void> {
  const where = name === undefined ? '' : `sni["${name}"]: `;
  let first: NodeJS.ErrnoException | undefined;
  for (const client of clientsFor(options)) {
    const fault = client && (await shakeHands(context, client));
    if (fault === undefined) {
      if (first !== undefined) report(sink, first, options, where);
      return;
    }
    first ??= fault;
  }
  if (first === undefined) return;
  const seen = `${where}every handshake fails: ${describe(first, options)}`;
  throw new MtlsError('ERR_MTLS_TLS_CONFIG_INVALID', { seen }, { cause: first });
}

function report(
  sink: EventSink<MaterialEvents>,
  fault: NodeJS.ErrnoException,
  options: SecureContextOptions,
  where: string,
): void {
  const detail = `${where}handshakes with most clients fail: ${describe(fault, options)}`;
  sink.emit('few-clients', { code: fault.code, detail });
}

/**
 * From the most permissive client to one that is made for this server: only what fails with all of them is a fault of
 * the server. `undefined` stands for a client that this build of OpenSSL cannot make.
 */
function* clientsFor(options: SecureContextOptions): Generator<SecureContext | undefined> {
  const { ciphers = '', sigalgs, ecdhCurve = 'auto' } = options;
  // Without CAs of its own a client would load those of Node, which takes longer than the handshake.
  const permissive: SecureContextOptions = { ca: [], ciphers: everyCipher, minVersion: 'TLSv1.2' };
  const matching = {
    ...permissive,
    ciphers: `${ciphers}:${everyCipher}`,
    ...(sigalgs === undefined ? {} : { sigalgs }),
    // In TLS 1.2 the client has to offer the curve of the certificate too.
    ecdhCurve: withCurve(ecdhCurve === 'auto' ? usualCurves : ecdhCurve, curveOf(options)),
  };
  for (const able of [permissive, matching])
    for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) yield createClient({ ...able, maxVersion });
}

/** OpenSSL 3.0 refuses a list that has a curve twice. */
function withCurve(curves: string, curve: string | undefined): string {
  return curve === undefined || curves.split(':').includes(curve) ? curves : `${curves}:${curve}`;
}

function createClient(options: SecureContextOptions): SecureContext | undefined {
  try {
    return createSecureContext(options);
  } catch {
    return undefined;
  }
}

/** What the server fails with; `undefined` where it does not fail, or where that cannot be learned. */
async function shakeHands(
  server: SecureContext,
  client: SecureContext,
): Promise<NodeJS.ErrnoException | undefined> {
  // All of it may pass in one turn of the event loop, and connections get theirs in between.
  await new Promise(setImmediate);
  const [near, far] = duplexPair();
  const asked = { isServer: true, requestCert: true, rejectUnauthorized: false };
  const accepted = new TLSSocket(near, { ...asked, secureContext: server });
  const caller = connect({ socket: far, secureContext: client, rejectUnauthorized: false });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      const end = (): void => {
        resolve(undefined);
      };
      timer = setTimeout(end, trialTimeoutMs);
      caller.on('secureConnect', end);
      // Where the client objects, another client may not.
      accepted.on('error', (fault: NodeJS.ErrnoException) => {
        resolve(fault.code?.includes('ALERT') === true ? undefined : fault);
      });
      // After an alert of the server, the server's own error is on its way.
      caller.on('error', () => setImmediate(() => setImmediate(end)));
    });
  } finally {
    clearTimeout(timer);
    for (const stream of [accepted, caller, near, far]) stream.on('error', () => undefined).destroy();
  }
}

/** What OpenSSL said, and what to do. */
function describe(
  fault: NodeJS.ErrnoException & { readonly reason?: string },
  options: SecureContextOptions,
): string {
  const { code = 'without a code', reason = fault.message } = fault;
  return `OpenSSL says "${reason}" (${code}); ${remedyFor(code, options)}`;
}

function remedyFor(code: string, options: SecureContextOptions): string {
  if (code.includes('PROTOCOL'))
    return 'tls.minVersion, tls.maxVersion and tls.secureOptions leave no version of TLS; change one of them';
  if (code.includes('NO_CIPHERS'))
    return 'tls.ciphers has no cipher of a version from tls.minVersion to tls.maxVersion; change one of them';
  if (/SHARED|SUITABLE/.test(code))
    return `tls.ciphers, tls.sigalgs and tls.ecdhCurve have nothing that clients use with ${describeKey(options)}; leave these options out, or use a key of another type`;
  if (/TOO_SMALL|TOO_WEAK/.test(code))
    return "the server sends the CAs of its certificate from options.cert, or else from options.ca, and the key or the signature of one is too weak for OpenSSL's security level; have the server's certificate issued by a stronger CA, or set a lower @SECLEVEL in tls.ciphers";
  return 'check options.tls, options.cert and options.ca';
}

function describeKey(options: SecureContextOptions): string {
  const curve = curveOf(options);
  const type = publicKeyOf(options).asymmetricKeyType ?? 'unknown';
  return `a key of the type ${type}${curve === undefined ? '' : ` (${curve})`}`;
}

function curveOf(options: SecureContextOptions): string | undefined {
  return publicKeyOf(options).asymmetricKeyDetails?.namedCurve;
}

function publicKeyOf({ cert }: SecureContextOptions): KeyObject {
  // Of a file with several certificates, this reads the first: the server's own.
  return new X509Certificate(String(cert)).publicKey;
}
