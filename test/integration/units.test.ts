/**
 * A revocation waits for nothing: whatever is wrong with another source, a new CRL is in force within a second, on open
 * connections too, and the fault stands until it is gone.
 *
 * @module
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import type { MtlsOptions, SourceLoader } from 'express-mtls';
import { MaterialReader } from '../../src/material/material.js';
import { Trials } from '../../src/server/trials.js';
import { type Certificate, type CertificateAuthority, ca } from '../support/chain.js';
import type { Client } from '../support/client.js';
import { writeMaterial } from '../support/files.js';
import { day, fromNow } from '../support/lists.js';
import { material, pause, publish, startServer, type TestServer, until } from '../support/server.js';
import { aSecond, ownTime } from '../support/elapsed.js';

interface World extends TestServer {
  readonly partner: CertificateAuthority;
  readonly client1: Certificate;
  readonly client2: Certificate;
  /** On a connection that is open already. */
  readonly old2: Client;
  /** The partner's CA and CRL, and key and certificate of a name of `sni`. */
  readonly more: Record<'ca' | 'crl' | 'key' | 'cert', string>;
}

type Change = (
  more: World['more'],
  given: Pick<World, 'root' | 'partner' | 'directory' | 'files'>,
) => Partial<MtlsOptions>;

async function world(change: Change = () => ({})): Promise<World> {
  const root = ca('ca');
  const partner = ca('partner');
  const [client1, client2] = [root.client('client1'), root.client('client2')];
  const { directory, files } = material({ root });
  const named = root.server('named.test');
  const written = writeMaterial(directory, {
    'partner-ca.pem': partner.pem,
    'partner-crl.pem': partner.crl({ number: 1 }).pem,
    'named-key.pem': named.keyPem,
    'named-crt.pem': named.pem,
  });
  const more = {
    ca: written['partner-ca.pem'],
    crl: written['partner-crl.pem'],
    key: written['named-key.pem'],
    cert: written['named-crt.pem'],
  };
  const server = await startServer({
    root,
    options: {
      ...files,
      ca: [files.ca, more.ca],
      crl: [files.crl, more.crl],
      sni: { 'named.test': { key: more.key, cert: more.cert } },
      ...change(more, { root, partner, directory, files }),
    },
  });
  const old2 = server.as(client2, { keepAlive: true });
  expect(await old2.get()).toMatchObject({ status: 200 });
  return { ...server, directory, files, partner, client1, client2, old2, more };
}

/** client2 is cut off within a second of its CRL, on its connection and on new ones; client1 is served. */
async function expectRevoked({ root, files, client1, client2, old2, as }: World): Promise<void> {
  publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
  const published = ownTime();
  await until(() => old2.connection.isClosed, 'the connection of client2 is closed');
  expect(ownTime() - published).toBeLessThan(aSecond);
  expect(await as(client2).get()).toMatchObject({ status: 'refused' });
  expect(await as(client1).get()).toMatchObject({ status: 200 });
}

const encrypted = (certificate: Certificate): string =>
  String(
    certificate.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
  );

/** Puts a new pair in the place of the server's. */
function renew({ files }: World, certificate: Certificate, keyPem = certificate.keyPem): void {
  publish(files.key, keyPem);
  publish(files.cert, certificate.pem);
}

interface Fault {
  readonly what: string;
  readonly code: string;
  readonly breaks: (world: World) => void;
  /** Which file is at fault, and is put back. */
  readonly file: (world: World) => string;
}

const key = ({ files }: World): string => files.key;
const cert = ({ files }: World): string => files.cert;
const caFile = ({ files }: World): string => files.ca;

