/**
 * What strangers and clients can do to a server without being served.
 *
 * @module
 */
import { connect, type Socket } from 'node:net';
import { ca, selfSigned } from '../../test/support/chain.js';
import { generateKey } from '../../test/support/signing.js';
import { type Check, fail } from '../check.js';
import type { Server, Stage } from '../harness/stage.js';
import { seconds, waitUntil } from '../harness/waiting.js';

async function plain(stage: Stage): Promise<Server> {
  const { root } = stage;
  const server = await stage.start({ cas: [root], crls: [root.crl()] });
  await server.serves(root.client('good'), 'the good client, before');
  return server;
}

/** A certificate that is laborious to read is answered one way or the other, and nothing stops. */
function survives(
  id: Check['id'],
  sentence: string,
  reference: string,
  steps: string,
  certificate: (stage: Stage) => { chainPem: string; keyPem: string },
): Check {
  return {
    id,
    sentence,
    reference,
    steps,
    run: async (stage) => {
      const server = await plain(stage);
      const client = certificate(stage);
      const started = performance.now();
      const { seen } = await server.as(client).call();
      const took = performance.now() - started;
      if (took > stage.limits.patienceMs) fail(`answered after ${seconds(took)}`);
      await server.serves(stage.root.client('good'), 'the good client, after');
      return `${seen} after ${seconds(took)}`;
    },
  };
}

