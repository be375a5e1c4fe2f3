import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { identityOf } from '../../../src/identity/client-identity.js';
import { identityOn, opensslVerdictOn, PeerCache, type ReadPeer } from '../../../src/gate/peer.js';
import type { Refusal } from '../../../src/judgement/refusal.js';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { ca, type Certificate, selfSigned } from '../../support/chain.js';
import { tlsSession } from '../../support/tls-session.js';

interface Shown {
  /** The session, as the socket hands it out. */
  readonly session?: Buffer | null;
  /** What it sent beside its certificate. */
  readonly others?: readonly Certificate[];
  readonly resumed?: boolean;
}

/** A socket whose peer sent this certificate; `calls` counts who asks for the chain. */
function socketOf(
  certificate: { readonly der: Buffer } | undefined,
  shown: Shown = {},
): TLSSocket & { calls: number } {
  const { others = [], session = tlsSession(certificate?.der) } = shown;
  let above: object | undefined;
  for (const { der } of [...others].reverse()) above = { raw: der, issuerCertificate: above };
  const socket = {
    calls: 0,
    destroyed: session === null,
    getSession: () => session && Buffer.from(session),
    getPeerX509Certificate: () => {
      socket.calls++;
      return { raw: certificate?.der, issuerCertificate: above };
    },
  };
  return socket as unknown as TLSSocket & { calls: number };
}

/** A socket that resumes a session, or does not. */
function resuming(resumed: boolean): TLSSocket {
  return { isSessionReused: () => resumed } as unknown as TLSSocket;
}

function read(cache: PeerCache, certificate: { readonly der: Buffer }): ReadPeer {
  return expectPeer(cache.read(socketOf(certificate), 'trusted'));
}

/** Reads a peer and remembers it, as the gate does with one that it admits. */
function admit(cache: PeerCache, certificate: { readonly der: Buffer }): ReadPeer {
  const peer = read(cache, certificate);
  cache.remember(peer);
  return peer;
}

function expectPeer(peer: ReadPeer | Refusal | undefined): ReadPeer {
  if (peer === undefined || 'reason' in peer) throw new Error(`no peer: ${peer?.detail}`);
  return peer;
}

