import { EventEmitter } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import type { Server } from 'node:tls';
import { expect, test } from '@jest/globals';
import { type Connection, setConnection } from '../../../src/gate/connection.js';
import { type Refusal, refuse } from '../../../src/judgement/refusal.js';
import { guardServer } from '../../../src/gate/request-guard.js';

const refusal = refuse('expired', 'it ran out');

/** A connection whose client is no longer admitted, and the reason it was ended with. */
class Refused implements Connection {
  readonly identity = undefined;
  readonly remoteAddress = '192.0.2.1';
  readonly since = new Date(0);
  readonly isNamed = false;
  readonly intermediates = [];
  readonly isForwarded = false;
  readonly mayForward = false;
  readonly evictions: Refusal[] = [];
  readonly reporter = {
    emit: (): void => {
      throw new Error('no rule was asked');
    },
  };

  check(): Refusal {
    return refusal;
  }

  recall(): void {
    // There is no socket.
  }

  serves(): boolean {
    return true;
  }

  evict(reason: Refusal): void {
    this.evictions.push(reason);
  }
}

/** What a client sees of a stream of HTTP/2. */
class Stream extends EventEmitter {
  readonly answers: string[] = [];

  respond(headers: OutgoingHttpHeaders, { endStream }: { endStream: boolean }): void {
    this.answers.push(`${String(headers[':status'])} ${endStream ? 'the end' : 'a body follows'}`);
  }

  end(body: string): void {
    this.answers.push((JSON.parse(body) as { code: string }).code);
  }

  destroy(): void {
    this.answers.push('destroyed');
  }
}

/** A stream of a client that is no longer admitted. */
function receive(stream: Stream, method: string): { connection: Refused; seen: unknown[] } {
  const server = new EventEmitter();
  guardServer(server as Server, { proxies: undefined, accept: () => true, admit: () => true });
  const [connection, socket, seen] = [new Refused(), new Socket(), [] as unknown[]];
  setConnection(socket, connection);
  const session = Object.assign(new EventEmitter(), { destroyed: false, socket });
  server.emit('session', session);
  session.on('stream', (...given) => seen.push(given));
  session.emit('stream', stream, { ':method': method });
  return { connection, seen };
}

test('a stream is answered, no handler sees it, and when it is closed the connection is ended', () => {
  const stream = new Stream();
  const { connection, seen } = receive(stream, 'GET');
  expect(stream.answers).toEqual(['401 a body follows', 'ERR_MTLS_CERTIFICATE_EXPIRED']);
  expect(connection.evictions).toEqual([]);
  stream.emit('close');
  expect(connection.evictions).toEqual([refusal]);
  expect(seen).toEqual([]);
});

test('an answer to HEAD ends with its headers: to write a body would throw', () => {
  const stream = new Stream();
  receive(stream, 'HEAD');
  expect(stream.answers).toEqual(['401 the end']);
});

test('a client that resets its stream with an error does not end the process', () => {
  const stream = new Stream();
  receive(stream, 'GET');
  expect(() => stream.emit('error', new Error('RST_STREAM'))).not.toThrow();
});

test('a stream that cannot be answered is destroyed, and the connection ended', () => {
  const stream = new Stream();
  stream.respond = () => {
    throw new Error('ERR_HTTP2_INVALID_STREAM');
  };
  const { connection } = receive(stream, 'GET');
  expect(stream.answers).toEqual(['destroyed']);
  expect(connection.evictions).toEqual([refusal]);
});
