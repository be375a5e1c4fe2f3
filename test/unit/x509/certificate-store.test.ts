import { describe, expect, test } from '@jest/globals';
import { type Certificate, parseCertificate } from '../../../src/x509/certificate.js';
import { CertificateStore } from '../../../src/x509/certificate-store.js';
import { isCa, isSelfIssued, keyIdentifiersAgree } from '../../../src/x509/issuance.js';
import { ca, type CertificateOptions, selfSigned } from '../../support/chain.js';
import { fastestTurn } from '../../support/cpu-time.js';
import { oid } from '../../support/der-writer.js';

interface Encoded {
  readonly der: Buffer;
}

function read({ der }: Encoded): Certificate {
  return parseCertificate(der);
}

function storeOf(...cas: readonly Encoded[]): CertificateStore {
  return new CertificateStore(cas.map(read));
}

/** The chain of `leaf` as the DER of its certificates. */
function chain(
  store: CertificateStore,
  leaf: Encoded,
  others: readonly Encoded[] = [],
): Buffer[] | undefined {
  return store.chainOf(read(leaf), others.map(read), now)?.map(({ raw }) => raw);
}

const now = new Date();
const root = ca('root');
const east = root.intermediate('east');
const client = east.client();
const whole = [client.der, east.der, root.der];

