/**
 * Which servers can be protected, and with which settings.
 *
 * @module
 */
import type { Server } from 'node:net';
import { MtlsError } from '../errors.js';
import { hasOpensslAnchors } from '../material/settings.js';
import { throwFaults } from '../option-checks.js';
import { type AnyOptions } from './options.js';
import { type Settings } from './settings.js';

/** Refuses `sni`, where it cannot be used. */
export function refuseNames(settings: Settings, why: string): void {
  throwFaults(faultsOfNames(settings, why));
}

function faultsOfNames({ names }: Settings, why: string): MtlsError[] {
  const seen = `sni is only for createServer(), because ${why}`;
  return names.size === 0 ? [] : [new MtlsError('ERR_MTLS_OPTION_INVALID', { seen })];
}

/**
 * Refuses the options that only the gate or the reloader can fulfil.
 * @param given - What the app set, without defaults.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, with one line per fault.
 */
export function refuseWithoutGate(settings: Settings, given: AnyOptions): void {
  const needs = [
    settings.signals && 'signals: true needs the reloader, but these options are read once',
    settings.clients === 'optional' &&
      "clients: 'optional' needs the gate, because node:tls would also admit invalid certificates",
    settings.onRefused === 'respond' &&
      "onRefused: 'respond' needs the gate, because node:tls ends a connection that it refuses itself",
    settings.proxies !== undefined &&
      'proxies needs the gate, because each request must be judged by the certificate in its header',
    given.limits?.pendingHandshakes !== undefined &&
      'limits.pendingHandshakes needs the gate, because node:tls does not count handshakes',
    !hasOpensslAnchors(settings) &&
      `${anchorless(settings)} needs the gate, because node:tls would refuse every client that only the gate trusts`,
  ].filter((need) => need !== false);
  const remedy = 'use createServer(), or protect() the server';
  throwFaults([
    ...faultsOfNames(settings, 'the Host of each request must be checked'),
    ...needs.map((seen) => new MtlsError('ERR_MTLS_OPTION_INVALID', { seen, remedy })),
  ]);
}

/** Refuses a server that the gate cannot protect with these settings. */
export function checkProtectable(server: Server, settings: Settings): void {
  const { clients, onRefused } = settings;
  if (server.listening)
    throw new MtlsError('ERR_MTLS_STATE_INVALID', {
      seen: 'the server already listens',
      remedy: 'protect() it before listen()',
    });
  const hasTls = 'setSecureContext' in server;
  if (hasTls !== (settings.credentials !== undefined))
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: hasTls
        ? 'the server has TLS, but key and cert are missing'
        : 'the server has no TLS, but key and cert are set',
      remedy: hasTls
        ? 'set key and cert'
        : 'omit them, which requires proxies, or create a server of node:https',
    });
  if (!hasTls) return;
  const { requestCert, rejectUnauthorized } = server as {
    requestCert?: unknown;
    rejectUnauthorized?: unknown;
  };
  if (requestCert === false && asksForCertificates(settings)) {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'the server does not request client certificates',
      remedy: 'create it with requestCert: true',
    });
  }
  if (onRefused === 'respond' && (rejectUnauthorized === true || !('setTimeout' in server))) {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: "onRefused: 'respond' needs a server of node:https or node:http2, created with rejectUnauthorized: false, so that there are requests to answer",
    });
  }
  if (rejectUnauthorized === true && !hasOpensslAnchors(settings)) {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: `the server has rejectUnauthorized: true, and with ${anchorless(settings)} node:tls trusts no client`,
      remedy: 'create it with rejectUnauthorized: false',
    });
  }
  if (rejectUnauthorized === true && clients === 'optional') {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'the server refuses callers without a certificate before the gate can admit them',
      remedy: "for clients: 'optional' create it with rejectUnauthorized: false",
    });
  }
}

/** The option that leaves OpenSSL without trust anchors. */
function anchorless({ partialChain }: Settings): string {
  return partialChain === 'allow' ? "partialChain: 'allow'" : "announceCas: 'none'";
}

/** A registered symbol, so that two copies of this package find each other's gates. */
const gateKey = Symbol.for('express-mtls.gate');

/** Marks a server as protected. A second gate would judge by other files, and refuse clients that the first admits. */
export function claim(server: Server): void {
  if (gateKey in server)
    throw new MtlsError('ERR_MTLS_STATE_INVALID', {
      seen: 'the server already has a gate, from createServer() or an earlier protect()',
      remedy: 'use the handle that the first call returned, or create a new server if protect() has failed',
    });
  Object.defineProperty(server, gateKey, { value: true });
}

/** Whether a server is protected, by this copy of the package or another. */
export function isGuarded(server: unknown): boolean {
  return typeof server === 'object' && server !== null && gateKey in server;
}

/**
 * Whether the handshake requests a certificate. If proxies are authenticated in another way, only direct clients need
 * one.
 */
export function asksForCertificates({ proxies }: Settings): boolean {
  return proxies === undefined || proxies.trust !== undefined || proxies.direct === 'admit';
}
