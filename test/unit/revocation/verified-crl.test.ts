import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { checkRevocationPolicy, type RevocationPolicy } from '../../../src/revocation/revocation-policy.js';
import { describeCrls } from '../../../src/revocation/revocation-state.js';
import {
  checkCrlDates,
  describeCrl,
  freshUntil,
  packCrl,
  readSignedCrl,
  unpackCrl,
  digestOf,
} from '../../../src/revocation/verified-crl.js';
import { ca } from '../../support/chain.js';
import type { CrlOptions } from '../../support/crl.js';
import { failureOf } from '../x509/failure.js';
import { admitted, storeOf } from '../../support/lists.js';

const root = ca('root');
const store = storeOf(root);
const thisUpdate = new Date('2024-01-01T00:00:00Z');
const nextUpdate = new Date('2024-02-01T00:00:00Z');
const options: CrlOptions = { number: 7, thisUpdate, nextUpdate, revoked: [{ serial: '0a' }] };

describe('an accepted CRL', () => {
  const { der } = root.crl({ ...options, idp: { onlyUser: true, indirect: true } });
  const loadedAt = new Date('2024-01-05T00:00:00Z');
  const signed = readSignedCrl({ der, origin: 'ca.crl', digest: digestOf(der) }, store, {
    weakSignature: 'deny',
  });
  const verified = unpackCrl(packCrl(signed, { keepEntries: 1, seed: undefined }), store, loadedAt);

  test('has the contents of its bytes', () => {
    expect(verified).toMatchObject({ origin: 'ca.crl', loadedAt, raw: der });
    expect(verified.digest).toBe(createHash('sha256').update(der).digest('hex'));
    expect(verified.signer).toBe(store.certificates[0]);
    expect(verified.crl).toMatchObject({ version: 2, number: 7n, thisUpdate, nextUpdate, entryCount: 1 });
    expect(verified.crl.issuer.toString()).toBe('CN=root');
    expect(verified.crl.issuingDistributionPoint).toMatchObject({
      onlyContains: 'userCertificates',
      indirect: true,
    });
    expect(verified.crl.authorityKeyId).toBe(root.keyId.toString('hex'));
    expect(verified.index.find(Buffer.from('0a', 'hex'))).toBeDefined();
  });

  test('is frozen', () => {
    expect(Object.isFrozen(verified)).toBe(true);
    expect(Object.isFrozen(verified.crl)).toBe(true);
  });

  test('is unchanged after a transfer between threads', () => {
    const moved = unpackCrl(
      structuredClone(packCrl(signed, { keepEntries: 1, seed: undefined })),
      store,
      loadedAt,
    );
    expect(moved.digest).toBe(verified.digest);
    expect(moved.crl).toEqual(verified.crl);
    expect(moved.index.find(Buffer.from('0a', 'hex'))).toEqual(verified.index.find(Buffer.from('0a', 'hex')));
    expect(moved.index.find(Buffer.from('0b', 'hex'))).toBeUndefined();
  });

  test('is rejected if its signer was removed', () => {
    const { code, message } = failureOf(() =>
      unpackCrl(packCrl(signed, { keepEntries: 1, seed: undefined }), storeOf(ca('root')), loadedAt),
    );
    expect(code).toBe('ERR_MTLS_CRL_ISSUER_UNKNOWN');
    expect(message).toContain('ca.crl');
  });

  test('keeps its bytes only on request', () => {
    expect(
      unpackCrl(packCrl(signed, { keepEntries: 0, seed: undefined }), store, loadedAt).raw,
    ).toBeUndefined();
    expect(
      unpackCrl(packCrl(signed, { keepEntries: Infinity, seed: undefined }), store, loadedAt).raw,
    ).toEqual(der);
    expect(packCrl(signed, { keepEntries: 1, seed: undefined }).raw?.buffer).not.toBe(der.buffer);
  });
});

describe('a rejected CRL', () => {
  const admit = (der: Buffer, weakSignature: 'deny' | 'allow' = 'deny'): unknown =>
    readSignedCrl({ der, origin: 'ca.crl', digest: digestOf(der) }, store, { weakSignature });

  test('that is truncated is reported with its file', () => {
    const { code, message, cause } = failureOf(() => admit(root.crl().der.subarray(0, -1)));
    expect(code).toBe('ERR_MTLS_CRL_INVALID');
    expect(message).toMatch(/^ca\.crl: /);
    expect(cause).toMatchObject({ code });
  });

  test('with an invalid signature is reported with its file', () => {
    const { code, message } = failureOf(() => admit(root.crl({ signWith: ca().privateKey }).der));
    expect(code).toBe('ERR_MTLS_CRL_SIGNATURE_INVALID');
    expect(message).toMatch(/^ca\.crl: /);
  });

  test('with a weak hash is accepted if the policy allows it', () => {
    const weak = root.crl({ hash: 'sha1' }).der;
    expect(failureOf(() => admit(weak)).code).toBe('ERR_MTLS_CRL_UNSUPPORTED');
    expect(() => admit(weak, 'allow')).not.toThrow();
  });
});

