import { describe, expect, test } from '@jest/globals';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { ca } from '../../support/chain.js';
import { boolean, explicit, integer, nullValue, oid, sequence } from '../../support/der-writer.js';
import type { ExtraExtension } from '../../support/extensions.js';
import { failureOf } from './failure.js';

const root = ca({ commonName: 'root' });

/** The unknown critical extensions of a certificate with only these extensions. */
function unknownOf(...extraExtensions: ExtraExtension[]): readonly string[] {
  const none = { sans: null, keyUsage: null, extendedKeyUsage: null, isCa: null } as const;
  const bare = { ...none, subjectKeyId: false, authorityKeyId: false };
  return parseCertificate(root.client({ ...bare, extraExtensions }).der).unknownCriticalExtensions;
}

const unknown = (type: string, critical: boolean): ExtraExtension => ({
  oid: type,
  critical,
  value: nullValue(),
});

describe('the critical extensions of a certificate that nothing knows', () => {
  test('are listed, in their order', () => {
    expect(unknownOf(unknown('1.2.4', true), unknown('1.2.3', true))).toEqual(['1.2.4', '1.2.3']);
  });

  test('are empty without extensions', () => {
    expect(unknownOf()).toEqual([]);
  });

  test('are not those that are not critical', () => {
    expect(unknownOf(unknown('1.2.3', false), unknown('1.2.4', true))).toEqual(['1.2.4']);
  });

  test.each<[string, Buffer]>([
    ['2.5.29.19', sequence(boolean(true))],
    ['2.5.29.37', sequence(oid('1.2.3'))],
  ])('are not those that are read: %s', (type, value) => {
    expect(unknownOf({ oid: type, critical: true, value })).toEqual([]);
  });
});

describe('the fault of an invalid certificate is named', () => {
  const { der } = root.client({ version: 1 });

  test('a certificate that has two different signature algorithms', () => {
    const changed = Buffer.from(der);
    const name = oid('1.2.840.10045.4.3.2');
    oid('1.2.840.10045.4.3.3').copy(changed, changed.lastIndexOf(name));
    expect(failureOf(() => parseCertificate(changed)).message).toContain(
      'has two different signature algorithms',
    );
  });

  test.each([0, 3])('a certificate whose version is written as %i', (version) => {
    const bytes = sequence(sequence(explicit(0, integer(version))));
    expect(failureOf(() => parseCertificate(bytes)).message).toContain(
      `has the version ${version + 1}, not 1 (omitted), 2 or 3`,
    );
  });
});
