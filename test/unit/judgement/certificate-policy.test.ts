import { describe, expect, test } from '@jest/globals';
import { MtlsError } from '../../../src/errors.js';
import { type CertificatePolicy, checkCertificatePolicy } from '../../../src/judgement/certificate-policy.js';

/** The error for invalid options. */
function faultOf(policies: unknown): string {
  try {
    checkCertificatePolicy({ policies } as CertificatePolicy);
  } catch (error) {
    if (error instanceof MtlsError && error.code === 'ERR_MTLS_OPTION_INVALID') return error.message;
    throw error;
  }
  throw new Error('was taken');
}

const nothing = {
  initialPolicySet: undefined,
  initialExplicitPolicy: false,
  initialPolicyMappingInhibit: false,
  initialInhibitAnyPolicy: false,
};

test('without options the defaults are strict, and want no policy', () => {
  const defaults = {
    missingUsage: 'deny',
    version1: 'deny',
    authority: 'deny',
    minRsaBits: 2048,
    minEcBits: 256,
    policies: nothing,
  };
  expect(checkCertificatePolicy()).toEqual(defaults);
  expect(checkCertificatePolicy({})).toEqual(defaults);
  expect(Object.isFrozen(checkCertificatePolicy())).toBe(true);
});

describe('certificates.policies', () => {
  test('as a list is what a path has to be valid for', () => {
    const given = ['1.2.3', '2.5.29.32.0'];
    const { policies } = checkCertificatePolicy({ policies: given });
    expect(policies).toEqual({ ...nothing, initialPolicySet: given, initialExplicitPolicy: true });
    // What is done to the list afterwards changes nothing.
    expect(policies.initialPolicySet).not.toBe(given);
    expect([policies, policies.initialPolicySet].every(Object.isFrozen)).toBe(true);
  });

  test('as an object is the inputs of RFC 5280, each by itself', () => {
    expect(checkCertificatePolicy({ policies: {} }).policies).toEqual(nothing);
    const lists = [{ initialPolicySet: ['1.2.3'] }];
    const flags = [
      { initialExplicitPolicy: true },
      { initialPolicyMappingInhibit: true },
      { initialInhibitAnyPolicy: true },
      { initialExplicitPolicy: false },
    ];
    for (const policies of [...lists, ...flags])
      expect(checkCertificatePolicy({ policies }).policies).toEqual({ ...nothing, ...policies });
    expect(Object.isFrozen(checkCertificatePolicy({ policies: {} }).policies)).toBe(true);
  });

  test.each(['0.0', '1.2.840.113549', '2.999.0', '2.5.29.32.0', '1.3.6.1.4.1.99999.1.2', '1.3.10'])(
    'takes the object identifier %s',
    (policy) => {
      expect(checkCertificatePolicy({ policies: [policy] }).policies.initialPolicySet).toEqual([policy]);
    },
  );

  test.each<[unknown]>([
    [''],
    ['1'],
    ['3.1'],
    ['12.3'],
    ['1.'],
    ['.1.2'],
    ['1..2'],
    ['1.02'],
    ['1.2.3 '],
    [' 1.2.3'],
    ['1.2.x'],
    ['1.2.-3'],
    ['any'],
    [1.2],
    [undefined],
    [['1.2.3']],
  ])('does not take %p for one', (policy) => {
    const wanted = "a list of object identifiers such as ['1.3.6.1.4.1.99999.1.2']";
    expect(faultOf([policy])).toContain(wanted);
    expect(faultOf(['1.2.3', policy])).toContain('certificates.policies');
    expect(faultOf({ initialPolicySet: [policy] })).toContain('certificates.policies.initialPolicySet');
  });

  test.each<[unknown]>([[[]], ['1.2.3'], [null], [5], [true], ['']])('is no %p', (given) => {
    expect(faultOf(given)).toContain('certificates.policies');
    expect(faultOf({ initialPolicySet: given })).toContain('certificates.policies.initialPolicySet');
  });

  test.each(['initialExplicitPolicy', 'initialPolicyMappingInhibit', 'initialInhibitAnyPolicy'])(
    'has true or false for %s',
    (name) => {
      for (const given of ['true', 1, null]) {
        const fault = faultOf({ [name]: given });
        expect(fault).toContain(`certificates.policies.${name}`);
        expect(fault).toContain('true or false');
      }
    },
  );

  test('has no unknown key', () => {
    expect(faultOf({ initialPolicySets: ['1.2.3'] })).toContain('initialPolicySets');
  });
});
