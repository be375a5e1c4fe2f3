/**
 * HTTP/2 between a proxy and the app, where the requests of many clients share a connection.
 *
 * @module
 */
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { describe, expect } from '@jest/globals';
import { identify, protect } from 'express-mtls';
import { isInstalled } from '../support/real-proxy.js';
import { testWith } from '../support/requirements.js';
import { publish } from '../support/server.js';
import {
  type BehindProxy,
  clientsCa,
  type SeenRequest,
  type Served,
  type ServedOptions,
  startBehind,
} from './behind.js';
import { aSecond, ownTime } from '../support/elapsed.js';

const client1 = clientsCa.client('client1');
const client2 = clientsCa.client('client2');

// From the commit to the end of what a client has open.
const evictionLimitMs = aSecond;

/** Defines the tests of a proxy that speaks HTTP/2 to the app. @param edit - Makes it do so. */
export function describeHttp2Backend(behind: BehindProxy, edit: (config: string) => string): void {
  const { name } = behind;
  const test = testWith(isInstalled(name), `${name} is not installed`);

  describe(`behind ${name}, which speaks HTTP/2 to the app`, () => {
    test('a revocation ends the streams of its client, and another on the same connection notices nothing', async () => {
      const sessions = new Set<object>();
      const started = await startBehind(behind, {
        edit,
        serve: (options, seen) => serveHttp2(options, seen, sessions),
      });
      const [revoked, other] = [started.as(client1), started.as(client2)];
      expect([await revoked.send(), await other.send()]).toMatchObject([
        { status: 200, text: expect.stringMatching(/client1/) as unknown },
        { status: 200, text: expect.stringMatching(/client2/) as unknown },
      ]);
      const [revokedSession, otherSession] = [await revoked.http2(), await other.http2()];
      const ending = [await revoked.hold(), await revokedSession.hold()];
      const staying = [await other.hold(), await otherSession.hold()];
      const before = sessions.size;
      publish(started.crl, clientsCa.crl({ number: 2, revoked: [{ serial: client1.serial }] }).pem);
      await started.mtls.reload();
      const at = ownTime();
      for (const { ended } of ending) expect((await ended) - at).toBeLessThan(evictionLimitMs);
      expect(await revoked.send()).toMatchObject({ status: 401 });
      expect(await (await revoked.http2()).send()).toMatchObject({ status: 401 });
      expect(await other.send()).toMatchObject({ status: 200 });
      expect(await otherSession.send()).toMatchObject({ status: 200, text: 'client2' });
      expect(staying.map(({ isOpen }) => isOpen)).toEqual([true, true]);
      expect(new Set(started.seen.map(({ version }) => version))).toEqual(new Set(['2.0']));
      // Six requests, and fewer connections: some of them are shared.
      expect(before).toBeLessThan(6);
      const evicted = started.recorder.events('evicted').map(({ identity }) => identity?.commonName);
      expect(evicted).toEqual(['client1', 'client1']);
    });

    test('no header or trailer of a client makes it another', async () => {
      const started = await startBehind(behind, {
        edit,
        serve: (options, seen) => serveHttp2(options, seen),
      });
      const lines = behind.linesOf(client1);
      const asIs = lines.map(([field, value]) => `${field}: ${value}`);
      const underscored = lines.map(([field, value]) => `${field.replaceAll('-', '_')}: ${value}`);
      const client = started.as(client2);
      await client.send(asIs);
      await client.send([...asIs, ...asIs]);
      await client.send(underscored);
      const chunked = ['Transfer-Encoding: chunked', `Trailer: ${lines.map(([field]) => field).join(', ')}`];
      const body = `4\r\nbody\r\n0\r\n${asIs.join('\r\n')}\r\n\r\n`;
      await client.send(chunked, { method: 'POST', body });
      expect(started.seen.length).toBeGreaterThan(1);
      expect(new Set(started.seen.map(({ identity }) => identity?.commonName))).toEqual(new Set(['client2']));
      const names = new Set(
        started.seen.flatMap((request) => request.names.map((each) => each.toLowerCase())),
      );
      for (const [field] of [...lines, ...lines.map(([each]) => [each.replaceAll('-', '_')] as const)])
        expect(names).not.toContain(field.toLowerCase());
    });
  });
}

/** A server of node:http2 that answers like the app of the other tests. */
async function serveHttp2(
  { key, cert, ...options }: ServedOptions,
  seen: SeenRequest[],
  sessions = new Set<object>(),
): Promise<Served> {
  const server = createSecureServer({
    key,
    cert,
    allowHTTP1: true,
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.on('session', (session) => sessions.add(session));
  server.on('request', (req: Http2ServerRequest, res: Http2ServerResponse) => {
    answer(req, res, seen);
  });
  return Object.assign(server, { mtls: await protect(server, { key, cert, ...options }) });
}

function answer(req: Http2ServerRequest, res: Http2ServerResponse, seen: SeenRequest[]): void {
  const identity = identify(req);
  const { httpVersion: version } = req;
  if (req.url === '/held') {
    seen.push({ identity, names: [], version });
    res.write('a part\n');
    return;
  }
  req.resume().once('end', () => {
    const { headers, rawHeaders, trailers, rawTrailers } = req;
    const raw = [...rawHeaders, ...rawTrailers].filter((_, index) => index % 2 === 0);
    const names = [...Object.keys(headers), ...Object.keys(trailers), ...raw];
    seen.push({ identity, names, version });
    res.end(identity?.commonName ?? 'nobody');
  });
}
