/**
 * All give the same verdict: the gate at the handshake, `mtls.explain()`, `doctor` and `inspect`.
 *
 * @module
 */
import { describe, expect, test } from '@jest/globals';
import { ca, type Certificate, type CertificateAuthority, purposes } from '../support/chain.js';
import { tlsVersions } from '../support/client.js';
import { runCommand } from '../support/command.js';
import { namedBits, sequence } from '../support/der-writer.js';
import { writeMaterial } from '../support/files.js';
import {
  authorityCertificate,
  certificatePolicies,
  nameConstraints,
  policyConstraints,
} from '../support/path-extensions.js';
import { startServer } from '../support/server.js';

interface Scene {
  readonly root: CertificateAuthority;
  /** The configured CAs. @defaultValue `root` */
  readonly cas?: readonly CertificateAuthority[];
  readonly client: Certificate;
  /** What the client sends. @defaultValue its certificate */
  readonly chain?: string;
}

interface Kind {
  readonly what: string;
  readonly make: (root: CertificateAuthority) => Omit<Scene, 'root'>;
  /** `undefined`: it is admitted. */
  readonly reason?: string;
  readonly detail?: RegExp;
}

const below = (
  root: CertificateAuthority,
  middle: CertificateAuthority,
  client: Certificate,
): Omit<Scene, 'root'> => ({
  cas: [root, middle],
  client,
});

const kinds: readonly Kind[] = [
  {
    what: 'an authorityKeyIdentifier that is critical',
    make: (root) => ({
      client: root.client({
        authorityKeyId: false,
        extraExtensions: [{ oid: '2.5.29.35', critical: true, value: sequence() }],
      }),
    }),
    reason: 'unsupported-extension',
    detail: /^it has the critical extension authorityKeyIdentifier \(2\.5\.29\.35\)/,
  },
  {
    what: 'an authorityKeyIdentifier that names the old certificate of a renewed CA',
    make: (root) => {
      const old = root.intermediate('middle');
      const client = old.client({ authorityKeyId: false, extraExtensions: [authorityCertificate(old)] });
      return below(root, old.reissue(), client);
    },
    reason: 'untrusted',
    detail: /authorityKeyIdentifier \(2\.5\.29\.35\) names another certificate of that name/,
  },
  {
    what: 'an authorityKeyIdentifier that names the certificate of its CA',
    make: (root) => {
      const middle = root.intermediate('middle');
      const client = middle.client({
        authorityKeyId: false,
        extraExtensions: [authorityCertificate(middle)],
      });
      return below(root, middle, client);
    },
  },
  {
    what: 'an intermediate for servers alone',
    make: (root) => {
      const middle = root.intermediate({ commonName: 'middle', extendedKeyUsage: [purposes.serverAuth] });
      return below(root, middle, middle.client());
    },
    reason: 'not-permitted',
    detail: /^"CN=middle", a CA above it, is only for serverAuth .*\(extendedKeyUsage\)/,
  },
  {
    what: 'an intermediate for any purpose, which OpenSSL does not take for clients',
    make: (root) => {
      const middle = root.intermediate({ commonName: 'middle', extendedKeyUsage: [purposes.any] });
      return below(root, middle, middle.client());
    },
    reason: 'not-permitted',
    detail: /^"CN=middle", a CA above it, is only for /,
  },
  {
    what: 'a keyUsage of keyEncipherment alone',
    make: (root) => ({ client: root.client({ keyUsage: ['keyEncipherment'] }) }),
    reason: 'wrong-purpose',
    detail: /^its keyUsage \(2\.5\.29\.15\) lacks digitalSignature/,
  },
  ...[
    { who: 'servers', bits: [1], reason: 'wrong-purpose', detail: /^its nsCertType .* is not for clients/ },
    { who: 'clients', bits: [0] },
  ].map(({ who, bits, ...outcome }): Kind => ({
    what: `an nsCertType for ${who}, critical`,
    make: (root) => ({
      client: root.client({
        extraExtensions: [{ oid: '2.16.840.1.113730.1.1', critical: true, value: namedBits(bits) }],
      }),
    }),
    ...outcome,
  })),
  {
    what: 'a keyUsage of keyAgreement',
    make: (root) => ({ client: root.client({ keyUsage: ['keyAgreement'] }) }),
  },
  ...(
    [
      ['dns', { dns: ['a.example'] }, { dns: ['b.example'] }, { dns: ['x.a.example'] }],
      ['email', { email: ['a.example'] }, { email: ['x@b.example'] }, { email: ['x@a.example'] }],
      [
        'uri',
        { uri: ['.a.example'] },
        { uri: ['spiffe://a.example/x'] },
        { uri: ['spiffe://x.a.example/x'] },
      ],
      ['ip', { ip: [Buffer.from('0a000000ff000000', 'hex')] }, { ip: ['192.0.2.1'] }, { ip: ['10.1.2.3'] }],
    ] as const
  ).flatMap(([kind, permitted, outside, inside]): Kind[] => {
    const make =
      (sans: typeof outside | typeof inside) =>
      (root: CertificateAuthority): Omit<Scene, 'root'> => {
        const middle = root.intermediate({
          commonName: 'middle',
          extraExtensions: [nameConstraints({ permitted })],
        });
        return below(root, middle, middle.client({ sans }));
      };
    return [
      {
        what: `a ${kind} name that a CA may not certify`,
        make: make(outside),
        reason: 'not-permitted',
        detail: new RegExp(
          `^the nameConstraints \\(2\\.5\\.29\\.30\\) of "CN=middle" do not permit the ${kind} name "`,
        ),
      },
      { what: `a ${kind} name that a CA may certify`, make: make(inside) },
    ];
  }),
  {
    what: 'a name of the directory that a CA may not certify',
    make: (root) => {
      const excluded = { directoryName: [{ commonName: 'client' }] };
      const middle = root.intermediate({
        commonName: 'middle',
        extraExtensions: [nameConstraints({ excluded })],
      });
      return below(root, middle, middle.client());
    },
    reason: 'not-permitted',
    detail: /exclude the directoryName name "CN=client"/,
  },
  {
    what: 'a commonName that is a host, and that a CA may not certify',
    make: (root) => {
      const permitted = { dns: ['a.example'] };
      const middle = root.intermediate({
        commonName: 'middle',
        extraExtensions: [nameConstraints({ permitted })],
      });
      return below(root, middle, middle.client('x.b.example'));
    },
    reason: 'not-permitted',
    detail: /do not permit the dns name "x\.b\.example"/,
  },
  {
    what: 'more CAs than one above it allows',
    make: (root) => {
      const middle = root.intermediate({ commonName: 'middle', pathLength: 0 });
      const lower = middle.intermediate('lower');
      return { cas: [root, middle, lower], client: lower.client() };
    },
    reason: 'not-permitted',
    detail: /^"CN=middle" may have 0 CAs below it/,
  },
  {
    what: 'a signature with SHA-1',
    make: (root) => ({ client: root.client({ hash: 'sha1' }) }),
    reason: 'weak-signature',
    detail: /^it is signed with SHA-1 \(signatureAlgorithm 1\.2\.840\.10045\.4\.1\)/,
  },
  {
    what: 'a CA whose certificate is signed with SHA-1',
    make: (root) => {
      const middle = root.intermediate({ commonName: 'middle', hash: 'sha1' });
      return below(root, middle, middle.client());
    },
    reason: 'weak-signature',
    detail: /^"CN=middle", a CA above it, is signed with SHA-1/,
  },
  {
    what: 'no policy, below a CA that requires one',
    make: (root) => {
      const extraExtensions = [
        certificatePolicies('1.2.3.4'),
        policyConstraints({ requireExplicitPolicy: 0 }),
      ];
      const middle = root.intermediate({ commonName: 'middle', extraExtensions });
      return below(root, middle, middle.client());
    },
    reason: 'not-permitted',
    detail: /^it has no certificate policy in common with the certificates above it/,
  },
];

