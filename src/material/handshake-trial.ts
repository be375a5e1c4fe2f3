/**
 * A trial handshake with each secure context before it comes into force, with a client in this process over in-memory
 * streams. OpenSSL finds some faults only in a handshake: the server would start, and every client would fail.
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
import { inNextTurn, startTimeout, stopTimeout, turn } from '../timers.js';
import { type MaterialEvents } from './events.js';
import { type BuiltContext } from './secure-context.js';

/** The contexts of a server. */
export interface SecureContexts {
  /** `undefined`: the server has no TLS. */
  readonly main: BuiltContext | undefined;
  /** The contexts by name in `sni`. */
  readonly named: ReadonlyMap<string, BuiltContext>;
}

// A handshake takes two or three milliseconds. If the process is too busy, the trial is inconclusive.
const trialTimeoutMs = 2000;

const everyCipher = 'ALL:COMPLEMENTOFALL:@SECLEVEL=0';
const usualCurves = 'X25519:prime256v1:secp384r1:secp521r1';

/**
 * Tries the contexts of a server.
 * @throws MtlsError `ERR_MTLS_TLS_CONFIG_INVALID` if the handshake fails with every kind of client. If it fails only
 *   with typical clients, `few-clients` is reported.
 */
export async function tryHandshakes(
  sink: EventSink<MaterialEvents>,
  { main, named }: SecureContexts,
): Promise<void> {
  if (main === undefined) return;
  await tryContext(sink, main, undefined);
  for (const [name, context] of named) if (!isLike(context, main)) await tryContext(sink, context, name);
}

/**
 * Whether two contexts behave alike in a handshake. Their other options come from options.tls, which does not change.
 */
function isLike({ options }: BuiltContext, other: BuiltContext): boolean {
  const deciding = ['key', 'cert', 'ca'] as const;
  return deciding.every((name) => options[name] === other.options[name]);
}

/**
 * Tries one context.
 * @param name - The name in `sni`; `undefined` for the server itself.
 * @throws MtlsError like {@link tryHandshakes}.
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
 * From the most permissive client to one made for this server: only a failure with all of them is a fault of the
 * server. `undefined` stands for a client that this build of OpenSSL cannot create.
 */
function* clientsFor(options: SecureContextOptions): Generator<SecureContext | undefined> {
  const { ciphers = '', sigalgs, ecdhCurve = 'auto' } = options;
  // Without this, the client would load the root certificates of Node, which takes longer than the handshake.
  const permissive: SecureContextOptions = { ca: [], ciphers: everyCipher, minVersion: 'TLSv1.2' };
  const matching = {
    ...permissive,
    ciphers: `${ciphers}:${everyCipher}`,
    ...(sigalgs === undefined ? {} : { sigalgs }),
    // In TLS 1.2, the client must also offer the curve of the certificate.
    ecdhCurve: withCurve(ecdhCurve === 'auto' ? usualCurves : ecdhCurve, curveOf(options)),
  };
  for (const able of [permissive, matching])
    for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) yield createClient({ ...able, maxVersion });
}

/** OpenSSL 3.0 rejects a list with duplicate curves. */
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

/** The error of the server; `undefined` if it has none or the trial is inconclusive. */
async function shakeHands(
  server: SecureContext,
  client: SecureContext,
): Promise<NodeJS.ErrnoException | undefined> {
  // A whole handshake can run in one turn of the event loop. Connections get a turn in between.
  await turn();
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
      timer = startTimeout(end, trialTimeoutMs);
      caller.on('secureConnect', end);
      // The client rejected the server; another client may not.
      accepted.on('error', (fault: NodeJS.ErrnoException) => {
        resolve(fault.code?.includes('ALERT') === true ? undefined : fault);
      });
      // After an alert from the server, the server's own error follows.
      caller.on('error', () => {
        inNextTurn(() => {
          inNextTurn(end);
        });
      });
    });
  } finally {
    stopTimeout(timer);
    for (const stream of [accepted, caller, near, far]) stream.on('error', () => undefined).destroy();
  }
}

/** The error of OpenSSL, and the remedy. */
function describe(
  fault: NodeJS.ErrnoException & { readonly reason?: string },
  options: SecureContextOptions,
): string {
  const { code = 'without a code', reason = fault.message } = fault;
  return `OpenSSL says "${reason}" (${code}); ${remedyFor(code, options)}`;
}

function remedyFor(code: string, options: SecureContextOptions): string {
  if (code.includes('PROTOCOL'))
    return 'tls.minVersion, tls.maxVersion and tls.secureOptions exclude every TLS version; change one of them';
  if (code.includes('NO_CIPHERS'))
    return 'tls.ciphers has no cipher for a TLS version from tls.minVersion to tls.maxVersion; change one of them';
  if (/SHARED|SUITABLE/.test(code))
    return `tls.ciphers, tls.sigalgs and tls.ecdhCurve allow nothing that clients support with ${describeKey(options)}; remove these options, or use another type of key`;
  if (/TOO_SMALL|TOO_WEAK/.test(code))
    return "the server sends the CAs above its certificate from options.cert, or else from options.ca, and one has a key or signature that is too weak for OpenSSL's security level; have a stronger CA issue the server's certificate, or set a lower @SECLEVEL in tls.ciphers";
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
  // Of several certificates this reads the first, the server's own.
  return new X509Certificate(String(cert)).publicKey;
}
