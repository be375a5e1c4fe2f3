import { describe, expect, test } from '@jest/globals';
import { parseCertificate } from '../../../src/x509/certificate.js';
import {
  faultOfIssuer,
  faultOfLeaf,
  faultOfPath,
  maxComparisons,
  type PathFault,
} from '../../../src/x509/path-rules.js';
import { attributeTypes, ca, type CertificateOptions, purposes, selfSigned } from '../../support/chain.js';
import { nameConstraints } from '../../support/path-extensions.js';

interface Encoded {
  readonly der: Buffer;
}

const read = (path: readonly Encoded[]) => path.map(({ der }) => parseCertificate(der));

/** What is wrong with a path, the last certificate first. */
function fault(
  path: readonly Encoded[],
  purpose: string | undefined = purposes.clientAuth,
  left = maxComparisons,
): PathFault | undefined {
  return faultOfPath(read(path), { purpose, comparisons: { left } });
}

const root = ca('root');
const unknownCritical = { oid: '1.2.3.4', critical: true, value: Buffer.from([5, 0]) };

describe('a path', () => {
  test('of no certificate, of one and of several has no fault', () => {
    const east = root.intermediate('east');
    expect(fault([])).toBeUndefined();
    expect(fault([root])).toBeUndefined();
    expect(fault([root.client(), root])).toBeUndefined();
    expect(fault([east.client(), east, root])).toBeUndefined();
  });

  test('has the fault of its last certificate before those of CAs, and of the lowest CA before those above', () => {
    const low = root.intermediate({ commonName: 'low', isCa: false });
    const high = ca({ commonName: 'high', isCa: false });
    const odd = low.client({ extraExtensions: [unknownCritical] });
    expect(fault([odd, low, high])?.kind).toBe('extension');
    expect(fault([low.client(), low, high])?.seen).toContain('"CN=low"');
    expect(fault([low.client(), root, high])?.seen).toContain('"CN=high"');
  });
});

describe('the last certificate', () => {
  const faultOf = (options: CertificateOptions): PathFault | undefined =>
    faultOfLeaf(parseCertificate(root.client(options).der));
  const constraints = nameConstraints({ permitted: { dns: ['a.test'] } });

  test('has no unsupported critical extension', () => {
    expect(faultOf({})).toBeUndefined();
    expect(faultOf({ extraExtensions: [{ ...unknownCritical, critical: false }] })).toBeUndefined();
    expect(faultOf({ extraExtensions: [unknownCritical] })).toEqual({
      kind: 'extension',
      seen: 'it has the critical extension 1.2.3.4, which is not supported',
      remedy: 'reissue that certificate without the extension, or make it non-critical',
    });
  });

  test('may have nameConstraints only as a CA', () => {
    expect(faultOf({ extraExtensions: [constraints], isCa: true })).toBeUndefined();
    expect(faultOf({ extraExtensions: [constraints] })).toEqual({
      kind: 'issuer',
      seen: 'it has nameConstraints (2.5.29.30), which only a CA may have',
      remedy: 'reissue it without that extension',
    });
  });

  test('is signed with a hash that cannot be forged, unless its issuer is itself', () => {
    const rsa = ca({ commonName: 'rsa', key: 'rsa2048' });
    expect(fault([root.client({ hash: 'sha1' }), root])).toEqual({
      kind: 'signature',
      seen: 'it is signed with SHA-1 (signatureAlgorithm 1.2.840.10045.4.1), which can be forged',
      remedy: 'reissue that certificate with a SHA-256 signature or better',
    });
    expect(fault([rsa.client({ hash: 'md5' }), rsa])).toMatchObject({
      kind: 'signature',
      seen: 'it is signed with MD5 (signatureAlgorithm 1.2.840.113549.1.1.4), which can be forged',
    });
    expect(fault([rsa.client({ hash: 'sha1', pss: true }), rsa])?.kind).toBe('signature');
    expect(fault([rsa.client({ hash: 'sha256' }), rsa])).toBeUndefined();
    expect(fault([selfSigned({ hash: 'sha1' })])).toBeUndefined();
    // It is self-issued, but another key signed it.
    expect(fault([root.client({ commonName: 'root', hash: 'sha1' }), root])?.kind).toBe('signature');
    const alone = root.client({ hash: 'sha1' });
    expect(faultOfLeaf(parseCertificate(alone.der))?.kind).toBe('signature');
  });
});

