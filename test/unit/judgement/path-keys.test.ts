import crypto from 'node:crypto';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { checkCertificatePolicy } from '../../../src/judgement/certificate-policy.js';
import { createJudge, type Judge, type Verdict } from '../../../src/judgement/judges.js';
import type { OpensslVerdict } from '../../../src/judgement/judgement.js';
import { type Certificate, parseCertificate } from '../../../src/x509/certificate.js';
import { CertificateStore } from '../../../src/x509/certificate-store.js';
import { ca, purposes } from '../../support/chain.js';

const at = new Date();
const parse = ({ der }: { readonly der: Buffer }): Certificate => parseCertificate(der);
const forged: OpensslVerdict = { error: 'CERT_SIGNATURE_FAILURE' };

function judgeOf(...cas: readonly { readonly der: Buffer }[]): Judge {
  const store = new CertificateStore(cas.map(parse));
  store.chainOf(store.certificates[0] as Certificate, [], at);
  return createJudge({ store, revocation: undefined }, checkCertificatePolicy());
}

let signatures: jest.SpiedFunction<typeof crypto.verify>;
beforeEach(() => {
  signatures = jest.spyOn(crypto, 'verify');
});
afterEach(() => {
  signatures.mockRestore();
});

/** The verdict on a client, and how many signatures it took. */
function judged(
  judge: Judge,
  leaf: { readonly der: Buffer },
  { others = [], openssl = 'trusted' }: { others?: readonly Certificate[]; openssl?: OpensslVerdict } = {},
): { verdict: Verdict; signaturesVerified: number } {
  const certificate = parse(leaf);
  signatures.mockClear();
  const verdict = judge.verdictOn({ certificate, others }, openssl, at);
  return { verdict, signaturesVerified: signatures.mock.calls.length };
}

describe('signatures', () => {
  test('of intermediates are verified once, however many clients send them', () => {
    const root = ca('root');
    const above = root.intermediate('above');
    const below = above.intermediate('below');
    const judge = judgeOf(root);
    const others = [below, above].map(parse);
    expect(judged(judge, below.client(), { others })).toMatchObject({
      verdict: { admitted: true },
      signaturesVerified: 3,
    });
    expect(judged(judge, below.client(), { others })).toMatchObject({
      verdict: { admitted: true },
      signaturesVerified: 1,
    });
  });

  test('are tried first with the key that made the last one', () => {
    const cas = Array.from({ length: 10 }, () => ca({ commonName: 'ca', subjectKeyId: false }));
    const judge = judgeOf(...cas);
    const client = (index: number) => cas[index]?.client({ authorityKeyId: false }) ?? ca();
    judged(judge, client(7));
    expect(judged(judge, client(7)).signaturesVerified).toBe(1);
    expect(judged(judge, client(2)).signaturesVerified).toBe(3);
  });

  test('of RSA are tried with each key, because they do not determine it', () => {
    const cas = Array.from({ length: 6 }, () =>
      ca({ commonName: 'ca', subjectKeyId: false, key: 'rsa1024' }),
    );
    // The last one was loaded last, and is tried first.
    const client = cas[4]?.client({ authorityKeyId: false }) ?? ca();
    expect(judged(judgeOf(...cas), client)).toMatchObject({ signaturesVerified: 6 });
  });

  test('of a stranger are tried with two keys of a hundred', () => {
    const judge = judgeOf(...Array.from({ length: 100 }, () => ca('ca')));
    const stranger = ca('ca').client({ authorityKeyId: false });
    expect(judged(judge, stranger, { openssl: forged })).toMatchObject({
      verdict: {
        admitted: false,
        refusal: { detail: expect.stringContaining('the signature was not made with its key') },
      },
      signaturesVerified: 2,
    });
  });

  test('of a certificate that OpenSSL refused are tried with 8 keys at most', () => {
    const edwards = { commonName: 'ca', key: 'ed25519' } as const;
    const cas = Array.from({ length: 33 }, () => ca(edwards));
    const judge = judgeOf(...cas);
    const stranger = ca(edwards).client({ authorityKeyId: false });
    expect(judged(judge, stranger, { openssl: forged })).toMatchObject({
      verdict: {
        admitted: false,
        refusal: { detail: expect.stringContaining('too many CAs have the name') },
      },
      signaturesVerified: 8,
    });
    expect(judged(judge, stranger, { openssl: 'not-asked' })).toMatchObject({
      verdict: {
        admitted: false,
        refusal: { detail: expect.stringContaining('the certificate of that name did not sign it') },
      },
      signaturesVerified: 33,
    });
  });
});

test('of CAs that all certify each other, the way to the root is the shortest', () => {
  const cas = Array.from({ length: 12 }, () => ca({ commonName: 'ca', subjectKeyId: false }));
  const bridges = cas.flatMap((one) =>
    cas.flatMap(({ privateKey }) => (one.privateKey === privateKey ? [] : [one.selfIssued({ privateKey })])),
  );
  const [root, last] = [cas[0], cas[11]];
  if (root === undefined || last === undefined) throw new Error('there are twelve');
  const store = new CertificateStore([...bridges, root].map(parse));
  const client = last.client({ authorityKeyId: false });
  expect(store.chainOf(parse(client), [], at)).toHaveLength(3);
  expect(store.chainOf(parse(bridges.at(-1) ?? last), [], at)?.length).toBeLessThanOrEqual(3);
});

test('a purpose that no path changes is looked at on one of them', () => {
  const root = ca('ca');
  const middle = root.intermediate('middle');
  const judge = judgeOf(root, middle, middle.reissue());
  const certificate = parse(middle.client({ extendedKeyUsage: [purposes.serverAuth] }));
  const { otherPaths } = judge.inspect({ certificate, others: [] }, at);
  expect(otherPaths).toEqual([]);
});
