import { describe, expect, test } from '@jest/globals';
import { type Certificate, parseCertificate } from '../../../src/x509/certificate.js';
import { CertificateStore } from '../../../src/x509/certificate-store.js';
import { type AdmitsIssuer, PathSearch, type SearchLimits } from '../../../src/x509/path-search.js';
import { ca, type CertificateAuthority } from '../../support/chain.js';

interface Encoded {
  readonly der: Buffer;
}

const read = ({ der }: Encoded): Certificate => parseCertificate(der);
const storeOf = (...cas: readonly Encoded[]): CertificateStore => new CertificateStore(cas.map(read));

/** The paths by the subjects above the certificate; `limit` is how many are asked for. */
function pathsOf(search: PathSearch, certificate: Certificate, admits?: AdmitsIssuer): string[] {
  return [...search.from(certificate, admits)].map((path) =>
    path
      .slice(1)
      .map(({ subject }) => subject.toString().replaceAll('CN=', ''))
      .join(' '),
  );
}

const root = ca('root');
const east = root.intermediate('east');
const client = read(east.client());

describe('the paths of a certificate', () => {
  test('lead by configured CAs and by those that were sent to a configured root', () => {
    expect(pathsOf(new PathSearch(storeOf(root, east), []), client)).toEqual(['east root']);
    expect(pathsOf(new PathSearch(storeOf(root), [read(east)]), client)).toEqual(['east root']);
    expect(pathsOf(new PathSearch(storeOf(root), []), client)).toEqual([]);
    // A root that was sent is no anchor, nor is a CA that is configured without its root.
    expect(pathsOf(new PathSearch(storeOf(east), [read(root)]), client)).toEqual([]);
    expect(pathsOf(new PathSearch(storeOf(ca('root')), [read(east), read(root)]), client)).toEqual([]);
  });

  test('of an anchor is itself', () => {
    const search = new PathSearch(storeOf(root), []);
    expect([...search.from(read(root))].map((path) => path.length)).toEqual([1]);
  });

  test('a CA that is configured and sent as well counts once', () => {
    const search = new PathSearch(storeOf(root, east), [read(east), read(east)]);
    expect(pathsOf(search, client)).toEqual(['east root']);
  });

  test('go by configured CAs before those that were sent, and by each certificate of the key', () => {
    const renewed = east.reissue({ notAfter: new Date(Date.now() + 1_000_000) });
    const search = new PathSearch(storeOf(root, renewed), [read(east)]);
    const found = [...search.from(client)].map((path) => path[1]?.raw);
    expect(found).toEqual([renewed.der, east.der]);
  });

  test('do not end behind a CA that is not admitted, and tell what is below it', () => {
    const search = new PathSearch(storeOf(root, east), []);
    const asked: string[] = [];
    const admits = (below: readonly Certificate[], above: Certificate): boolean => {
      asked.push(`${below.map(({ subject }) => subject.toString()).join(' ')} | ${above.subject.toString()}`);
      return !above.subject.toString().includes('root');
    };
    expect(pathsOf(search, client, admits)).toEqual([]);
    expect(asked).toEqual(['CN=client | CN=east', 'CN=client CN=east | CN=root']);
  });

  test('do not go by a certificate that the key of its issuer did not sign', () => {
    const forged = root.intermediate({
      commonName: 'east',
      privateKey: east.privateKey,
      signWith: east.privateKey,
    });
    expect(pathsOf(new PathSearch(storeOf(root), [read(forged)]), client)).toEqual([]);
    const stranger = read(east.client({ signWith: root.privateKey }));
    expect(pathsOf(new PathSearch(storeOf(root), [read(east)]), stranger)).toEqual([]);
    expect(pathsOf(new PathSearch(storeOf(root, east), []), stranger)).toEqual([]);
  });

  test('do not go by a CA of another name, or that authorityKeyIdentifier does not mean', () => {
    const renamed = root.intermediate({ commonName: 'west', privateKey: east.privateKey });
    expect(pathsOf(new PathSearch(storeOf(root), [read(renamed)]), client)).toEqual([]);
    const another = root.intermediate({
      commonName: 'east',
      privateKey: east.privateKey,
      subjectKeyId: Buffer.from([1]),
    });
    expect(pathsOf(new PathSearch(storeOf(root), [read(another)]), client)).toEqual([]);
  });
});

