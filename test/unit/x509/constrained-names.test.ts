import { describe, expect, test } from '@jest/globals';
import { type Certificate, parseCertificate } from '../../../src/x509/certificate.js';
import { findViolation } from '../../../src/x509/constrained-names.js';
import { type NameConstraints } from '../../../src/x509/name-constraints.js';
import { attributeTypes, ca, type CertificateOptions } from '../../support/chain.js';
import { element, integer, raw, sequence, text } from '../../support/der-writer.js';
import { type AltNameOptions, type NameAttribute, otherName } from '../../support/names.js';
import { nameConstraints } from '../../support/path-extensions.js';

const root = ca('root');
const { privateKey } = root;

interface Case {
  readonly permitted?: AltNameOptions;
  readonly excluded?: AltNameOptions;
  /** @defaultValue `true` */
  readonly critical?: boolean;
}

function constraintsOf(given: Case): NameConstraints {
  const der = root.intermediate({ privateKey, extraExtensions: [nameConstraints(given)] }).der;
  return parseCertificate(der).nameConstraints as NameConstraints;
}

const certificateOf = (options: CertificateOptions): Certificate =>
  parseCertificate(root.client({ privateKey, ...options }).der);

/** What is wrong with a certificate of these names; its subject is empty if nothing is said of it. */
function violation(given: Case, options: CertificateOptions, isLeaf = true): string | undefined {
  const certificate = certificateOf({ name: [], ...options });
  return findViolation(constraintsOf(given), certificate, isLeaf, { left: 1000 });
}

const email = (value: string, type: NameAttribute['type'] = 'ia5'): NameAttribute => ({
  oid: attributeTypes.emailAddress,
  type,
  value,
});

describe('a DNS name', () => {
  test.each<[base: string, name: string, isIn: boolean]>([
    ['a.test', 'a.test', true],
    ['a.test', 'b.a.test', true],
    ['a.test', 'c.b.a.test', true],
    ['a.test', 'B.A.Test', true],
    ['A.Test', 'b.a.test', true],
    ['a.test', 'ba.test', false],
    ['a.test', 'test', false],
    ['a.test', 'a.test.b', false],
    ['a.test', 'b.test', false],
    ['test', 'a.test', true],
    ['.a.test', 'b.a.test', true],
    ['.a.test', 'c.b.a.test', true],
    ['.a.test', 'a.test', false],
    ['.a.test', 'ba.test', false],
    ['', 'a.test', true],
    ['', 'test', true],
    ['a.test', '*.a.test', true],
    ['.a.test', '*.a.test', true],
    ['a.test', '*.b.a.test', true],
    ['', '*.a.test', true],
  ])('of the base "%s" is %s: %p', (base, name, isIn) => {
    const sans = { dns: [name] };
    expect(violation({ permitted: { dns: [base] } }, { sans })).toBe(
      isIn ? undefined : `do not permit the dns name "${name}"`,
    );
    expect(violation({ excluded: { dns: [base] } }, { sans })).toBe(
      isIn ? `exclude the dns name "${name}"` : undefined,
    );
  });

  // A wildcard covers names inside and outside a base below it.
  test.each<[base: string, name: string, isExcluded: boolean]>([
    ['b.a.test', '*.a.test', true],
    ['.b.a.test', '*.a.test', true],
    ['B.A.test', '*.a.Test', true],
    ['b.test', '*.a.test', false],
    ['ba.test', '*.a.test', false],
    ['b.a.test', 'x*.a.test', true],
    ['b.a.test', '*x.a.test', true],
    ['b.test', 'x*.a.test', false],
  ])('below the wildcard: "%s" permits %s not, and excludes it: %p', (base, name, isExcluded) => {
    const sans = { dns: [name] };
    expect(violation({ permitted: { dns: [base] } }, { sans })).toBe(`do not permit the dns name "${name}"`);
    expect(violation({ excluded: { dns: [base] } }, { sans })).toBe(
      isExcluded ? `exclude the dns name "${name}"` : undefined,
    );
  });

  test.each([
    '*',
    'a.*.test',
    '*.*.test',
    'b.*',
    '*test.',
    '',
    '.',
    '.b.test',
    'b..test',
    'a.x.',
    'b.test..',
    '..',
  ])('that cannot be compared, "%s", is neither permitted nor outside an exclusion', (name) => {
    const seen = `cannot be compared with the dns name "${name}"`;
    expect(violation({ permitted: { dns: ['a.x'] } }, { sans: { dns: [name] } })).toBe(seen);
    expect(violation({ excluded: { dns: ['a.x'] } }, { sans: { dns: [name] } })).toBe(seen);
  });

  test('that cannot be read is neither', () => {
    const sans = { raw: [element(0x82, Buffer.from('é.test', 'latin1'))] };
    const seen = 'cannot be compared with a name that cannot be read';
    expect(violation({ permitted: { dns: ['test'] } }, { sans })).toBe(seen);
    expect(violation({ excluded: { dns: ['test'] } }, { sans })).toBe(seen);
    expect(violation({ excluded: { email: ['test'] } }, { sans })).toBeUndefined();
  });
});

