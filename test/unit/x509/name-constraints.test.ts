import { describe, expect, test } from '@jest/globals';
import { DerReader, Tag } from '../../../src/x509/der.js';
import {
  type GeneralSubtree,
  type NameConstraints,
  readNameConstraints,
} from '../../../src/x509/name-constraints.js';
import { element, implicit, integer, raw, sequence, text } from '../../support/der-writer.js';
import { type AltNameOptions, generalNames } from '../../support/names.js';
import { nameConstraints } from '../../support/path-extensions.js';
import { failureOf } from './failure.js';

function readDer(value: Buffer, isCritical = true): NameConstraints {
  const reader = new DerReader(value, { code: 'ERR_MTLS_CERTIFICATE_INVALID', noun: 'certificate' });
  return readNameConstraints(reader.enter(Tag.sequence), isCritical);
}

const permitted = (...subtrees: Buffer[]): Buffer => sequence(element(0xa0, Buffer.concat(subtrees)));

/** The single permitted subtree of a base, with trailing bytes. */
function subtreeOf(names: AltNameOptions, ...behind: Buffer[]): GeneralSubtree | undefined {
  const [base = Buffer.alloc(0)] = generalNames(names);
  const read = readDer(permitted(sequence(base, ...behind)));
  expect(read.permitted).toHaveLength(1);
  return read.permitted[0];
}

describe('the lists', () => {
  test('are read apart, each in its order', () => {
    const { value } = nameConstraints({
      permitted: { dns: ['a.test', 'b.test'] },
      excluded: { dns: ['c.test'], email: ['d.test'] },
    });
    expect(readDer(value)).toMatchObject({
      permitted: [
        { kind: 'dns', base: 'a.test' },
        { kind: 'dns', base: 'b.test' },
      ],
      excluded: [
        { kind: 'dns', base: 'c.test' },
        { kind: 'email', base: 'd.test' },
      ],
      isCritical: true,
      fault: undefined,
    });
  });

  test.each([true, false])('of which each may be alone; critical is %p as it was given', (isCritical) => {
    const one = { kind: 'dns', base: 'a.test' };
    const names = { dns: ['a.test'] };
    expect(readDer(nameConstraints({ permitted: names }).value, isCritical)).toMatchObject({
      permitted: [one],
      excluded: [],
      isCritical,
      fault: undefined,
    });
    expect(readDer(nameConstraints({ excluded: names }).value, isCritical)).toMatchObject({
      permitted: [],
      excluded: [one],
      isCritical,
      fault: undefined,
    });
  });

  const some = sequence(...generalNames({ dns: ['a.test'] }));
  test.each([
    ['neither', sequence()],
    ['nothing permitted', sequence(element(0xa0, Buffer.alloc(0)))],
    ['nothing excluded', sequence(element(0xa1, Buffer.alloc(0)))],
    [
      'nothing permitted and something excluded',
      sequence(element(0xa0, Buffer.alloc(0)), element(0xa1, some)),
    ],
    [
      'something permitted and nothing excluded',
      sequence(element(0xa0, some), element(0xa1, Buffer.alloc(0))),
    ],
  ])('with %s are a fault', (_what, value) => {
    expect(readDer(value).fault).toBe('has an empty list');
  });

  test.each([
    ['a third list', sequence(element(0xa0, some), element(0xa2, some))],
    ['the lists in the wrong order', sequence(element(0xa1, some), element(0xa0, some))],
  ])('%s is no DER', (_what, value) => {
    expect(failureOf(() => readDer(value)).code).toBe('ERR_MTLS_CERTIFICATE_INVALID');
  });
});

