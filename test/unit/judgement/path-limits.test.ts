import { expect, test } from '@jest/globals';
import { checkCertificatePolicy } from '../../../src/judgement/certificate-policy.js';
import { explain } from '../../../src/judgement/explanation.js';
import { createJudge } from '../../../src/judgement/judges.js';
import { choosePath, type PathChoice } from '../../../src/judgement/path-choice.js';
import { ca, type Certificate, type CertificateAuthority } from '../../support/chain.js';
import { day, fromNow, read, storeOf } from '../../support/lists.js';
import { nameConstraints } from '../../support/path-extensions.js';

const measures = { revocation: undefined, certificates: checkCertificatePolicy() };

function choose(client: Certificate, cas: readonly CertificateAuthority[]): PathChoice {
  const candidate = { certificate: read(client), others: [], openssl: 'not-asked' } as const;
  return choosePath(candidate, storeOf(...cas), measures, new Date());
}

test('a refusal where more paths lead up than are tried says so', () => {
  const root = ca('ca');
  const middle = root.intermediate('middle');
  const permitted = { dns: ['inside.example'] };
  const short = { key: 'rsa1024' } as const;
  const weak = root.intermediate({ commonName: 'weak', ...short });
  const renewed = (count: number): CertificateAuthority[] =>
    Array.from({ length: count }, () => weak.reissue());
  const client = weak.client();
  expect(choose(client, [root, weak, ...renewed(3)])).toMatchObject({ isPartial: false });
  const { isPartial, best } = choose(client, [root, weak, ...renewed(70)]);
  expect(isPartial).toBe(true);
  expect(best.refusal?.detail).toMatch(
    /; the limit for one client was reached, so there may be other paths$/,
  );
  // Constraints are looked at before a path is whole, and cost no path.
  const constrained = Array.from({ length: 70 }, () =>
    middle.reissue({ extraExtensions: [nameConstraints({ permitted })], notAfter: fromNow(day) }),
  );
  const outside = middle.client({ sans: { dns: ['a.example'] } });
  expect(choose(outside, [root, ...constrained, middle]).best.refusal).toBeUndefined();
});

test('a fault of the client itself is reported on the first path', () => {
  const root = ca('ca');
  const middle = root.intermediate('middle');
  const cas = [root, middle, ...Array.from({ length: 5 }, () => middle.reissue())];
  const { best, others } = choose(middle.client({ extendedKeyUsage: null }), cas);
  expect(best.refusal?.reason).toBe('wrong-purpose');
  expect(others).toEqual([]);
});

test('an explanation says if there may be further paths', () => {
  const root = ca('ca');
  const weak = root.intermediate({ commonName: 'weak', key: 'rsa1024' });
  const client = weak.client();
  const textWith = (renewed: number): string => {
    const cas = [root, weak, ...Array.from({ length: renewed }, () => weak.reissue())];
    const judge = createJudge({ store: storeOf(...cas), revocation: undefined }, checkCertificatePolicy());
    return explain([client.der], judge, new Date()).text;
  };
  expect(textWith(3)).not.toContain('further paths');
  expect(textWith(70)).toContain('\n  there may be further paths, which were not checked');
});
