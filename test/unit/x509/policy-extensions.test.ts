import { describe, expect, test } from '@jest/globals';
import { DerReader, Tag } from '../../../src/x509/der.js';
import {
  anyPolicy,
  readPolicies,
  readPolicyConstraints,
  readPolicyMappings,
} from '../../../src/x509/policy-extensions.js';
import { element, implicit, integer, oid, raw, sequence, text } from '../../support/der-writer.js';
import { certificatePolicies, policyConstraints, policyMappings } from '../../support/path-extensions.js';
import { failureOf } from './failure.js';

const enter = (value: Buffer): DerReader =>
  new DerReader(value, { code: 'ERR_MTLS_CERTIFICATE_INVALID', noun: 'certificate' }).enter(Tag.sequence);

/** The error of a reader that rejects some bytes. */
function refusal(reader: (sequence: DerReader) => unknown, value: Buffer): string {
  const failure = failureOf(() => reader(enter(value)));
  expect(failure.code).toBe('ERR_MTLS_CERTIFICATE_INVALID');
  return failure.message;
}

describe('certificatePolicies', () => {
  const read = (value: Buffer): string[] => readPolicies(enter(value));
  const qualifiers = sequence(sequence(oid('1.3.6.1.5.5.7.2.1'), text('ia5', 'https://a.test/cps')));

  test('are read in their order, any among them', () => {
    expect(read(certificatePolicies('1.2.4', '2.5.29.32.0', '1.2.3').value)).toEqual([
      '1.2.4',
      anyPolicy,
      '1.2.3',
    ]);
  });

  test('qualifiers are skipped', () => {
    const value = sequence(sequence(oid('1.2.3'), qualifiers), sequence(oid('1.2.4'), sequence()));
    expect(read(value)).toEqual(['1.2.3', '1.2.4']);
  });

  test('that are empty or have a duplicate are refused', () => {
    expect(refusal(readPolicies, sequence())).toContain('has an empty list of policies');
    const twice = certificatePolicies('1.2.3', '1.2.4', '1.2.3').value;
    expect(refusal(readPolicies, twice)).toContain('has the policy 1.2.3 twice');
    // Where the second stands.
    expect(refusal(readPolicies, twice)).toContain('at byte 14');
  });

  test.each([
    ['something behind the qualifiers', sequence(sequence(oid('1.2.3'), qualifiers, qualifiers))],
    ['what is no list of qualifiers', sequence(sequence(oid('1.2.3'), integer(1)))],
    ['no policy', sequence(sequence())],
    ['a policy that is not in a list', sequence(oid('1.2.3'))],
  ])('with %s are refused', (_what, value) => {
    refusal(readPolicies, value);
  });
});

describe('policyMappings', () => {
  test('are read in their order, as often as they stand there', () => {
    const { value } = policyMappings(['1.2.3', '1.2.4'], ['1.2.3', '1.2.4'], ['1.2.4', '1.2.3']);
    expect(readPolicyMappings(enter(value))).toEqual([
      { issuerDomainPolicy: '1.2.3', subjectDomainPolicy: '1.2.4' },
      { issuerDomainPolicy: '1.2.3', subjectDomainPolicy: '1.2.4' },
      { issuerDomainPolicy: '1.2.4', subjectDomainPolicy: '1.2.3' },
    ]);
  });

  test.each([
    ['nothing', sequence(), 'has an empty list of policy mappings'],
    ['half a mapping', sequence(sequence(oid('1.2.3'))), ''],
    ['one and a half', sequence(sequence(oid('1.2.3'), oid('1.2.4'), oid('1.2.5'))), ''],
  ])('with %s are refused', (_what, value, seen) => {
    expect(refusal(readPolicyMappings, value)).toContain(seen);
  });
});

describe('policyConstraints', () => {
  const read = (value: Buffer) => readPolicyConstraints(enter(value));
  const [explicit, mapping] = [0, 1].map((number) => implicit(number, integer(1))) as [Buffer, Buffer];

  test.each([
    [{ requireExplicitPolicy: 0, inhibitPolicyMapping: 5 }],
    [{ requireExplicitPolicy: 3, inhibitPolicyMapping: undefined }],
    [{ requireExplicitPolicy: undefined, inhibitPolicyMapping: 0 }],
    [{ requireExplicitPolicy: 2 ** 31 - 1, inhibitPolicyMapping: 255 }],
  ])('are read: %p', (given) => {
    const { requireExplicitPolicy: one, inhibitPolicyMapping: other } = given;
    const { value } = policyConstraints({
      ...(one !== undefined && { requireExplicitPolicy: one }),
      ...(other !== undefined && { inhibitPolicyMapping: other }),
    });
    expect(read(value)).toEqual(given);
  });

  test.each([
    ['nothing', sequence(), 'has empty policy constraints'],
    ['the two in the wrong order', sequence(mapping, explicit), ''],
    ['one twice', sequence(explicit, explicit), ''],
    ['a third', sequence(explicit, mapping, implicit(2, integer(1))), ''],
    ['a number without its tag', sequence(integer(1)), ''],
    ['a negative number', sequence(implicit(0, integer(-1))), ''],
    ['a number of five bytes', sequence(implicit(0, integer(2 ** 32))), ''],
    ['no number', sequence(element(0x80, raw([]))), ''],
  ])('with %s are refused', (_what, value, seen) => {
    expect(refusal(readPolicyConstraints, value)).toContain(seen);
  });
});
