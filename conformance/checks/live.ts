/**
 * What becomes of open connections and of sessions that can be resumed, when a client loses its access.
 *
 * @module
 */
import { ca, type Certificate } from '../../test/support/chain.js';
import type { Feature } from '../adapter.js';
import { type Check, fail } from '../check.js';
import type { CallOptions, Client, Held } from '../harness/client.js';
import type { Server, Stage } from '../harness/stage.js';

/** How a client holds a connection open. */
interface Kind {
  readonly name: string;
  readonly noun: string;
  readonly needs: readonly Feature[];
  readonly open: (client: Client) => Promise<Held>;
  /** How long a connection that is idle is given. @defaultValue what the suite gives an effect */
  readonly limitMs?: number;
}

// Node and Apache end every idle connection after five seconds, which must not pass for a reaction to the CRL.
const idle = { limitMs: 4000 };

const kinds: readonly Kind[] = [
  {
    name: 'keep-alive',
    noun: 'keep-alive connection',
    needs: [],
    open: (client) => client.keepAlive(),
    ...idle,
  },
  { name: 'response', noun: 'response in flight', needs: [], open: (client) => client.hold() },
  { name: 'websocket', noun: 'WebSocket', needs: ['websocket'], open: (client) => client.upgrade() },
  {
    name: 'http2',
    noun: 'session of HTTP/2',
    needs: ['http2'],
    open: (client) => client.http2('/'),
    ...idle,
  },
  {
    name: 'http2-response',
    noun: 'response in flight over HTTP/2',
    needs: ['http2'],
    open: (client) => client.http2('/held'),
  },
];

/** A server on which one client can be revoked. */
async function stageOf(
  stage: Stage,
): Promise<{ server: Server; eve: Certificate; good: Certificate; revoke(): Promise<void> }> {
  const { root } = stage;
  const [eve, good] = [root.client('eve'), root.client('good')];
  const server = await stage.start({ cas: [root], crls: [root.crl({ number: 1 })] });
  await server.serves(good, 'the good client');
  const revoke = async (): Promise<void> => {
    await server.change({
      crls: [root.crl({ number: 2, revoked: [eve], thisUpdate: new Date(Date.now() - 1000) })],
    });
  };
  return { server, eve, good, revoke };
}

/** A client's connection ends when it is revoked, without any act of the client’s. */
function ends({ name, noun, needs, open, limitMs }: Kind): Check {
  return {
    id: `live.${name}`,
    sentence: `A ${noun} of a client ends when it is revoked.`,
    reference: 'RFC 5280 section 3.3; nodejs/node issue 4495, istio issue 7630, envoy issue 17999',
    steps: `The client has a ${noun}; a new CRL lists it; the connection is left alone${limitMs === undefined ? '' : ` for ${limitMs / 1000} seconds, less than the idle timeouts of Node and Apache`}.`,
    needs: ['crl', ...needs],
    run: async (stage) => {
      const { server, eve, revoke } = await stageOf(stage);
      const held = await open(server.as(eve));
      if (!held.isOpen) fail('the connection does not stay open');
      await revoke();
      return `ended after ${await server.becomes(() => !held.isOpen, 'still open', limitMs)}`;
    },
  };
}

/** The connections of other clients stay. */
function stays({ name, noun, needs, open }: Kind): Check {
  return {
    id: `live.others-${name}`,
    sentence: `A ${noun} of another client survives a revocation.`,
    reference: 'a revocation concerns the client that it names',
    steps: `Two clients; one is revoked, and refused on a new connection; the ${noun} of the other goes on.`,
    needs: ['crl', ...needs],
    run: async (stage) => {
      const { server, eve, good, revoke } = await stageOf(stage);
      const held = await open(server.as(good));
      await revoke();
      await server.refuses(eve, 'the revoked client');
      await server.settle();
      if (!held.isOpen || !(await held.ask())) fail('ended with the revocation');
      return 'still open';
    },
  };
}

interface Resumption {
  readonly id: Check['id'];
  readonly how: string;
  readonly options: CallOptions;
}

