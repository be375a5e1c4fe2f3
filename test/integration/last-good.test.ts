import { existsSync, readdirSync, readFileSync, statSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { crlFromDistributionPoints, crlFromUrl, lastGood } from 'express-mtls/sources';
import { ca, type CertificateAuthority } from '../support/chain.js';
import { type CrlOptions } from '../support/crl.js';
import { CrlServer, status } from '../support/crl-server.js';
import { temporaryDirectory } from '../support/files.js';
import { pause, publish, startServer, type TestServer, until } from '../support/server.js';

const quick = { refreshMs: 100 };

interface World {
  readonly root: CertificateAuthority;
  readonly crls: CrlServer;
  readonly file: string;
  /** A process: a server of its own on the same file. */
  start(): Promise<TestServer>;
  crl(number: number, options?: CrlOptions): Buffer;
}

async function world(): Promise<World> {
  const root = ca('ca');
  const crls = await CrlServer.start();
  const file = join(temporaryDirectory(), 'last-good.crl');
  return {
    root,
    crls,
    file,
    start: () => startServer({ root, options: { crl: lastGood(crlFromUrl(crls.url(), quick), file) } }),
    crl: (number, options = {}) =>
      root.crl({ number, thisUpdate: new Date(Date.now() - 60_000 + number * 1000), ...options }).der,
  };
}

const saved = async (file: string, content: Buffer): Promise<void> => {
  await until(() => existsSync(file) && readFileSync(file).equals(content), 'the copy is written');
};

describe('a last-good copy', () => {
  test('is written once the CRL is in force, for its owner alone, and replaced as a whole', async () => {
    const { crls, file, start, crl } = await world();
    const first = crl(1);
    crls.publish('/ca.crl', first);
    await start();
    await saved(file, first);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const second = crl(2);
    crls.publish('/ca.crl', second);
    await saved(file, second);
    expect(readdirSync(join(file, '..'))).toEqual(['last-good.crl']);
  });

  test('serves a restart while the source is down, which is a fault until it answers', async () => {
    const { root, crls, file, start, crl } = await world();
    const [client1, client2] = [root.client('client1'), root.client('client2')];
    const first = crl(1, { revoked: [client2] });
    crls.publish('/ca.crl', first);
    await (await start()).mtls.close();
    await saved(file, first);
    crls.on('/ca.crl', status(503));
    const server = await start();
    expect(await server.as(client1).get()).toMatchObject({ status: 200 });
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
    await until(() => server.mtls.faults.length === 1, 'the fault stands');
    expect(server.mtls.fault?.message).toContain('the server answered 503');
    crls.publish('/ca.crl', crl(2));
    await until(() => server.mtls.faults.length === 0, 'the fault is gone');
    expect(await server.as(client2).get()).toMatchObject({ status: 200 });
  });

  test('refuses an older CRL after a restart: the remembered one stays in force, and the rollback is a fault', async () => {
    const { root, crls, file, start, crl } = await world();
    const client = root.client();
    const current = crl(5, { revoked: [client] });
    crls.publish('/ca.crl', current);
    await (await start()).mtls.close();
    await saved(file, current);
    crls.publish('/ca.crl', crl(4));
    const server = await start();
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
    expect(server.mtls.revocation.crls).toMatchObject([{ number: '5' }]);
    await until(() => server.mtls.faults.length === 1, 'the rollback is a fault');
    expect(server.mtls.fault).toMatchObject({ code: 'ERR_MTLS_CRL_ROLLBACK' });
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
    expect(readFileSync(file)).toEqual(current);
  });

  test.each<[string, (older: Buffer) => readonly Buffer[]]>([
    ['sends an older CRL', (older) => [older]],
    ['sends garbage', () => [Buffer.from('garbage')]],
    ['deletes it', () => []],
  ])('keeps the CRL of one of two CAs if the source %s', async (_what, replace) => {
    const [root, other] = [ca('ca'), ca('other')];
    const client = other.client();
    const file = join(temporaryDirectory(), 'last-good.crl');
    const numbered = (by: CertificateAuthority, number: number, options: CrlOptions = {}): Buffer =>
      by.crl({ number, thisUpdate: new Date(Date.now() - 60_000 + number * 1000), ...options }).der;
    const older = numbered(other, 4);
    let sent: readonly Buffer[] = [numbered(root, 5), numbered(other, 5, { revoked: [client] })];
    const start = (): Promise<TestServer> => {
      const crl = lastGood({ load: () => Promise.resolve(sent) }, file);
      return startServer({ root, options: { ca: [root.pem, other.pem], crl } });
    };
    const first = await start();
    await until(() => existsSync(file), 'the copy is written');
    const next = numbered(root, 6);
    sent = [next, ...replace(older)];
    await first.mtls.reload().catch(() => undefined);
    await until(() => readFileSync(file).includes(next), 'the newer CRL is in the file');
    expect(await first.as(client).get()).toMatchObject({ status: 'refused' });
    await first.mtls.close();
    sent = [next, older];
    const second = await start();
    expect(await second.as(client).get()).toMatchObject({ status: 'refused' });
  });

  test('serves a restart while the source sends garbage or CRLs of others', async () => {
    const { root, crls, file, start, crl } = await world();
    const client = root.client();
    const current = crl(5, { revoked: [client] });
    crls.publish('/ca.crl', current);
    await (await start()).mtls.close();
    await saved(file, current);
    for (const poison of ['<html>', ca('ca').crl({ number: 9 }).der, ca('other').crl().der]) {
      crls.publish('/ca.crl', poison);
      const server = await start();
      expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
      expect(server.mtls.revocation.crls).toMatchObject([{ number: '5' }]);
      await until(() => server.mtls.faults.length > 0, 'the fault stands');
      await server.mtls.close();
    }
    expect(readFileSync(file)).toEqual(current);
  });

  test('that is expired gives way to a current CRL, and is verified like any other', async () => {
    const { root, crls, file, start, crl } = await world();
    const client = root.client();
    const expired = root.crl({
      number: 1,
      thisUpdate: new Date(Date.now() - 120_000),
      nextUpdate: new Date(Date.now() - 60_000),
    }).der;
    const forged = ca('ca').crl({ number: 99 }).der;
    const stranger = ca('removed').crl().der;
    writeFileSync(file, Buffer.concat([expired, forged, stranger]));
    const current = crl(2, { revoked: [client] });
    crls.publish('/ca.crl', current);
    const server = await start();
    expect(server.mtls.revocation.crls).toMatchObject([{ number: '2' }]);
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
    await saved(file, current);
    await until(() => server.mtls.faults.length === 0, 'nothing is wrong any more');
  });

  test.each<[string, (file: string) => void]>([
    [
      'garbage',
      (file) => {
        writeFileSync(file, 'garbage');
      },
    ],
    [
      'truncated',
      (file) => {
        writeFileSync(file, ca('ca').crl().der.subarray(0, 100));
      },
    ],
    [
      'a folder',
      (file) => {
        mkdirSync(file);
      },
    ],
  ])(
    'that is %s is a fault with a remedy, and does not keep the server from starting',
    async (_what, spoil) => {
      const { root, crls, file, start, crl } = await world();
      spoil(file);
      crls.publish('/ca.crl', crl(1));
      const server = await start();
      expect(await server.as(root.client()).get()).toMatchObject({ status: 200 });
      await until(
        () => server.recorder.events('reload-failed').some(({ source }) => source === file),
        'the fault was reported',
      );
      expect(server.recorder.events('reload-failed')[0]?.error.remedy).toBeDefined();
    },
  );

  test('that is damaged is reported, beside a source that has no watch of its own, until it is replaced', async () => {
    const root = ca('ca');
    const file = join(temporaryDirectory(), 'last-good.crl');
    const crl = root.crl().der;
    writeFileSync(file, crl.subarray(0, 100));
    const source = { load: () => Promise.resolve([crl]) };
    const server = await startServer({ root, options: { crl: lastGood(source, file) } });
    await until(() => server.recorder.events('reload-failed').length > 0, 'the fault was reported');
    expect(server.recorder.events('reload-failed')).toMatchObject([{ source: file }]);
    await saved(file, crl);
    await until(() => server.mtls.faults.length === 0, 'the fault is gone');
    expect(server.recorder.events('recovered')).toMatchObject([{ source: file }]);
  });

  test('that is garbage is no excuse to start without a CRL', async () => {
    const { crls, file, start } = await world();
    writeFileSync(file, 'garbage');
    crls.on('/ca.crl', status(503));
    await expect(start()).rejects.toMatchObject({ code: 'ERR_MTLS_SOURCE_UNREADABLE' });
  });

  test('of which every part is forged does not start a server either', async () => {
    const { crls, file, start } = await world();
    writeFileSync(file, ca('ca').crl({ number: 99 }).der);
    crls.on('/ca.crl', status(503));
    await expect(start()).rejects.toMatchObject({
      code: 'ERR_MTLS_CRL_ISSUER_UNKNOWN',
      // The cause is reported too.
      message: expect.stringContaining('503'),
    });
  });

  test('remembers partitions before a client asks for them again', async () => {
    const root = ca('ca');
    const crls = await CrlServer.start();
    const file = join(temporaryDirectory(), 'last-good.crl');
    const uri = crls.url('/1');
    const client = root.client({ crlDistributionPoints: [uri] });
    const partition = root.crl({ idp: { fullName: [uri] } }).der;
    crls.publish('/1', partition);
    const start = (): Promise<TestServer> => {
      const points = crlFromDistributionPoints({ allow: [crls.origin()], ...quick });
      return startServer({ root, options: { crl: lastGood(points, file) } });
    };
    const first = await start();
    await first.as(client).get();
    await saved(file, partition);
    await first.mtls.close();
    crls.on('/1', status(503));
    const second = await start();
    expect(await second.as(client).get()).toMatchObject({ status: 200 });
    await second.mtls.reload();
    expect(second.mtls).toMatchObject({ faults: [], revocation: { crls: [{}] } });
  });

  test('of a file refuses an older file after a restart', async () => {
    const root = ca('ca');
    const client = root.client();
    const directory = temporaryDirectory();
    const [path, file] = [join(directory, 'ca.crl'), join(directory, 'last-good.crl')];
    const list = (number: number, options: CrlOptions = {}): Buffer =>
      root.crl({ number, thisUpdate: new Date(Date.now() - 60_000 + number * 1000), ...options }).der;
    const start = (): Promise<TestServer> => startServer({ root, options: { crl: lastGood(path, file) } });
    publish(path, list(1));
    const first = await start();
    const current = list(2, { revoked: [client] });
    publish(path, current);
    await saved(file, current);
    await first.mtls.close();
    publish(path, list(1));
    const second = await start();
    expect(await second.as(client).get()).toMatchObject({ status: 'refused' });
    await until(() => second.mtls.fault?.code === 'ERR_MTLS_CRL_ROLLBACK', 'the rollback is a fault');
  });

  test('is not overwritten by a process that has an older CRL in force', async () => {
    const { root, crls, file, crl } = await world();
    const other = await CrlServer.start();
    const newer = crl(5);
    other.publish('/ca.crl', newer);
    const older = crl(3);
    crls.publish('/ca.crl', older);
    const startAt = (url: string): Promise<TestServer> =>
      startServer({ root, options: { crl: lastGood(crlFromUrl(url, quick), file) } });
    const lagging = await startAt(crls.url());
    await saved(file, older);
    const leading = await startAt(other.url());
    await saved(file, newer);
    await leading.mtls.close();
    crls.publish('/ca.crl', crl(4));
    await until(() => lagging.mtls.revocation.crls[0]?.number === '4', 'the older CRL is in force');
    await pause(500);
    expect(readFileSync(file)).toEqual(newer);
  });

  test('that cannot be written is a fault, and nothing else', async () => {
    const { root, crls, crl } = await world();
    const client = root.client();
    crls.publish('/ca.crl', crl(1, { revoked: [client] }));
    const file = join(temporaryDirectory(), 'missing', 'last-good.crl');
    const server = await startServer({
      root,
      options: { crl: lastGood(crlFromUrl(crls.url(), quick), file) },
    });
    await until(() => server.mtls.faults.length === 1, 'the fault stands');
    expect(server.mtls.fault).toMatchObject({
      source: file,
      seen: 'the last-good copy cannot be written (ENOENT)',
    });
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
  });
});
