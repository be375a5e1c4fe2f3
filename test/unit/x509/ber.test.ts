import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isIndefinite, toDer } from '../../../src/x509/ber.js';
import { toIndefinite } from '../../support/ber.js';
import { ca } from '../../support/chain.js';
import { element, octetString, sequence } from '../../support/der-writer.js';
import { runs } from '../../support/runs.js';

const convert = (hex: string): string | undefined => toDer(Buffer.from(hex, 'hex'))?.toString('hex');

describe('BER becomes DER', () => {
  test.each<[what: string, ber: string, der: string]>([
    ['an indefinite length', '30800201050000', '3003020105'],
    [
      'indefinite lengths in each other',
      '30803080020105000031800000 0000'.replace(' ', ''),
      '300730030201053100',
    ],
    ['an indefinite length in a definite one', '30073080020105 0000'.replace(' ', ''), '30053003020105'],
    ['a length that is not in the shortest form', '308103020105', '3003020105'],
    ['a length of four octets', '308400000003020105', '3003020105'],
    ['an OCTET STRING in pieces', '24800401aa0402bbcc0000', '0403aabbcc'],
    ['an OCTET STRING in pieces, its length said', '24070401aa0402bbcc', '0403aabbcc'],
    ['an OCTET STRING in pieces of pieces', '2480248004 01aa00000401bb0000'.replace(' ', ''), '0402aabb'],
    ['an OCTET STRING without a piece', '24800000', '0400'],
    ['pieces under a context tag, which are left as they are', 'a0800401aa0401bb0000', 'a0060401aa0401bb'],
    ['DER', '3003020105', '3003020105'],
    ['nothing in it', '30800000', '3000'],
    ['zeros in a definite length', '300400000000', '300400000000'],
  ])('%s', (_what, ber, der) => {
    expect(convert(ber)).toBe(der);
  });

  test('of any length', () => {
    for (const length of [0, 127, 128, 255, 256, 65_535, 65_536]) {
      const der = sequence(octetString(Buffer.alloc(length, 1)));
      expect(toDer(toIndefinite(der, 100))).toEqual(der);
    }
  });

  test('whatever certificate it is', () => {
    const { der } = ca('root').client('a');
    expect(toDer(toIndefinite(der))).toEqual(der);
    expect(toDer(der)).toEqual(der);
  });
});

describe('invalid BER is rejected', () => {
  test.each<[what: string, hex: string]>([
    ['nothing', ''],
    ['a tag alone', '30'],
    ['a tag number above 30', '1f0100'],
    ['a constructed tag number above 30', '3f810300'],
    ['a length that is cut off', '3082'],
    ['a length of five octets', '30850000000003020105'],
    ['a content that is cut off', '0402aa'],
    ['a constructed content that is cut off', '3004020105'],
    ['an element that goes on behind its parent', '30040203010203'],
    ['an indefinite length without an end', '3080020105'],
    ['an indefinite length with half an end', '308002010500'],
    ['an indefinite length with another end', '30800201050001'],
    ['an indefinite length of what is primitive', '04800401aa0000'],
    ['a tail', '300302010500'],
    ['a tail behind an indefinite length', '3080020105000000'],
    ['an element that is none', '308002850000'],
    ['two zeros that are an element, in front of the end', '30030000'],
  ])('%s', (_what, hex) => {
    expect(convert(hex)).toBeUndefined();
  });

  test('more than 64 levels', () => {
    const nested = (levels: number): Buffer =>
      Array.from({ length: levels }).reduce<Buffer>((inner) => element(0x30, inner), Buffer.of(5, 0));
    expect(toDer(nested(64))).toEqual(nested(64));
    expect(toDer(nested(65))).toBeUndefined();
    expect(toDer(Buffer.from('3080'.repeat(100_000), 'hex'))).toBeUndefined();
  });

  test('more than a megabyte', () => {
    const of = (length: number): Buffer => octetString(Buffer.alloc(length - 5));
    expect(toDer(of(1_048_576))).toHaveLength(1_048_576);
    expect(toDer(of(1_048_577))).toBeUndefined();
  });
});

test('any bytes become strict DER or nothing, and DER stays as it is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (array) => {
      const der = toDer(Buffer.from(array));
      if (der !== undefined) expect(toDer(der)).toEqual(der);
    }),
    { numRuns: runs(400) },
  );
});

test.each<[string, boolean]>([
  ['3080', true],
  ['30800201', true],
  ['3081', false],
  ['3180', false],
  ['30', false],
  ['', false],
])('%s has an indefinite length: %p', (hex, expected) => {
  expect(isIndefinite(Buffer.from(hex, 'hex'))).toBe(expected);
});