const resumptions: readonly Resumption[] = [
  { id: 'live.ticket-tls13', how: 'ticket of TLS 1.3', options: { version: 'TLSv1.3' } },
  { id: 'live.ticket-tls12', how: 'ticket of TLS 1.2', options: { version: 'TLSv1.2' } },
  {
    id: 'live.session-id',
    how: 'session ID of TLS 1.2',
    options: { version: 'TLSv1.2', withoutTickets: true },
  },
];

function resumes({ id, how, options }: Resumption): Check {
  return {
    id,
    sentence: `A revoked client is not served with a ${how} from before.`,
    reference: 'RFC 8446 section 4.6.1, RFC 5246 section F.1.4; Go CVE-2025-68121',
    steps: `The client keeps its ${how}; a new CRL lists it, and a new handshake is refused; then it resumes.`,
    needs: ['crl'],
    run: async (stage) => {
      const { server, eve, good, revoke } = await stageOf(stage);
      const { session } = await server.as(eve).call(options);
      await revoke();
      await server.refuses(eve, 'the revoked client, with a new handshake');
      const { served, seen } = await server.as(eve).call({ ...options, session });
      if (served) fail('served on a resumed session');
      await server.serves(good, 'the good client');
      return session === undefined ? `the server gives no ${how}` : seen;
    },
  };
}