describe.each(tlsVersions)('one verdict over %s', (version) => {
  test.each(kinds)('on $what', async ({ make, reason, detail = /./ }) => {
    const root = ca('ca');
    const { cas = [root], client } = make(root);
    const crl = cas.map((one) => one.crl().pem).join('');
    const server = await startServer({ root, cas, crl });
    const answer = await server
      .as(client, { version, chain: client.pem, ciphers: 'DEFAULT@SECLEVEL=0' })
      .get();
    const [refused] = server.recorder.events('refused');
    const explained = server.mtls.explain(client.der);
    const files = writeMaterial(server.directory, {
      'client.pem': client.pem,
      'cas.pem': cas.map(({ pem }) => pem).join(''),
    });
    const { 'client.pem': cert, 'cas.pem': caFile } = files;
    const json = async (...args: string[]): Promise<unknown> =>
      JSON.parse((await runCommand([...args, '--json'])).out);
    const doctor = (await json('doctor', '--cert', cert, '--ca', caFile, '--crl', server.files.crl)) as {
      verdict: { letIn: boolean; reason?: string; text: string };
    };
    const inspected = (await json('inspect', cert, '--ca', caFile, '--as', 'client')) as {
      items: { refusals?: { reason: string; detail: string }[] }[];
    };
    const refusals = inspected.items[0]?.refusals ?? [];
    expect({
      gate: refused?.reason,
      explain: explained.reason,
      doctor: doctor.verdict.reason,
      inspect: refusals[0]?.reason,
    }).toEqual({ gate: reason, explain: reason, doctor: reason, inspect: reason });
    expect(answer.status).toBe(reason === undefined ? 200 : 'refused');
    if (reason === undefined) return;
    expect(refused?.detail).toMatch(detail);
    expect(refused?.remedy).toBeDefined();
    expect(explained.checks.find(({ passed }) => !passed)?.detail).toMatch(detail);
    if (reason !== 'untrusted') expect(doctor.verdict.text).toContain(refused?.detail);
    expect(refusals[0]?.detail).toMatch(detail);
  });
});
