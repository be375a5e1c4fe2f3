/**
 * What holds behind every proxy.
 *
 * @module
 */
import { describe, expect } from '@jest/globals';
import type { ClientIdentity, RefusalReason } from 'express-mtls';
import { headersToStrip, checkForwardedHeader } from '../../src/forwarded/forwarded-header.js';
import { type Certificate } from '../support/chain.js';
import { testWith } from '../support/requirements.js';
import { isInstalled } from '../support/real-proxy.js';
import { publish, startServer, until } from '../support/server.js';
import {
  type BehindProxy,
  clientsCa,
  followPage,
  type ProxiedAnswer,
  type ProxiedSession,
  startBehind,
  type Transport,
} from './behind.js';
import { aSecond, ownTime } from '../support/elapsed.js';

export interface Differences {
  /** Changes the configuration, so that callers need no certificate. */
  readonly withoutCertificate: (config: string) => string;
  /** The forms that are not answered with 200, although they give no client another identity: the status by form. */
  readonly spoofed?: Answers;
  readonly spoofedOverHttp2?: Answers;
  /** Lets clients send long bodies, where the default does not. */
  readonly withLongBodies?: (config: string) => string;
  /** @defaultValue 10,000,000 bytes */
  readonly longestBody?: number;
  /** What the page says that a configuration must not do, and what the app makes of it. */
  readonly mistakes: Readonly<Record<string, Mistake>>;
}

interface Mistake {
  readonly edit: (config: string) => string;
  /** @defaultValue a caller without a certificate */
  readonly as?: Certificate;
  /** Whether the caller sends the header itself. */
  readonly isSpoofed?: boolean;
  readonly status: number;
  /** @defaultValue the request does not reach the app's gate */
  readonly reason?: RefusalReason;
}

type Answers = Record<string, ProxiedAnswer['status']>;

const client1 = clientsCa.client('client1');
const client2 = clientsCa.client('client2');

// From the commit to the end of what a client has open.
const evictionLimitMs = aSecond;

