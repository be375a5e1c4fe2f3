/**
 * Restricts a server to a Unix socket, for proxies that are authenticated by its mode. The socket has that mode from
 * the start.
 *
 * @module
 */
import cluster from 'node:cluster';
import { type BigIntStats, lstatSync, statSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { MtlsError } from '../errors.js';
import { socketPathOf } from './socket-descriptor.js';

/**
 * Restricts a server to a Unix socket with a mode. The umask is set around `listen()`, because a mode that is changed
 * afterwards leaves a moment in which others can connect. A stale socket file of an earlier process is removed.
 * @param mode - `0o660`, or `0o600`.
 */
export function keepToSocket(server: Server, mode: number): void {
  const listen = server.listen.bind(server) as (...args: unknown[]) => Server;
  let where: Place | undefined;
  // The listeners among the arguments are added by the first attempt.
  let again: readonly unknown[] = [];
  let isRetry = false;
  server.listen = ((...args: unknown[]): Server => {
    where = placeIn(args[0]);
    again = args.filter((argument) => typeof argument !== 'function');
    isRetry = false;
    return withMask(mode, () => listen(...args));
  }) as Server['listen'];
  const emit = server.emit.bind(server) as (...args: unknown[]) => boolean;
  server.emit = (name: string | symbol, ...args: unknown[]): boolean => {
    if (name === 'listening') {
      const fault = faultOf(server, where, mode);
      if (fault === undefined) return emit(name, ...args);
      server.close();
      return emit('error', fault);
    }
    const isTaken = name === 'error' && (args[0] as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const path = typeof where === 'string' ? where : undefined;
    const found = isTaken && path !== undefined && !isRetry ? socketAt(path) : undefined;
    if (path === undefined || found === undefined) return emit(name, ...args);
    isRetry = true;
    const stale = path;
    whenStale(
      stale,
      () => {
        try {
          removeStale(stale, found);
          withMask(mode, () => listen(...again));
        } catch (error) {
          emit('error', error);
        }
      },
      () => emit(name, ...args),
    );
    return true;
  };
}

/** A path, or a descriptor. */
type Place = string | number;

/** Where `listen()` is to listen, by its arguments. */
function placeIn(given: unknown): Place {
  const { path, fd, exclusive, readableAll, writableAll } = (
    typeof given === 'object' && given !== null ? given : { path: given }
  ) as Readonly<Partial<Record<'path' | 'fd' | 'exclusive' | 'readableAll' | 'writableAll', unknown>>>;
  if (readableAll === true || writableAll === true)
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'readableAll and writableAll let every user of the host open the socket, and every process that can is a proxy',
      remedy: 'omit them: proxies.from.mode says who can',
    });
  // node:net looks at the descriptor first.
  if (typeof fd === 'number' && fd >= 0) {
    if (cluster.isWorker && exclusive !== true)
      throw notSocket('a descriptor of the primary process, which a worker of a cluster cannot check');
    return fd;
  }
  // A numeric string is a port: '8080', and '0x1f90' too.
  const isPath = typeof path === 'string' && path !== '' && !(Number(path) >= 0);
  if (isPath && !path.startsWith('\0')) return path;
  throw notSocket(typeof path === 'string' && path.startsWith('\0') ? abstractSocket : 'no path');
}

const abstractSocket = 'an abstract socket, which has no mode';

function notSocket(seen: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `proxies.from is { socket: true }, but the server would listen on ${seen}`,
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

/**
 * Checks the actual socket: a cluster worker, or a server that listens on a given descriptor, uses the socket of
 * another process.
 */
function faultOf(server: Server, where: Place | undefined, mode: number): MtlsError | undefined {
  // A Pipe that was opened by its descriptor has no address.
  const address = server.address() ?? (typeof where === 'number' ? socketPathOf(where) : undefined);
  if (address === undefined)
    return notSocket('a descriptor that is no Unix socket with an absolute path, or not known to be one');
  if (typeof address !== 'string') return notSocket('a TCP port');
  if (address === '' || address.startsWith('\0')) return notSocket(abstractSocket);
  const seen = statSync(address, { throwIfNoEntry: false });
  const bits = (seen?.mode ?? 0) & 0o777;
  if (seen?.isSocket() === true && (bits & ~mode) === 0) return undefined;
  return new MtlsError('ERR_MTLS_STATE_INVALID', {
    source: address,
    seen:
      seen === undefined ? 'the socket file was removed' : `the socket has the mode 0o${bits.toString(8)}`,
    expected: `0o${mode.toString(8)} at most`,
    remedy: 'let this process create the socket, or set the umask of the process that does',
  });
}

function socketAt(path: string): BigIntStats | undefined {
  const seen = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return seen?.isSocket() === true ? seen : undefined;
}

/**
 * Removes the file of a socket on which no process listens, unless another process has replaced it meanwhile; `listen()`
 * then fails.
 */
function removeStale(path: string, stale: BigIntStats): void {
  const { dev, ino, ctimeNs } = socketAt(path) ?? {};
  // A file system may give a new file the number of one that was just removed.
  if (dev === stale.dev && ino === stale.ino && ctimeNs === stale.ctimeNs) unlinkSync(path);
}

/** Calls `onStale` if no process listens on a socket, and otherwise `onTaken`. */
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