const faults: readonly Fault[] = [
  {
    what: 'the key is missing',
    code: 'ERR_MTLS_SOURCE_UNREADABLE',
    breaks: ({ files }) => {
      rmSync(files.key);
    },
    file: key,
  },
  {
    what: 'the key cannot be read',
    code: 'ERR_MTLS_SOURCE_UNREADABLE',
    breaks: ({ files }) => {
      rmSync(files.key);
      mkdirSync(files.key);
    },
    file: key,
  },
  {
    what: 'the new key is encrypted',
    code: 'ERR_MTLS_PASSPHRASE_INVALID',
    breaks: (one) => {
      const renewed = one.root.server();
      renew(one, renewed, encrypted(renewed));
    },
    file: key,
  },
  {
    what: 'the new certificate is not valid yet',
    code: 'ERR_MTLS_SERVER_CERTIFICATE_INVALID',
    breaks: (one) => {
      renew(one, one.root.server({ notBefore: fromNow(day), notAfter: fromNow(2 * day) }));
    },
    file: cert,
  },
  {
    what: 'the new certificate has expired',
    code: 'ERR_MTLS_SERVER_CERTIFICATE_INVALID',
    breaks: (one) => {
      renew(one, one.root.server({ notBefore: fromNow(-2 * day), notAfter: fromNow(-day) }));
    },
    file: cert,
  },
  {
    what: 'the certificate is garbled',
    code: 'ERR_MTLS_PEM_INVALID',
    breaks: ({ files }) => {
      publish(files.cert, 'garbled');
    },
    file: cert,
  },
  {
    what: 'a leaf was appended to `ca`',
    code: 'ERR_MTLS_CA_INVALID',
    breaks: ({ files, root, client1 }) => {
      publish(files.ca, root.pem + client1.pem);
    },
    file: caFile,
  },
  {
    what: 'a file of CAs is missing',
    code: 'ERR_MTLS_SOURCE_UNREADABLE',
    breaks: ({ files }) => {
      rmSync(files.ca);
    },
    file: caFile,
  },
  {
    what: 'the CRL of another CA is garbled',
    code: 'ERR_MTLS_CRL_INVALID',
    breaks: ({ more, partner }) => {
      publish(more.crl, partner.crl({ number: 2 }).der.subarray(0, -40));
    },
    file: ({ more }) => more.crl,
  },
  {
    what: 'the CRL of another CA is missing',
    code: 'ERR_MTLS_SOURCE_UNREADABLE',
    breaks: ({ more }) => {
      rmSync(more.crl);
    },
    file: ({ more }) => more.crl,
  },
  {
    what: 'the CRL of another CA goes back',
    code: 'ERR_MTLS_CRL_ROLLBACK',
    breaks: ({ more, partner }) => {
      publish(more.crl, partner.crl({ number: 0 }).pem);
    },
    file: ({ more }) => more.crl,
  },
  {
    what: 'the certificate of a name of `sni` is garbled',
    code: 'ERR_MTLS_PEM_INVALID',
    breaks: ({ more }) => {
      publish(more.cert, 'garbled');
    },
    file: ({ more }) => more.cert,
  },
];

describe('a revocation is in force within a second, and the fault is reported until it is fixed, with', () => {
  test.each(faults.map((fault) => [fault.what, fault] as const))('%s', async (_what, fault) => {
    const one = await world();
    const { mtls, recorder } = one;
    const before = Object.fromEntries(
      [...Object.values(one.files), ...Object.values(one.more)].map((file) => [file, readFileSync(file)]),
    );
    const began = Date.now();
    fault.breaks(one);
    await until(() => mtls.faults.length > 0, 'the fault stands');
    const standing = [{ source: fault.file(one), error: { code: fault.code } }];
    expect(mtls.faults).toMatchObject(standing);
    expect(mtls.faults[0]?.since.getTime()).toBeGreaterThanOrEqual(began);
    expect(mtls.fault).toBe(mtls.faults[0]?.error);
    expect(mtls).toMatchObject({ healthy: false, ready: true, revocation: { healthy: true } });

    await expectRevoked(one);
    expect(mtls.faults).toMatchObject(standing);
    expect(recorder.events('reload-failed')).toHaveLength(1);
    expect(recorder.events('recovered')).toEqual([]);

    for (const [file, content] of Object.entries(before)) {
      if (file === one.files.crl) continue;
      rmSync(file, { recursive: true, force: true });
      publish(file, content);
    }
    await until(() => mtls.faults.length === 0, 'the fault is gone');
    expect(mtls).toMatchObject({ fault: undefined, healthy: true });
    await until(() => recorder.events('recovered').length > 0, 'the recovery is reported');
    expect(recorder.events('recovered')).toMatchObject(standing);
    expect(recorder.linesOf('recovered')).toMatchObject([{ level: 'info', fields: { code: fault.code } }]);
    expect(await one.as(one.client2).get()).toMatchObject({ status: 'refused' });
  });

  test.each([
    [
      'is garbled',
      (file: string): void => {
        publish(file, 'garbled');
      },
    ],
    [
      'cannot be read',
      (file: string): void => {
        rmSync(file);
        mkdirSync(file);
      },
    ],
  ])('the CRL of another CA %s, in the same directory', async (_what, breaks) => {
    let inside: Record<'ca.pem' | 'partner.pem', string> | undefined;
    const one = await world((_more, { root, partner, directory }) => {
      const crl = join(directory, 'crls');
      mkdirSync(crl);
      inside = writeMaterial(crl, { 'ca.pem': root.crl().pem, 'partner.pem': partner.crl().pem });
      return { crl };
    });
    const files = inside as Record<'ca.pem' | 'partner.pem', string>;
    breaks(files['partner.pem']);
    await until(() => one.mtls.faults.length > 0, 'the fault stands');
    expect(one.mtls.faults).toMatchObject([{ source: files['partner.pem'] }]);
    await expectRevoked({ ...one, files: { ...one.files, crl: files['ca.pem'] } });
  });
});