test('a signature with an unknown algorithm does not count as weak', () => {
  const [known, unknown] = [Buffer.from('2a8648ce3d040302', 'hex'), Buffer.from('2a8648ce3d04037f', 'hex')];
  const der = Buffer.from(
    root.client().der.toString('latin1').replaceAll(known.toString('latin1'), unknown.toString('latin1')),
    'latin1',
  );
  expect(parseCertificate(der).signed.algorithm.scheme).toBeUndefined();
  expect(fault([{ der }, root])).toBeUndefined();
});

describe('a CA', () => {
  test.each<[string, CertificateOptions, string]>([
    ['that is none', { isCa: false }, 'is not a CA (its basicConstraints lack CA:TRUE)'],
    ['that does not say', { isCa: null }, 'is not a CA (its basicConstraints lack CA:TRUE)'],
    [
      'that may not sign certificates',
      { keyUsage: ['cRLSign', 'digitalSignature'] },
      'may not sign certificates (its keyUsage lacks keyCertSign)',
    ],
  ])('%s may not issue', (_what, options, seen) => {
    const east = root.intermediate({ commonName: 'east', ...options });
    expect(fault([east.client(), east, root])).toMatchObject({
      kind: 'role',
      seen: `"CN=east", an issuer above it, ${seen}`,
    });
    // The trust anchor is no exception.
    const anchor = ca({ commonName: 'east', ...options });
    expect(fault([anchor.client(), anchor])?.kind).toBe('role');
  });

  test('has a remedy', () => {
    const [no, silent] = [{ isCa: false }, { keyUsage: ['cRLSign'] } as const].map((options) => ca(options));
    expect(fault([root.client(), ...(no ? [no] : [])])?.remedy).toBe(
      'have a CA issue the certificate, or reissue the CA certificate with basicConstraints = CA:TRUE',
    );
    expect(fault([root.client(), ...(silent ? [silent] : [])])?.remedy).toBe(
      'reissue the certificate of that CA with keyUsage = keyCertSign',
    );
  });

  test('may issue without a keyUsage', () => {
    const east = root.intermediate({ keyUsage: null });
    expect(fault([east.client(), east, root])).toBeUndefined();
  });

  test('has no unsupported critical extension', () => {
    const east = root.intermediate({ commonName: 'east', extraExtensions: [unknownCritical] });
    const seen = '"CN=east", a CA above it, has the critical extension 1.2.3.4, which is not supported';
    expect(fault([east.client(), east, root])).toMatchObject({ kind: 'extension', seen });
    const anchor = ca({ commonName: 'east', extraExtensions: [unknownCritical] });
    expect(fault([anchor.client(), anchor])).toMatchObject({ kind: 'extension', seen });
  });

  test('is signed with a hash that cannot be forged, unless it is the anchor', () => {
    const anchor = ca({ commonName: 'anchor', hash: 'sha1' });
    expect(fault([anchor.client(), anchor])).toBeUndefined();
    const east = root.intermediate({ commonName: 'east', hash: 'sha1' });
    expect(fault([east.client(), east, root])?.seen).toBe(
      '"CN=east", a CA above it, is signed with SHA-1 (signatureAlgorithm 1.2.840.10045.4.1), which can be forged',
    );
    // Alone above a client, it is taken for the anchor.
    expect(fault([east.client(), east])).toBeUndefined();
  });
});

describe('a CA of version 1', () => {
  test('is one as a trust anchor', () => {
    const old = ca({ commonName: 'old', version: 1 });
    expect(fault([old.client(), old])).toBeUndefined();
    const east = old.intermediate('east');
    expect(fault([east.client(), east, old])).toBeUndefined();
  });

  // A CA that writes version 1 issues this for a request with its own name.
  test('is not accepted below another, even if it is self-issued', () => {
    const impostor = root.intermediate({ commonName: 'root', version: 1 });
    expect(fault([impostor.client(), impostor, root])).toEqual({
      kind: 'role',
      seen: '"CN=root", an issuer above it, is of X.509 version 1 and not a trust anchor, so it cannot declare itself a CA',
      remedy: 'reissue the certificate of that CA with basicConstraints = CA:TRUE',
    });
    const other = root.intermediate({ commonName: 'other', version: 1 });
    expect(fault([other.client(), other, root])?.kind).toBe('role');
  });

  test('may have issued itself: a client of version 1 is the last certificate', () => {
    expect(fault([root.client({ version: 1 }), root])).toBeUndefined();
    expect(fault([root.client({ version: 1, commonName: 'root' }), root])).toBeUndefined();
  });
});