export const boundChecks: readonly Check[] = [
  {
    id: 'bounds.crossed-cas',
    sentence:
      'Two configured CAs that certify each other do not stop the server, and clients of both are served.',
    reference: 'RFC 4158 section 2.4.2 (loops); node:tls getPeerCertificate(true) never returns',
    steps: 'Two CAs with cross-certificates for each other, before their roots; clients of both call.',
    run: async (stage) => {
      const [keyA, keyB] = [generateKey(), generateKey()];
      const [a, b] = [ca({ commonName: 'a', privateKey: keyA }), ca({ commonName: 'b', privateKey: keyB })];
      const aByB = b.intermediate({ commonName: 'a', privateKey: keyA });
      const bByA = a.intermediate({ commonName: 'b', privateKey: keyB });
      const server = await stage.start({ cas: [aByB, bByA, a, b], crls: [a.crl(), b.crl()] });
      await server.serves(a.client(), 'a client of the first');
      await server.serves(b.client(), 'a client of the second');
      const { served, seen } = await server.as(selfSigned('stranger')).call();
      return served ? fail('a stranger is served') : `both are served, and a stranger is ${seen}`;
    },
  },
  {
    id: 'bounds.ca-names',
    sentence: 'More names of CAs than a handshake has room for are an error at the start, or no obstacle.',
    reference: 'RFC 8446 section 4.2.4: 65,535 bytes; OpenSSL fails every handshake',
    steps: 'CAs whose names have more than 64 KiB together; a client of one calls.',
    run: async (stage) => {
      const { root } = stage;
      const privateKey = generateKey();
      const many = Array.from({ length: 70 }, (_, index) =>
        ca({ commonName: `ca ${index}`, organization: 'x'.repeat(1000), privateKey }),
      );
      const all = [root, ...many];
      const server = await stage
        .start({ cas: all, crls: all.map((each) => each.crl()) })
        .catch((error: unknown) => (error as Error).message);
      if (typeof server === 'string') return `does not start: ${server}`;
      const { served, seen } = await server.as(root.client()).call();
      return served ? 'served' : fail(`starts, and then the good client is ${seen}`);
    },
  },
  survives(
    'bounds.many-names',
    'A certificate with 10,000 names is answered in time.',
    'Node CVE-2026-21637 and CWE-400',
    'A client’s certificate has 10,000 DNS names; it calls, and then another client does.',
    ({ root }) =>
      root.client({ sans: { dns: Array.from({ length: 10_000 }, (_, index) => `host-${index}.example`) } }),
  ),
  survives(
    'bounds.strange-names',
    'A stranger’s certificate with 10,000 names is answered in time.',
    'CWE-400',
    'A self-signed certificate has 10,000 DNS names; it calls, and then a client does.',
    () =>
      selfSigned({ sans: { dns: Array.from({ length: 10_000 }, (_, index) => `host-${index}.example`) } }),
  ),
  survives(
    'bounds.long-name',
    'A commonName of 60,000 bytes is answered in time, and stops nothing.',
    'RFC 5280 appendix A.1: 64 characters (ub-common-name)',
    'A client’s commonName has 60,000 bytes; it calls, and then another client does.',
    ({ root }) => root.client({ commonName: 'x'.repeat(60_000) }),
  ),
  survives(
    'bounds.long-chain',
    'A client that sends 60 intermediates is answered in time.',
    'CWE-400',
    'A client sends 60 certificates that certify each other, in vain; then another client calls.',
    () => {
      let issuer = ca('stranger');
      for (let depth = 0; depth < 60; depth += 1) issuer = issuer.intermediate(`step ${depth}`);
      return issuer.client();
    },
  ),
  {
    id: 'bounds.stalled',
    sentence: 'Clients that connect and send nothing keep no one else out.',
    reference: 'CWE-400, CWE-770',
    steps: '200 connections are opened and send nothing; a client calls.',
    run: async (stage) => {
      const server = await plain(stage);
      const sockets = await stall(server, 200);
      try {
        await server.serves(stage.root.client('good'), 'the good client');
        return 'served';
      } finally {
        for (const socket of sockets) socket.destroy();
      }
    },
  },
  {
    id: 'bounds.stalled-end',
    sentence: 'A handshake that does not begin is ended within half a minute.',
    reference: 'CWE-400, CWE-770; node:tls waits 120 s',
    steps: 'A connection is opened and sends nothing.',
    isLong: true,
    run: async (stage) => {
      const server = await plain(stage);
      const [socket] = await stall(server, 1);
      const took = await waitUntil(() => socket?.destroyed !== false, stage.limits.stallMs);
      socket?.destroy();
      return took === undefined
        ? fail(`still open after ${seconds(stage.limits.stallMs)}`)
        : `ended after ${seconds(took)}`;
    },
  },
  {
    id: 'bounds.renegotiation',
    sentence: 'A client cannot ask for handshake after handshake on one connection of TLS 1.2.',
    reference: 'CVE-2009-3555, CVE-2011-1473; RFC 9113 section 9.2.1',
    steps: 'A client is served over TLS 1.2, and asks for a second handshake on a connection.',
    run: async (stage) => {
      const server = await plain(stage);
      const good = stage.root.client('good');
      await server.serves(good, 'the good client, over TLS 1.2', { version: 'TLSv1.2' });
      const { isDone, seen } = await server.as(good).renegotiate(stage.limits.patienceMs);
      if (isDone) fail(seen);
      await server.serves(good, 'the good client, after');
      return seen;
    },
  },
  {
    id: 'bounds.come-back',
    sentence: 'Refused clients that come back at once keep no one else out.',
    reference: 'CWE-770',
    steps:
      'Eight strangers call again as soon as they are refused, for three seconds; meanwhile a client calls.',
    run: async (stage) => {
      const server = await plain(stage);
      const stranger = ca('stranger').client();
      const until = performance.now() + 3000;
      let refused = 0;
      const insist = async (): Promise<void> => {
        while (performance.now() < until) {
          if ((await server.as(stranger).call()).served) fail('a stranger is served');
          refused += 1;
        }
      };
      const strangers = Promise.all(Array.from({ length: 8 }, insist));
      // Awaited below, where it fails the check.
      strangers.catch(() => undefined);
      let slowest = 0;
      while (performance.now() < until) {
        const started = performance.now();
        await server.serves(stage.root.client('good'), 'the good client');
        slowest = Math.max(slowest, performance.now() - started);
      }
      await strangers;
      return `the slowest of the client’s calls took ${seconds(slowest)}, beside ${refused} refusals`;
    },
  },
  {
    id: 'bounds.half-hello',
    sentence: 'Bytes that are not TLS end their own connection alone.',
    reference: 'RFC 8446 section 6',
    steps: 'Strangers send random bytes and half a ClientHello, and end; a client calls.',
    run: async (stage) => {
      const server = await plain(stage);
      const hello = Buffer.from('16030100c8010000c40303', 'hex');
      for (const bytes of [
        Buffer.alloc(500, 0xff),
        hello,
        Buffer.from('GET / HTTP/1.1\r\n\r\n'),
        Buffer.alloc(1),
      ]) {
        const [socket] = await stall(server, 1);
        socket?.end(bytes);
      }
      return await server.serves(stage.root.client('good'), 'the good client');
    },
  },
];

async function stall(server: Server, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(server.port, '127.0.0.1'));
  for (const socket of sockets) socket.on('error', () => undefined).resume();
  await waitUntil(() => sockets.every(({ connecting }) => !connecting), 5000);
  return sockets;
}