describe('a path does not come back', () => {
  test('to a name and its key, by two CAs that certify each other', () => {
    const [one, other] = [ca('one'), ca('other')];
    const byOther = other.intermediate({ commonName: 'one', privateKey: one.privateKey });
    const byOne = one.intermediate({ commonName: 'other', privateKey: other.privateKey });
    const search = new PathSearch(storeOf(one, other, byOther, byOne), []);
    expect(pathsOf(search, read(one.client())).sort()).toEqual(['one', 'one other']);
    // Without an anchor it ends as well.
    expect(pathsOf(new PathSearch(storeOf(byOther, byOne), []), read(one.client()))).toEqual([]);
    expect(pathsOf(new PathSearch(storeOf(root), [byOther, byOne].map(read)), read(one.client()))).toEqual(
      [],
    );
  });

  test('but may go by a name twice with two keys, and by a key under two names', () => {
    const rolled = root.selfIssued();
    expect(pathsOf(new PathSearch(storeOf(root, rolled), []), read(rolled.client()))).toEqual(['root root']);
    const same = root.intermediate({ commonName: 'same', privateKey: root.privateKey });
    expect(pathsOf(new PathSearch(storeOf(root, same), []), read(same.client()))).toEqual(['same root']);
  });
});

describe('a path has 10 certificates at most', () => {
  const line = [root];
  for (let depth = 1; depth <= 9; depth++)
    line.unshift((line[0] as CertificateAuthority).intermediate(`ca${depth}`));
  const [last, ...above] = line as [CertificateAuthority, ...CertificateAuthority[]];

  test.each([
    ['configured', storeOf(...line), []],
    ['sent', storeOf(root), line.slice(0, -1).map(read)],
  ])('the CAs are %s', (_how, store, others) => {
    const longest = read((above[0] as CertificateAuthority).client());
    expect([...new PathSearch(store, others).from(longest)].map(({ length }) => length)).toEqual([10]);
    const search = new PathSearch(store, others);
    expect([...search.from(read(last.client()))]).toEqual([]);
    expect(search.isExhausted).toBe(false);
  });
});

describe('a CA that is avoided', () => {
  const west = east.reissue();
  const store = storeOf(root, east, west);

  test('before the search is on no path', () => {
    const search = new PathSearch(store, []);
    search.avoid(store.certificates[1] as Certificate);
    const found = [...search.from(client)];
    expect(found.map((path) => path[1]?.raw)).toEqual([west.der]);
  });

  test('during the search is on no later path, and neither are the CAs above it', () => {
    const roots = [root, ca('second'), ca('third')];
    const bridges = roots
      .slice(1)
      .map((one) => one.intermediate({ commonName: 'east', privateKey: east.privateKey }));
    const all = storeOf(...roots, east, ...bridges);
    const search = new PathSearch(all, []);
    const found: string[] = [];
    for (const path of search.from(client)) {
      found.push(path[2]?.subject.toString() ?? '');
      if (found.length === 1) search.avoid(path[1] as Certificate);
    }
    expect(found).toHaveLength(3);
    const upper = ca('upper');
    const crossed = upper.intermediate({ commonName: 'root', privateKey: root.privateKey });
    const twoWays = new PathSearch(storeOf(root, upper, crossed, east), []);
    const seen: string[] = [];
    for (const path of twoWays.from(client)) {
      seen.push(path.map(({ subject }) => subject.toString()).join(' '));
      twoWays.avoid(path[1] as Certificate);
    }
    expect(seen).toHaveLength(1);
  });
});

describe('hasIssuer', () => {
  test('says whether any key has signed a certificate of a path that was looked at', () => {
    const search = new PathSearch(storeOf(east), []);
    expect(search.hasIssuer(client)).toBe(false);
    expect(pathsOf(search, client)).toEqual([]);
    expect(search.hasIssuer(client)).toBe(true);
    const stranger = read(ca('east').client({ authorityKeyId: false }));
    expect(pathsOf(search, stranger)).toEqual([]);
    expect(search.hasIssuer(stranger)).toBe(false);
  });
});