export const liveChecks: readonly Check[] = [
  ...kinds.map(ends),
  ...kinds.filter(({ name }) => name !== 'keep-alive' && name !== 'http2').map(stays),
  {
    id: 'live.next-request',
    sentence: 'A revoked client gets no further answer on a connection from before.',
    reference: 'RFC 5280 section 3.3',
    steps: 'A new CRL lists the client, which asks on one connection until it gets no answer.',
    needs: ['crl'],
    run: async (stage) => {
      const { server, eve, revoke } = await stageOf(stage);
      const held = await server.as(eve).keepAlive();
      await revoke();
      return `no answer after ${await server.becomes(async () => !(await held.ask()), 'still answered')}`;
    },
  },
  {
    id: 'live.every-worker',
    sentence: 'All connections of a revoked client end, whichever worker holds them.',
    reference: 'one gate for all workers',
    steps: 'The client has twelve responses in flight; a new CRL lists it.',
    needs: ['crl'],
    run: async (stage) => {
      const { server, eve, revoke } = await stageOf(stage);
      const held = await Promise.all(Array.from({ length: 12 }, () => server.as(eve).hold()));
      await revoke();
      const left = (): number => held.filter(({ isOpen }) => isOpen).length;
      const took = await server.becomes(() => left() === 0, 'not all have ended');
      return `ended after ${took}`;
    },
  },
  {
    id: 'live.new-connections',
    sentence: 'Every new connection of a revoked client is refused, whichever worker accepts it.',
    reference: 'one gate for all workers',
    steps: 'A new CRL lists the client; when it is refused first, it calls thirty times more.',
    needs: ['crl'],
    run: async (stage) => {
      const { server, eve, revoke } = await stageOf(stage);
      await server.serves(eve, 'the client, before');
      await revoke();
      await server.refuses(eve, 'the revoked client');
      // A worker of the old generation may be about to end.
      await server.settle();
      for (let call = 0; call < 30; call += 1) {
        const { served } = await server.as(eve).call();
        if (served) fail(`served at call ${call + 1}`);
      }
      return 'refused thirty times';
    },
  },
  {
    id: 'live.handshake-after',
    sentence: 'A TCP connection from before a revocation does not carry a handshake past it.',
    reference: 'nodejs/node: a connection keeps the context that it was accepted with',
    steps:
      'The client connects, and waits; a new CRL lists it, and new connections are refused; then it makes its handshake.',
    needs: ['crl'],
    run: async (stage) => {
      const { server, eve, revoke } = await stageOf(stage);
      const call = await server.as(eve).dial();
      // The server accepts it before the change.
      await new Promise((resolve) => setTimeout(resolve, 200));
      await revoke();
      await server.refuses(eve, 'the revoked client, on a new connection');
      return (await call()) ? fail('served') : 'refused';
    },
  },
  ...resumptions.map(resumes),
  {
    id: 'live.ca-removed',
    sentence: 'A response in flight to a client ends when its CA is removed.',
    reference: 'RFC 5280 section 6.1: the path ends at a trust anchor of today',
    steps: 'Two CAs; one is removed while its client has a response in flight.',
    run: async (stage) => {
      const { server, eve, remove } = await removable(stage);
      const held = await server.as(eve).hold();
      await remove();
      return `ended after ${await server.becomes(() => !held.isOpen, 'still open')}`;
    },
  },
  {
    id: 'live.ca-removed-ticket',
    sentence: 'A client whose CA was removed is not served with a ticket from before.',
    reference: 'Go CVE-2025-68121, nginx CVE-2025-23419',
    steps: 'Two CAs; the client of one keeps its ticket; its CA is removed, and a new handshake is refused.',
    run: async (stage) => {
      const { server, eve, remove } = await removable(stage);
      const { session } = await server.as(eve).call();
      await remove();
      await server.refuses(eve, 'the client, with a new handshake');
      const { served, seen } = await server.as(eve).call({ session });
      return served ? fail('served on a resumed session') : seen;
    },
  },
  {
    id: 'live.expiry',
    sentence: 'A response in flight ends when the client’s certificate expires.',
    reference: 'RFC 5280 section 6.1.3 (a)(2)',
    steps: 'The certificate expires a few seconds after the response has begun.',
    run: async (stage) => {
      const { server, eve, expired } = await expiring(stage);
      const held = await server.as(eve).hold();
      if (!held.isOpen) fail('the connection does not stay open');
      await expired();
      return `ended ${await server.becomes(() => !held.isOpen, 'still open')} after its last second`;
    },
  },
  {
    id: 'live.expiry-keep-alive',
    sentence: 'A client gets no further answer on an open connection when its certificate has expired.',
    reference: 'RFC 5280 section 6.1.3 (a)(2)',
    steps: 'The certificate expires a few seconds after the first request.',
    run: async (stage) => {
      const { server, eve, expired } = await expiring(stage);
      const held = await server.as(eve).keepAlive();
      await expired();
      return `no answer ${await server.becomes(async () => !(await held.ask()), 'still answered')} after its last second`;
    },
  },
  ...(['TLSv1.3', 'TLSv1.2'] as const).map((version): Check => ({
    id: version === 'TLSv1.3' ? 'live.expiry-ticket' : 'live.expiry-ticket-tls12',
    sentence: `A client is not served with a ticket of ${version.replace('v', ' ')} after its certificate has expired.`,
    reference: 'RFC 8446 section 4.6.1',
    steps: 'The client keeps its ticket; its certificate expires after a few seconds; then it resumes.',
    run: async (stage) => {
      const { server, eve, expired } = await expiring(stage);
      const { session } = await server.as(eve).call({ version });
      await expired();
      const { served, seen } = await server.as(eve).call({ version, session });
      return served ? fail('served on a resumed session') : seen;
    },
  })),
  {
    id: 'live.hold-lifted',
    sentence: 'A client on hold is served again when a newer CRL no longer lists it.',
    reference: 'RFC 5280 section 5.3.1 (certificateHold)',
    steps: 'The CRL lists the client on hold; a newer one does not.',
    needs: ['crl'],
    run: async (stage) => {
      const { root } = stage;
      const bob = root.client('bob');
      const entry = { serial: bob.serialContent, reason: 'certificateHold' } as const;
      const server = await stage.start({ cas: [root], crls: [root.crl({ number: 1, revoked: [entry] })] });
      await server.refuses(bob, 'the client on hold');
      await server.change({ crls: [root.crl({ number: 2, thisUpdate: new Date(Date.now() - 1000) })] });
      return await server.serves(bob, 'the client, afterwards');
    },
  },
  {
    id: 'live.names',
    sentence: 'A client of one server name’s CA is refused under another name.',
    reference: 'Envoy CVE-2022-21654, httpd CVE-2025-23048',
    steps: 'Two names with CAs of their own; the client of one calls both.',
    needs: ['names'],
    run: async (stage) => {
      const { server, a } = await twoNames(stage);
      await server.serves(a, 'the client, under its own name', { servername: 'a.example' });
      return await server.refuses(a, 'the client, under the other name', { servername: 'b.example' });
    },
  },
  ...(['TLSv1.3', 'TLSv1.2'] as const).map((version): Check => ({
    id: version === 'TLSv1.3' ? 'live.names-ticket' : 'live.names-ticket-tls12',
    sentence: `A ticket of ${version.replace('v', ' ')} from one server name gives no access under another.`,
    reference: 'nginx CVE-2025-23419, httpd CVE-2025-23048, Go CVE-2025-68121',
    steps: 'Two names with CAs of their own; the client of one takes its ticket to the other.',
    needs: ['names'],
    run: async (stage) => {
      const { server, a, b } = await twoNames(stage);
      await server.serves(b, 'the client of the other name', { servername: 'b.example' });
      await server.serves(a, 'the client, under its own name', { servername: 'a.example' });
      const { session } = await server.as(a).call({ version, servername: 'a.example' });
      const { served, seen } = await server.as(a).call({ version, servername: 'b.example', session });
      return served ? fail('served under the other name') : seen;
    },
  })),
  {
    id: 'live.names-host',
    sentence: 'A request for another host than the name of its handshake is refused if their CAs differ.',
    reference: 'RFC 9110 section 15.5.20 (421); Tomcat CVE-2025-66614',
    steps:
      'Two names with CAs of their own; the client of one makes its handshake for it, and asks for the other.',
    needs: ['names', 'hosts'],
    run: async (stage) => {
      const { server, a } = await twoNames(stage);
      await server.serves(a, 'the client, under its own name', { servername: 'a.example' });
      const { served, seen } = await server.as(a).call({ servername: 'a.example', host: 'b.example' });
      return served ? fail('served') : seen;
    },
  },
  {
    id: 'live.names-revoked',
    sentence: 'A revocation takes effect under a server name with CRLs of its own.',
    reference: 'nodejs/node: contexts of addContext() keep their CRL',
    steps:
      'A name with a CA and a CRL of its own; the CRL lists its client from the start, and another client is served.',
    needs: ['names', 'crl'],
    run: async (stage) => {
      const [own, root] = [ca('own'), stage.root];
      const [eve, good] = [own.client('eve'), own.client('good')];
      const names = { 'a.example': { cas: [own], crls: [own.crl({ revoked: [eve] })] } };
      const server = await stage.start({ cas: [root], crls: [root.crl()], names });
      await server.serves(good, 'the good client', { servername: 'a.example' });
      return await server.refuses(eve, 'the revoked client', { servername: 'a.example' });
    },
  },
];

