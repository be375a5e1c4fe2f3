import { isIPv6 } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DerReader } from '../../../src/x509/der.js';
import {
  canonicalGeneralName,
  type GeneralName,
  ipOctets,
  normaliseIp,
  readGeneralNames,
} from '../../../src/x509/general-name.js';
import { element, explicit, implicit, integer, oid, sequence, text } from '../../support/der-writer.js';
import type { AltNameOptions } from '../../support/names.js';
import { directoryName, distinguishedName, generalNames, otherName } from '../../support/names.js';
import { failureOf } from './failure.js';
import { fastestTurn } from '../../support/cpu-time.js';

const readDer = (...names: Buffer[]): GeneralName[] =>
  readGeneralNames(
    new DerReader(Buffer.concat(names), { code: 'ERR_MTLS_CERTIFICATE_INVALID', noun: 'certificate' }),
  );
const read = (names: AltNameOptions): GeneralName[] => readDer(...generalNames(names));
const upn = '1.3.6.1.4.1.311.20.2.3';

describe('every kind is read', () => {
  test.each<[name: string, names: AltNameOptions, expected: object[]]>([
    [
      'dns',
      { dns: ['a.test', '*.b.test'] },
      [
        { kind: 'dns', value: 'a.test' },
        { kind: 'dns', value: '*.b.test' },
      ],
    ],
    ['email', { email: ['a@b.test'] }, [{ kind: 'email', value: 'a@b.test' }]],
    ['uri', { uri: ['spiffe://example.org/api'] }, [{ kind: 'uri', value: 'spiffe://example.org/api' }]],
    ['IPv4', { ip: ['192.0.2.1'] }, [{ kind: 'ip', value: '192.0.2.1' }]],
    ['IPv6', { ip: ['2001:db8::f'] }, [{ kind: 'ip', value: '2001:db8::f' }]],
    ['the IPv6 loopback', { ip: ['::1'] }, [{ kind: 'ip', value: '::1' }]],
    ['the IPv6 of nothing', { ip: [Buffer.alloc(16)] }, [{ kind: 'ip', value: '::' }]],
    ['upn', { upn: ['client1@žižkov.test'] }, [{ kind: 'upn', value: 'client1@žižkov.test' }]],
    [
      'a text with commas, which is one name',
      { dns: ['a.test, DNS:b.test'] },
      [{ kind: 'dns', value: 'a.test, DNS:b.test' }],
    ],
    ['an empty text', { dns: [''] }, [{ kind: 'dns', value: '' }]],
  ])('%s', (_name, names, expected) => {
    expect(read(names)).toEqual(expected);
  });

  test('directoryName', () => {
    const [name] = read({ directoryName: [{ commonName: 'i', organization: 'Example' }] });
    expect(name?.kind).toBe('directoryName');
    expect(String(name?.value)).toBe('CN=i,O=Example');
  });

  test.each([
    ['an otherName of another type', otherName('1.2.3', text('utf8', 'x'))],
    ['a user principal name that is no string', otherName(upn, integer(1))],
    ['x400Address', element(0xa3, Buffer.alloc(0))],
    ['ediPartyName', element(0xa5, Buffer.alloc(0))],
    ['registeredID', implicit(8, oid('1.2.3'))],
    ['a tag that GeneralName lacks', element(0x8f, Buffer.from('x'))],
  ])('%s is kept as it is', (_name, der) => {
    expect(readDer(der)).toEqual([{ kind: 'other', value: der }]);
  });

  test('names keep the order of the certificate', () => {
    const names = readDer(
      ...generalNames({ uri: ['c'] }),
      ...generalNames({ dns: ['a'] }),
      ...generalNames({ uri: ['b'] }),
    );
    expect(names.map(({ kind, value }) => `${kind}:${String(value)}`)).toEqual(['uri:c', 'dns:a', 'uri:b']);
  });
});

describe('a name that is not in the encoding of its type is kept as unreadable', () => {
  const tags = { email: 0x81, dns: 0x82, uri: 0x86 } as const;
  test.each(
    Object.entries(tags).flatMap(([kind, tag]) => [
      [kind, 'Latin-1', element(tag, Buffer.from('j\u00fcrgen@a.test', 'latin1'))] as const,
      [kind, 'UTF-8', element(tag, Buffer.from('jürgen@a.test'))] as const,
      [kind, 'a C1 control', element(tag, Buffer.from([0x61, 0x80]))] as const,
      [kind, 'the highest octet', element(tag, Buffer.from([0xff]))] as const,
    ]),
  )('%s in %s', (of, _encoding, der) => {
    expect(readDer(der)).toEqual([{ kind: 'unreadable', of, value: der }]);
  });

  test.each([
    ['Latin-1 in a UTF8String', text('utf8', Buffer.from('j\u00fcrgen', 'latin1'))],
    ['UTF-8 in a PrintableString', text('printable', Buffer.from('jürgen'))],
    ['a BMPString of an odd length', text('bmp', Buffer.alloc(3))],
  ])('a user principal name: %s', (_name, value) => {
    const der = implicit(0, sequence(oid(upn), explicit(0, value)));
    expect(readDer(der)).toEqual([{ kind: 'unreadable', of: 'upn', value: der }]);
  });

  test('and the names beside it are read', () => {
    const [odd, name] = readDer(element(0x82, Buffer.from('ü')), ...generalNames({ dns: ['a.test'] }));
    expect(odd?.kind).toBe('unreadable');
    expect(name).toEqual({ kind: 'dns', value: 'a.test' });
  });

  test('it equals the same octets, and nothing else', () => {
    const [one, same, other] = readDer(
      element(0x86, Buffer.from('urn:ü')),
      element(0x86, Buffer.from('urn:ü')),
      element(0x86, Buffer.from('URN:ü')),
    ).map(canonicalGeneralName);
    expect(one).toBe(same);
    expect(one).not.toBe(other);
  });
});

