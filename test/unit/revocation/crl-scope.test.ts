import { describe, expect, test } from '@jest/globals';
import { allReasons, distributionPointsOf, reasonsCovered } from '../../../src/revocation/crl-scope.js';
import { parseCrl } from '../../../src/x509/crl.js';
import { ca, type CertificateOptions } from '../../support/chain.js';
import type { CrlOptions } from '../../support/crl.js';
import { distinguishedName } from '../../support/names.js';
import { distributionPoints, issuingPoint, type PointOptions, read } from '../../support/lists.js';

const root = ca('root');
const east = root.intermediate('east');
const agent = root.intermediate({ commonName: 'agent', keyUsage: ['cRLSign'], isCa: false });

/** The reasons that a CRL covers at each distribution point of a client's certificate, the implied one last. */
function covered(
  crlOptions: CrlOptions,
  points: readonly PointOptions[] = [],
  { by = root, of = {} }: { by?: typeof root; of?: CertificateOptions } = {},
): number[] {
  const crl = parseCrl(by.crl(crlOptions).der);
  const extraExtensions = points.length === 0 ? [] : [distributionPoints(...points)];
  const certificate = read(root.client({ privateKey: root.privateKey, extraExtensions, ...of }));
  return distributionPointsOf(certificate).map((point) => reasonsCovered(crl, certificate, point));
}

// Bits of ReasonFlags, as the reader of BIT STRINGs numbers them.
const keyCompromise = 1 << 1;
const superseded = 1 << 4;

describe('a CRL without an issuing distribution point', () => {
  test('covers every certificate of its issuer, for every reason', () => {
    expect(covered({})).toEqual([allReasons]);
    expect(covered({}, [{ uris: ['http://a.test/1'] }])).toEqual([allReasons, allReasons]);
  });

  test('covers no certificate of another issuer', () => {
    expect(covered({}, [], { by: east })).toEqual([0]);
    expect(covered({}, [{ uris: ['http://a.test/1'] }], { by: east })).toEqual([0, 0]);
  });

  test('covers only the reasons that a distribution point names', () => {
    expect(covered({}, [{ uris: ['http://a.test/1'], reasons: [1, 4] }])).toEqual([
      keyCompromise | superseded,
      allReasons,
    ]);
  });

  test('covers nothing at a distribution point of another CRL issuer', () => {
    expect(covered({}, [{ crlIssuer: agent.subject }], { by: agent })).toEqual([0, 0]);
  });

  test('the unused bit does not count', () => {
    expect(covered({}, [{ uris: ['http://a.test/1'], reasons: [0, 1] }])[0]).toBe(keyCompromise);
  });
});

describe('a CRL for one kind of certificate', () => {
  const asCa: CertificateOptions = { isCa: true };
  test.each<[string, CrlOptions, number, number]>([
    ['onlyContainsUserCerts', { idp: { onlyUser: true } }, allReasons, 0],
    ['onlyContainsCACerts', { idp: { onlyCa: true } }, 0, allReasons],
    ['onlyContainsAttributeCerts', { idp: { onlyAttribute: true } }, 0, 0],
    ['two of those at once', { idp: { onlyUser: true, onlyCa: true } }, 0, 0],
    ['none of those', { idp: { indirect: true } }, allReasons, allReasons],
  ])('that says %s', (_what, options, ofClient, ofCa) => {
    expect(covered(options)).toEqual([ofClient]);
    expect(covered(options, [], { of: asCa })).toEqual([ofCa]);
  });

  test('a version 1 certificate is not a CA certificate, unless it is self-issued', () => {
    expect(covered({ idp: { onlyCa: true } }, [], { of: { version: 1 } })).toEqual([0]);
    expect(covered({ idp: { onlyCa: true } }, [], { of: { version: 1, commonName: 'root' } })).toEqual([
      allReasons,
    ]);
  });
});

describe('a CRL for some reasons', () => {
  const idp = { onlySomeReasons: ['keyCompromise', 'superseded'] } as const;
  test('covers those', () => {
    expect(covered({ idp })).toEqual([keyCompromise | superseded]);
  });

  test('covers what it and the distribution point have in common', () => {
    expect(covered({ idp }, [{ uris: ['http://a.test/1'], reasons: [4, 5] }])[0]).toBe(superseded);
    expect(covered({ idp }, [{ uris: ['http://a.test/1'], reasons: [5] }])[0]).toBe(0);
  });
});

