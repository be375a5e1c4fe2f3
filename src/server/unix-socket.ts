/**
 * A server whose proxies prove themselves by opening its Unix socket: it listens on
 * nothing else, and the socket has its mode from the start.
 *
 * @module
 */
import { lstatSync, statSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { MtlsError } from '../errors.js';

/**
 * Keeps a server to a Unix socket of a mode. The umask is set around `listen()`: a mode that is changed afterwards
 * leaves a moment in which others can connect. A file that an earlier process left behind is removed.
 * @param mode - `0o660`, or `0o600`.
 */
export function keepToSocket(server: Server, mode: number): void {
  const listen = server.listen.bind(server) as (...args: unknown[]) => Server;
  let path: string | undefined;
  let isRetry = false;
  server.listen = ((...args: unknown[]): Server => {
    path = pathIn(args[0]);
    isRetry = false;
    return withMask(mode, () => listen(...args));
  }) as Server['listen'];
  const emit = server.emit.bind(server) as (...args: unknown[]) => boolean;
  server.emit = (name: string | symbol, ...args: unknown[]): boolean => {
    if (name === 'listening') {
      const fault = faultOf(server, mode);
      if (fault === undefined) return emit(name, ...args);
      server.close();
      return emit('error', fault);
    }
    const isTaken = name === 'error' && (args[0] as NodeJS.ErrnoException).code === 'EADDRINUSE';
    if (!isTaken || path === undefined || isRetry || !isSocket(path)) return emit(name, ...args);
    isRetry = true;
    const stale = path;
    whenStale(
      stale,
      () => {
        unlinkSync(stale);
        withMask(mode, () => listen(stale));
      },
      () => emit(name, ...args),
    );
    return true;
  };
}

/** The path that a server is to listen on. */
function pathIn(where: unknown): string {
  const path =
    typeof where === 'object' && where !== null ? (where as { readonly path?: unknown }).path : where;
  // A number in text is a port.
  if (typeof path === 'string' && path !== '' && !/^\d+$/.test(path) && !path.startsWith('\0')) return path;
  throw notSocket(
    typeof path === 'string' && path.startsWith('\0') ? 'an abstract socket, which has no mode' : 'no path',
  );
}

function notSocket(seen: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `proxies.from is { socket: true }, and the server is to listen on ${seen}`,
    remedy: "listen on a path: server.listen('/run/app/http.sock')",
  });
}

function withMask(mode: number, work: () => Server): Server {
  if (!isMainThread)
    throw new MtlsError('ERR_MTLS_STATE_INVALID', {
      seen: 'a worker thread cannot set the mode of a Unix socket',
      remedy: 'listen in the main thread',
    });
  const before = process.umask(0o777 & ~mode);
  try {
    return work();
  } finally {
    process.umask(before);
  }
}

/** A worker of a cluster, or a descriptor that was handed over, gets the socket of another process. */
function faultOf(server: Server, mode: number): MtlsError | undefined {
  const address = server.address();
  if (typeof address !== 'string') return notSocket('a TCP port');
  if (address === '' || address.startsWith('\0')) return notSocket('an abstract socket, which has no mode');
  const seen = statSync(address, { throwIfNoEntry: false });
  const bits = (seen?.mode ?? 0) & 0o777;
  if (seen?.isSocket() === true && (bits & ~mode) === 0) return undefined;
  return new MtlsError('ERR_MTLS_STATE_INVALID', {
    source: address,
    seen: seen === undefined ? 'the socket is gone' : `the socket has the mode 0o${bits.toString(8)}`,
    expected: `0o${mode.toString(8)} at most`,
    remedy: 'let this process make the socket, or set the umask of the process that does',
  });
}

function isSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
}

/** Whether a process answers on a socket. */
function whenStale(path: string, onStale: () => void, onTaken: () => void): void {
  const probe = connect(path);
  probe.once('connect', () => {
    probe.destroy();
    onTaken();
  });
  probe.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED') onStale();
    else onTaken();
  });
}