describe('a name that could pass for another is refused', () => {
  test.each(['dns', 'email', 'uri'] as const)('%s', (kind) => {
    for (const character of ['\0', '\n', '\r', '\t', '\u001b', '\u007f'])
      expect(failureOf(() => read({ [kind]: [`admin.test${character}.evil.test`] })).message).toContain(
        'has a name with control characters, at byte 2',
      );
  });

  test('a control character counts beside octets that are not ASCII', () => {
    for (const octet of [0x00, 0x1f, 0x7f])
      expect(failureOf(() => readDer(element(0x82, Buffer.from([0xe4, octet, 0x61])))).message).toContain(
        'has a name with control characters, at byte 2',
      );
  });

  test.each(['\0', '\n', '\u202e', '\u200b'])('a user principal name with %j is refused', (character) => {
    expect(failureOf(() => read({ upn: [`admin${character}@a.test`] })).message).toContain(
      'has a name with control characters',
    );
  });

  test.each([0, 1, 3, 5, 8, 15, 17, 32])('an IP address of %i bytes', (length) => {
    expect(failureOf(() => read({ ip: [Buffer.alloc(length)] })).message).toContain(
      `has an IP address of ${length} bytes, at byte 0`,
    );
  });

  test.each([
    ['an empty list', [], 'has an empty list of names, at byte 0'],
    [
      'a directoryName that is no name',
      [directoryName(integer(1))],
      'has tag 0x2 where 0x30 was expected, at byte 2',
    ],
    [
      'an empty directoryName',
      [element(0xa4, Buffer.alloc(0))],
      'ends where an element was expected, at byte 2',
    ],
    [
      'an otherName without a type',
      [element(0xa0, Buffer.alloc(0))],
      'ends where an element was expected, at byte 2',
    ],
    [
      'a user principal name without a value',
      [implicit(0, sequence(oid(upn)))],
      'ends where an element was expected, at byte 14',
    ],
    [
      'an empty user principal name element',
      [implicit(0, sequence(oid(upn), explicit(0, Buffer.alloc(0))))],
      'ends where an element was expected, at byte 16',
    ],
  ])('%s', (_name, names, message) => {
    const failure = failureOf(() => readDer(...names));
    expect(failure.code).toBe('ERR_MTLS_CERTIFICATE_INVALID');
    expect(failure.message).toContain(message);
  });

  test.each([
    [
      'directoryName',
      directoryName(
        Buffer.concat([distinguishedName({ commonName: 'a' }), distinguishedName({ commonName: 'b' })]),
      ),
    ],
    [
      'user principal name',
      implicit(0, sequence(oid(upn), explicit(0, Buffer.concat([text('utf8', 'a'), text('utf8', 'b')])))),
    ],
    [
      'user principal name with a tail',
      implicit(0, sequence(oid(upn), explicit(0, text('utf8', 'a')), text('utf8', 'b'))),
    ],
  ])('a %s with bytes behind it is refused', (_name, der) => {
    expect(failureOf(() => readDer(der)).message).toContain('bytes too many');
  });
});

describe('an IP address has one spelling', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['2001:DB8:0:0:0:0:0:F', '2001:db8::f'],
    ['2001:db8::f', '2001:db8::f'],
    ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['::', '::'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['::ffff:c000:0201', '::ffff:c000:201'],
  ])('%s is %s', (text_, expected) => {
    expect(normaliseIp(text_)).toBe(expected);
  });

  test.each([
    '',
    'a.test',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '1.2.3.-4',
    '1.2.3.4 ',
    ' ::1',
    '1',
    ':',
    ':::',
    '1::2::3',
    '12345::',
    '[::1]',
    '::1%eth0',
    '::1/64',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::256.0.0.1',
    '::1.2.3',
    '::g',
    '::1]/::',
    '::1]/x',
  ])('%j is none', (value) => {
    expect(normaliseIp(value)).toBeUndefined();
  });

  test('what is read of any sixteen bytes is an IPv6 address of those bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const [name] = read({ ip: [Buffer.from(bytes)] });
        const value = String(name?.value);
        expect(isIPv6(value)).toBe(true);
        expect(read({ ip: [value] })).toEqual([name]);
        expect(normaliseIp(value.toUpperCase())).toBe(value);
      }),
    );
  });

  // What 010.0.0.1 means depends on who reads it: 8.0.0.1 to inet_aton, 10.0.0.1 here (CVE-2021-29922 and its kin).
  test('an octet with a leading zero is none', () => {
    expect(normaliseIp('010.0.0.1')).toBeUndefined();
  });
});

