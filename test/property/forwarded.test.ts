/**
 * Headers with certificates, whatever is in them: what was written is read, and what
 * was changed is a fault or stays what it says. `FUZZ_RUNS` as in hostile-bytes.test.ts.
 *
 * @module
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  findForwarded,
  isFault,
  readForwarded,
  writeForwarded,
} from '../../src/forwarded/forwarded-certificate.js';
import type { ForwardedCertificate } from '../../src/forwarded/certificates.js';
import type { ForwardedFault } from '../../src/forwarded/forwarded-certificate.js';
import { checkForwardedHeader, headersToStrip } from '../../src/forwarded/forwarded-header.js';
import type { ForwardedHeader, ForwardedPreset } from '../../src/forwarded/forwarded-header.js';
import { withoutHeaders } from '../../src/forwarded/strip-headers.js';
import { attributeTypes, ca } from '../support/chain.js';
import { startCpuClock } from '../support/cpu-time.js';
import { sequence } from '../support/der-writer.js';
import { pemOf, proxies, sendsChain, sfBytes, traefikValue } from '../support/forwarded.js';
import { bytes, mutations, place } from '../support/mutations.js';
import { runs } from '../support/runs.js';

// For each of fourteen presets.
const numRuns = Math.ceil(runs(200) / 5);
// Generous: what is looked for takes seconds.
const limitMs = 1000;
const timeout = Math.max(30_000, numRuns * 50);

const root = ca('root');
const east = root.intermediate('east');
const certificates = [
  root,
  east,
  east.client('client1'),
  east.client({ commonName: 'client2', key: 'rsa2048' }),
  east.client({
    name: [[{ oid: attributeTypes.commonName, type: 'utf8', value: 'Příklad, "a"; b\\' }]],
    sans: { uri: ['spiffe://a.test/b?c=d'], dns: ['a.test'] },
  }),
].map(({ der }) => der);
// Any bytes in a SEQUENCE: every digit of base64, every kind of padding.
const certificate = fc.oneof(
  fc.constantFrom(...certificates),
  bytes(600).map((content) => sequence(content)),
);
const chainOf = fc.array(certificate, { maxLength: 9 });

const presets = Object.keys(proxies) as ForwardedPreset[];
const headers = new Map(presets.map((preset) => [preset, checkForwardedHeader(preset, 'proxies.header')]));
const headerOf = (preset: ForwardedPreset): ForwardedHeader => headers.get(preset) as ForwardedHeader;

function read(
  rawHeaders: readonly string[],
  header: ForwardedHeader,
): ForwardedCertificate | ForwardedFault | undefined {
  const cpuTime = startCpuClock();
  const lines = findForwarded(rawHeaders, header);
  const result = lines === undefined || isFault(lines) ? lines : readForwarded(lines, header);
  const elapsed = cpuTime();
  if (elapsed > limitMs) throw new Error(`took ${elapsed} ms`);
  return result;
}

/** Certificates as text, which is compared much faster than Buffers; a fault as it is. */
function textOf(result: Pick<ForwardedCertificate, 'leaf' | 'chain'> | ForwardedFault | undefined): unknown {
  return result === undefined || isFault(result)
    ? result
    : [result.leaf, ...result.chain].map((der) => der.toString('base64'));
}

