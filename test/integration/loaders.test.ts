import { describe, expect, test } from '@jest/globals';
import { type CrlInForce, type SourceLoader } from 'express-mtls';
import { ca, type CertificateAuthority } from '../support/chain.js';
import { pause, startServer, until } from '../support/server.js';

/** A loader in memory, and what it was told. */
class TestLoader implements SourceLoader {
  readonly mayBeEmpty: boolean;
  readonly wanted: string[] = [];
  readonly told: { readonly given: readonly Buffer[]; readonly crls: readonly CrlInForce[] }[] = [];
  calls = 0;
  mostAtOnce = 0;
  #content: readonly Buffer[];
  #notify: () => void = () => undefined;

  constructor(content: readonly Buffer[], mayBeEmpty = false) {
    this.#content = content;
    this.mayBeEmpty = mayBeEmpty;
  }

  load(): Promise<readonly Buffer[]> {
    this.calls++;
    return Promise.resolve(this.#content);
  }

  watch(notify: () => void): Disposable {
    this.#notify = notify;
    return { [Symbol.dispose]: () => undefined };
  }

  want(uris: readonly string[]): void {
    this.wanted.push(...uris);
    this.mostAtOnce = Math.max(this.mostAtOnce, uris.length);
  }

  inForce(given: readonly Buffer[], crls: readonly CrlInForce[]): void {
    this.told.push({ given, crls });
  }

  publish(...content: readonly Buffer[]): void {
    this.#content = content;
    this.#notify();
  }
}

const newer = (
  root: CertificateAuthority,
  number: number,
  revoked: Parameters<typeof root.crl>[0] = {},
): Buffer => root.crl({ number, thisUpdate: new Date(Date.now() - 60_000 + number * 1000), ...revoked }).der;

test('the duration of a reload includes the time of its loaders', async () => {
  const root = ca('ca');
  let number = 0;
  const load = async (): Promise<Buffer[]> => {
    if (number > 0) await pause(300);
    return [newer(root, ++number)];
  };
  const server = await startServer({ root, options: { crl: { load } } });
  expect((await server.mtls.reload()).durationMs).toBeGreaterThan(250);
});

describe('a loader that may be empty', () => {
  test('gives nothing yet: the server starts, and a client is unknown until there is a CRL', async () => {
    const root = ca('ca');
    const client = root.client('client1');
    const crl = new TestLoader([], true);
    const server = await startServer({ root, options: { crl } });
    expect(server.mtls).toMatchObject({ faults: [], revocation: { crls: [], uncovered: ['CN=ca'] } });
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
    expect(server.recorder.events('refused')).toMatchObject([{ reason: 'revocation-unknown' }]);

    crl.publish(newer(root, 1));
    await until(() => server.mtls.revocation.crls.length === 1, 'the CRL is in force');
    expect(await server.as(client).get()).toMatchObject({ status: 200 });
  });

  test('withdraws nothing when it is empty again: that is a fault, which a CRL ends', async () => {
    const root = ca('ca');
    const [client1, client2] = [root.client('client1'), root.client('client2')];
    const crl = new TestLoader([newer(root, 1, { revoked: [client2] })], true);
    const server = await startServer({ root, options: { crl } });
    crl.publish();
    await until(() => server.mtls.faults.length === 1, 'the fault stands');
    expect(server.mtls.fault).toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message: expect.stringContaining('it returned no CRL, although it returned 1 before') as unknown,
    });
    expect(server.mtls.revocation.crls).toMatchObject([{ number: '1' }]);
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
    expect(await server.as(client1).get()).toMatchObject({ status: 200 });

    crl.publish(newer(root, 2));
    await until(() => server.mtls.faults.length === 0, 'the fault is gone');
    expect(await server.as(client2).get()).toMatchObject({ status: 200 });
  });