describe('what a CA is for', () => {
  const { clientAuth, serverAuth, codeSigning } = purposes;
  const of = (...extendedKeyUsage: string[]): PathFault | undefined => {
    const east = root.intermediate({ commonName: 'east', extendedKeyUsage });
    return fault([east.client(), east, root]);
  };

  test('is for clients, where it says anything', () => {
    expect(of(clientAuth)).toBeUndefined();
    expect(of(serverAuth, clientAuth)).toBeUndefined();
    expect(of(serverAuth, codeSigning)).toEqual({
      kind: 'issuer',
      seen: '"CN=east", a CA above it, is only for serverAuth (1.3.6.1.5.5.7.3.1), codeSigning (1.3.6.1.5.5.7.3.3) (extendedKeyUsage)',
      remedy:
        'reissue the certificate of that CA without extendedKeyUsage, or with clientAuth (1.3.6.1.5.5.7.3.2)',
    });
    expect(of(purposes.any)?.kind).toBe('issuer');
    expect(of()?.kind).toBe('issuer');
  });

  test('is not asked where there is no purpose, and by another purpose', () => {
    const east = root.intermediate({ commonName: 'east', extendedKeyUsage: [serverAuth] });
    const path = read([east.client(), east, root]);
    const comparisons = { left: 10 };
    expect(faultOfPath(path, { purpose: undefined, comparisons })).toBeUndefined();
    expect(faultOfPath(path, { purpose: serverAuth, comparisons })).toBeUndefined();
    expect(faultOfPath(path, { purpose: codeSigning, comparisons })?.kind).toBe('issuer');
  });

  test('of the trust anchor counts too', () => {
    const anchor = ca({ extendedKeyUsage: [serverAuth] });
    expect(fault([anchor.client(), anchor])?.kind).toBe('issuer');
  });
});

describe('pathLenConstraint', () => {
  /** A path with so many CAs between, under an anchor, or under a CA, of this path length. */
  const below = (pathLength: number, between: number, isAnchor: boolean): PathFault | undefined => {
    const top = isAnchor
      ? ca({ commonName: 'top', pathLength })
      : root.intermediate({ commonName: 'top', pathLength });
    const path = [top];
    for (let depth = 0; depth < between; depth++)
      path.unshift((path[0] as typeof top).intermediate(`ca${depth}`));
    return fault([(path[0] as typeof top).client(), ...path, ...(isAnchor ? [] : [root])]);
  };

  test.each([0, 1, 2])('= %i allows that many CAs below it', (pathLength) => {
    for (const isAnchor of [true, false]) {
      expect(below(pathLength, pathLength, isAnchor)).toBeUndefined();
      expect(below(pathLength, pathLength + 1, isAnchor)).toEqual({
        kind: 'issuer',
        seen: `"CN=top" may have ${pathLength} CAs below it (basicConstraints, pathLenConstraint), but there are ${pathLength + 1}`,
        remedy:
          'have a CA closer to it issue the certificate, or reissue the certificate of that CA with a larger pathLenConstraint',
      });
    }
  });

  test('counts neither self-issued certificates nor the last certificate', () => {
    const top = ca({ commonName: 'top', pathLength: 0 });
    const rolled = top.selfIssued({ pathLength: 0 });
    expect(fault([rolled.client(), rolled, top])).toBeUndefined();
    const again = rolled.selfIssued();
    expect(fault([again.client(), again, rolled, top])).toBeUndefined();
    expect(fault([top.intermediate('last'), top])).toBeUndefined();
    expect(fault([top.client('top'), top])).toBeUndefined();
    // And what is issued to another is.
    const other = rolled.intermediate('other');
    expect(fault([other.client(), other, rolled, top])?.kind).toBe('issuer');
  });

  test('of an inner CA counts as well', () => {
    const top = ca({ commonName: 'top', pathLength: 5 });
    const inner = top.intermediate({ commonName: 'inner', pathLength: 0 });
    const low = inner.intermediate('low');
    expect(fault([low.client(), low, inner, top])?.seen).toMatch(/^"CN=inner" may have 0 CAs/);
    expect(fault([inner.client(), inner, top])).toBeUndefined();
  });
});

