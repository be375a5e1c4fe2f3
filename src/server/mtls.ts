/**
 * The public interface of the handle of a protected server.
 *
 * @module
 */
import { type MtlsError } from '../errors.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type Explanation } from '../judgement/explanation.js';
import { type RevocationEntryState } from '../revocation/revocation-state.js';
import { type AuthorityState } from './authority-state.js';
import { type MtlsEvents, type ReloadReport, type StandingFault, type TypedEventEmitter } from './events.js';
import { type Explicable } from './explicable.js';

/** The CRLs in force. */
export interface RevocationState {
  /** All CRLs, from every source. */
  readonly crls: readonly RevocationEntryState[];
  /** The CAs without a CRL, if any CRL is configured. By default the certificates that they issued are refused. */
  readonly uncovered: readonly string[];
  /** Whether no CRL is stale; `true` if no CRL is configured. */
  readonly healthy: boolean;
}

/** An open connection of an admitted client. */
export interface ConnectionState {
  /** The identity of the client. */
  readonly identity: ClientIdentity;
  /** The IP address of the client, IPv4 in IPv4 notation; `'unknown address'` if the socket has none. */
  readonly remoteAddress: string;
  /** When the client was admitted. */
  readonly since: Date;
}

/**
 * The message on the channel `express-mtls.NAME` of node:diagnostics_channel.
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 *
 * subscribe('express-mtls.refused', (message) => {
 *   const { event } = message as MtlsMessage<'refused'>;
 *   console.log(event.reason, event.remoteAddress);
 * });
 * ```
 */
export interface MtlsMessage<Name extends keyof MtlsEvents = keyof MtlsEvents> {
  /** The handle that emitted the event; `undefined` for a server made with `createServerOptions()`. */
  readonly mtls: Mtls | undefined;
  /** The argument of the listeners of the event NAME. */
  readonly event: MtlsEvents[Name][0];
}

/** An open connection of a proxy. */
export interface ProxyConnectionState {
  /** The identity in the proxy's certificate; `undefined` if proxies prove themselves in another way. */
  readonly identity: ClientIdentity | undefined;
  /** The IP address of the proxy, as in {@link ConnectionState}. */
  readonly remoteAddress: string;
  /** When the proxy connected. */
  readonly since: Date;
}

/** The proxies that a server is behind. */
export interface ProxyState {
  /** How a proxy proves itself: the kind of `proxies.from`, where `'certificate'` stands for `ca`. */
  readonly proof: 'certificate' | 'socket' | 'secret' | 'addresses';
  /** The CAs of the proxies' certificates; empty if they prove themselves in another way. */
  readonly authorities: readonly AuthorityState[];
  /** The open connections of proxies. Without certificates, a connection counts once a request on it has the proof. */
  readonly connections: Iterable<ProxyConnectionState>;
}

/** A certificate that a server presents. */
export interface ServerCertificateState {
  /** The name of `sni` that it is for; `undefined` for the server's own. */
  readonly servername: string | undefined;
  /** When the certificate becomes valid. */
  readonly notBefore: Date;
  /** When the certificate expires. */
  readonly notAfter: Date;
}

/**
 * The handle of a protected server.
 * @example
 * ```ts
 * const { mtls } = await createServer({ key, cert, ca, crl }, app);
 * mtls.on('refused', ({ reason, detail, remoteAddress }) => console.log(reason, detail, remoteAddress));
 * mtls.on('reload-failed', ({ source, error }) => console.error(source, error.code));
 * ```
 */
export interface Mtls extends AsyncDisposable, TypedEventEmitter<MtlsEvents> {
  /**
   * The CAs in force, including those of the names in `sni`.
   * @example
   * ```ts
   * for (const { subject, notAfter } of mtls.authorities) console.log(String(subject), notAfter);
   * ```
   */
  readonly authorities: readonly AuthorityState[];
  /**
   * The CRLs in force.
   * @example
   * ```ts
   * for (const { issuer, number, nextUpdate } of mtls.revocation.crls) console.log(String(issuer), number, nextUpdate);
   * ```
   */
  readonly revocation: RevocationState;
  /** The certificates that the server presents: its own, then those of `sni`. */
  readonly certificates: readonly ServerCertificateState[];
  /**
   * The standing faults of the sources, from their `'reload-failed'` event to their `'recovered'` event. Oldest
   * first.
   * @example
   * ```ts
   * for (const { source, error, since } of mtls.faults) console.error(source, error.message, since);
   * ```
   */
  readonly faults: readonly StandingFault[];
  /** The error of the first of {@link Mtls.faults}; `undefined` if there is none. */
  readonly fault: MtlsError | undefined;
  /** Whether no fault stands and no CRL is stale. For alarms. */
  readonly healthy: boolean;
  /**
   * Whether clients can be served: the sources have been read, and not every CRL is stale. For a readiness probe: one
   * stale CRL, such as a partner's, does not make it `false`.
   * @example
   * ```ts
   * app.get('/ready', (_req, res) => res.sendStatus(mtls.ready ? 200 : 503));
   * ```
   */
  readonly ready: boolean;
  /**
   * The open connections of clients with a certificate.
   * @example
   * ```ts
   * for (const { identity, remoteAddress } of mtls.connections) console.log(String(identity.subject), remoteAddress);
   * ```
   */
  readonly connections: Iterable<ConnectionState>;
  /**
   * The proxies that the server is behind; `undefined` without `options.proxies`.
   * @example
   * ```ts
   * for (const { identity, since } of mtls.proxies?.connections ?? []) console.log(identity?.commonName, since);
   * ```
   */
  readonly proxies: ProxyState | undefined;
  /**
   * Reads every source again and commits what can be used: each CRL, the removal of CAs, new CAs if every source of
   * `ca` is readable, and each key with its certificate. Overlapping calls share one reload.
   * @throws MtlsError every fault, after the rest is in force. The last-good copy of a faulty source stays in force.
   *   The `'reload-failed'` event reports the same.
   * @example
   * ```ts
   * const { added, evicted } = await mtls.reload();
   * console.log(`${added} newly revoked, ${evicted} connections closed`);
   * ```
   */
  reload(): Promise<ReloadReport>;
  /**
   * Explains why a client would be admitted or refused now: each check, the certification path, the CRLs, and the
   * result of each `requireClient()` rule in this process.
   * @param subject - An identity, a certificate, or PEM or DER.
   * @param servername - The name of `sni` that the client asks for; by default none.
   * @throws MtlsError `ERR_MTLS_PEM_INVALID` for text without a certificate.
   * @example
   * ```ts
   * console.log(mtls.explain(await readFile('client1-crt.pem')).text);
   * ```
   */
  explain(subject: Explicable, servername?: string): Explanation;
  /**
   * Stops watching the sources. The gate continues to judge by what is in force.
   * @example
   * ```ts
   * server.close();
   * await mtls.close();
   * ```
   */
  close(): Promise<void>;
}