describe('a CRL for one distribution point', () => {
  const rootName = root.subject;
  const below = distinguishedName({
    name: ['root', 'shard'].map((value) => [{ oid: '2.5.4.3', type: 'utf8', value }]),
  });
  const shard = (...names: PointOptions[]): CrlOptions[] =>
    names.map((name) => ({ extraExtensions: [issuingPoint(name)] }));
  const uri = (...uris: string[]): PointOptions => ({ uris });

  test.each<[string, CrlOptions, PointOptions[], boolean]>([
    ['the same URI', { idp: { fullName: ['http://a.test/1'] } }, [uri('http://a.test/1')], true],
    ['another URI', { idp: { fullName: ['http://a.test/1'] } }, [uri('http://a.test/2')], false],
    ['a URI in other letters', { idp: { fullName: ['http://a.test/a'] } }, [uri('http://a.test/A')], false],
    ['no distribution point', { idp: { fullName: ['http://a.test/1'] } }, [], false],
    // RUSTSEC-2026-0049: only the first of several was looked at.
    ['its last name', { idp: { fullName: ['http://a.test/1', 'ldap://b'] } }, [uri('ldap://b')], true],
    ['a last name', { idp: { fullName: ['ldap://b'] } }, [uri('http://a.test/1', 'ldap://b')], true],
    ['the directory name', shard({ directory: below })[0]!, [{ directory: below }], true],
    ['the issuer’s own name, which is implied', shard({ directory: rootName })[0]!, [], true],
    ['a name relative to the same issuer', shard({ relative: 'shard' })[0]!, [{ relative: 'shard' }], true],
    ['another relative name', shard({ relative: 'shard' })[0]!, [{ relative: 'other' }], false],
    ['a full name for a relative one', shard({ relative: 'shard' })[0]!, [{ directory: below }], true],
    ['a relative name for a full one', shard({ directory: below })[0]!, [{ relative: 'shard' }], true],
    ['reasons alone', { idp: { fullName: ['http://a.test/1'] } }, [{ reasons: [1] }], false],
  ])('and a certificate with %s', (_what, options, points, expected) => {
    expect(covered(options, points).some((reasons) => reasons !== 0)).toBe(expected);
  });

  test('every distribution point is consulted, and then the implied one', () => {
    expect(
      covered({ idp: { fullName: ['http://a.test/2'] } }, [uri('http://a.test/1'), uri('http://a.test/2')]),
    ).toEqual([0, allReasons, 0]);
  });
});

describe('a CRL of another issuer', () => {
  const indirect = { idp: { indirect: true } } as const;
  const asked = { by: agent };

  test('covers a certificate whose distribution point names that issuer, if it is indirect', () => {
    expect(covered(indirect, [{ crlIssuer: agent.subject }], asked)).toEqual([allReasons, 0]);
    expect(covered({ idp: { onlyUser: true } }, [{ crlIssuer: agent.subject }], asked)).toEqual([0, 0]);
  });

  test('covers a certificate whose distribution point names that issuer among others', () => {
    const crlIssuer = [east.subject, agent.subject];
    expect(covered(indirect, [{ crlIssuer }], asked)).toEqual([allReasons, 0]);
  });

  test('covers nothing if the distribution point names a third issuer, or none', () => {
    expect(covered(indirect, [{ crlIssuer: east.subject }], asked)).toEqual([0, 0]);
    expect(covered(indirect, [{ uris: ['http://a.test/1'] }], asked)).toEqual([0, 0]);
    expect(covered(indirect, [], asked)).toEqual([0]);
  });

  test('covers nothing by the name of the certificate’s issuer if the point names another', () => {
    expect(covered(indirect, [{ crlIssuer: agent.subject }])[0]).toBe(0);
  });

  test('with a name requires that name, or that of its issuer if the point has none', () => {
    const named = (name: PointOptions): CrlOptions => ({ extraExtensions: [issuingPoint(name, true)] });
    const crlIssuer = agent.subject;
    expect(covered(named({ uris: ['ldap://b'] }), [{ crlIssuer, uris: ['ldap://b'] }], asked)[0]).not.toBe(0);
    expect(covered(named({ uris: ['ldap://b'] }), [{ crlIssuer, uris: ['ldap://c'] }], asked)[0]).toBe(0);
    expect(covered(named({ uris: ['ldap://b'] }), [{ crlIssuer }], asked)[0]).toBe(0);
    expect(covered(named({ directory: agent.subject }), [{ crlIssuer }], asked)[0]).not.toBe(0);
    // A relative name is relative to the CRL issuer.
    expect(covered(named({ relative: 's' }), [{ crlIssuer, relative: 's' }], asked)[0]).not.toBe(0);
  });
});