test('while another source of `ca` has a fault, a removed CA takes effect at once and an added one waits', async () => {
  const one = await world();
  const { root, files, more, mtls, partner } = one;
  const [added, removed] = [ca('added'), partner];
  const old = one.as(removed.client(), { keepAlive: true });
  expect(await old.get()).toMatchObject({ status: 200 });
  rmSync(files.ca);
  await until(() => mtls.faults.length > 0, 'the fault stands');
  publish(more.ca, added.pem);
  const published = ownTime();
  await until(() => old.connection.isClosed, 'the connection is closed');
  expect(ownTime() - published).toBeLessThan(aSecond);
  const names = (): string[] => mtls.authorities.map(({ subject }) => String(subject));
  expect(names()).toEqual(['CN=ca']);
  publish(files.ca, root.pem);
  await until(() => names().length === 2, 'the new CA is in force');
  expect(names()).toEqual(['CN=ca', 'CN=added']);
});

describe('a loader does not hold up other sources if', () => {
  const never = new Promise<never>(() => undefined);
  test.each<[string, () => Promise<never>, boolean]>([
    ['it never settles', () => never, false],
    ['it rejects', () => Promise.reject(new Error('the store is down')), true],
  ])('%s', async (_what, fail, isFault) => {
    let isDown = false;
    const one = await world(({ ca: caFile, crl }, { files }) => {
      const loaderOf = (file: string): SourceLoader => ({
        load: () => (isDown ? fail() : Promise.resolve([readFileSync(file)])),
      });
      return { ca: [files.ca, loaderOf(caFile)], crl: [files.crl, loaderOf(crl)] };
    });
    isDown = true;
    await expectRevoked(one);
    const { root, partner, mtls, recorder, files } = one;
    expect(await one.as(partner.client()).get()).toMatchObject({ status: 200 });
    // A new CA waits for it.
    const added = ca('added');
    publish(files.ca, root.pem + added.pem);
    publish(files.crl, root.crl({ number: 3, revoked: [one.client2] }).pem + added.crl().pem);
    const isNewer = (): boolean => mtls.revocation.crls.some(({ number }) => number === '3');
    await until(isNewer, 'the CRL is in force');
    expect(await one.as(added.client()).get()).toMatchObject({ status: 'refused' });
    if (!isFault) return;
    expect(mtls.faults.map(({ source, error: { code } }) => [source, code]).sort()).toEqual([
      // Of the CA that waits.
      [files.crl, 'ERR_MTLS_CRL_ISSUER_UNKNOWN'],
      ['options.ca[1].load()', 'ERR_MTLS_SOURCE_UNREADABLE'],
      ['options.crl[1].load()', 'ERR_MTLS_SOURCE_UNREADABLE'],
    ]);
    isDown = false;
    await until(() => mtls.faults.length === 0, 'the loaders work again', 10_000);
    expect(recorder.events('recovered')).toHaveLength(3);
    expect(await one.as(added.client()).get()).toMatchObject({ status: 200 });
  });
});