/** Checks that a fault tells little of what it is about, and that a certificate is what the value says. */
function isSound(value: string, header: ForwardedHeader, result: ReturnType<typeof read>): void {
  expect(result).toBeDefined();
  if (result === undefined) return;
  if (isFault(result)) {
    expect(`${result.seen}${result.expected}${result.remedy}`).toMatch(/^[^\p{C}]*$/u);
    expect(result.seen.length).toBeLessThan(250);
    return;
  }
  const { leaf, chain } = result;
  expect([leaf, ...chain].every((der) => der[0] === 0x30)).toBe(true);
  if (header.certificate.encoding === 'base64-der') expect(traefikValue(leaf, ...chain)).toBe(value);
  // Lines may be of any length.
  const joined = (text: string): string => text.replaceAll(/[ \n]/g, '');
  const pem = joined(pemOf(leaf, ...chain));
  if (header.certificate.encoding === 'spaced-pem') expect(joined(value)).toBe(pem);
  if (header.certificate.encoding === 'percent-pem') expect(joined(decodeURIComponent(value))).toBe(pem);
  if (header.certificate.encoding === 'rfc9440')
    expect(value.trimStart().startsWith(sfBytes(leaf))).toBe(true);
  if (header.certificate.encoding === 'xfcc')
    expect(decodeURIComponent(value.replaceAll(/%(?![0-9A-Fa-f]{2})/g, '')).replaceAll('\n', '')).toContain(
      joinedPem(leaf),
    );
}

const joinedPem = (der: Buffer): string => pemOf(der).replaceAll('\n', '');

describe.each(presets)('%s', (preset) => {
  const header = headerOf(preset);
  const write = proxies[preset];

  test('reads what the proxy wrote', () => {
    fc.assert(
      fc.property(certificate, chainOf, (leaf, above) => {
        // A chain that begins with the leaf is read without it.
        fc.pre(above[0]?.equals(leaf) !== true);
        const result = read(['Host', 'a.test', ...write(leaf, above)], header);
        expect(textOf(result)).toEqual(textOf({ leaf, chain: sendsChain.has(preset) ? above : [] }));
      }),
      { numRuns },
    );
  });

  test(
    'any value is a certificate that it holds, or a fault',
    () => {
      const name = header.certificate.name;
      fc.assert(
        fc.property(fc.oneof(fc.string({ unit: 'binary-ascii', maxLength: 200 }), bytes(200)), (input) => {
          const value = (typeof input === 'string' ? input : input.toString('latin1')).replaceAll('\n', '');
          isSound(value, header, read([name, value], header));
        }),
        { numRuns },
      );
    },
    timeout,
  );

  test(
    'so is a value that was changed',
    () => {
      const changed = fc.tuple(certificate, chainOf, mutations).map(([leaf, above, changes]) => {
        const [name = '', value = '', ...rest] = write(leaf, above);
        const bytesOfValue = changes.reduce<Buffer>(
          (input, change) => change(input),
          Buffer.from(value, 'latin1'),
        );
        return [name, bytesOfValue.toString('latin1').replaceAll('\n', ''), ...rest] as const;
      });
      fc.assert(
        fc.property(changed, (lines) => {
          const result = read(lines, header);
          const alone = result !== undefined && 'leaf' in result && header.chain !== undefined;
          isSound(lines[1], header, alone ? { ...result, chain: [] } : result);
        }),
        { numRuns },
      );
    },
    timeout,
  );

  test(
    'a value spliced or joined of two is never the certificate that came first',
    () => {
      const first = certificates[2] as Buffer;
      const second = certificates[3] as Buffer;
      const spoofed = write(first, [])[1] as string;
      const real = write(second, [])[1] as string;
      // These two hold a list by themselves, without white space: there a joined value is one of a proxy that lists.
      const isList = preset === 'traefik' || preset === 'aws-alb';
      const between = fc.constantFrom(
        ', ',
        ',\t',
        ' , ',
        ';',
        ' ',
        ':',
        '\t',
        ...(isList ? [] : [',', '', '%0A']),
      );
      fc.assert(
        fc.property(between, (separator) => {
          const result = read([header.certificate.name, `${spoofed}${separator}${real}`], header);
          expect(result).toHaveProperty('seen');
        }),
      );
      // An element of Envoy's may end behind Cert.
      if (preset === 'envoy') return;
      fc.assert(
        fc.property(place, place, (cut, from) => {
          const value =
            spoofed.slice(0, Math.floor(cut * spoofed.length)) + real.slice(Math.floor(from * real.length));
          const result = read([header.certificate.name, value], header);
          if (result !== undefined && 'leaf' in result && value !== spoofed)
            expect(result.leaf.equals(first)).toBe(false);
        }),
        { numRuns },
      );
    },
    timeout,
  );
});

