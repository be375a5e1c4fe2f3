import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { MtlsError } from '../../../src/errors.js';
import { opensslVerdictOn, type Peer, PeerCache } from '../../../src/tls/peer.js';
import { ca, type Certificate } from '../../support/chain.js';

interface Sent {
  readonly der: Buffer;
}

/** A socket whose peer sent these: its certificate, then others. */
function socketOf(...sent: readonly Sent[]): TLSSocket {
  let above: object | undefined;
  for (const { der } of [...sent].reverse())
    above = { raw: der, fingerprint256: fingerprint(der), issuerCertificate: above };
  return { getPeerCertificate: () => above ?? {} } as unknown as TLSSocket;
}

function fingerprint(der: Buffer): string {
  const hex = createHash('sha256').update(der).digest('hex').toUpperCase();
  return (hex.match(/../g) ?? []).join(':');
}

/** Reads a peer and remembers it, as the gate does with one that it lets in. */
function read(cache: PeerCache, ...sent: readonly Sent[]): Peer {
  const peer = cache.read(socketOf(...sent));
  if (peer === undefined || peer instanceof MtlsError) throw peer ?? new Error('no peer');
  cache.remember(peer);
  return peer;
}

const root = ca('root');
const east = root.intermediate('east');
const client = east.client('client1');

describe('a peer', () => {
  test('is what its certificate says, and what it sent beside it', () => {
    const { certificate, identity, others } = read(new PeerCache(), client, east, root);
    expect(certificate.raw).toEqual(client.der);
    expect(identity.commonName).toBe('client1');
    expect(others.map(({ raw }) => raw)).toEqual([east.der, root.der]);
  });

  test('cannot be changed', () => {
    const peer = read(new PeerCache(), client, east);
    expect([peer, peer.identity, peer.others].every((value) => Object.isFrozen(value))).toBe(true);
  });

  test('is none where there is no certificate, and on a socket that has ended', () => {
    expect(new PeerCache().read(socketOf())).toBeUndefined();
    const ended = { getPeerCertificate: () => null } as unknown as TLSSocket;
    expect(new PeerCache().read(ended)).toBeUndefined();
  });

  test('brings no root: only a configured one counts', () => {
    const self: Record<string, unknown> = { raw: root.der, fingerprint256: fingerprint(root.der) };
    self['issuerCertificate'] = self;
    const above = { raw: east.der, fingerprint256: fingerprint(east.der), issuerCertificate: self };
    const leaf = { raw: client.der, fingerprint256: fingerprint(client.der), issuerCertificate: above };
    const socket = { getPeerCertificate: () => leaf } as unknown as TLSSocket;
    expect(new PeerCache().read(socket)).toMatchObject({ others: [{ raw: east.der }] });
  });

  test('that is forgotten has to show its intermediates again', () => {
    const cache = new PeerCache();
    const peer = read(cache, client, east);
    expect(read(cache, client).others).toHaveLength(1);
    cache.forget(peer.identity);
    expect(read(cache, client).others).toEqual([]);
  });

  test('shares its intermediates with the others that have them', () => {
    const cache = new PeerCache();
    const [one, other] = [read(cache, client, east), read(cache, east.client('client2'), east)];
    expect(other.others[0]).toBe(one.others[0]);
  });

  test('may send five certificates, and of more the rest is not read', () => {
    const many = Array.from({ length: 12 }, () => east);
    expect(read(new PeerCache(), client, ...many).others).toHaveLength(5);
  });

  test('whose certificate cannot be read is an error, not a failure of the gate', () => {
    const broken = { der: client.der.subarray(0, -1) };
    const cache = new PeerCache();
    expect(cache.read(socketOf(broken))).toMatchObject({ code: 'ERR_MTLS_CERTIFICATE_INVALID' });
    expect(cache.read(socketOf(client, broken))).toMatchObject({ code: 'ERR_MTLS_CERTIFICATE_INVALID' });
    // It is not remembered: what is read next is read.
    expect(read(cache, client).others).toEqual([]);
  });

  test('that fails otherwise fails', () => {
    const socket = {
      getPeerCertificate: () => ({ fingerprint256: 'a', raw: null }),
    };
    expect(() => new PeerCache().read(socket as unknown as TLSSocket)).toThrow(TypeError);
  });
});

describe('what a full handshake showed', () => {
  test('is remembered for the resumed session, which shows the certificate alone', () => {
    const cache = new PeerCache();
    const full = read(cache, client, east);
    expect(read(cache, client)).toBe(full);
  });

  test('gives way to a later one that shows other intermediates', () => {
    const cache = new PeerCache();
    read(cache, client);
    const withEast = read(cache, client, east);
    expect(withEast.others.map(({ raw }) => raw)).toEqual([east.der]);
    const renewed = east.reissue();
    expect(read(cache, client, renewed).others.map(({ raw }) => raw)).toEqual([renewed.der]);
    expect(read(cache, client).others.map(({ raw }) => raw)).toEqual([renewed.der]);
  });

  test('stays where a later one shows the same', () => {
    const cache = new PeerCache();
    const full = read(cache, client, east);
    expect(read(cache, client, east)).toBe(full);
  });

  test('is remembered of each certificate on its own', () => {
    const cache = new PeerCache();
    const twin = east.client({ commonName: 'client1', serial: client.serialContent });
    const peer = read(cache, client, east);
    expect(read(cache, twin)).not.toBe(peer);
    expect(read(cache, twin).certificate.raw).toEqual(twin.der);
  });

  test('is forgotten of the one that was seen longest ago', () => {
    const cache = new PeerCache(2);
    const [first, second, third] = [1, 2, 3].map((number) => east.client({ commonName: `${number}` })) as [
      Certificate,
      Certificate,
      Certificate,
    ];
    const peers = [read(cache, first, east), read(cache, second, east)];
    read(cache, first);
    read(cache, third);
    expect(read(cache, first)).toBe(peers[0]);
    expect(read(cache, second)).not.toBe(peers[1]);
    expect(read(cache, second).others).toEqual([]);
  });
});

describe('what OpenSSL says', () => {
  test.each<[string, object, ReturnType<typeof opensslVerdictOn>]>([
    ['trusted', { authorized: true, authorizationError: null }, 'trusted'],
    ['trusted, with no error at all', { authorized: true }, 'trusted'],
    ['trusted, with an empty error', { authorized: true, authorizationError: '' }, 'trusted'],
    [
      'an error as text',
      { authorized: false, authorizationError: 'CERT_REVOKED' },
      { error: 'CERT_REVOKED' },
    ],
    [
      'an error as an Error',
      { authorized: false, authorizationError: new Error('CERT_REVOKED') },
      { error: 'CERT_REVOKED' },
    ],
    [
      'authorized, but an error too',
      { authorized: true, authorizationError: 'CERT_REVOKED' },
      { error: 'CERT_REVOKED' },
    ],
    [
      'not authorized, and no error',
      { authorized: false, authorizationError: null },
      { error: 'UNAUTHORIZED' },
    ],
    ['nothing', {}, { error: 'UNAUTHORIZED' }],
  ])('is read of a socket: %s', (_what, socket, verdict) => {
    expect(opensslVerdictOn(socket as TLSSocket)).toEqual(verdict);
  });
});

test('a peer that was not let in is not remembered', () => {
  const cache = new PeerCache();
  const first = cache.read(socketOf(client, east));
  expect(cache.read(socketOf(client, east))).not.toBe(first);
});