async function removable(
  stage: Stage,
): Promise<{ server: Server; eve: Certificate; remove(): Promise<void> }> {
  const { root } = stage;
  const second = ca('second');
  const server = await stage.start({ cas: [root, second], crls: [root.crl(), second.crl()] });
  const eve = second.client('eve');
  await server.serves(eve, 'the client, before');
  return {
    server,
    eve,
    // The file of the second CA stays for servers with a file for each: its content is that of the first.
    remove: async () => {
      await server.change({
        cas: [root, root],
        crls: [root.crl({ number: 2, thisUpdate: new Date(Date.now() - 1000) })],
      });
    },
  };
}

async function expiring(
  stage: Stage,
): Promise<{ server: Server; eve: Certificate; expired(): Promise<void> }> {
  const { root } = stage;
  const server = await stage.start({ cas: [root], crls: [root.crl()] });
  await server.serves(root.client('good'), 'the good client');
  const eve = root.client({ commonName: 'eve', notAfter: new Date(Date.now() + 5000) });
  return {
    server,
    eve,
    expired: async () => {
      // notAfter itself is the last second of the certificate.
      await new Promise((resolve) => setTimeout(resolve, eve.notAfter.getTime() + 1000 - Date.now()));
    },
  };
}

async function twoNames(stage: Stage): Promise<{ server: Server; a: Certificate; b: Certificate }> {
  const [root, first, second] = [stage.root, ca('ca of a'), ca('ca of b')];
  const names = {
    'a.example': { cas: [first], crls: [first.crl()] },
    'b.example': { cas: [second], crls: [second.crl()] },
  };
  const server = await stage.start({ cas: [root], crls: [root.crl()], names });
  return { server, a: first.client('alice'), b: second.client('bob') };
}
