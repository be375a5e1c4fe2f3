/**
 * A server for proxies on a Unix socket, in a process of its own or in the workers of a cluster. It writes `listening`,
 * or why it does not listen.
 *
 * @module
 */
import cluster from 'node:cluster';
import type { ListenOptions } from 'node:net';
import { createServer, identify } from 'express-mtls';

/** The argument, as JSON. */
export interface SocketProgramOptions {
  readonly ca: string;
  readonly crl: string;
  readonly listen: ListenOptions & { readonly fd?: number };
  /** How many workers of a cluster serve. @defaultValue `0`: the process itself serves */
  readonly workers?: number;
  /** Of the first process. */
  readonly umask: number;
}

const { ca, crl, listen, workers = 0, umask } = JSON.parse(process.argv[2] ?? '') as SocketProgramOptions;

if (cluster.isPrimary) process.umask(umask);
if (cluster.isPrimary && workers > 0) for (let each = 0; each < workers; each++) cluster.fork();
else await serve();

async function serve(): Promise<void> {
  const proxies = { from: { socket: true }, header: 'nginx' } as const;
  const server = await createServer({ ca, crl, proxies }, (req, res) => {
    res.end(identify(req)?.commonName ?? 'nobody');
  });
  server.on('error', ({ message }) => {
    console.log(`error: ${message}`);
  });
  try {
    server.listen(listen, () => {
      console.log('listening');
    });
  } catch (error) {
    console.log(`error: ${(error as Error).message}`);
  }
}
