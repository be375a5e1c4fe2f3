/**
 * A server that reads its CRLs from a store, in a process of its own; `fleet.ts` starts it. It writes what happens as
 * lines of JSON.
 *
 * @module
 */
import { createServer, identify, type MtlsOptions } from '../../src/index.js';
import type { AddressInfo } from 'node:net';
import { openServerStore } from './server-store.js';
import { lastGood } from '../../src/sources/last-good.js';
import { crlFromStore } from '../../src/sources/store-loader.js';
import { type StoreSourceOptions } from '../../src/sources/store-source-options.js';

interface FleetOptions {
  readonly url: string;
  readonly files: { readonly key: string; readonly cert: string; readonly ca: string };
  readonly source?: StoreSourceOptions;
  readonly lastGood?: string;
  readonly options?: Partial<MtlsOptions>;
}

const given = JSON.parse(process.argv[2] ?? '') as FleetOptions;

function report(event: string, more: object = {}): void {
  console.log(JSON.stringify({ event, at: Date.now(), ...more }));
}

async function main(): Promise<void> {
  const loader = crlFromStore(openServerStore(given.url), given.source);
  const crl = given.lastGood === undefined ? loader : lastGood(loader, given.lastGood);
  const server = await createServer({ ...given.files, crl, ...given.options }, (req, res) => {
    if (req.url === '/figures') {
      const { user, system } = process.cpuUsage();
      res.end(JSON.stringify({ cpuMs: (user + system) / 1000, rss: process.memoryUsage.rss() }));
    } else res.end(identify(req)?.commonName ?? 'nobody');
  });
  server.keepAliveTimeout = 0;
  server.mtls.on('evicted', ({ identity }) => {
    report('evicted', { name: identity?.commonName });
  });
  server.mtls.on('reloaded', ({ changed }) => {
    report('reloaded', { changed });
  });
  server.mtls.on('reload-failed', ({ error }) => {
    report('reload-failed', { code: error.code, message: error.message });
  });
  server.mtls.on('recovered', ({ error }) => {
    report('recovered', { code: error.code });
  });
  server.listen(0, '127.0.0.1', () => {
    report('listening', { port: (server.address() as AddressInfo).port });
  });
}

main().catch((error: unknown) => {
  report('failed', {
    code: (error as { code?: string }).code,
    message: error instanceof Error ? error.message : String(error),
  });
  process.exit(1);
});
