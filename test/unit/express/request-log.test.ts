import { execFile } from 'node:child_process';
import { createServer, get } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { requestLog } from '../../../src/express/request-log.js';
import { exchange } from '../../support/exchange.js';

interface Line {
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

function collector(): { lines: Line[]; logger: { info(fields: object, message: string): void } } {
  const lines: Line[] = [];
  const logger = {
    info(this: unknown, fields: object, message: string): void {
      // A logger's method needs its logger.
      if (this !== logger) throw new Error('called without its logger');
      lines.push({ fields: fields as Record<string, unknown>, message });
    },
  };
  return { lines, logger };
}

function log(asked = exchange(), finish = true): Line {
  const { lines, logger } = collector();
  const { req, res, next, passed } = asked;
  Object.defineProperty(req.socket, 'remoteAddress', { value: '::ffff:127.0.0.1' });
  requestLog({ logger })(req, res, next);
  expect(passed).toEqual([[]]);
  expect(lines).toEqual([]);
  // Express changes it on the way to a router.
  req.url = '/changed';
  res.statusCode = 204;
  Object.defineProperty(res, 'writableFinished', { value: finish });
  res.emit('close');
  res.emit('close');
  expect(lines).toHaveLength(1);
  return lines[0]!;
}

describe('requestLog', () => {
  test('writes one line per request: the client, its address, the request and the outcome', () => {
    const { fields, message } = log();
    expect(fields).toEqual({
      event: 'request',
      remoteAddress: '127.0.0.1',
      commonName: 'client1',
      serialNumber: '1001',
      method: 'GET',
      url: '/admin?x=1',
      status: 204,
      durationMs: expect.any(Number),
    });
    expect(fields['durationMs']).toBeGreaterThanOrEqual(0);
    expect(message).toBe('client1 GET /admin 204');
  });

  test('the message has the path without its query, escaped and cut', () => {
    const of = exchange();
    of.req.url = `/a\u009b2J${'b'.repeat(300)}?secret=1`;
    expect(log(of).message).toMatch(/^client1 GET \/a\\u\{9b\}2Jb{194}… 204$/);
  });

  test.each([
    ['an anonymous caller', 'anonymous'],
    ['a caller that no gate has judged', 'unjudged'],
  ] as const)('has no name for %s', (_who, identity) => {
    const { fields, message } = log(exchange(identity));
    expect(fields).toMatchObject({ commonName: undefined, serialNumber: undefined, status: 204 });
    expect(message).toBe('- GET /admin 204');
  });

  test('reports an answer that was not sent completely', () => {
    expect(log(exchange(), false).fields).toMatchObject({ status: 204, aborted: true });
  });

  test('reports that for a real aborted request, and not for an answered one', async () => {
    const { lines, logger } = collector();
    const logged = requestLog({ logger });
    const server = createServer((req, res) => {
      logged(req, res, () => {
        if (req.url === '/slow') res.write('a');
        else res.end('done');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const whole = get({ port, host: '127.0.0.1', path: '/whole', agent: false });
    const [answer] = (await once(whole, 'response')) as [NodeJS.ReadableStream];
    await once(answer.resume(), 'end');
    const slow = get({ port, host: '127.0.0.1', path: '/slow', agent: false });
    await once(slow, 'response');
    slow.on('error', () => {}).destroy();
    while (lines.length < 2) await new Promise(setImmediate);
    server.close();
    expect(lines.map(({ fields: { url, status, aborted } }) => [url, status, aborted])).toEqual([
      ['/whole', 200, undefined],
      ['/slow', 200, true],
    ]);
  });

  test('writes JSON to stdout without a logger', async () => {
    const program = `
      import { EventEmitter } from 'node:events';
      import { requestLog } from './src/express/request-log.ts';
      const res = Object.assign(new EventEmitter(), { statusCode: 403, writableFinished: true });
      const req = { socket: { remoteAddress: '::1' }, url: '/a"b\\n', method: 'POST' };
      requestLog()(req, res, () => res.emit('close'));
    `;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      ...['--import', 'tsx', '--input-type=module', '--eval'],
      program,
    ]);
    expect(stderr).toBe('');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 30,
      remoteAddress: '::1',
      method: 'POST',
      url: '/a"b\n',
      status: 403,
      msg: '- POST /a"b\\u{a} 403',
    });
  });

  test('a program without pino continues without request lines, and warns once', async () => {
    const program = `
      import { register } from 'node:module';
      const hooks = 'export const resolve = (name, context, next) => { if (name === "pino") throw new Error("no pino"); return next(name, context); }';
      register('data:text/javascript,' + encodeURIComponent(hooks));
      const { EventEmitter } = await import('node:events');
      const { requestLog } = await import('./src/express/request-log.ts');
      const log = requestLog();
      for (let each = 0; each < 2; each++) {
        const res = Object.assign(new EventEmitter(), { statusCode: 200, writableFinished: true });
        log({ socket: {}, url: '/', method: 'GET' }, res, () => res.emit('close'));
      }
      setTimeout(() => console.log('goes on'), 50);
    `;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      ...['--import', 'tsx', '--input-type=module', '--eval'],
      program,
    ]);
    expect(stdout).toBe('goes on\n');
    expect(
      stderr.match(/MtlsWarning: requestLog\(\) writes nothing, because pino cannot be loaded/g),
    ).toHaveLength(1);
  });
});