describe('the chain of a certificate', () => {
  test('leads over the configured CAs to a root', () => {
    expect(chain(storeOf(root, east), client)).toEqual(whole);
    expect(chain(storeOf(root), root.client({ serial: '0a' }))).toHaveLength(2);
  });

  test('of a root is the root itself', () => {
    expect(chain(storeOf(root, east), root)).toEqual([root.der]);
  });

  test('may include certificates that the client sent, in any order and among unrelated ones', () => {
    const west = east.intermediate('west');
    const leaf = west.client();
    const expected = [leaf.der, west.der, east.der, root.der];
    for (const others of [
      [west, east],
      [east, west],
      [ca('east'), ca('west'), east, root, west],
    ])
      expect(chain(storeOf(root), leaf, others)).toEqual(expected);
  });

  test('never ends in a certificate that the client sent', () => {
    const stranger = ca('stranger');
    expect(chain(storeOf(root), stranger.client(), [stranger])).toBeUndefined();
    expect(chain(storeOf(root), stranger, [stranger])).toBeUndefined();
    const namesake = ca('root');
    expect(chain(storeOf(root), namesake.client(), [namesake])).toBeUndefined();
  });

  test('never ends in an intermediate', () => {
    expect(chain(storeOf(east), client)).toBeUndefined();
  });

  test('ends where an intermediate is missing', () => {
    expect(chain(storeOf(root), client)).toBeUndefined();
  });

  test('never ends in a certificate that only says it is self-signed', () => {
    const fake = root.intermediate({
      commonName: 'fake',
      issuerName: ca('fake').subject,
      authorityKeyId: false,
    });
    expect(isSelfIssued(read(fake))).toBe(true);
    expect(chain(storeOf(fake), fake.client())).toBeUndefined();
  });

  test.each<[string, CertificateOptions]>([
    ['is not signed by it', { signWith: ca().privateKey }],
    ['names another issuer', { issuerName: root.subject }],
    ['names another key', { authorityKeyId: Buffer.alloc(20, 1) }],
  ])('does not lead over a CA where the certificate %s', (_what, options) => {
    expect(chain(storeOf(root, east), east.client(options))).toBeUndefined();
  });

  test.each<[string, CertificateOptions]>([
    ['is none', { isCa: false }],
    ['does not say that it is one', { isCa: null }],
    ['may not sign certificates', { keyUsage: ['cRLSign', 'digitalSignature'] }],
    ['is of version 1 and not self-issued', { version: 1 }],
  ])('does not lead over a CA that %s', (_what, options) => {
    const bad = root.intermediate({ commonName: 'bad', ...options });
    expect(chain(storeOf(root, bad), bad.client())).toBeUndefined();
    expect(chain(storeOf(root), bad.client(), [bad])).toBeUndefined();
  });

  test.each<[string, CertificateOptions]>([
    ['has no keyUsage', { keyUsage: null }],
    ['has no key identifier', { subjectKeyId: false }],
    ['is of version 1 and self-issued', { version: 1 }],
    ['has a key of RSA', { key: 'rsa2048' }],
    ['has a key of Ed25519', { key: 'ed25519' }],
  ])('leads to a root that %s', (_what, options) => {
    const other = ca(options);
    expect(chain(storeOf(other), other.client())).toHaveLength(2);
  });

  test('leads over a CA whose name is spelt otherwise', () => {
    const leaf = east.client({ issuerName: ca(' EAST ').subject });
    expect(chain(storeOf(root, east), leaf)).toEqual([leaf.der, east.der, root.der]);
  });

  test('does not lead over a CA of another name that has the same key', () => {
    const other = root.intermediate({ commonName: 'west', privateKey: east.privateKey });
    expect(chain(storeOf(root, other), client)).toBeUndefined();
    expect(chain(storeOf(root), client, [other])).toBeUndefined();
  });

  test('does not end in a CA that signed itself under the name of another', () => {
    const { privateKey } = ca();
    const fake = root.intermediate({
      commonName: 'fake',
      privateKey,
      signWith: privateKey,
      authorityKeyId: false,
    });
    expect(chain(storeOf(root, fake), fake.client())).toBeUndefined();
  });

  test('is verified once and cached; a failed search is not', () => {
    const store = storeOf(root);
    const leaf = read(client);
    expect(store.chainOf(leaf, [], now)).toBeUndefined();
    const found = store.chainOf(leaf, [read(east)], now);
    expect(found?.map(({ raw }) => raw)).toEqual(whole);
    expect(store.chainOf(leaf, [], now)).toBe(found);
  });

  test('finds the path to the root among dead ends', () => {
    const orphan = ca('absent').intermediate({ commonName: 'east', privateKey: east.privateKey });
    const cross = ca('other').intermediate({ commonName: 'east', privateKey: east.privateKey });
    expect(chain(storeOf(orphan, cross, root, east), client)).toEqual(whole);
    expect(chain(storeOf(root), client, [orphan, cross, east])).toEqual(whole);
  });

  test('of two CAs of one name leads over the one whose key signed', () => {
    const twin = root.intermediate('east');
    expect(chain(storeOf(root, twin, east), client)).toEqual(whole);
    expect(chain(storeOf(root, twin, east), twin.client())?.[1]).toEqual(twin.der);
  });

  test('prefers a configured CA to one that was sent', () => {
    const renewed = east.reissue();
    expect(chain(storeOf(root, east), client, [renewed])).toEqual(whole);
  });

  test('does not exist in a cycle without a root', () => {
    const [left, right] = [ca('left'), ca('right')];
    const leftByRight = right.intermediate({ commonName: 'left', privateKey: left.privateKey });
    const rightByLeft = left.intermediate({ commonName: 'right', privateKey: right.privateKey });
    expect(chain(storeOf(root, leftByRight, rightByLeft), left.client())).toBeUndefined();
    expect(chain(storeOf(root), left.client(), [leftByRight, rightByLeft])).toBeUndefined();
  });

  test.each([
    [8, true],
    [9, false],
  ])('may hold %i intermediates: %p', (count, found) => {
    const cas = [root];
    for (let depth = 0; depth < count; depth++) cas.push(cas.at(-1)!.intermediate(`ca${depth}`));
    expect(chain(storeOf(...cas), cas.at(-1)!.client()) !== undefined).toBe(found);
  });
});

describe('the configured CAs', () => {
  test('are kept in their order, each once, for good', () => {
    const { certificates } = storeOf(root, east, root, east);
    expect(certificates.map(({ raw }) => raw)).toEqual([root.der, east.der]);
    expect(Object.isFrozen(certificates)).toBe(true);
  });

  test('are found by name', () => {
    const twin = ca('root');
    const store = storeOf(root, east, twin);
    expect(store.named(read(root).subject.canonical).map(({ raw }) => raw)).toEqual([root.der, twin.der]);
    expect(store.named('nobody')).toEqual([]);
  });
});