const root = ca('root');
const east = root.intermediate('east');
const client = east.client('client1');
const stranger = { error: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' } as const;

describe('a peer', () => {
  test('is what the certificate of its session says', () => {
    const peer = read(new PeerCache(), client);
    const { certificate, identity, others } = peer;
    expect(certificate.raw).toEqual(client.der);
    expect(identity).toEqual(identityOf(parseCertificate(client.der)));
    for (const resumed of [false, true]) {
      const shown = identityOn(resuming(resumed), peer);
      expect(shown).toEqual({ ...identity, source: 'tls', via: undefined, policies: [], resumed });
      expect(identityOn(resuming(resumed), peer)).toBe(shown);
      expect(peer.identity).toBe(identity);
    }
    expect(others).toEqual([]);
  });

  test('cannot be changed', () => {
    const peer = read(new PeerCache(), client);
    const { identity, others } = peer;
    const parts = [peer, identity, identityOn(resuming(false), peer), others];
    expect(parts.every((value) => Object.isFrozen(value))).toBe(true);
  });

  test('is none where the session has no certificate, and on a socket that has ended', () => {
    expect(new PeerCache().read(socketOf(undefined), 'trusted')).toBeUndefined();
    for (const session of [null, undefined]) {
      const ended = { destroyed: true, getSession: () => session };
      expect(new PeerCache().read(ended as unknown as TLSSocket, 'trusted')).toBeUndefined();
    }
  });

  test('leaves no secret of its session behind', () => {
    const session = tlsSession(client.der);
    const socket = { getSession: () => session } as unknown as TLSSocket;
    const peer = expectPeer(new PeerCache().read(socket, 'trusted'));
    expect(session.equals(Buffer.alloc(session.length))).toBe(true);
    expect(peer.certificate.raw).toEqual(client.der);
    expect(peer.identity.raw).toEqual(client.der);
  });

  test('is read of node:tls where the session has a form that is not known', () => {
    for (const session of [Buffer.from('other'), Buffer.concat([tlsSession(client.der), Buffer.alloc(1)])]) {
      const socket = {
        getSession: () => Buffer.from(session),
        getPeerCertificate: () => ({ raw: client.der }),
      };
      expect(
        expectPeer(new PeerCache().read(socket as unknown as TLSSocket, 'trusted')).identity.commonName,
      ).toBe('client1');
      const anonymous = { ...socket, getPeerCertificate: () => ({}) };
      expect(new PeerCache().read(anonymous as unknown as TLSSocket, 'trusted')).toBeUndefined();
    }
  });

  test('is read of node:tls where there is no session, as in Deno, whose bytes are no Buffer', () => {
    const socket = {
      destroyed: false,
      getSession: () => null,
      getPeerCertificate: () => ({ raw: new Uint8Array(client.der) }),
    };
    const { certificate } = expectPeer(new PeerCache().read(socket as unknown as TLSSocket, 'trusted'));
    expect(certificate.raw).toEqual(client.der);
    const destroyed = { ...socket, destroyed: true };
    expect(new PeerCache().read(destroyed as unknown as TLSSocket, 'trusted')).toBeUndefined();
  });

  test('whose certificate cannot be read is refused, and is not remembered', () => {
    const cache = new PeerCache();
    const broken = Buffer.from(client.der);
    // The version.
    broken[broken.indexOf(Buffer.from('a003020102', 'hex')) + 4] = 7;
    expect(cache.read(socketOf({ der: broken }), 'trusted')).toMatchObject({ reason: 'identity-invalid' });
    expect(read(cache, client).identity.commonName).toBe('client1');
  });

  test('that fails otherwise fails', () => {
    const socket = { getSession: () => 'no bytes' } as unknown as TLSSocket;
    expect(() => new PeerCache().read(socket, 'trusted')).toThrow(TypeError);
  });
});

describe('the name of an issuer', () => {
  test('is shared by the clients that it issued, once one of them was admitted', () => {
    const cache = new PeerCache();
    read(cache, east.client('refused'));
    const unshared = read(cache, east.client('client2')).certificate.issuer;
    admit(cache, east.client('client3'));
    const shared = read(cache, east.client('client4')).certificate.issuer;
    expect(read(cache, east.client('client5')).certificate.issuer).toBe(shared);
    expect(shared).not.toBe(unshared);
    expect(shared.equals(unshared)).toBe(true);
    expect(shared.der).toEqual(unshared.der);
    expect(read(cache, root.client('client6')).certificate.issuer.equals(shared)).toBe(false);
  });

  test('keeps no certificate in memory', () => {
    const cache = new PeerCache();
    const { certificate } = admit(cache, east.client('client2'));
    const { der, rdns } = read(cache, east.client('client3')).certificate.issuer;
    for (const view of [der, ...rdns.flat().map((attribute) => attribute.der)]) {
      expect(view.buffer).not.toBe(certificate.raw.buffer);
      expect(view.buffer.byteLength).toBe(der.length);
    }
  });
});

describe('of a certificate that OpenSSL does not trust', () => {
  test('a usual one is read, so that the log can name it', () => {
    const peer = expectPeer(new PeerCache().read(socketOf(client), stranger));
    expect(peer.identity.commonName).toBe('client1');
  });

  test('one with more than 16 KiB is not read, and the reason is OpenSSL’s', () => {
    const large = selfSigned({ serial: '7f'.repeat(17_000) });
    expect(new PeerCache().read(socketOf(large), stranger)).toMatchObject({
      reason: 'untrusted',
      detail: expect.stringMatching(
        /^OpenSSL says UNABLE_TO_GET_ISSUER_CERT_LOCALLY, and the certificate has 17\d{3} bytes/,
      ),
    });
    expect(new PeerCache().read(socketOf(large), { error: 'CERT_HAS_EXPIRED' })).toMatchObject({
      reason: 'expired',
    });
    expect(read(new PeerCache(), large).identity.serialNumber).toHaveLength(34_000);
  });

  test('one of many elements is not read to its end', () => {
    const many = selfSigned({ sans: { dns: Array.from({ length: 600 }, (_, index) => `${index}.example`) } });
    expect(many.der.length).toBeLessThan(16_000);
    expect(new PeerCache().read(socketOf(many), stranger)).toMatchObject({
      reason: 'identity-invalid',
      detail: expect.stringContaining('too many elements'),
    });
    expect(read(new PeerCache(), many).identity.subjectAltNames.dns).toHaveLength(600);
  });
});

describe('what is remembered', () => {
  test('is a peer that was admitted, and no other', () => {
    const cache = new PeerCache();
    const first = read(cache, client);
    expect(read(cache, client)).not.toBe(first);
    const admitted = admit(cache, client);
    expect(read(cache, client)).toBe(admitted);
    // Also where OpenSSL does not trust it any more.
    expect(cache.read(socketOf(client), stranger)).toBe(admitted);
  });

  test('is forgotten when it is asked to be', () => {
    const cache = new PeerCache();
    const peer = admit(cache, client);
    cache.forget(peer.identity);
    expect(read(cache, client)).not.toBe(peer);
  });

  test('is told from another certificate with the same signature', () => {
    const cache = new PeerCache();
    const peer = admit(cache, client);
    const twin = Buffer.from(client.der);
    const place = twin.indexOf('client1');
    twin.write('client2', place, 'latin1');
    const other = read(cache, { der: twin });
    expect(other).not.toBe(peer);
    expect(other.identity.commonName).toBe('client2');
  });

  test('gives way to what is admitted later, by number and by bytes', () => {
    const [first, second, third] = [1, 2, 3].map((number) => east.client(`${number}`)) as [
      Certificate,
      Certificate,
      Certificate,
    ];
    const weight = read(new PeerCache(), first).weight;
    for (const limits of [
      { entries: 2, bytes: 1e9 },
      { entries: 1e9, bytes: weight * 2.5 },
    ]) {
      const cache = new PeerCache(limits);
      const peers = [admit(cache, first), admit(cache, second)];
      admit(cache, first);
      admit(cache, third);
      expect(read(cache, first)).toBe(peers[0]);
      expect(read(cache, second)).not.toBe(peers[1]);
    }
  });

  test('weighs at least what it takes of the heap, however small its names are', () => {
    const empty = Array.from({ length: 5000 }, () => '');
    const many = selfSigned({ sans: { dns: empty } });
    expect(read(new PeerCache(), many).weight).toBeGreaterThan(100 * 5000);
  });
});

describe('the intermediates that a peer sent', () => {
  test('are read once, at most five', () => {
    const many = Array.from({ length: 12 }, () => east);
    const socket = socketOf(client, { others: many });
    const cache = new PeerCache();
    const alone = read(cache, client);
    const whole = expectPeer(cache.withIntermediates(socket, alone));
    expect(whole.others).toHaveLength(5);
    expect(whole.others[0]?.raw).toEqual(east.der);
    expect(whole.weight).toBeGreaterThan(alone.weight);
    expect(socket.calls).toBe(1);
    expect(Object.isFrozen(whole) && Object.isFrozen(whole.others)).toBe(true);
  });

  test('are the same objects when they come again, if they came with a client that was admitted', () => {
    const cache = new PeerCache();
    const othersOf = (peer: ReadPeer): ReadPeer =>
      expectPeer(cache.withIntermediates(socketOf(client, { others: [east] }), peer));
    const refused = othersOf(read(cache, client));
    const admitted = othersOf(read(cache, client));
    expect(admitted.others[0]).not.toBe(refused.others[0]);
    cache.remember(admitted);
    expect(othersOf(read(cache, east.client('client2'))).others[0]).toBe(admitted.others[0]);
  });

  test('are none where node:tls shows none', () => {
    const cache = new PeerCache();
    const alone = read(cache, client);
    expect(cache.withIntermediates(socketOf(client), alone)).toMatchObject({ others: [] });
    const gone = { getPeerX509Certificate: () => undefined } as unknown as TLSSocket;
    expect(cache.withIntermediates(gone, alone)).toMatchObject({ others: [] });
  });

  test('are a refusal where one cannot be read', () => {
    const cache = new PeerCache();
    const alone = read(cache, client);
    const broken = { ...east, der: east.der.subarray(0, -1) };
    expect(cache.withIntermediates(socketOf(client, { others: [broken] }), alone)).toMatchObject({
      reason: 'identity-invalid',
    });
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