/** Defines the tests of a proxy; they need it. */
export function describeBehind(behind: BehindProxy, differences: Differences): void {
  const { name } = behind;
  const test = testWith(isInstalled(name), `${name} is not installed`);

  describe.each<Transport>(['certificate', 'socket'])(`behind ${name}, by %s`, (transport) => {
    test('a client is the same person as on a direct connection', async () => {
      const started = await startBehind(behind, { transport });
      expect(await started.as(client1).send()).toMatchObject({ status: 200 });
      const session = await started.as(client1).http2();
      expect(await session.send()).toEqual({ status: 200, text: 'client1' });
      const direct = await directIdentity(client1);
      for (const { identity } of started.seen) {
        expect(identity?.source).toBe('proxy');
        expect(identity?.via?.commonName).toBe(transport === 'socket' ? undefined : name);
        expect({ ...identity, source: 'tls', via: undefined, resumed: false }).toEqual(direct);
      }
      expect(started.seen).toHaveLength(2);
      expect(started.recorder.events('authenticated')).toHaveLength(1);
    });

    test('a revocation ends what its client has open, and nothing of another', async () => {
      const started = await startBehind(behind, { transport });
      const [revoked, other] = [started.as(client1), started.as(client2)];
      const [revokedSession, otherSession] = [await revoked.http2(), await other.http2()];
      const ending = [await revoked.hold(), await revokedSession.hold()];
      const staying = [await other.hold(), await otherSession.hold()];
      publish(started.crl, clientsCa.crl({ number: 2, revoked: [{ serial: client1.serial }] }).pem);
      await started.mtls.reload();
      const at = ownTime();
      for (const { ended } of ending) expect((await ended) - at).toBeLessThan(evictionLimitMs);
      for (const outcome of [await revoked.send(), await (await revoked.http2()).send()])
        expect(outcome).toMatchObject({ status: 401, text: expect.stringContaining('revoked') as unknown });
      expect(await other.send()).toMatchObject({ status: 200 });
      expect(await otherSession.send()).toMatchObject({ status: 200 });
      expect(staying.map(({ isOpen }) => isOpen)).toEqual([true, true]);
      const { recorder } = started;
      const evicted = recorder.events('evicted').map(({ identity }) => identity?.commonName);
      expect(evicted).toEqual(['client1', 'client1']);
    });
  });

  describe(`behind ${name}`, () => {
    test('the page works as it is written', async () => {
      expect(await followPage(behind)).toMatch(/^200 (?:\w+\r\n)?hello client1\n/);
    });

    test('the address in reports is the one that the proxy sees, whatever its client says', async () => {
      const { clientAddress } = behind;
      const started = await startBehind(behind, { transport: 'socket', proxies: { clientAddress } });
      const lines = ['X-Forwarded-For: 192.0.2.1', 'X-Real-IP: 192.0.2.1', 'Forwarded: for=192.0.2.1'];
      expect((await started.as(client1).send(lines)).status).toBe(200);
      const addresses = started.recorder.events('authenticated').map(({ remoteAddress }) => remoteAddress);
      expect(addresses).toEqual(['127.0.0.1']);
    });

    test('no header or trailer of a client makes it another, over HTTP/1.1', async () => {
      const started = await startBehind(behind);
      const client = started.as(client2);
      const answers: Answers = {};
      for (const [form, { lines, ...rest }] of Object.entries(spoofed(behind.linesOf(client1))))
        answers[form] = (await client.send(lines, rest)).status;
      expect(answers).toEqual({ ...everywhere(200, answers), ...differences.spoofed });
      expect(namesSeen(started.seen)).toEqual(new Set(['client2']));
      expect(certificateHeaders(behind, started.seen)).toEqual([]);
    });

    test('no header or trailer of a client makes it another, over HTTP/2', async () => {
      const started = await startBehind(behind);
      const lines = behind.linesOf(client1).map(([field, value]) => [field.toLowerCase(), value] as const);
      const asIs = Object.fromEntries(lines);
      const twice = Object.fromEntries(lines.map(([field, value]) => [field, [value, value]]));
      const shifted = Object.fromEntries(lines.map(([field, value]) => [field.replaceAll('-', '_'), value]));
      const send = async (...given: Parameters<ProxiedSession['send']>): Promise<ProxiedAnswer['status']> => {
        const session = await started.as(client2).http2();
        return (await session.send(...given)).status;
      };
      const answers: Answers = {
        'as it is': await send(asIs),
        twice: await send(twice),
        'with underscores': await send(shifted),
        'as a trailer': await send({}, asIs),
      };
      expect(answers).toEqual({ ...everywhere(200, answers), ...differences.spoofedOverHttp2 });
      expect(namesSeen(started.seen)).toEqual(new Set(['client2']));
      expect(certificateHeaders(behind, started.seen)).toEqual([]);
    });

    test('a caller without a certificate has no identity, whatever header it sends', async () => {
      const options = { clients: 'optional' } as const;
      const started = await startBehind(behind, { options, edit: differences.withoutCertificate });
      const nobody = started.as();
      const answers: Answers = {};
      for (const [form, { lines, ...rest }] of Object.entries(spoofed(behind.linesOf(client1))))
        answers[form] = (await nobody.send(lines, rest)).status;
      expect(answers).toEqual(everywhere(200, answers));
      expect(namesSeen(started.seen)).toEqual(new Set([undefined]));
      expect(certificateHeaders(behind, started.seen)).toEqual([]);
    });

    test('a caller without a certificate is refused where the app requires one', async () => {
      const started = await startBehind(behind, { edit: differences.withoutCertificate });
      const [[field, value]] = behind.linesOf(client1) as [[string, string]];
      const answers = [await started.as().send(), await started.as().send([`${field}: ${value}`])];
      expect(answers.map(({ status }) => status)).toEqual([401, 401]);
      expect(started.seen).toEqual([]);
      const reasons = started.recorder.events('refused').map(({ reason }) => reason);
      expect(reasons).toEqual(['no-certificate', 'no-certificate']);
    });

    test('a caller without a certificate is refused by the proxy, as the page configures it', async () => {
      const started = await startBehind(behind);
      const [[field, value]] = behind.linesOf(client1) as [[string, string]];
      const { status } = await started.as().send([`${field}: ${value}`]);
      expect([400, 403, 'ended']).toContain(status);
      expect(started.seen).toEqual([]);
      expect(started.recorder.events('refused')).toEqual([]);
    });

    test('a revocation ends a request that waits for its answer, and no proxy repeats it', async () => {
      const started = await startBehind(behind);
      const answers = [client1, client2].map(async (client) => {
        const { status } = await started.as(client).send([], { target: '/waiting' });
        return { status, at: ownTime() };
      });
      await until(() => started.seen.length === 2, 'both requests wait');
      publish(started.crl, clientsCa.crl({ number: 2, revoked: [{ serial: client1.serial }] }).pem);
      await started.mtls.reload();
      const at = ownTime();
      const first = await Promise.race(answers);
      expect(first.status).toBe(502);
      expect(first.at - at).toBeLessThan(evictionLimitMs);
      const evicted = started.recorder.events('evicted').map(({ identity }) => identity?.commonName);
      expect(evicted).toEqual(['client1']);
      expect(started.seen).toHaveLength(2);
    });

    test('an upgrade has its client, and ends when that is revoked', async () => {
      const started = await startBehind(behind);
      const [revoked, other] = [await started.as(client1).upgrade(), await started.as(client2).upgrade()];
      expect([revoked.name, other.name]).toEqual(['client1', 'client2']);
      expect(await revoked.echo('hello')).toBe('hello');
      publish(started.crl, clientsCa.crl({ number: 2, revoked: [{ serial: client1.serial }] }).pem);
      await started.mtls.reload();
      const at = ownTime();
      expect((await revoked.ended) - at).toBeLessThan(evictionLimitMs);
      expect(await other.echo('still here')).toBe('still here');
      await until(() => started.recorder.events('evicted').length > 0, 'the eviction is reported');
    });

    test('a client is served, and one that is refused is told so, however long the body of its request is', async () => {
      const options = { crl: clientsCa.crl({ number: 1, revoked: [{ serial: client1.serial }] }).pem };
      const { longestBody = 10_000_000, withLongBodies } = differences;
      const started = await startBehind(behind, { options, edit: withLongBodies });
      for (const length of [10, 100_000, longestBody]) {
        const lines = [`Content-Length: ${length}`];
        const request = { method: 'POST', body: 'x'.repeat(length) };
        const served = await started.as(client2).send(lines, request);
        const refused = await started.as(client1).send(lines, request);
        expect([length, served.status, refused.status]).toEqual([length, 200, 401]);
      }
      expect(namesSeen(started.seen)).toEqual(new Set(['client2']));
    });

    test.each(Object.entries(differences.mistakes))(
      'is refused when it sends %s',
      async (_title, mistake) => {
        const { edit, as, isSpoofed = false, status, reason } = mistake;
        const started = await startBehind(behind, { edit });
        const lines = isSpoofed ? behind.linesOf(client1).map(([field, value]) => `${field}: ${value}`) : [];
        expect((await started.as(as).send(lines)).status).toBe(status);
        expect(started.seen).toEqual([]);
        const refused = started.recorder.events('refused').map((event) => event.reason);
        expect(refused).toEqual(reason === undefined ? [] : [reason]);
      },
    );
  });
}