describe('a base', () => {
  test.each<[string, AltNameOptions, object]>([
    ['a host', { dns: ['a.Test'] }, { kind: 'dns', base: 'a.test' }],
    ['a host with a dot in front', { dns: ['.a.test'] }, { kind: 'dns', base: '.a.test' }],
    ['one label', { dns: ['test'] }, { kind: 'dns', base: 'test' }],
    ['one letter', { dns: ['a'] }, { kind: 'dns', base: 'a' }],
    ['hyphens and underscores', { dns: ['_a-b.c--d'] }, { kind: 'dns', base: '_a-b.c--d' }],
    ['every host', { dns: [''] }, { kind: 'dns', base: '' }],
    ['the hosts of email', { email: ['a.test'] }, { kind: 'email', base: 'a.test', local: undefined }],
    ['the hosts of email below', { email: ['.a.test'] }, { kind: 'email', base: '.a.test' }],
    ['a mailbox', { email: ['u@a.test'] }, { kind: 'email', base: 'a.test', local: 'u' }],
    [
      'a mailbox with a quoted at',
      { email: ['"u@v"@a.test'] },
      { kind: 'email', base: 'a.test', local: '"u@v"' },
    ],
    ['the host of URIs', { uri: ['a.test'] }, { kind: 'uri', base: 'a.test' }],
    ['the hosts of URIs below', { uri: ['.a.test'] }, { kind: 'uri', base: '.a.test' }],
  ])('is %s', (_what, names, expected) => {
    expect(subtreeOf(names)).toMatchObject(expected);
  });

  test.each<[string, AltNameOptions, number, string]>([
    ['a host with a dot behind', { dns: ['a.test.'] }, 0x82, '"a.test." is no dns constraint'],
    ['two dots in front', { dns: ['..a.test'] }, 0x82, '"..a.test" is no dns constraint'],
    ['two dots between', { dns: ['a..test'] }, 0x82, '"a..test" is no dns constraint'],
    ['a dot alone', { dns: ['.'] }, 0x82, '"." is no dns constraint'],
    ['a wildcard', { dns: ['*.a.test'] }, 0x82, '"*.a.test" is no dns constraint'],
    ['a label that begins with a hyphen', { dns: ['a.-b'] }, 0x82, '"a.-b" is no dns constraint'],
    ['a label that ends with a hyphen', { dns: ['a-.b'] }, 0x82, '"a-.b" is no dns constraint'],
    ['an email address for DNS', { dns: ['u@a.test'] }, 0x82, '"u@a.test" is no dns constraint'],
    ['every mailbox', { email: [''] }, 0x81, '"" is no email constraint'],
    ['a mailbox of no host', { email: ['u@'] }, 0x81, '"u@" is no email constraint'],
    ['a mailbox of many hosts', { email: ['u@.a.test'] }, 0x81, '"u@.a.test" is no email constraint'],
    ['a mailbox of a host that is none', { email: ['u@a..b'] }, 0x81, '"u@a..b" is no email constraint'],
    ['every URI', { uri: [''] }, 0x86, '"" is no uri constraint'],
    ['a URI', { uri: ['https://a.test'] }, 0x86, '"https://a.test" is no uri constraint'],
    ['an address before a URI', { uri: ['u@a.test'] }, 0x86, '"u@a.test" is no uri constraint'],
    ['space in front', { dns: [' a.test'] }, 0x82, 'is not valid text for its kind'],
    ['space behind', { dns: ['a.test '] }, 0x82, 'is not valid text for its kind'],
    ['Latin-1', { email: ['é.test'] }, 0x81, 'is not valid text for its kind'],
    ['a control character', { uri: ['a\u007f'] }, 0x86, 'is not valid text for its kind'],
    ['4 bytes of IP', { ip: ['1.2.3.4'] }, 0x87, 'has 4 bytes for an address and a mask'],
    ['7 bytes of IP', { ip: [Buffer.alloc(7)] }, 0x87, 'has 7 bytes for an address and a mask'],
    ['9 bytes of IP', { ip: [Buffer.alloc(9)] }, 0x87, 'has 9 bytes for an address and a mask'],
    ['16 bytes of IP', { ip: ['::1'] }, 0x87, 'has 16 bytes for an address and a mask'],
    ['33 bytes of IP', { ip: [Buffer.alloc(33)] }, 0x87, 'has 33 bytes for an address and a mask'],
    ['no bytes of IP', { ip: [Buffer.alloc(0)] }, 0x87, 'has 0 bytes for an address and a mask'],
  ])('is not %s', (_what, names, tag, fault) => {
    expect(subtreeOf(names)).toMatchObject({ kind: 'unsupported', tag, fault, isMalformed: true });
  });

  test('is shortened if it is long', () => {
    const subtree = subtreeOf({ dns: [`${'a'.repeat(100)}!`] });
    expect(subtree).toMatchObject({ fault: `"${'a'.repeat(100)}" is no dns constraint` });
  });

  test('is a directory name', () => {
    const subtree = subtreeOf({ directoryName: [{ organization: 'Example', commonName: 'x' }] });
    expect(subtree?.kind === 'directoryName' && subtree.base.toString()).toBe('CN=x,O=Example');
  });

  test('is not a directory name with trailing bytes', () => {
    const two = element(0xa4, Buffer.concat([sequence(), sequence()]));
    expect(failureOf(() => subtreeOf({ raw: [two] })).code).toBe('ERR_MTLS_CERTIFICATE_INVALID');
  });

  test.each([
    ['otherName', 0xa0, element(0xa0, Buffer.alloc(0))],
    ['x400Address', 0xa3, element(0xa3, Buffer.alloc(0))],
    ['registeredID', 0x88, element(0x88, raw([0x2a]))],
    ['DNS that is constructed', 0xa2, element(0xa2, text('ia5', 'a'))],
  ])('of an unknown kind, %s, is kept', (_what, tag, der) => {
    expect(subtreeOf({ raw: [der] })).toMatchObject({
      kind: 'unsupported',
      tag,
      fault: 'is of an unknown kind',
      isMalformed: false,
    });
  });
});