describe('the permitted and the excluded', () => {
  test('apply to one kind of name each', () => {
    const sans = { dns: ['a.test'], email: ['u@b.test'], uri: ['https://c.test/'], ip: ['1.2.3.4'] };
    const all = { sans, commonName: 'x', name: [[{ oid: '2.5.4.3', type: 'utf8', value: 'x' }]] } as const;
    expect(violation({ permitted: { dns: ['a.test'] } }, all)).toBeUndefined();
    expect(violation({ permitted: { email: ['b.test'] } }, all)).toBeUndefined();
    expect(violation({ permitted: { uri: ['c.test'] } }, all)).toBeUndefined();
    expect(violation({ permitted: { ip: [raw([1, 2, 3, 4, 255, 255, 255, 255])] } }, all)).toBeUndefined();
    expect(violation({ permitted: { directoryName: [{ commonName: 'x' }] } }, all)).toBeUndefined();
  });

  test('a name is within one of several permitted ones, and each name is within one', () => {
    const permitted = { dns: ['a.test', 'b.test'] };
    expect(violation({ permitted }, { sans: { dns: ['b.test', 'a.test'] } })).toBeUndefined();
    expect(violation({ permitted }, { sans: { dns: ['a.test', 'c.test'] } })).toBe(
      'do not permit the dns name "c.test"',
    );
    expect(violation({ permitted }, { sans: { dns: ['c.test', 'a.test'] } })).toBe(
      'do not permit the dns name "c.test"',
    );
  });

  test('an exclusion overrides a permission, first or last of several', () => {
    const permitted = { dns: ['a.test'] };
    for (const dns of [
      ['b.a.test', 'x.test'],
      ['x.test', 'b.a.test'],
    ]) {
      expect(violation({ permitted, excluded: { dns } }, { sans: { dns: ['b.a.test'] } })).toBe(
        'exclude the dns name "b.a.test"',
      );
      expect(violation({ permitted, excluded: { dns } }, { sans: { dns: ['c.a.test'] } })).toBeUndefined();
    }
  });

  test('an excluded name is reported before one that cannot be compared', () => {
    const excluded = { uri: ['a.test', 'b.test'] };
    expect(violation({ excluded }, { sans: { uri: ['urn:x'] } })).toBe(
      'cannot be compared with the uri name "urn:x"',
    );
    expect(violation({ excluded }, { sans: { uri: ['https://b.test'] } })).toBe(
      'exclude the uri name "https://b.test"',
    );
  });

  test('that are invalid as a whole refuse every client', () => {
    const fault = 'has an empty list';
    const constraints = { permitted: [], excluded: [], isCritical: true, fault };
    expect(findViolation(constraints, certificateOf({ name: [] }), true, { left: 0 })).toBe(
      'are invalid: it has an empty list',
    );
  });

  test('a long name is shortened', () => {
    const seen = violation({ permitted: { dns: ['a.test'] } }, { sans: { dns: ['x'.repeat(250)] } });
    expect(seen).toMatch(/^do not permit the dns name "x+/);
    expect(seen?.length).toBeLessThan(250);
  });
});

describe('an email address', () => {
  test.each<[base: string, name: string, isIn: boolean]>([
    ['a.test', 'u@a.test', true],
    ['a.test', 'u@A.Test', true],
    ['A.test', 'u@a.test', true],
    ['a.test', 'u@b.a.test', false],
    ['a.test', 'u@ba.test', false],
    ['.a.test', 'u@b.a.test', true],
    ['.A.test', 'u@c.B.a.test', true],
    ['.a.test', 'u@a.test', false],
    ['.a.test', 'u@ba.test', false],
    ['u@a.test', 'u@a.test', true],
    ['u@A.test', 'u@a.TEST', true],
    ['u@a.test', 'v@a.test', false],
    ['u@a.test', 'u@b.test', false],
    ['u@a.test', 'u@b.a.test', false],
    ['u@a.test', 'uu@a.test', false],
    ['"u@v"@a.test', '"u@v"@a.test', true],
    ['a.test', '"u@v"@a.test', true],
    ['v.test', '"u@v.test"@a.test', false],
  ])('of the base "%s" is %s: %p', (base, name, isIn) => {
    const sans = { email: [name] };
    expect(violation({ permitted: { email: [base] } }, { sans })).toBe(
      isIn ? undefined : `do not permit the email name "${name}"`,
    );
    expect(violation({ excluded: { email: [base] } }, { sans })).toBe(
      !isIn
        ? undefined
        : name.includes('"') && base.includes('@')
          ? `cannot be compared with the email name "${name}"`
          : `exclude the email name "${name}"`,
    );
  });

  test('whose mailbox differs in letter case is excluded, but not permitted', () => {
    const sans = { email: ['U@a.test'] };
    for (const base of ['u@a.test', 'u@A.test']) {
      expect(violation({ permitted: { email: [base] } }, { sans })).toBe(
        'do not permit the email name "U@a.test"',
      );
      expect(violation({ excluded: { email: [base] } }, { sans })).toBe('exclude the email name "U@a.test"');
    }
    expect(violation({ excluded: { email: ['U@a.test'] } }, { sans: { email: ['u@a.test'] } })).toBe(
      'exclude the email name "u@a.test"',
    );
  });

  test.each(['a.test', '@a.test', 'u@', 'u@.a.test', 'u@a..test', 'u@a.test.', 'u@a.test..', ''])(
    'that is none, "%s", cannot be compared',
    (name) => {
      const sans = { email: [name] };
      for (const base of ['a.test', '.a.test', 'u@a.test']) {
        const seen = `cannot be compared with the email name "${name}"`;
        expect(violation({ permitted: { email: [base] } }, { sans })).toBe(seen);
        expect(violation({ excluded: { email: [base] } }, { sans })).toBe(seen);
      }
    },
  );

  test('whose mailbox is not ASCII (SmtpUTF8Mailbox) cannot be compared, but is constrained', () => {
    const sans = { raw: [otherName('1.3.6.1.5.5.7.8.9', text('utf8', 'ü@a.test'))] };
    const seen = 'cannot be compared with a name that cannot be read';
    expect(violation({ permitted: { email: ['a.test'] } }, { sans })).toBe(seen);
    expect(violation({ excluded: { email: ['b.test'] } }, { sans })).toBe(seen);
    expect(violation({ permitted: { dns: ['a.test'] } }, { sans })).toBeUndefined();
  });

  test('in a name of the form otherName is constrained as such too', () => {
    const sans = { raw: [otherName('1.3.6.1.5.5.7.8.9', text('utf8', 'ü@a.test'))] };
    const excluded = { raw: [otherName('1.2.3', text('utf8', 'x'))] };
    const seen = violation({ excluded, critical: false }, { sans });
    expect(seen).toBe('cannot be compared with a name that cannot be read: one is of an unknown kind');
  });

  test('is checked in the subject too, with and without subjectAltName', () => {
    const name = [[email('u@a.test')]];
    for (const sans of [null, { email: ['u@b.test'] }]) {
      expect(violation({ excluded: { email: ['a.test'] } }, { name, sans })).toBe(
        'exclude the email name "u@a.test"',
      );
      expect(violation({ excluded: { email: ['c.test'] } }, { name, sans })).toBeUndefined();
    }
    const several = [[email('u@b.test')], [{ ...email('x'), oid: '2.5.4.3' }, email('u@a.test', 'utf8')]];
    expect(violation({ excluded: { email: ['a.test'] } }, { name: several })).toBe(
      'exclude the email name "u@a.test"',
    );
    // An attribute of another type is not an email address.
    const other = [[{ ...email('u@a.test'), oid: '2.5.4.3' }]];
    expect(violation({ excluded: { email: ['a.test'] } }, { name: other })).toBeUndefined();
  });

  test('in the subject that is not a string cannot be compared', () => {
    const attribute = sequence(Buffer.from('06092a864886f70d010901', 'hex'), integer(5));
    const name = sequence(element(0x31, attribute));
    expect(violation({ excluded: { email: ['a.test'] } }, { name })).toBe(
      'cannot be compared with a name that cannot be read',
    );
    expect(violation({ excluded: { dns: ['a.test'] } }, { name })).toBeUndefined();
  });
});

describe('a URI', () => {
  test.each<[base: string, name: string, isIn: boolean]>([
    ['a.test', 'https://a.test', true],
    ['a.test', 'https://a.test/b', true],
    ['a.test', 'HTTPS://A.Test/', true],
    ['A.TEST', 'https://a.test/', true],
    ['a.test', 'https://a.test:8443/', true],
    ['a.test', 'https://a.test:/', true],
    ['a.test', 'https://a.test:8443', true],
    ['a.test', 'https://a.test:1?b:c', true],
    ['a.test', 'https://a.test:1/b:c@d', true],
    ['a.test', 'https://a.test/b?c@d#e', true],
    ['a.test', 'a+b-c.1://a.test', true],
    ['a.test', 'https://b.a.test/', false],
    ['a.test', 'https://ba.test/', false],
    ['a.test', 'https://b.test/a.test', false],
    ['a.test', 'https://b.test/@a.test', false],
    ['.a.test', 'https://b.a.test/', true],
    ['.A.test', 'https://c.b.a.test:1/', true],
    ['.a.test', 'https://a.test/', false],
    ['.a.test', 'https://ba.test/', false],
    ['test', 'spiffe://test/x', true],
    ['a1.0x', 'https://a1.0x1z/', false],
    ['1a.a1', 'https://1a.a1/', true],
  ])('of the base "%s" is %s: %p', (base, name, isIn) => {
    const sans = { uri: [name] };
    expect(violation({ permitted: { uri: [base] } }, { sans })).toBe(
      isIn ? undefined : `do not permit the uri name "${name}"`,
    );
    expect(violation({ excluded: { uri: [base] } }, { sans })).toBe(
      isIn ? `exclude the uri name "${name}"` : undefined,
    );
  });

  test.each([
    'urn:uuid:1',
    'mailto:u@a.test',
    'a.test',
    '//a.test/',
    '://a.test',
    '1s://a.test',
    ' https://a.test',
    'https:/a.test',
    'https:///a.test',
    'https://',
    'https://@',
    'https://:1/',
    'https://u@/',
    'https://a..test/',
    'https://.a.test/',
    'https://a.test../',
    'https://1.2.3.4/',
    'https://1.2.3.4./',
    'https://1.2.3.4:1/',
    'https://16909060/',
    'https://0x1020304/',
    'https://1.2.3.0x4/',
    'https://a.1/',
    'https://a.0x/',
    'https://a.0XFF/',
    'https://[::1]/',
    'https://[::1]:1/',
    'https://b.test:x/',
    'https://b.test\\@a.test/',
    'https://b.test\\.a.test/',
    'https://x@b.test@a.test/',
    'https://u@a.test/',
    'https://u:p@a.test:1/',
    'https://@a.test/',
    'https://a.test@b.test/',
    'https://a.test:p@b.test/',
    'https://a.test./',
    'https://a.test?b',
    'https://a.test#b',
    'https://a.test/b:c',
    'https://b%2etest/',
    'https://b test/',
    'https://*.a.test/',
  ])('without a host, or with one that readers differ on, cannot be compared: %s', (name) => {
    const seen = `cannot be compared with the uri name "${name}"`;
    expect(violation({ permitted: { uri: ['a.test'] } }, { sans: { uri: [name] } })).toBe(seen);
    expect(violation({ excluded: { uri: ['z.test'] } }, { sans: { uri: [name] } })).toBe(seen);
  });
});

describe('an IP address', () => {
  const net = raw([10, 1, 0, 0, 255, 255, 0, 0]);
  const odd = raw([10, 1, 2, 3, 255, 255, 254, 0]);
  const net6 = raw(
    Buffer.from('20010db8000000000000000000000000', 'hex'),
    Buffer.from('ffffffff800000000000000000000000', 'hex'),
  );
  const all4 = Buffer.alloc(8);
  const all6 = Buffer.alloc(32);

  test.each<[what: string, base: Buffer, name: string, isIn: boolean]>([
    ['10.1/16', net, '10.1.0.0', true],
    ['10.1/16', net, '10.1.255.255', true],
    ['10.1/16', net, '10.2.0.0', false],
    ['10.1/16', net, '11.1.0.0', false],
    ['10.1.2.3/23', odd, '10.1.3.9', true],
    ['10.1.2.3/23', odd, '10.1.4.0', false],
    ['10.1/16', net, '2001:db8::', false],
    ['2001:db8::/33', net6, '2001:db8::1', true],
    ['2001:db8::/33', net6, '2001:db8:7fff::1', true],
    ['2001:db8::/33', net6, '2001:db8:8000::', false],
    ['2001:db8::/33', net6, '32.1.13.184', false],
    ['0/0', all4, '1.2.3.4', true],
    ['0/0', all4, '::', false],
    ['::/0', all6, '1:2:3:4:5:6:7:8', true],
    ['::/0', all6, '1.2.3.4', false],
  ])('of %s is %p %s: %p', (_what, base, name, isIn) => {
    const sans = { ip: [name] };
    expect(violation({ permitted: { ip: [base] } }, { sans })).toBe(
      isIn ? undefined : `do not permit the ip name "${name}"`,
    );
    expect(violation({ excluded: { ip: [base] } }, { sans })).toBe(
      isIn ? `exclude the ip name "${name}"` : undefined,
    );
  });
});

describe('a directory name', () => {
  const base = { organization: 'Example', organizationalUnit: 'eng' };

  test.each<[what: string, names: CertificateOptions, isIn: boolean]>([
    ['itself', { commonName: [], ...base }, true],
    ['below', { commonName: 'x', ...base }, true],
    ['in another letter case', { commonName: 'x', organization: 'EXAMPLE', organizationalUnit: 'Eng' }, true],
    ['above', { commonName: [], organization: 'Example' }, false],
    ['beside', { commonName: 'x', organization: 'Example', organizationalUnit: 'ops' }, false],
    ['elsewhere', { commonName: 'x', organization: 'Other', organizationalUnit: 'eng' }, false],
  ])('%s: the subject', (_what, names, isIn) => {
    const certificate = certificateOf(names);
    const of = (given: Case): string | undefined =>
      findViolation(constraintsOf(given), certificate, true, { left: 100 });
    const described = certificate.subject.describe();
    expect(of({ permitted: { directoryName: [base] } })).toBe(
      isIn ? undefined : `do not permit the directoryName name "${described}"`,
    );
    expect(of({ excluded: { directoryName: [base] } })).toBe(
      isIn ? `exclude the directoryName name "${described}"` : undefined,
    );
  });

  test('of subjectAltName is one more', () => {
    const sans = { directoryName: [{ commonName: 'x', organization: 'Other' }] };
    expect(violation({ permitted: { directoryName: [base] } }, { sans })).toBe(
      'do not permit the directoryName name "CN=x,O=Other"',
    );
    expect(violation({ excluded: { directoryName: [{ organization: 'Other' }] } }, { sans })).toBe(
      'exclude the directoryName name "CN=x,O=Other"',
    );
  });

  test('that is empty is none in the subject, and as a base it is above all', () => {
    expect(violation({ permitted: { directoryName: [base] } }, { name: [] })).toBeUndefined();
    expect(violation({ excluded: { directoryName: [{ name: [] }] } }, { name: [] })).toBeUndefined();
    const sans = { directoryName: [{ commonName: 'x' }] };
    expect(violation({ permitted: { directoryName: [{ name: [] }] } }, { sans })).toBeUndefined();
    expect(violation({ excluded: { directoryName: [{ name: [] }] } }, { sans })).toBe(
      'exclude the directoryName name "CN=x"',
    );
  });
});

describe('a commonName that looks like a host', () => {
  const named = (commonName: string, sans: AltNameOptions | null = null): CertificateOptions => ({
    name: [[{ oid: '2.5.4.3', type: 'utf8', value: commonName }]],
    sans,
  });
  const given = { permitted: { dns: ['a.test'] } };

  test.each(['b.test', 'B.Test', '*.b.test', 'x_y-1.b.test', '10.0.0.1'])(
    '%s is constrained as one, of the last certificate alone',
    (commonName) => {
      expect(violation(given, named(commonName))).toBe(`do not permit the dns name "${commonName}"`);
      expect(violation(given, named(commonName), false)).toBeUndefined();
    },
  );

  test('with a trailing dot cannot be compared', () => {
    expect(violation(given, named('a.test.'))).toBe('cannot be compared with the dns name "a.test."');
  });

  test('counts only if subjectAltName has no DNS name', () => {
    expect(violation(given, named('b.test', { dns: ['a.test'] }))).toBeUndefined();
    expect(violation(given, named('b.test', { email: ['u@a.test'] }))).toBe(
      'do not permit the dns name "b.test"',
    );
    expect(violation(given, named('c.a.test'))).toBeUndefined();
  });

  test.each([
    'client',
    'b test.b',
    'b..test',
    '.b.test',
    '*b.test',
    'a.*.test',
    'b.test..',
    'u@b.test',
    'é.test',
    'b.test\n',
  ])('"%s" does not', (commonName) => {
    expect(violation(given, named(commonName))).toBeUndefined();
  });

  test('of several, each', () => {
    const names = ['client', 'b.test'].map((value) => [{ oid: '2.5.4.3', type: 'utf8', value } as const]);
    expect(violation(given, { name: names })).toBe('do not permit the dns name "b.test"');
    const other = [[{ oid: '2.5.4.10', type: 'utf8', value: 'b.test' } as const]];
    expect(violation(given, { name: other })).toBeUndefined();
  });
});

describe('a constraint that nothing can be compared with', () => {
  const unknown = { raw: [otherName('1.2.3', text('utf8', 'x'))] };
  const malformed = { dns: ['*.a.test'] };
  const seen = 'cannot be checked: one is of an unknown kind';
  const met = /^cannot be compared with .*: one is of an unknown kind$/;

  test.each<[list: string, names: (names: AltNameOptions) => Case]>([
    ['permitted', (names) => ({ permitted: names })],
    ['excluded', (names) => ({ excluded: names })],
  ])('%s: refuses every client if it is critical', (_list, of) => {
    expect(violation(of(unknown), {})).toBe(seen);
    expect(violation(of(malformed), {})).toBe('cannot be checked: one "*.a.test" is no dns constraint');
  });

  test.each<[list: string, names: (names: AltNameOptions) => Case]>([
    ['permitted', (names) => ({ permitted: names, critical: false })],
    ['excluded', (names) => ({ excluded: names, critical: false })],
  ])('%s: if not critical, admits clients without such a name, unless it is malformed', (_list, of) => {
    expect(violation(of(unknown), {})).toBeUndefined();
    expect(violation(of(unknown), { sans: { dns: ['a.test'] } })).toBeUndefined();
    expect(violation(of(unknown), { sans: { raw: [element(0x88, raw([0x2a]))] } })).toBeUndefined();
    expect(violation(of(unknown), { sans: unknown })).toMatch(met);
    expect(violation(of(unknown), { sans: { dns: ['a.test'], upn: ['u@a.test'] } })).toMatch(met);
    const garbled = otherName('1.3.6.1.4.1.311.20.2.3', text('utf8', raw([0xff])));
    expect(violation(of(unknown), { sans: { raw: [garbled] } })).toMatch(met);
    expect(violation(of(malformed), {})).toBe('cannot be checked: one "*.a.test" is no dns constraint');
  });

  test('of another kind only applies to names of that kind', () => {
    const registered = { raw: [element(0x88, raw([0x2a]))] };
    const of = { permitted: registered, critical: false };
    expect(violation(of, { sans: unknown })).toBeUndefined();
    expect(violation(of, { sans: registered })).toMatch(met);
  });
});

describe('a name that cannot be read', () => {
  test.each<[kind: 'dns' | 'email' | 'uri', tag: number]>([
    ['email', 0x81],
    ['dns', 0x82],
    ['uri', 0x86],
  ])('is of the kind that it would be: %s', (kind, tag) => {
    const sans = { raw: [element(tag, Buffer.from('é', 'latin1'))] };
    for (const one of ['dns', 'email', 'uri'] as const)
      expect(violation({ excluded: { [one]: ['a.test'] } }, { sans })).toBe(
        one === kind ? 'cannot be compared with a name that cannot be read' : undefined,
      );
  });
});

describe('the budget of comparisons', () => {
  const given = {
    permitted: { dns: ['a.test', 'b.test'] },
    excluded: { dns: ['c.test'], email: ['d.test'] },
  };
  const sans = { dns: ['a.test', 'x.a.test'], ip: ['1.2.3.4'] };
  const spent = 'exceed the comparison limit for the names';

  // Of each of the two names three constraints, and one for each name and each constraint: 2 * 3 + 3 + 4.
  test('is spent by what is compared, and by each name and constraint', () => {
    const certificate = certificateOf({ name: [], sans });
    const enough = { left: 13 };
    expect(findViolation(constraintsOf(given), certificate, true, enough)).toBeUndefined();
    expect(enough.left).toBe(0);
    expect(findViolation(constraintsOf(given), certificate, true, { left: 12 })).toBe(spent);
    expect(findViolation(constraintsOf(given), certificate, true, { left: 0 })).toBe(spent);
  });

  test('constraints of other kinds are looked at once, not once for each name', () => {
    let looks = 0;
    const size = 300;
    const excluded = Array.from({ length: size }, () => ({
      get tag() {
        looks++;
        return 0x81;
      },
      kind: 'email' as const,
      base: 'a.test',
      local: undefined,
    }));
    const certificate = certificateOf({
      name: [],
      sans: { dns: Array.from({ length: size }, (_, index) => `n${index}.test`) },
    });
    const constraints = { permitted: [], excluded, isCritical: true, fault: undefined };
    expect(findViolation(constraints, certificate, true, { left: 2 * size })).toBeUndefined();
    expect(looks).toBeLessThan(10 * size);
  });
});
