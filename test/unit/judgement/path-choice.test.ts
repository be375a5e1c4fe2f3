import { describe, expect, test } from '@jest/globals';
import { checkCertificatePolicy } from '../../../src/judgement/certificate-policy.js';
import { choosePath, type PathChoice } from '../../../src/judgement/path-choice.js';
import { type OpensslVerdict } from '../../../src/judgement/judgement.js';
import { type RevocationChecker } from '../../../src/revocation/revocation-checker.js';
import {
  ca,
  type Certificate,
  type CertificateAuthority,
  purposes,
  type ReissueOptions,
} from '../../support/chain.js';
import { checkerOf, day, fromNow, read, storeOf } from '../../support/lists.js';
import { authorityCertificate, certificatePolicies, nameConstraints } from '../../support/path-extensions.js';

interface Options {
  readonly sent?: readonly Certificate[];
  readonly revocation?: RevocationChecker;
  readonly policies?: readonly string[];
  readonly at?: Date;
}

function choose(
  client: Certificate,
  cas: readonly Certificate[],
  { sent = [], revocation, policies, at = new Date() }: Options = {},
): PathChoice {
  const certificates = checkCertificatePolicy(policies === undefined ? {} : { policies });
  const candidate = { certificate: read(client), others: sent.map(read), openssl: 'trusted' } as const;
  return choosePath(candidate, storeOf(...cas), { revocation, certificates }, at);
}

/** Which certificates a path goes by, above the client. */
const above = (chain: PathChoice['best']['chain']): (Buffer | undefined)[] | undefined =>
  chain?.slice(1).map(({ raw }) => raw);

const root = ca('root');
const east = root.intermediate('east');
const client = east.client();
const expired: ReissueOptions = { notBefore: fromNow(-2 * day), notAfter: fromNow(-day) };

describe('a path that satisfies every check', () => {
  test('is chosen, and no other is reported', () => {
    const choice = choose(client, [root, east]);
    expect(choice).toMatchObject({ others: [], missing: undefined, isPartial: false });
    expect(choice.best).toMatchObject({ refusal: undefined, failed: undefined, passed: 7 });
    expect(above(choice.best.chain)).toEqual([east.der, root.der]);
  });

  test.each<[what: string, options: ReissueOptions]>([
    ['expired', expired],
    ['is not valid yet', { notBefore: fromNow(day) }],
    ['is for servers alone', { extendedKeyUsage: [purposes.serverAuth] }],
    ['is signed with SHA-1', { hash: 'sha1' }],
    [
      'does not permit the client',
      { extraExtensions: [nameConstraints({ permitted: { dns: ['b.test'] } })] },
    ],
    ['may not sign', { keyUsage: ['cRLSign'] }],
  ])('is taken where another certificate of the CA %s, in any order', (_what, options) => {
    const other = east.reissue(options);
    const named = east.client({ sans: { dns: ['a.test'] } });
    for (const cas of [
      [root, other, east],
      [root, east, other],
    ]) {
      const { best, others } = choose(named, cas);
      expect([best.refusal, above(best.chain), others]).toEqual([undefined, [east.der, root.der], []]);
    }
    expect(choose(named, [root, other]).best.refusal).toBeDefined();
    expect(above(choose(named, [root, other], { sent: [east] }).best.chain)).toEqual([east.der, root.der]);
  });

  test('is taken behind one that is valid for none of the policies', () => {
    const policies = ['1.2.3'];
    const extraExtensions = [certificatePolicies(...policies)];
    const without = root.intermediate('east');
    const having = without.reissue({ extraExtensions });
    const holder = without.client({ extraExtensions });
    const choice = choose(holder, [root, without, having], { policies });
    expect(above(choice.best.chain)).toEqual([having.der, root.der]);
    expect(choice.best.policies).toEqual(policies);
    const refused = choose(holder, [root, without], { policies });
    expect(refused.best.refusal?.reason).toBe('not-permitted');
    expect(refused.best.policies).toEqual([]);
  });

  test('is taken of a CA that has one certificate that is revoked, and another', () => {
    const renewed = east.reissue();
    const crls = [root.crl({ revoked: [east] }), east.crl()];
    const cas = [root, east, renewed];
    const choice = choose(client, cas, { revocation: checkerOf(cas, crls) });
    expect(above(choice.best.chain)).toEqual([renewed.der, root.der]);
    expect(choice.best.refusal).toBeUndefined();
  });

  test('is in date at the time that is asked for, to the second', () => {
    const [start, end] = [fromNow(-day), fromNow(day)];
    const short = east.reissue({ notBefore: start, notAfter: end });
    const holder = east.client({ notBefore: fromNow(-5 * day), notAfter: fromNow(5 * day) });
    const isAdmitted = (at: number): boolean => {
      const anchor = root.reissue({ notBefore: fromNow(-9 * day) });
      return choose(holder, [anchor, short], { at: new Date(at) }).best.refusal === undefined;
    };
    expect(isAdmitted(start.getTime())).toBe(true);
    expect(isAdmitted(start.getTime() - 1)).toBe(false);
    expect(isAdmitted(end.getTime() - 1)).toBe(true);
    expect(isAdmitted(end.getTime())).toBe(false);
  });
});