test('notices of one loader, while another one is slow, do not make a round of readings each', async () => {
  let release: (() => void) | undefined;
  let notify: (() => void) | undefined;
  let isSlow = false;
  const one = await world(({ crl }, { files }) => {
    const slow: SourceLoader = {
      load: async () => {
        if (isSlow) await new Promise<void>((resolve) => (release = resolve));
        return [readFileSync(crl)];
      },
    };
    const noisy: SourceLoader = {
      load: () => Promise.resolve([readFileSync(files.crl)]),
      watch: (told) => {
        notify = told;
        return { [Symbol.dispose]: () => undefined };
      },
    };
    return { crl: [slow, noisy] };
  });
  isSlow = true;
  const reads = jest.spyOn(MaterialReader.prototype, 'read');
  const notices = 30;
  for (let count = 0; count < notices; count++) {
    notify?.();
    await pause(10);
  }
  // The loader that is not slow is waited for.
  const { root, files, client2, old2 } = one;
  publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
  notify?.();
  await until(() => old2.connection.isClosed, 'the connection of client2 is closed', 1000);
  isSlow = false;
  release?.();
  await pause(100);
  expect(reads.mock.calls.length).toBeLessThan(5 * notices);
  reads.mockRestore();
});

test('a manual reload reads what it can at once, beside one that waits for a loader', async () => {
  let isDown = false;
  const one = await world(({ crl }, { files }) => {
    const never = new Promise<never>(() => undefined);
    const loader: SourceLoader = { load: () => (isDown ? never : Promise.resolve([readFileSync(crl)])) };
    return { crl: [files.crl, loader], watch: false };
  });
  isDown = true;
  const { root, files, client2, old2, mtls } = one;
  const endings: string[] = [];
  const reload = (): void => {
    mtls.reload().then(
      () => endings.push('resolved'),
      () => endings.push('rejected'),
    );
  };
  reload();
  await pause(50);
  publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
  reload();
  await until(() => old2.connection.isClosed, 'the connection of client2 is closed', 1000);
  await mtls.close();
  await until(() => endings.length === 2, 'both end');
  expect(endings).toEqual(['rejected', 'rejected']);
});

test('close() waits for the trial of a new pair, which then does not come into force', async () => {
  const one = await world();
  const { root, client1, mtls, recorder } = one;
  const { serverFingerprint } = await one.as(client1).get();
  let closed: Promise<void> | undefined;
  const events: string[] = [];
  const tryOne = Reflect.get(Trials.prototype, 'try');
  const spy = jest.spyOn(Trials.prototype, 'try').mockImplementation(async function (this: Trials, ...given) {
    closed ??= mtls.close().then(() => void events.push('closed'));
    await pause(100);
    await tryOne.apply(this, given);
    events.push('tried');
  });
  renew(one, root.server());
  await until(() => closed !== undefined, 'the pair is tried');
  await closed;
  await pause(200);
  spy.mockRestore();
  expect(events).toEqual(['tried', 'closed']);
  expect(await one.as(client1).get()).toMatchObject({ serverFingerprint });
  expect(recorder.events('reloaded')).toEqual([]);
  expect(recorder.events('reload-failed')).toEqual([]);
});

test('a defect in a reload keeps the reported faults', async () => {
  const one = await world();
  const { mtls, more, recorder, files, root } = one;
  const faults = (): string[] => mtls.faults.map(({ source }) => source);
  publish(more.crl, 'garbled');
  await until(() => faults().length === 1, 'the fault stands');
  const read = jest.spyOn(MaterialReader.prototype, 'read').mockImplementationOnce(() => {
    throw new TypeError('a defect');
  });
  publish(files.crl, root.crl({ number: 2 }).pem);
  await until(() => faults().includes('express-mtls'), 'the defect is reported');
  expect(faults()).toEqual([more.crl, 'express-mtls']);
  expect(recorder.events('recovered')).toEqual([]);
  read.mockRestore();
  // It is tried again.
  await until(() => mtls.revocation.crls.some(({ number }) => number === '2'), 'the CRL is in force');
  expect(faults()).toEqual([more.crl]);
  expect(recorder.events('recovered')).toMatchObject([{ source: 'express-mtls' }]);
});