describe('whether a CRL is in force', () => {
  const ms = (date: Date, by: number): Date => new Date(date.getTime() + by);
  const check = (at: Date, policy: RevocationPolicy = {}, of: CrlOptions = options): void => {
    checkCrlDates(admitted(root.crl(of), store, 'ca.crl'), checkRevocationPolicy(policy), at);
  };

  test.each<[string, Date, RevocationPolicy, CrlOptions]>([
    ['at its thisUpdate', thisUpdate, {}, options],
    ['a moment before its nextUpdate', ms(nextUpdate, -1), {}, options],
    ['at its nextUpdate, with grace', nextUpdate, { graceMs: 1 }, options],
    ['a moment before its grace ends', ms(nextUpdate, 999), { graceMs: 1000 }, options],
    ['years later, where stale lists are allowed', ms(nextUpdate, 1e12), { stale: 'allow' }, options],
    ['years later, without a nextUpdate', ms(nextUpdate, 1e12), {}, { ...options, nextUpdate: null }],
  ])('it is %s', (_when, at, policy, of) => {
    expect(() => {
      check(at, policy, of);
    }).not.toThrow();
  });

  test.each<[string, Date, RevocationPolicy, string, string]>([
    ['at its nextUpdate', nextUpdate, {}, '', '2024-02-01T00:00:00.000Z'],
    [
      'when its grace ends',
      ms(nextUpdate, 1000),
      { graceMs: 1000 },
      ', with 1000 ms of grace',
      '2024-02-01T00:00:01.000Z',
    ],
  ])('it is not %s', (_when, at, policy, tail, now) => {
    const { code, message } = failureOf(() => {
      check(at, policy);
    });
    expect(code).toBe('ERR_MTLS_CRL_EXPIRED');
    expect(message).toBe(
      `ca.crl: the CRL number 7 of "CN=root" (2024-01-01T00:00:00.000Z) expired at 2024-02-01T00:00:00.000Z${tail}; publish a newer CRL (the clock of this host says ${now})`,
    );
  });

  test.each<RevocationPolicy>([{}, { stale: 'allow' }, { graceMs: 1000 }])(
    'it is not before its thisUpdate (%p)',
    (policy) => {
      const { code, message } = failureOf(() => {
        check(ms(thisUpdate, -1), policy);
      });
      expect(code).toBe('ERR_MTLS_CRL_INVALID');
      expect(message).toBe(
        'ca.crl: the CRL number 7 of "CN=root" (2024-01-01T00:00:00.000Z) is not in force before 2024-01-01T00:00:00.000Z; check the clock of the CA, and of this host, which says 2023-12-31T23:59:59.999Z',
      );
    },
  );

  test.each<[RevocationPolicy, number]>([
    [{}, nextUpdate.getTime()],
    [{ graceMs: 5 }, nextUpdate.getTime() + 5],
    [{ stale: 'allow' }, Infinity],
  ])('under %p it can vouch until %i', (policy, until) => {
    expect(freshUntil({ nextUpdate }, checkRevocationPolicy(policy))).toBe(until);
    expect(freshUntil({ nextUpdate: undefined }, checkRevocationPolicy(policy))).toBe(Infinity);
  });
});

test('a CRL that its source never confirmed is stale only with maxAgeMs', () => {
  const never = -Infinity;
  expect(freshUntil({ nextUpdate }, checkRevocationPolicy({}), never)).toBe(nextUpdate.getTime());
  expect(freshUntil({ nextUpdate: undefined }, checkRevocationPolicy({}), never)).toBe(Infinity);
  expect(freshUntil({ nextUpdate }, checkRevocationPolicy({ maxAgeMs: 1000 }), never)).toBe(never);
});

test('a CRL is described with its number if it has one', () => {
  expect(describeCrl(admitted(root.crl(options), store).crl)).toBe(
    'CRL number 7 of "CN=root" (2024-01-01T00:00:00.000Z)',
  );
  expect(describeCrl(admitted(root.crl({ ...options, number: null }), store).crl)).toBe(
    'CRL of "CN=root" (2024-01-01T00:00:00.000Z)',
  );
});

test('every CRL is reported in order, and the report is frozen', () => {
  const number = 2n ** 159n - 1n;
  const crls = [
    admitted(root.crl({ ...options, number }), store, 'a.crl'),
    admitted(
      root.crl({ number: null, thisUpdate, nextUpdate: null, idp: { onlyUser: true } }),
      store,
      'b.crl',
    ),
  ];
  const told = describeCrls(crls);
  expect(told).toMatchObject([
    {
      number: number.toString(),
      thisUpdate,
      nextUpdate,
      entries: 1,
      source: 'a.crl',
      loadedAt: crls[0]!.loadedAt,
      confirmedAt: undefined,
    },
    { number: undefined, thisUpdate, nextUpdate: undefined, entries: 0, source: 'b.crl' },
  ]);
  expect(told.map(({ issuer }) => issuer.toString())).toEqual(['CN=root', 'CN=root']);
  expect([told, ...told].every((value) => Object.isFrozen(value))).toBe(true);
});
