/**
 * The connected clients and proxies, each with all its connections.
 *
 * @module
 */
import { type ClientIdentity } from '../identity/client-identity.js';
import { type AuthorityState } from '../server/authority-state.js';
import { type ConnectionState, type ProxyConnectionState, type ProxyState } from '../server/mtls.js';
import { shorten } from '../x509/string.js';
import { listOf, nameOf } from './listing.js';
import { type StatusProxies, type StatusProxy } from './status-overview.js';
import { type StatusAuthority } from './status-material.js';
import { type StatusClient, type StatusClients } from './status-report.js';

const mostAddresses = 5;

interface Group {
  readonly identity: ClientIdentity;
  connections: number;
  since: Date;
  readonly addresses: Set<string>;
}

/** Groups the connections of clients by certificate. */
export function describeClients(connections: Iterable<ConnectionState>): StatusClients {
  const groups = new Map<string, Group>();
  let total = 0;
  for (const { identity, remoteAddress, since } of connections) {
    total++;
    const group = groups.get(identity.fingerprint256);
    if (group === undefined) {
      const addresses = new Set([remoteAddress]);
      groups.set(identity.fingerprint256, { identity, connections: 1, since, addresses });
      continue;
    }
    group.connections++;
    group.addresses.add(remoteAddress);
    if (since < group.since) group.since = since;
  }
  const sorted = [...groups.values()].sort(
    (one, other) => other.connections - one.connections || one.since.getTime() - other.since.getTime(),
  );
  return { connections: total, ...listOf(sorted, describeClient) };
}

function describeClient({ identity, connections, since, addresses }: Group): StatusClient {
  return {
    subject: nameOf(identity.subject),
    issuer: nameOf(identity.issuer),
    serialNumber: shorten(identity.serialNumber, 64),
    fingerprint256: identity.fingerprint256,
    notAfter: identity.notAfter.toISOString(),
    connections,
    since: since.toISOString(),
    addresses: [...addresses].slice(0, mostAddresses).map((address) => shorten(address, 64)),
    addressCount: addresses.size,
  };
}

/** Groups the connections of proxies by certificate and address. */
export function describeProxies(
  { proof, authorities, connections }: ProxyState,
  describeAuthority: (authority: AuthorityState) => StatusAuthority,
): StatusProxies {
  const groups = new Map<
    string,
    { readonly first: ProxyConnectionState; connections: number; since: Date }
  >();
  let total = 0;
  for (const connection of connections) {
    total++;
    const { identity, remoteAddress, since } = connection;
    const key = `${identity?.fingerprint256 ?? ''} ${remoteAddress}`;
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { first: connection, connections: 1, since });
      continue;
    }
    group.connections++;
    if (since < group.since) group.since = since;
  }
  const sorted = [...groups.values()].sort((one, other) => other.connections - one.connections);
  return {
    proof,
    connections: total,
    authorities: listOf(authorities, describeAuthority),
    ...listOf(sorted, ({ first, connections: open, since }): StatusProxy => ({
      subject: first.identity === undefined ? null : nameOf(first.identity.subject),
      remoteAddress: shorten(first.remoteAddress, 64),
      connections: open,
      since: since.toISOString(),
    })),
  };
}
