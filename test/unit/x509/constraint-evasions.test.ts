import { describe, expect, test } from '@jest/globals';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { findViolation } from '../../../src/x509/constrained-names.js';
import { maxComparisons } from '../../../src/x509/path-rules.js';
import { attributeTypes, ca, type CertificateOptions } from '../../support/chain.js';
import { fastestTurn } from '../../support/cpu-time.js';
import { element, oid, sequence, set } from '../../support/der-writer.js';
import { type AltNameOptions } from '../../support/names.js';
import { nameConstraints } from '../../support/path-extensions.js';

const root = ca('root');

interface Constraints {
  readonly permitted?: AltNameOptions;
  readonly excluded?: AltNameOptions;
  readonly critical?: boolean;
}

/** What the constraints of a CA say of one of its clients. */
function violation(constraints: Constraints, client: CertificateOptions): string | undefined {
  const middle = root.intermediate({
    commonName: 'middle',
    extraExtensions: [nameConstraints(constraints)],
  });
  const [above, leaf] = [middle, middle.client(client)].map(({ der }) => parseCertificate(der));
  if (above?.nameConstraints === undefined || leaf === undefined) throw new Error('there are no constraints');
  return findViolation(above.nameConstraints, leaf, true, { left: maxComparisons });
}

const email = (value: string, type: 'utf8' | 'ia5' | 'bmp' = 'utf8'): CertificateOptions => ({
  name: [[{ oid: attributeTypes.emailAddress, type, value }]],
});

describe('an email constraint', () => {
  test('with nothing before the @ is that of the host', () => {
    const constraints = { permitted: { email: ['@A.example'] } };
    expect(violation(constraints, { sans: { email: ['x@a.example'] } })).toBeUndefined();
    expect(violation(constraints, { sans: { email: ['x@b.a.example'] } })).toContain('do not permit');
  });

  test.each<[string, CertificateOptions]>([
    ['in letters of full width', email('x@\uff41.example')],
    [
      'in a type that is no string',
      {
        name: sequence(
          set(sequence(oid(attributeTypes.emailAddress), element(0x04, Buffer.from('x@a.example')))),
        ),
      },
    ],
    ['with an empty label', email('x@a.example..', 'ia5')],
    ['with quotes', { sans: { email: ['"x"@a.example'] } }],
  ])('that excludes does not pass an address %s', (_what, client) => {
    expect(violation({ excluded: { email: ['x@a.example', 'a.example'] } }, client)).toMatch(
      /compared|exclude/,
    );
    expect(violation({ excluded: { email: ['x@a.example'] } }, client)).toContain('cannot be compared');
  });

  test('of a mailbox counts with a dot behind the host', () => {
    expect(violation({ excluded: { email: ['x@a.example'] } }, email('X@A.example.', 'bmp'))).toContain(
      'cannot be compared',
    );
  });
});

test.each([
  ['an empty label', 'a..example'],
  ['a dot in front', '.a.example'],
  ['two dots behind', 'a.example..'],
  ['nothing in it', ''],
  ['more than 255 characters', `${'x.'.repeat(128)}a.example`],
])('a host name with %s is not compared', (_what, name) => {
  const sans = { dns: [name] };
  expect(violation({ excluded: { dns: ['a.example'] } }, { sans })).toContain('cannot be compared');
});

describe('names and constraints by the thousand', () => {
  const many = Array.from({ length: 5000 }, (_, index) => `a.${index.toString(36)}`);
  const names = Array.from({ length: 4000 }, (_, index) => `x${index}.a`);
  const long = 'x'.repeat(40_000);

  test.each<[string, AltNameOptions, AltNameOptions]>([
    ['of kinds that do not meet', { email: many }, { dns: names }],
    ['that are not known', { raw: many.map(() => element(0x88, Buffer.from([0x2a]))) }, { dns: names }],
    ['for one long host', { dns: many }, { dns: [long] }],
    ['for one long URI', { uri: many }, { uri: [`https://${long}`] }],
    ['for one long email address', { email: many }, { email: [`${long}@a`] }],
    [
      'of addresses',
      { ip: many.slice(0, 1500).map(() => Buffer.alloc(32, 0xff)) },
      { ip: Array<string>(33).fill('::1') },
    ],
  ])('take no time: %s', (_what, excluded, sans) => {
    const middle = root.intermediate({ extraExtensions: [nameConstraints({ excluded })] });
    const constraints = parseCertificate(middle.der).nameConstraints;
    const leaf = parseCertificate(root.client({ sans }).der);
    if (constraints === undefined) throw new Error('there are no constraints');
    expect(fastestTurn(() => findViolation(constraints, leaf, true, { left: maxComparisons }))).toBeLessThan(
      75,
    );
  });
});