describe('canonical forms', () => {
  const canonical = (names: AltNameOptions): string[] => read(names).map(canonicalGeneralName);

  test('DNS names are the same in any case, and so are directory names; other names are not', () => {
    expect(canonical({ dns: ['A.Test'] })).toEqual(canonical({ dns: ['a.test'] }));
    expect(canonical({ directoryName: [{ commonName: 'A' }] })).toEqual(
      canonical({ directoryName: [{ commonName: ' a' }] }),
    );
    expect(canonical({ uri: ['http://a.test/A'] })).not.toEqual(canonical({ uri: ['http://a.test/a'] }));
    expect(canonical({ email: ['A@b.test'] })).not.toEqual(canonical({ email: ['a@b.test'] }));
  });

  test('a long one is compared in a moment', () => {
    const compare = (): void => {
      canonical({ uri: [`http://${'a'.repeat(1_000_000)}@${'A'.repeat(1_000_000)}`] });
    };
    expect(fastestTurn(compare, 3)).toBeLessThan(1000);
  });

  // RFC 5280 sections 7.4 and 7.5.
  test.each<[keyof AltNameOptions & ('uri' | 'email'), string, string, boolean]>([
    ['uri', 'http://CRL.test/a', 'http://crl.test/a', true],
    ['uri', 'HTTP://crl.test/a', 'http://crl.test/a', true],
    ['uri', 'LDAP://A.test:389/cn=A', 'ldap://a.TEST:389/cn=A', true],
    ['uri', 'ldap://a.test/CN=A', 'ldap://a.test/cn=A', false],
    ['uri', 'http://a.test?A', 'http://a.test?a', false],
    ['uri', 'http://a.test#A', 'http://a.test#a', false],
    ['uri', 'http://U@a.test/', 'http://U@A.test/', true],
    ['uri', 'http://U@a.test/', 'http://u@a.test/', false],
    ['uri', 'URN:A', 'urn:A', true],
    ['uri', 'urn:A', 'urn:a', false],
    ['uri', '/A', '/a', false],
    ['email', 'a@B.test', 'a@b.test', true],
    ['email', '"A@b"@C.test', '"A@b"@c.test', true],
    ['email', '"a@B"@c.test', '"a@b"@c.test', false],
  ])('the %s %s and %s are the same: %4$p', (kind, left, right, expected) => {
    const [one, other] = canonical({ [kind]: [left, right] });
    expect(one === other).toBe(expected);
  });

  test('names of one kind are the same only where they say the same', () => {
    const [left, right] = canonical({ directoryName: [{ commonName: 'a' }, { commonName: 'b' }] });
    expect(left).not.toBe(right);
    const [one, other] = readDer(element(0x88, Buffer.from([0xfe])), element(0x88, Buffer.from([0xff])));
    expect(canonicalGeneralName(one!)).not.toBe(canonicalGeneralName(other!));
  });

  test('names of different kinds are never the same', () => {
    const all = canonical({
      dns: ['a'],
      email: ['a'],
      uri: ['a'],
      upn: ['a'],
      directoryName: [{ commonName: 'a' }],
    });
    all.push(...readDer(implicit(8, oid('1.2.3'))).map(canonicalGeneralName));
    expect(new Set(all).size).toBe(6);
  });
});

describe('the octets of an IP address', () => {
  test.each([
    ['0.0.0.0', '00000000'],
    ['192.0.2.255', 'c00002ff'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['2001:db8::f:0', '20010db80000000000000000000f0000'],
    ['2001:DB8:0:0:0:0:F:0', '20010db80000000000000000000f0000'],
    ['1::3:4:5:6:7:8', '00010000000300040005000600070008'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ['::2:3:4:5:6:7:8', '00000002000300040005000600070008'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffffffffffffffffffffffffffffffff'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
  ])('%s', (text_, octets) => {
    expect(ipOctets(text_)?.toString('hex')).toBe(octets);
  });

  test.each(['', '1.2.3', '1.2.3.256', '01.2.3.4', ':', '1:2', '::g', 'a.test', '1:2:3:4:5:6:7:8:9'])(
    'are none of "%s"',
    (value) => {
      expect(ipOctets(value)).toBeUndefined();
    },
  );

  test('are those that were read', () => {
    const address = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.array(fc.oneof(fc.constant(0), fc.nat(255)), { minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(address, (octets) => {
        const bytes = Buffer.from(octets);
        const [name] = read({ ip: [bytes] });
        expect(name?.kind === 'ip' && ipOctets(name.value)).toEqual(bytes);
      }),
    );
  });
});