describe('the budget', () => {
  /** One name with this many keys, each certified by the root. A signature of EdDSA does not tell its key. */
  const namesakes = Array.from({ length: 130 }, () =>
    root.intermediate({ commonName: 'same', subjectKeyId: false, key: 'ed25519' }),
  );

  const search = (others: readonly Encoded[], limits?: SearchLimits): PathSearch =>
    new PathSearch(storeOf(root), others.map(read), limits);

  test('is 128 signatures: each key is tried once', () => {
    // The last of the signatures is that of the CA that has signed the client, by the root.
    const clientOf = (count: number): Certificate =>
      read((namesakes[count - 1] as CertificateAuthority).client());
    const enough = search(namesakes.slice(0, 127));
    expect(pathsOf(enough, clientOf(127))).toEqual(['same root']);
    expect(enough.isExhausted).toBe(false);
    const short = search(namesakes.slice(0, 128));
    expect(pathsOf(short, clientOf(128))).toEqual([]);
    expect(short.isExhausted).toBe(true);
  });

  test('of signatures is not spent by certificates of one key', () => {
    const [one] = namesakes as [CertificateAuthority];
    const renewals = Array.from({ length: 3 }, () => one.reissue());
    const limits = { signatures: 4, steps: 100, paths: 100 };
    // One signature of the client, and one of each renewal.
    const found = search(renewals, limits);
    expect(pathsOf(found, read(one.client()))).toHaveLength(3);
    expect(found.isExhausted).toBe(false);
    const stranger = read(ca('same').client({ authorityKeyId: false }));
    const lost = search(renewals, { ...limits, signatures: 1 });
    expect(pathsOf(lost, stranger)).toEqual([]);
    expect(lost.isExhausted).toBe(false);
  });

  test('is not spent by what was found before', () => {
    const again = search([east], { signatures: 2, steps: 4, paths: 2 });
    expect(pathsOf(again, client)).toEqual(['east root']);
    expect(pathsOf(again, client)).toEqual(['east root']);
    expect(again.isExhausted).toBe(false);
    expect(pathsOf(again, client)).toEqual([]);
    expect(again.isExhausted).toBe(true);
  });

  test.each<[keyof SearchLimits, number]>([
    ['signatures', 2],
    ['steps', 2],
    ['paths', 1],
  ])('of %s is enough with %i, and not with one less', (limit, needed) => {
    const plenty = { signatures: 10, steps: 10, paths: 10 };
    const enough = search([east], { ...plenty, [limit]: needed });
    expect(pathsOf(enough, client)).toEqual(['east root']);
    expect(enough.isExhausted).toBe(false);
    const short = search([east], { ...plenty, [limit]: needed - 1 });
    expect(pathsOf(short, client)).toEqual([]);
    expect(short.isExhausted).toBe(true);
  });

  test('is 64 paths, and a search with exactly that many is complete', () => {
    const renewals = Array.from({ length: 65 }, () => east.reissue());
    const complete = new PathSearch(storeOf(root, ...renewals.slice(0, 64)), []);
    expect(pathsOf(complete, client)).toHaveLength(64);
    expect(complete.isExhausted).toBe(false);
    const partial = new PathSearch(storeOf(root, ...renewals), []);
    expect(pathsOf(partial, client)).toHaveLength(64);
    expect(partial.isExhausted).toBe(true);
  });

  test('is 2,000 steps', () => {
    const middle = root.intermediate('middle');
    const low = middle.intermediate('low');
    const [lows, middles] = [low, middle].map((one) => Array.from({ length: 50 }, () => one.reissue()));
    if (lows === undefined || middles === undefined) throw new Error('none');
    const steps = (count: number): [number, boolean] => {
      const limited = new PathSearch(storeOf(root, ...middles.slice(0, count)), lows.slice(0, 40).map(read));
      let asked = 0;
      const none = (_below: unknown, above: Certificate): boolean => {
        asked++;
        return above.subject.toString() === 'CN=low';
      };
      expect(pathsOf(limited, read(low.client()), none)).toEqual([]);
      return [asked, limited.isExhausted];
    };
    // 40 certificates of one CA, and for each of them as many of the CA above.
    expect(steps(49)).toEqual([2000, false]);
    expect(steps(50)).toEqual([2000, true]);
  });

  test('that has ended ends the whole search', () => {
    const renewals = Array.from({ length: 5 }, () => east.reissue());
    const limited = new PathSearch(storeOf(root, ...renewals), [], { signatures: 10, steps: 100, paths: 2 });
    let asked = 0;
    const count = (): boolean => {
      asked++;
      return true;
    };
    expect(pathsOf(limited, client, count)).toHaveLength(2);
    // The two that were found, and the one that was not given out: two CAs each.
    expect(asked).toBe(6);
    expect(limited.isExhausted).toBe(true);
  });
});