describe('nameConstraints', () => {
  const only = (dns: string): CertificateOptions => ({
    extraExtensions: [nameConstraints({ permitted: { dns: [dns] } })],
  });
  const client = { sans: { dns: ['x.b.test'] } };

  test('of a CA are asked of what it issued, the anchor among them', () => {
    const east = root.intermediate({ commonName: 'east', ...only('a.test') });
    expect(fault([east.client(client), east, root])).toEqual({
      kind: 'issuer',
      seen: 'the nameConstraints (2.5.29.30) of "CN=east" do not permit the dns name "x.b.test"',
      remedy:
        'reissue the certificate for a name that the CA may certify, or with a CA that may certify the name',
    });
    expect(fault([east.client({ sans: { dns: ['x.a.test'] } }), east, root])).toBeUndefined();
    const anchor = ca({ commonName: 'anchor', ...only('a.test') });
    expect(fault([anchor.client(client), anchor])?.kind).toBe('issuer');
  });

  test('of several CAs count together', () => {
    const high = root.intermediate({ commonName: 'high', ...only('b.test') });
    const low = high.intermediate({ commonName: 'low', ...only('x.b.test') });
    expect(fault([low.client(client), low, high, root])).toBeUndefined();
    const lax = high.intermediate({ commonName: 'lax', ...only('test') });
    expect(fault([lax.client({ sans: { dns: ['a.test'] } }), lax, high, root])?.seen).toContain(
      'of "CN=high"',
    );
  });

  test('are asked of the CAs between', () => {
    const top = ca({
      commonName: 'top',
      extraExtensions: [nameConstraints({ excluded: { directoryName: [{ organization: 'Bad' }] } })],
    });
    const low = top.intermediate({ commonName: 'low', organization: 'Bad' });
    expect(fault([low.client(), low, top])?.seen).toBe(
      'the nameConstraints (2.5.29.30) of "CN=top" exclude the directoryName name "CN=low,O=Bad" of "CN=low,O=Bad", a CA above it',
    );
    const good = top.intermediate({ commonName: 'low', organization: 'Good' });
    expect(fault([good.client(), good, top])).toBeUndefined();
  });

  test('are not asked of what a CA issued to itself, but of the last certificate (section 6.1.3)', () => {
    const name = { name: [[{ oid: attributeTypes.organization, type: 'utf8', value: 'Bad' }]] } as const;
    const top = ca({
      ...name,
      extraExtensions: [nameConstraints({ excluded: { directoryName: [{ organization: 'Bad' }] } })],
    });
    const rolled = top.selfIssued({ extraExtensions: [] });
    expect(fault([rolled.client(), rolled, top])).toBeUndefined();
    expect(fault([rolled.client(name), rolled, top])?.kind).toBe('issuer');
    expect(fault([top.client(name), top])?.kind).toBe('issuer');
  });

  test('a commonName that looks like a host is only checked in the last certificate', () => {
    const top = ca({ commonName: 'top', ...only('a.test') });
    const low = top.intermediate('low.b.test');
    expect(fault([low.client(), low, top])).toBeUndefined();
    expect(fault([top.client('client.b.test'), top])?.kind).toBe('issuer');
  });

  test('of a path are checked with at most 25,000 comparisons', () => {
    expect(maxComparisons).toBe(25_000);
    const top = ca({ commonName: 'top', ...only('test') });
    const low = top.intermediate({ commonName: 'low', ...only('test') });
    const path = [low.client(client), low, top];
    // Two names of the client, a constraint, and their comparison, by each of two CAs; the name of the CA, and a constraint.
    expect(fault(path, purposes.clientAuth, 10)).toBeUndefined();
    expect(fault(path, purposes.clientAuth, 9)?.seen).toContain('exceed the comparison limit');
  });
});

describe('an issuer', () => {
  test('is asked of the certificates below it, and not of what else is wrong with them', () => {
    const east = root.intermediate({ commonName: 'east', isCa: false });
    const needs = { purpose: purposes.clientAuth, comparisons: { left: 10 } };
    const [client, eastRead, rootRead] = read([
      east.client({ extraExtensions: [unknownCritical] }),
      east,
      root,
    ]);
    if (client === undefined || eastRead === undefined || rootRead === undefined) throw new Error('unread');
    expect(faultOfIssuer([client], eastRead, needs)?.kind).toBe('role');
    expect(faultOfIssuer([client, eastRead], rootRead, needs)).toBeUndefined();
    expect(faultOfIssuer([client], rootRead, needs)).toBeUndefined();
  });
});