  test('is an error among the CAs, and so is an empty loader that must not be empty', async () => {
    const root = ca('ca');
    for (const options of [{ ca: new TestLoader([], true) }, { crl: new TestLoader([]) }])
      await expect(startServer({ root, options })).rejects.toMatchObject({
        code: 'ERR_MTLS_SOURCE_UNREADABLE',
      });
  });
});

describe('inForce()', () => {
  test('names the Buffers that hold only CRLs in force, after the start and after each change', async () => {
    const root = ca('ca');
    const first = newer(root, 1);
    const crl = new TestLoader([first]);
    const server = await startServer({ root, options: { crl } });
    expect(crl.told).toEqual([
      {
        given: [first],
        crls: [
          {
            issuer: 'CN=ca',
            crlNumber: 1n,
            deltaBase: undefined,
            thisUpdate: server.mtls.revocation.crls[0]?.thisUpdate,
            nextUpdate: server.mtls.revocation.crls[0]?.nextUpdate,
          },
        ],
      },
    ]);
    // The very same Buffer, not a copy.
    expect(crl.told[0]?.given[0]).toBe(first);

    const stranger = ca('stranger').crl().der;
    const second = newer(root, 2);
    crl.publish(second, stranger, Buffer.from('<html>503</html>'));
    await until(() => crl.told.length === 2, 'the second CRL is in force');
    expect(crl.told[1]).toMatchObject({ given: [second], crls: [{ crlNumber: 2n }] });
    expect(server.mtls.faults).toHaveLength(2);
  });

  test('does not name a CRL that goes back', async () => {
    const root = ca('ca');
    const client = root.client();
    const current = newer(root, 2, { revoked: [client] });
    const crl = new TestLoader([current]);
    const server = await startServer({ root, options: { crl } });
    crl.publish(newer(root, 1));
    await until(() => server.mtls.faults.length === 1, 'the rollback is a fault');
    await until(() => crl.told.length > 1, 'the loader was told again');
    expect(crl.told.at(-1)).toEqual({ given: [], crls: [] });
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
  });

  test('is called for a new Buffer with the same content, and once for each result', async () => {
    const root = ca('ca');
    const first = newer(root, 1);
    const crl = new TestLoader([first]);
    const server = await startServer({ root, options: { crl } });
    const same = Buffer.from(first);
    crl.publish(same);
    await until(() => crl.told.length === 2, 'the loader was told');
    expect(crl.told[1]?.given[0]).toBe(same);
    await server.mtls.reload();
    expect(crl.told).toHaveLength(crl.calls);
  });

  test.each<[string, () => void | Promise<void>]>([
    [
      'throws',
      () => {
        throw new Error('the disk is full');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the disk is full'))],
  ])('that %s is a fault, which holds up no reload', async (_how, fail) => {
    const root = ca('ca');
    const client = root.client();
    const crl = new TestLoader([newer(root, 1)]);
    let isFull = true;
    Object.assign(crl, { inForce: () => (isFull ? fail() : undefined) });
    const server = await startServer({ root, options: { crl } });
    await until(() => server.mtls.faults.length === 1, 'the fault stands');
    expect(server.mtls.faults).toMatchObject([
      {
        source: 'options.crl.inForce()',
        error: { code: 'ERR_MTLS_SOURCE_UNREADABLE', seen: 'it failed: the disk is full' },
      },
    ]);
    crl.publish(newer(root, 2, { revoked: [client] }));
    await until(() => server.mtls.revocation.crls[0]?.number === '2', 'the CRL is in force');
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
    isFull = false;
    crl.publish(newer(root, 3));
    await until(() => server.mtls.faults.length === 0, 'the fault is gone');
    expect(server.recorder.events('recovered')).toHaveLength(1);
  });
});

describe('want()', () => {
  const uri = 'http://crl.test/1.crl';

  test('names the distribution points of the CAs before the start, which waits for their CRLs', async () => {
    const root = ca('root');
    const issuing = root.intermediate({
      commonName: 'issuing',
      crlDistributionPoints: [uri, 'ldap://crl.test/cn=root'],
    });
    const crl = new TestLoader([issuing.crl().der]);
    crl.want = (uris) => {
      crl.wanted.push(...uris);
      crl.publish(issuing.crl().der, root.crl().der);
    };
    const server = await startServer({ root, cas: [root, issuing], options: { crl } });
    expect(crl.wanted).toEqual([uri]);
    expect(server.mtls.revocation).toMatchObject({ crls: [{}, {}], uncovered: [] });
    expect(await server.as(issuing.client()).get()).toMatchObject({ status: 200 });
  });

  test('names the distribution points of a client that no CRL covers, and of no other', async () => {
    const root = ca('ca');
    const partition = (fullName: string): Buffer => root.crl({ idp: { fullName: [fullName] } }).der;
    const [one, two] = ['http://crl.test/1.crl', 'http://crl.test/2.crl'] as const;
    const crl = new TestLoader([partition(one)]);
    const server = await startServer({ root, options: { crl } });
    const covered = root.client({ crlDistributionPoints: [one] });
    const uncovered = root.client({ crlDistributionPoints: [two] });
    const options = { crlDistributionPoints: ['http://stranger.test/1.crl'] };
    const expired = { ...options, notAfter: new Date(Date.now() - 60_000) };
    for (const refused of [
      ca('ca').client(options),
      ca('stranger').client(options),
      root.client(expired),
      root.client({ ...options, extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] }),
    ])
      expect(await server.as(refused).get()).toMatchObject({ status: 'refused' });
    expect(await server.as(covered).get()).toMatchObject({ status: 200 });
    expect(crl.wanted).toEqual([]);
    expect(await server.as(uncovered).get()).toMatchObject({ status: 'refused' });
    expect(new Set(crl.wanted)).toEqual(new Set([two]));

    crl.publish(partition(one), partition(two));
    await until(() => server.mtls.revocation.crls.length === 2, 'the partition is in force');
    expect(await server.as(uncovered).get()).toMatchObject({ status: 200 });
    expect(new Set(crl.wanted)).toEqual(new Set([two]));
  });

  test('names them too where the policy admits a client that no CRL covers', async () => {
    const root = ca('ca');
    const crl = new TestLoader([], true);
    const server = await startServer({ root, options: { crl, revocation: { unknown: 'allow' } } });
    const client = root.client({ crlDistributionPoints: [uri] });
    expect(await server.as(client).get()).toMatchObject({ status: 200 });
    expect(crl.wanted).toContain(uri);
  });

  test('receives at most 64 URIs of a client, each of at most 1024 characters', async () => {
    const root = ca('ca');
    const crl = new TestLoader([], true);
    const server = await startServer({ root, options: { crl } });
    const many = Array.from({ length: 100 }, (_, index) => `http://crl.test/${index}`);
    const long = `http://crl.test/${'a'.repeat(1024)}`;
    const client = root.client({ crlDistributionPoints: [long, ...many] });
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
    expect([...new Set(crl.wanted)]).toEqual(many.slice(0, 64));
    expect(crl.mostAtOnce).toBe(64);
  });

  test('that throws is a fault, and the client is refused as without it', async () => {
    const root = ca('ca');
    const crl = new TestLoader([], true);
    crl.want = () => {
      throw new Error('not now');
    };
    const server = await startServer({ root, options: { crl } });
    const client = root.client({ crlDistributionPoints: [uri] });
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
    expect(server.mtls.faults).toMatchObject([{ source: 'options.crl.want()' }]);
  });
});

test('the same Buffer is not read again', async () => {
  const root = ca('ca');
  const client = root.client();
  const given = newer(root, 1, { revoked: [client] });
  const crl = new TestLoader([given]);
  const server = await startServer({ root, options: { crl } });
  // If it were read again, it would be garbage and a fault.
  given.fill(0);
  await server.mtls.reload();
  expect(server.mtls.faults).toEqual([]);
  expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
});
