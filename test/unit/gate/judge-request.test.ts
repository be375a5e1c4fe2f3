import { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { type Connection, judgeRequest } from '../../../src/gate/connection.js';
import { refuse, type Refusal } from '../../../src/judgement/refusal.js';
import { client1 } from '../../support/exchange.js';

function connectionWith(check: () => Refusal | undefined, identity?: typeof client1): Connection {
  return {
    identity,
    remoteAddress: '192.0.2.1',
    since: new Date(0),
    reporter: { emit: () => undefined },
    isNamed: false,
    intermediates: [],
    isForwarded: false,
    mayForward: false,
    recall: () => undefined,
    serves: () => true,
    check,
    evict: () => undefined,
  };
}

test('a request carries the identity of its client, and none from the moment it is refused', () => {
  const refusal = refuse('revoked', 'it was revoked');
  const verdicts = [undefined, refusal];
  const connection = connectionWith(() => verdicts.shift(), client1);
  const req: Parameters<typeof judgeRequest>[0] = { socket: new Socket() };
  expect(judgeRequest(req, connection)).toBeUndefined();
  expect(req.clientIdentity).toBe(client1);
  expect(judgeRequest(req, connection)).toBe(refusal);
  expect(req.clientIdentity).toBeUndefined();
});

test('what an app has put there is replaced, for an anonymous caller too', () => {
  const req = { socket: new Socket(), clientIdentity: client1 };
  judgeRequest(
    req,
    connectionWith(() => undefined),
  );
  expect(req.clientIdentity).toBeUndefined();
});