test.each<[string, Encoded, boolean, boolean]>([
  ['a root', root, true, true],
  ['an intermediate', east, true, false],
  ['a client', client, false, false],
  ['a self-signed client', selfSigned(), false, true],
  ['a root of version 1', ca({ version: 1 }), true, true],
  ['a client of version 1', root.client({ version: 1 }), false, false],
  ['a self-signed certificate of version 3 that does not say', selfSigned({ isCa: null }), false, true],
])('%s: is it a CA, is it self-issued', (_what, certificate, asCa, asSelfIssued) => {
  expect(isCa(read(certificate))).toBe(asCa);
  expect(isSelfIssued(read(certificate))).toBe(asSelfIssued);
});

test.each([
  [undefined, undefined, true],
  ['0a', undefined, true],
  [undefined, '0a', true],
  ['0a', '0a', true],
  ['0a', '0b', false],
])('the key identifiers %p and %p agree: %p', (authority, subject, agree) => {
  expect(keyIdentifiersAgree(authority, subject)).toBe(agree);
});

describe('faults that were found', () => {
  test('a client that sends CAs which all issued each other is refused in bounded time', () => {
    const evil = ca({ commonName: 'evil', authorityKeyId: false, subjectKeyId: false });
    const others = Array.from({ length: 6 }, () => read(evil.reissue()));
    const leaf = read(evil.client());
    const build = (): void => {
      expect(storeOf(root).chainOf(leaf, others, now)).toBeUndefined();
    };
    // In every order they would take a second, and each one more eight times as long.
    expect(fastestTurn(build)).toBeLessThan(100);
  });

  test('of a CA that was renewed with the same key, the certificate that is in date is taken', () => {
    const past = new Date('2021-01-01T00:00:00Z');
    const old = ca({ commonName: 'renewed', notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: past });
    const renewed = old.reissue({ notBefore: past, notAfter: new Date(now.getTime() + 1e9) });
    const path = storeOf(old, renewed).chainOf(read(renewed.client()), [], now);
    expect(path?.every(({ notAfter }) => notAfter > now)).toBe(true);
  });

  test('a CA that was sent with a key of an unknown kind leads nowhere', () => {
    const { der } = root.intermediate('odd');
    const odd = Buffer.from(der);
    const place = odd.indexOf(oid('1.2.840.10045.2.1'));
    oid('1.2.840.10045.2.9').copy(odd, place);
    const leaf = read(root.client({ issuerName: ca('odd').subject, authorityKeyId: false }));
    expect(storeOf(root).chainOf(leaf, [read({ der: odd })], now)).toBeUndefined();
  });
});

describe("the trust anchors under partialChain: 'allow'", () => {
  const [one, two] = [ca('one'), ca('two')];
  const above = two.intermediate({ commonName: 'one', privateKey: one.privateKey });
  const other = one.intermediate({ commonName: 'two', privateKey: two.privateKey });
  const below = one.intermediate('below');
  const lower = below.intermediate('lower');
  // Below the first circle: another one, in which `lower` has certified the key of `below`.
  const back = lower.intermediate({ commonName: 'below', privateKey: below.privateKey });
  const everyOrder = <Item>(items: readonly Item[]): Item[][] =>
    items.length < 2
      ? [[...items]]
      : items.flatMap((item) =>
          everyOrder(items.filter((one) => one !== item)).map((rest) => [item, ...rest]),
        );
  const anchorsOf = (cas: readonly Encoded[]): Encoded[] => {
    const store = new CertificateStore(cas.map(read), { partialChain: 'allow' });
    return cas.filter((each) => store.isAnchor(read(each)));
  };

  test('are the CAs of a circle, and not those below it, in any order', () => {
    for (const cas of everyOrder([above, other, below, lower, back]))
      expect(new Set(anchorsOf(cas))).toEqual(new Set([above, other]));
  });

  test('are the CAs of each circle that no other CA has issued', () => {
    expect(anchorsOf([lower, back])).toEqual([lower, back]);
    expect(anchorsOf([below, lower, back])).toEqual([below]);
    const [root, middle] = [ca('root'), ca('middle')];
    expect(anchorsOf([middle, above, root.intermediate('b'), other])).toHaveLength(4);
    expect(anchorsOf([other, one, above])).toEqual([one]);
  });
});
