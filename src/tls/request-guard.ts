/**
 * Stands before every listener of a server's requests, those that are added later as well: none of them sees a
 * request of a client that is no longer let in, whether it asks who is calling or not.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Server } from 'node:tls';
import { type Connection, connectionOf, bindRequest } from './connection.js';
import { type Refusal, refusalError } from './refusal.js';
import { answerProblem, describeProblem } from './problem.js';

const nobody = -1;

/** The events that bring a request, and which of their arguments can answer it. */
const respondents: Readonly<Record<string, number>> = {
  request: 1,
  checkContinue: 1,
  checkExpectation: 1,
  stream: 0,
  upgrade: nobody,
  connect: nobody,
};

/** Guards the requests of a server whose connections the gate judges. */
export function guardRequests(server: Server): void {
  const emit = server.emit.bind(server) as (name: string | symbol, ...args: unknown[]) => boolean;
  const guarded = (name: string | symbol, ...args: unknown[]): boolean => {
    if (typeof name !== 'string' || !Object.hasOwn(respondents, name)) return emit(name, ...args);
    const [subject] = args as [IncomingMessage | ServerHttp2Stream];
    const connection = 'session' in subject ? connectionOfStream(subject) : connectionOf(subject);
    const refusal = connection?.check();
    if (connection !== undefined && refusal === undefined) {
      bindRequest(subject, connection);
      return emit(name, ...args);
    }
    // Without a connection it is one that has ended, or that the gate has not seen.
    if (connection === undefined || refusal === undefined) subject.destroy();
    else turnAway(args[respondents[name] ?? nobody], connection, refusal);
    return true;
  };
  server.emit = guarded as Server['emit'];
}

function connectionOfStream({ session }: ServerHttp2Stream): Connection | undefined {
  try {
    return session === undefined ? undefined : connectionOf(session.socket);
  } catch {
    // A session that has ended throws when it is asked for its socket.
    return undefined;
  }
}

/** Lets the answer out first, so that the client learns why, and ends the connection then. */
function turnAway(respondent: unknown, connection: Connection, refusal: Refusal): void {
  if (respondent === undefined) {
    connection.evict(refusal);
    return;
  }
  const res = respondent as ServerResponse | ServerHttp2Stream;
  res.once('close', () => {
    connection.evict(refusal);
  });
  if ('setHeader' in res) answerProblem(res, refusalError(refusal), refusal.reason);
  else answerStream(res, refusal);
}

function answerStream(stream: ServerHttp2Stream, refusal: Refusal): void {
  const { status, headers, body } = describeProblem(refusalError(refusal), refusal.reason);
  stream.respond({ ':status': status, ...headers });
  stream.end(body);
}
