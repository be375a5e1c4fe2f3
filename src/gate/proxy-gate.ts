/**
 * Decides about requests through proxies: whether the proxy has proved itself, which certificate it forwards, and
 * whether that client is admitted.
 *
 * @module
 */
import { isIP } from 'node:net';
import {
  findForwarded,
  type ForwardedFault,
  type ForwardedLines,
  isFault,
  readForwarded,
} from '../forwarded/forwarded-certificate.js';
import { ForwardedCache } from '../forwarded/forwarded-cache.js';
import { headersToStrip } from '../forwarded/forwarded-header.js';
import { type Refusal, refuse } from '../judgement/refusal.js';
import { clientAddressIn } from './client-address.js';
import { notReady } from './connection-refusal.js';
import { type Connection, type KeptConnection } from './connection.js';
import { ForwardedClient } from './forwarded-client.js';
import { type Exchange, ForwardedConnection, type Origin } from './forwarded-connection.js';
import { type ConnectionRole, type GatedConnection, type Keeper } from './gated-connection.js';
import { IssuerNames, readForwardedPeer } from './peer.js';
import { type ProxySettings } from './proxy-options.js';
import { secretAmong, SecretBearer } from './proxy-secret.js';
import { signatureBudget } from './signature-budget.js';
import { WeightedCache } from './weighted-cache.js';

/** What the proxy gate needs from the gate. */
export interface ProxyKeeper extends Keeper {
  /** The SHA-256 hash of each secret in force. */
  readonly proxySecrets: readonly Buffer[];
  readonly clients: 'required' | 'optional';
  /** Judges a connection again after reloads and when dates pass, until its exchange ends. */
  keep(connection: KeptConnection, exchange: Exchange): void;
}

/** The head of a request, as received. */
export interface RequestHead {
  readonly rawHeaders: readonly string[];
  /** Whether Node may have dropped headers. */
  readonly isCut: boolean;
  /** The value of {@link ProxyGate.addressHeader}; repeated headers are joined. */
  readonly address: string | undefined;
}

// The same limits as for clients that connect directly.
const remembered = { entries: 10_000, bytes: 64 * 1024 * 1024 } as const;

/** Identifies the client of each request on a connection that is a proxy's or may be. */
export class ProxyGate {
  readonly #settings: ProxySettings;
  readonly #keeper: ProxyKeeper;
  /** Admitted clients, by the header values with their certificate. */
  readonly #clients = new ForwardedCache<ForwardedClient>(new WeightedCache(remembered));
  readonly #issuers = new IssuerNames();
  /** The headers that are removed from every request. */
  readonly stripped: ReadonlySet<string>;

  constructor(settings: ProxySettings, keeper: ProxyKeeper) {
    this.#settings = settings;
    this.#keeper = keeper;
    this.stripped = headersToStrip(settings.header);
  }

  /** The header with the client's address. */
  get addressHeader(): ProxySettings['clientAddress'] {
    return this.#settings.clientAddress;
  }