describe('a range of IP addresses', () => {
  const v4 = (...mask: number[]): Buffer => raw([10, 1, 2, 3], mask);
  const v6 = (...mask: number[]): Buffer => raw(Buffer.alloc(16, 7), mask, Buffer.alloc(16 - mask.length));

  test.each<[string, Buffer]>([
    ['/0', v4(0, 0, 0, 0)],
    ['/1', v4(0x80, 0, 0, 0)],
    ['/8', v4(255, 0, 0, 0)],
    ['/23', v4(255, 255, 254, 0)],
    ['/32', v4(255, 255, 255, 255)],
    ['/0 of version 6', v6()],
    ['/33 of version 6', v6(255, 255, 255, 255, 128)],
    ['/128 of version 6', v6(...Array<number>(16).fill(255))],
  ])('is read: %s', (_what, bytes) => {
    const half = bytes.length / 2;
    expect(subtreeOf({ ip: [bytes] })).toMatchObject({
      kind: 'ip',
      address: bytes.subarray(0, half),
      mask: bytes.subarray(half),
    });
  });

  test.each<[string, Buffer]>([
    ['a hole', v4(255, 0, 255, 0)],
    ['a hole in an octet', v4(0b1101_0000, 0, 0, 0)],
    ['zeros in front', v4(0, 255, 255, 255)],
    ['zeros in front in an octet', v4(0x7f, 0, 0, 0)],
    ['a zero between octets', v4(0xfe, 0x80, 0, 0)],
    ['ones behind alone', v4(0, 0, 0, 1)],
    ['a hole, of version 6', v6(255, 0, 255)],
  ])('is invalid with %s in its mask', (_what, bytes) => {
    expect(subtreeOf({ ip: [bytes] })).toMatchObject({
      kind: 'unsupported',
      tag: 0x87,
      fault: 'has a mask that is not a prefix',
      isMalformed: true,
    });
  });
});

describe('a minimum and a maximum', () => {
  const dns = { dns: ['a.test'] };
  const [minimum, maximum] = [0, 1].map(
    (number) =>
      (value: number): Buffer =>
        implicit(number, integer(value)),
  ) as [(value: number) => Buffer, (value: number) => Buffer];

  test('of 0, which DER does not write, is passed over', () => {
    expect(subtreeOf(dns, minimum(0))).toMatchObject({ kind: 'dns', base: 'a.test' });
  });

  test.each<[string, Buffer[]]>([
    ['a minimum of 1', [minimum(1)]],
    ['a minimum of 256', [minimum(256)]],
    ['a minimum of two bytes that are 0', [implicit(0, element(2, raw([0, 0])))]],
    ['a minimum of no bytes', [implicit(0, element(2, Buffer.alloc(0)))]],
    ['a maximum', [maximum(0)]],
    ['a minimum of 0 and a maximum', [minimum(0), maximum(5)]],
    ['a minimum of 1 and one of 0', [minimum(1), minimum(0)]],
    ['two minimums', [minimum(0), minimum(0)]],
  ])('%s is a fault', (_what, behind) => {
    expect(subtreeOf(dns, ...behind)).toMatchObject({
      kind: 'unsupported',
      tag: 0x82,
      fault: 'has a minimum or a maximum',
      isMalformed: true,
    });
  });
});
