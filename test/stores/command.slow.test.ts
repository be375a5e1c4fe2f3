import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect } from '@jest/globals';
import { openDevCa } from '../../src/dev-ca/dev-ca.js';
import { crlFromStore } from '../../src/sources/store-loader.js';
import { caFolder } from '../support/ca-folder.js';
import { runCommand } from '../support/command.js';
import { isStoreInstalled, RealStore, type StoreKind, storeIsMissing } from '../support/real-store.js';
import { testWith } from '../support/requirements.js';
import { startServer } from '../support/server.js';

const kinds: readonly StoreKind[] = ['redis', 'postgres', 'nats'];

const watches: Disposable[] = [];
afterEach(() => {
  for (const watch of watches.splice(0)) watch[Symbol.dispose]();
});

for (const kind of kinds) {
  const test = testWith(isStoreInstalled(kind), storeIsMissing(kind));

  test(`publish, revoke and fleet work with ${kind}: a server confirms, and a CRL that goes back is refused`, async () => {
    const directory = await caFolder();
    const ca = await openDevCa(directory);
    const old = join(directory, 'ca-crl.pem');
    const oldCrl = readFileSync(old);
    const real = await RealStore.start(kind);
    const env = { EXPRESS_MTLS_STORE: real.url() };
    const run = (...args: string[]): ReturnType<typeof runCommand> => runCommand(args, { env });

    const published = await run('publish', '--dir', directory, '--wait', '1', '--within', '0');
    expect(published.err).toBe('');
    expect(published.out).toMatch(
      new RegExp(
        `^published {2}CRL 1 of CN=\\S+, 0 entries, to ${kind}, nextUpdate .*\n0 of 1 process in force after \\d+ ms\n.* shows which process is missing or has an older CRL in force\n$`,
      ),
    );
    expect(published.code).toBe(1);

    const { store } = await real.open();
    const pem = readFileSync(ca.certFile, 'utf8');
    const { mtls } = await startServer({
      options: { ca: pem, crl: crlFromStore(store, { pollMs: 1000 }) },
    });
    expect(mtls.healthy).toBe(true);

    const revoked = await run(
      'revoke',
      'client1',
      '--dir',
      directory,
      '--publish',
      real.url(),
      '--wait',
      '1',
    );
    expect(revoked.err).toBe('');
    expect(revoked.out).toMatch(
      /\npublished {2}CRL 2 of .*; it replaced CRL 1\n1 of 1 process in force after \d+ ms\n$/,
    );
    expect(revoked.code).toBe(0);

    const { out } = await run('fleet');
    expect(out).toMatch(new RegExp(`^HOST .*\n\\S+ +${process.pid} .* 2 .* CN=\\S+\n1 process\n$`));
    const { processes } = JSON.parse((await run('fleet', '--json')).out) as {
      processes: { pid: number; crls: object[] }[];
    };
    expect(processes).toMatchObject([{ pid: process.pid, crls: [{ crlNumber: '2' }] }]);

    const stale = join(directory, 'old.pem');
    writeFileSync(stale, oldCrl);
    const refused = await run('publish', stale, '--ca', ca.certFile, '--to', real.url());
    expect(refused.code).toBe(3);
    expect(refused.err).toMatch(/^ERR_MTLS_CRL_ROLLBACK: .*lower number/);
  });
}