test('what is written for a backend is read there', () => {
  fc.assert(
    fc.property(certificate, chainOf, (leaf, above) => {
      fc.pre(above[0]?.equals(leaf) !== true);
      const lines = Object.entries(writeForwarded(leaf, above)).flat();
      expect(textOf(read(lines, headerOf('rfc9440')))).toEqual(textOf({ leaf, chain: above }));
    }),
    { numRuns },
  );
});

describe('header lines in any order', () => {
  const header = headerOf('haproxy');
  const names = headersToStrip(header);
  const name = fc.oneof(
    fc.constantFrom(
      'client-cert',
      'Client-Cert',
      'CLIENT-CERT-CHAIN',
      'client_cert',
      'Host',
      'X-SSL-Client-Cert',
    ),
    fc.stringMatching(/^[A-Za-z_-]{1,20}$/),
  );
  const lines = fc
    .array(fc.tuple(name, fc.constantFrom(sfBytes(certificates[2] as Buffer), '', '::', 'a')), {
      maxLength: 8,
    })
    .map((pairs) => pairs.flat());

  test('nothing of them throws, and a certificate comes from one line alone', () => {
    fc.assert(
      fc.property(lines, (rawHeaders) => {
        const result = read(rawHeaders, header);
        const found = rawHeaders.filter(
          (text, index) => index % 2 === 0 && text.toLowerCase() === 'client-cert',
        );
        if (result !== undefined && 'leaf' in result) expect(found).toHaveLength(1);
        if (result === undefined) expect(found).toHaveLength(0);
      }),
      { numRuns },
    );
  });

  test('those that are left have none of the names, and the others are all there', () => {
    fc.assert(
      fc.property(lines, (rawHeaders) => {
        const isNamed = (text: string): boolean => names.has(text.toLowerCase().replaceAll('_', '-'));
        const left = withoutHeaders(rawHeaders, names);
        const expected = rawHeaders.filter((_, index) => !isNamed(rawHeaders[index - (index % 2)] as string));
        expect(left).toEqual(expected);
        expect(read(left, header)).toBeUndefined();
      }),
      { numRuns },
    );
  });
});

describe('time stays in proportion to the value', () => {
  const longest = 65_536;
  const filled = (unit: string): string => unit.repeat(Math.ceil(longest / unit.length)).slice(0, longest);

  test.each([
    ['percents', '%'],
    ['escapes', '%2D'],
    ['BEGIN lines', '-----BEGIN%20CERTIFICATE-----%0A'],
    ['BEGIN lines of Apache', '-----BEGIN CERTIFICATE----- '],
    ['spaces', ' '],
    ['colons', ':'],
    ['empty Byte Sequences', '::,'],
    ['parameters', ';a'],
    ['commas', ','],
    ['digits of base64', 'A'],
    ['padding', '='],
    ['pairs', 'By=a;'],
    ['quotes', '"'],
    ['backslashes', '\\'],
    ['escaped quotes', '\\"'],
    ['braces', '{'],
    ['short SEQUENCEs in base64', 'MAAwADAA'],
  ])('%s', (_what, unit) => {
    const values = [
      filled(unit),
      `:${filled(unit)}`.slice(0, longest),
      `:AAAA:;a="${filled(unit)}`.slice(0, longest),
      `Cert="${filled(unit)}`.slice(0, longest),
      `-----BEGIN CERTIFICATE----- ${filled(unit)}`.slice(0, longest),
    ];
    for (const header of headers.values())
      for (const value of values) {
        expect(read([header.certificate.name, value], header)).toHaveProperty('seen');
      }
  });
});