describe('where every path fails', () => {
  test('the one that passed the most checks decides, and the others are reported', () => {
    const serverOnly = east.reissue({ extendedKeyUsage: [purposes.serverAuth] });
    const old = east.reissue(expired);
    for (const cas of [
      [root, serverOnly, old],
      [root, old, serverOnly],
    ]) {
      const { best, others, isPartial } = choose(client, cas);
      expect(best).toMatchObject({ failed: 'path', passed: 2, refusal: { reason: 'not-permitted' } });
      expect(others).toMatchObject([{ failed: 'dates', passed: 0, refusal: { reason: 'expired' } }]);
      expect(isPartial).toBe(false);
    }
  });

  test('the first decides among equals', () => {
    const old = [1, 2, 3].map(() => east.reissue(expired));
    const { best, others } = choose(client, [root, ...old]);
    expect(above(best.chain)).toEqual([old[0]?.der, root.der]);
    expect(others.map(({ chain }) => above(chain)?.[0])).toEqual([old[1]?.der, old[2]?.der]);
  });

  test.each([
    [8, false],
    [9, true],
  ])('of %i paths eight are reported, and whether there are more: %p', (count, isPartial) => {
    const old = Array.from({ length: count }, () => east.reissue(expired));
    const choice = choose(client, [root, ...old]);
    expect(choice.others).toHaveLength(7);
    expect(choice.isPartial).toBe(isPartial);
  });

  test('a path that was judged is not looked for again among those that fail the rules', () => {
    const old = east.reissue(expired);
    const crls = [root.crl({ revoked: [east] }), east.crl()];
    const cas = [root, east, old];
    const { best, others } = choose(client, cas, { revocation: checkerOf(cas, crls) });
    expect(best.refusal?.reason).toBe('revoked');
    expect(others).toEqual([]);
  });

  test('a client that is revoked is judged once, by whatever path', () => {
    const renewed = east.reissue();
    const crls = [root.crl(), east.crl({ revoked: [client] })];
    const cas = [root, east, renewed];
    const { best, others } = choose(client, cas, { revocation: checkerOf(cas, crls) });
    expect([best.refusal?.reason, best.failed, others]).toEqual(['revoked', 'revocation', []]);
  });

  test('a CA that is revoked is on no path that is looked at after', () => {
    const bridges = [ca('one'), ca('two')].map((one) => ({
      root: one,
      crossed: one.intermediate({ commonName: 'root', privateKey: root.privateKey }),
    }));
    const crls = [root.crl({ revoked: [east] }), east.crl(), ...bridges.map((one) => one.root.crl())];
    const cas = [root, east, ...bridges.flatMap((one) => [one.root, one.crossed])];
    const { best, others } = choose(client, cas, { revocation: checkerOf(cas, crls) });
    expect(best.refusal?.reason).toBe('revoked');
    expect(others).toEqual([]);
  });

  test('for a key that is too short, a client is judged by each path', () => {
    const renewed = east.reissue();
    const short = east.client({ key: 'rsa1024' });
    const crls = [root.crl(), east.crl()];
    const cas = [root, east, renewed];
    for (const options of [{}, { revocation: checkerOf(cas, crls) }]) {
      const { best, others } = choose(short, cas, options);
      expect([best.failed, others.map(({ failed }) => failed)]).toEqual(['key', ['key']]);
    }
  });
});

