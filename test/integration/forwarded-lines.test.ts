/**
 * What the reader of forwarded certificates relies on: how node:http and node:http2 hand over
 * header lines.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect, type Server } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  findForwarded,
  readForwarded,
  type ForwardedLines,
} from '../../src/forwarded/forwarded-certificate.js';
import { checkForwardedHeader, headersToStrip } from '../../src/forwarded/forwarded-header.js';
import { withoutHeaders } from '../../src/forwarded/strip-headers.js';
import { ca } from '../support/chain.js';
import { proxies, sfBytes } from '../support/forwarded.js';

const root = ca('root');
const { der: leaf } = root.client('client1');
const { der: other } = root.client('other');
const header = checkForwardedHeader('rfc9440', 'proxies.header');
const names = headersToStrip(header);
const open: { close(): unknown }[] = [];

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

async function listen(server: Server): Promise<number> {
  open.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

/** The header lines, and trailer lines, that a request over HTTP/1.1 arrives with. */
async function arriving(
  ...lines: readonly string[]
): Promise<Pick<IncomingMessage, 'rawHeaders' | 'rawTrailers'>> {
  const { promise, resolve } = promiseOf<Pick<IncomingMessage, 'rawHeaders' | 'rawTrailers'>>();
  const answer: RequestListener = (req, res) => {
    req.resume().once('end', () => {
      resolve({ rawHeaders: req.rawHeaders, rawTrailers: req.rawTrailers });
      res.end();
    });
  };
  const socket = connect(await listen(createServer(answer)), '127.0.0.1');
  open.push({ close: () => socket.destroy() });
  socket.end(['POST / HTTP/1.1', 'Host: a.test', ...lines, '', ''].join('\r\n'));
  return promise;
}

function promiseOf<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const value = sfBytes(leaf);

describe('over HTTP/1.1', () => {
  test.each(Object.entries(proxies))('the header of %s arrives as it was written', async (preset, write) => {
    const written = write(leaf, [root.der]);
    const lines = written.flatMap((text, index) =>
      index % 2 === 0 ? [`${text}: ${written[index + 1]}`] : [],
    );
    const { rawHeaders } = await arriving(...lines);
    const of = checkForwardedHeader(preset, 'proxies.header');
    expect(readForwarded(findForwarded(rawHeaders, of) as ForwardedLines, of)).toMatchObject({ leaf });
    expect(withoutHeaders(rawHeaders, headersToStrip(of))).toEqual(['Host', 'a.test']);
  });

  test.each([
    ['twice', [`Client-Cert: ${value}`, `Client-Cert: ${sfBytes(other)}`]],
    ['in another letter case too', [`CLIENT-CERT: ${sfBytes(other)}`, `client-cert: ${value}`]],
    ['the same twice', [`Client-Cert: ${value}`, `Client-Cert: ${value}`]],
  ])('a header that is sent %s is seen as several lines', async (_what, lines) => {
    const { rawHeaders } = await arriving(...lines);
    expect(findForwarded(rawHeaders, header)).toMatchObject({
      seen: 'the request has several lines of client-cert',
    });
  });

  test.each([
    ['with underscores', [`Client_Cert: ${value}`], undefined],
    ['with white space around the value', [`Client-Cert:\t ${value} \t`], value],
    ['empty', ['Client-Cert:'], ''],
  ])('a header %s arrives so', async (_what, lines, certificate) => {
    const { rawHeaders } = await arriving(...lines);
    expect(findForwarded(rawHeaders, header)).toEqual(
      certificate === undefined ? undefined : { certificate, chain: undefined },
    );
    expect(withoutHeaders(rawHeaders, names)).toEqual(['Host', 'a.test']);
  });

  test('a trailer is no header line, and can be removed like one', async () => {
    const { rawHeaders, rawTrailers } = await arriving(
      'Transfer-Encoding: chunked',
      'Trailer: Client-Cert',
      '',
      '0',
      `Client-Cert: ${value}`,
      'X-Sum: 1',
    );
    expect(findForwarded(rawHeaders, header)).toBeUndefined();
    expect(rawTrailers).toEqual(['Client-Cert', value, 'X-Sum', '1']);
    expect(withoutHeaders(rawTrailers, names)).toEqual(['X-Sum', '1']);
  });
});

test('over HTTP/2 too, several lines are seen as several', async () => {
  const { promise, resolve } = promiseOf<readonly string[]>();
  const server = createHttp2Server((req, res) => {
    resolve(req.rawHeaders);
    res.end();
  });
  const session = connectHttp2(`http://127.0.0.1:${await listen(server)}`);
  open.push(session);
  session.request({ ':path': '/', 'client-cert': [sfBytes(other), value] }).resume();
  const rawHeaders = await promise;
  expect(findForwarded(rawHeaders, header)).toMatchObject({
    seen: 'the request has several lines of client-cert',
  });
  expect(withoutHeaders(rawHeaders, names).join()).not.toContain('client-cert');
});