async function directIdentity(client: Certificate): Promise<ClientIdentity> {
  const { as, recorder } = await startServer({ root: clientsCa });
  await as(client).get('/');
  const [event] = recorder.events('authenticated');
  if (event === undefined) throw new Error('the client was not admitted');
  return event.identity;
}

function everywhere(status: number, answers: Answers): Answers {
  return Object.fromEntries(Object.keys(answers).map((form) => [form, status]));
}

interface Spoof {
  readonly lines: readonly string[];
  readonly method: string;
  readonly body: string;
}

/** The ways to send header lines of a certificate. */
function spoofed(pairs: readonly (readonly [name: string, value: string])[]): Record<string, Spoof> {
  const lines = (change: (name: string) => string): string[] =>
    pairs.map(([name, value]) => `${change(name)}: ${value}`);
  const asIs = lines((name) => name);
  const get = (...given: readonly string[][]): Spoof => ({ lines: given.flat(), method: 'GET', body: '' });
  return {
    'as it is': get(asIs),
    'in upper case': get(lines((name) => name.toUpperCase())),
    'in lower case': get(lines((name) => name.toLowerCase())),
    twice: get(asIs, asIs),
    'with underscores': get(lines((name) => name.replaceAll('-', '_'))),
    'named in Connection': get(asIs, [`Connection: close, ${pairs.map(([name]) => name).join(', ')}`]),
    'as a trailer': {
      method: 'POST',
      lines: ['Transfer-Encoding: chunked', `Trailer: ${pairs.map(([name]) => name).join(', ')}`],
      body: `4\r\nbody\r\n0\r\n${asIs.join('\r\n')}\r\n\r\n`,
    },
  };
}

type Seen = Awaited<ReturnType<typeof startBehind>>['seen'];

function namesSeen(seen: Seen): Set<string | undefined> {
  return new Set(seen.map(({ identity }) => identity?.commonName));
}

function certificateHeaders({ header }: BehindProxy, seen: Seen): string[] {
  const names = headersToStrip(checkForwardedHeader(header, 'header'));
  return seen.flatMap((request) => request.names.filter((name) => names.has(name.toLowerCase())));
}