describe('where there is no path', () => {
  const missing = (
    of: Certificate,
    cas: readonly Certificate[],
    options?: Options,
  ): PathChoice['missing'] => {
    const choice = choose(of, cas, options);
    expect(choice.best).toMatchObject({
      chain: undefined,
      failed: 'chain',
      refusal: { reason: 'untrusted' },
    });
    expect(choice.others).toEqual([]);
    return choice.missing;
  };

  test('what is missing is the name, the key, the identifier, the signature or the root', () => {
    expect(missing(client, [root])).toBe('name');
    expect(missing(client, [root, ca('east')])).toBe('key');
    expect(missing(client, [root, ca('east'), ca({ commonName: 'east', subjectKeyId: false })])).toBe(
      'signature',
    );
    const pinned = east.client({ authorityKeyId: false, extraExtensions: [authorityCertificate(east)] });
    expect(missing(pinned, [root, east.reissue()])).toBe('identifier');
    const forged = east.client({ signWith: root.privateKey });
    expect(missing(forged, [root, east])).toBe('signature');
    expect(missing(client, [east, ca('other')])).toBe('root');
  });

  test('or the budget', () => {
    const namesake = (): CertificateAuthority =>
      ca({ commonName: 'east', subjectKeyId: false, key: 'ed25519' });
    const namesakes = Array.from({ length: 130 }, namesake);
    const stranger = namesake().client();
    expect(missing(stranger, namesakes)).toBe('budget');
    expect(choose(stranger, namesakes).isPartial).toBe(true);
    expect(missing(stranger, namesakes.slice(0, 64))).toBe('signature');
    expect(choose(stranger, namesakes.slice(0, 64)).isPartial).toBe(false);
  });

  test('nothing is missing where there is one that fails', () => {
    expect(choose(client, [root, east.reissue(expired)]).missing).toBeUndefined();
  });
});

test('the comparisons of a search share one budget; a path beyond it is checked once more', () => {
  const dns = Array.from({ length: 249 }, (_, index) => `n${index}.a.test`);
  const extraExtensions = [nameConstraints({ excluded: { dns: dns.map((name) => `x.${name}`) } })];
  const constrained = root.intermediate({ commonName: 'east', extraExtensions });
  // 249 names, and for each 249 constraints: 62,250 with one for each name, more than 25,000.
  const tooMany = constrained.client({ sans: { dns } });
  expect(choose(tooMany, [root, constrained]).best.refusal?.detail).toContain('exceed the comparison limit');
  const enough = constrained.client({ sans: { dns: dns.slice(0, 95) } });
  expect(choose(enough, [root, constrained]).best.refusal).toBeUndefined();
  // The search looks at two certificates of the CA, and has too little left for the second.
  const spent = constrained.reissue({
    extraExtensions: [
      nameConstraints({ excluded: { dns: [...dns.map((name) => `x.${name}`), 'n94.a.test'] } }),
    ],
  });
  const { best, others } = choose(enough, [root, spent, constrained]);
  expect(above(best.chain)).toEqual([constrained.der, root.der]);
  expect([best.refusal, others.map(({ refusal }) => refusal?.reason)]).toEqual([
    undefined,
    ['not-permitted'],
  ]);
});

test('for a client that OpenSSL refuses, eight signatures are verified', () => {
  const many = Array.from({ length: 20 }, () => ca({ commonName: 'one name', key: 'ed25519' }));
  const named = storeOf(...many);
  const measures = { revocation: undefined, certificates: checkCertificatePolicy({}) };
  const stranger = ca({ commonName: 'one name', key: 'ed25519' });
  const certificate = read(stranger.client({ authorityKeyId: false }));
  const missingFor = (openssl: OpensslVerdict): string | undefined =>
    choosePath({ certificate, others: [], openssl }, named, measures, new Date()).missing;
  expect(missingFor('not-asked')).toBe('signature');
  expect(missingFor({ error: 'CERT_SIGNATURE_FAILURE' })).toBe('budget');
});