  /**
   * Returns the connection of a request; `undefined` if that is `below`, because the client is connected directly.
   * @param below - The connection on which the request arrived.
   */
  connectionOf(head: RequestHead, below: GatedConnection, exchange: Exchange): Connection | undefined {
    const proxy = this.#proved(head, below);
    if (proxy === undefined) return this.#receiveDirect(below, exchange);
    below.attributeToProxy();
    const origin = { proxy, remoteAddress: this.#addressIn(head) ?? below.remoteAddress };
    if (head.isCut) return this.#refuse(origin, exchange, tooManyHeaders);
    const lines = findForwarded(head.rawHeaders, this.#settings.header);
    if (lines === undefined) {
      if (this.#keeper.clients === 'required') return this.#refuse(origin, exchange, noCertificate);
      if (this.#keeper.judges === undefined) return this.#refuse(origin, exchange, notReady);
      return this.#keep(new ForwardedConnection(this.#keeper, origin, exchange, undefined), exchange);
    }
    if (isFault(lines)) return this.#refuse(origin, exchange, refuseHeader(lines));
    const known = this.#clients.get(lines);
    if (known === undefined) return this.#receiveNew(lines, origin, exchange);
    const connection = new ForwardedConnection(this.#keeper, origin, exchange, known);
    const refusal = connection.check();
    return refusal === undefined
      ? this.#keep(connection, exchange)
      : this.#refuse(origin, exchange, refusal, known);
  }

  /** Handles a request that no proxy has sent. With `direct: 'admit'` it belongs to the client of the connection. */
  #receiveDirect(below: GatedConnection, exchange: Exchange): Connection | undefined {
    const origin = { proxy: below, remoteAddress: below.remoteAddress };
    if (this.#settings.direct === 'refuse' || !below.mayBeClients)
      return this.#refuse(origin, exchange, notAProxy);
    const isAnonymous = below.reported === undefined && this.#keeper.clients === 'required';
    return isAnonymous ? this.#refuse(origin, exchange, noneAtAll) : undefined;
  }

  #receiveNew(lines: ForwardedLines, origin: Origin, exchange: Exchange): Connection {
    if (signatureBudget.isSpent) return this.#refuse(origin, exchange, overloaded);
    const certificates = readForwarded(lines, this.#settings.header);
    if (isFault(certificates)) return this.#refuse(origin, exchange, refuseHeader(certificates));
    const peer = readForwardedPeer(certificates, this.#issuers);
    if ('reason' in peer) return this.#refuse(origin, exchange, peer);
    const client = new ForwardedClient(peer);
    const connection = new ForwardedConnection(this.#keeper, origin, exchange, client);
    const { refusal, failedSignatures } = connection.judge();
    signatureBudget.spend(failedSignatures);
    if (refusal !== undefined) return this.#refuse(origin, exchange, refusal, client);
    this.#clients.put(lines, client, peer.weight);
    this.#issuers.add(peer.certificate.issuer);
    this.#reportAdmitted(connection);
    return this.#keep(connection, exchange);
  }

  #reportAdmitted({ identity, remoteAddress }: ForwardedConnection): void {
    const { reporter } = this.#keeper;
    if (identity !== undefined && reporter.isHeard('authenticated'))
      reporter.emit('authenticated', { identity, remoteAddress });
  }

  #keep(connection: ForwardedConnection, exchange: Exchange): Connection {
    this.#keeper.keep(connection, exchange);
    return connection;
  }

  #refuse(origin: Origin, exchange: Exchange, refusal: Refusal, client?: ForwardedClient): Connection {
    const connection = new ForwardedConnection(this.#keeper, origin, exchange, client, refusal);
    const { identity, remoteAddress } = connection;
    const report = { ...refusal, identity, remoteAddress, tlsVersion: undefined, resumed: false };
    this.#keeper.reporter.emit('refused', report);
    return connection;
  }

  /** The connection of the proxy that has sent a request; `undefined` if that is not proved. */
  #proved({ rawHeaders }: RequestHead, below: GatedConnection): Origin['proxy'] | undefined {
    const { trust, secrets, socketMode, addresses } = this.#settings;
    if (secrets.length > 0) {
      const secret = secretAmong(rawHeaders, this.#keeper.proxySecrets);
      return secret && new SecretBearer(this.#keeper, below, secret);
    }
    if (trust !== undefined) return below.role === 'proxy' ? below : undefined;
    return socketMode !== undefined || isAmong(below.remoteAddress, addresses) ? below : undefined;
  }

  #addressIn({ address }: RequestHead): string | undefined {
    const { clientAddress } = this.#settings;
    return clientAddress && clientAddressIn(address, clientAddress);
  }
}

const notAProxy = refuse('not-a-proxy', 'the request did not come from a proxy', {
  remedy: 'connect through the proxy, or have the proxy prove itself as proxies.from says',
});
const tooManyHeaders = refuse(
  'header-invalid',
  'the request has more headers than node:http keeps, and the dropped ones may include a certificate',
  { remedy: 'limit the number of headers in the proxy, or raise maxHeadersCount of the server' },
);
const noCertificate = refuse('no-certificate', 'the proxy forwarded no certificate', {
  remedy:
    'have the proxy ask clients for a certificate and forward it in the header that proxies.header names',
});
const noneAtAll = refuse(
  'no-certificate',
  'the request did not come from a proxy, and the client sent no certificate',
  {
    remedy:
      'if it is the proxy, have it prove itself as proxies.from says; if it is a client, use a certificate of a CA in options.ca',
  },
);
const overloaded = refuse(
  'overloaded',
  'too many certificates that no configured CA has signed were forwarded',
  {
    remedy:
      'have the proxy verify certificates by the same CAs; clients that were admitted before are not affected',
  },
);

function refuseHeader({ seen, expected, remedy }: ForwardedFault): Refusal {
  return refuse('header-invalid', expected === undefined ? seen : `${seen}; expected ${expected}`, {
    remedy,
  });
}

/** The role of a connection without a proxy's certificate. */
export function roleOf(proxies: ProxySettings | undefined): ConnectionRole {
  if (proxies === undefined || proxies.trust !== undefined) return 'client';
  return proxies.direct === 'admit' ? 'unknown' : 'carrier';
}

function isAmong(address: string, addresses: ProxySettings['addresses']): boolean {
  const family = isIP(address);
  return family !== 0 && addresses?.check(address, family === 4 ? 'ipv4' : 'ipv6') === true;
}
