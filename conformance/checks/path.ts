/**
 * Certification paths: the structures of PKITS, with new keys, over TLS.
 *
 * @module
 */
import {
  attributeTypes,
  ca,
  type Certificate,
  type CertificateAuthority,
  type CertificateOptions,
} from '../../test/support/chain.js';
import type { ExtraExtension } from '../../test/support/extensions.js';
import { generateKey } from '../../test/support/signing.js';
import {
  authorityCertificate,
  certificatePolicies,
  inhibitAnyPolicy,
  nameConstraints,
  policyConstraints,
  policyMappings,
} from '../../test/support/path-extensions.js';
import { distinguishedName } from '../../test/support/names.js';
import type { Check } from '../check.js';
import type { ClientCertificate } from '../harness/client.js';
import { admission, refusal, type Trial } from './trials.js';

const hour = 3_600_000;
const [gold, silver] = ['2.16.840.1.101.3.2.1.48.1', '2.16.840.1.101.3.2.1.48.2'] as const;

/** One path: what an intermediate says, and what the client below it is. */
interface Below {
  readonly id: Check['id'];
  readonly sentence: string;
  readonly reference: string;
  readonly steps: string;
  readonly middle: CertificateOptions;
  readonly client?: CertificateOptions;
  /** What the root says. */
  readonly root?: CertificateOptions;
}

/** Root and intermediates, each with a CRL that lists no certificate. A client of the root is served beside. */
function under(
  cas: readonly CertificateAuthority[],
  client: ClientCertificate,
  beside: ClientCertificate,
): Trial {
  return { cas, crls: cas.map((each) => each.crl()), client, beside };
}

function trialOf({ root: ofRoot = {}, middle, client = {} }: Below): Trial {
  // The good client has a root of its own: the limits of this root must not concern it.
  const [root, other] = [ca({ commonName: 'root', ...ofRoot }), ca('other')];
  const below = root.intermediate({ commonName: 'middle', ...middle });
  return under([root, below, other], below.client(client), other.client());
}

const refused = (given: Below): Check => refusal({ ...textOf(given), trial: () => trialOf(given) });
const served = (given: Below): Check => admission({ ...textOf(given), trial: () => trialOf(given) });

function textOf({
  id,
  sentence,
  reference,
  steps,
}: Below): Pick<Below, 'id' | 'sentence' | 'reference' | 'steps'> {
  return { id, sentence, reference, steps };
}

export const pathChecks: readonly Check[] = [
  refusal({
    id: 'path.length',
    sentence: 'A CA of path length 0 has no CA below it.',
    reference: 'RFC 5280 section 4.2.1.9; PKITS 4.6.5',
    steps: 'Root, an intermediate of path length 0, another intermediate, client.',
    trial: () => {
      const [root, other] = [ca('root'), ca('other')];
      const first = root.intermediate({ commonName: 'first', pathLength: 0 });
      const second = first.intermediate('second');
      return under([root, first, second, other], second.client(), other.client());
    },
  }),
  refused({
    id: 'path.not-a-ca',
    sentence: 'A certificate that is no CA issues no certificates.',
    reference: 'RFC 5280 section 6.1.4 (k); PKITS 4.6.2',
    steps: 'A client’s certificate is used as an issuer; the client sends both.',
    middle: { isCa: false },
  }),
  refused({
    id: 'path.no-basic-constraints',
    sentence: 'A CA certificate without basicConstraints issues no certificates.',
    reference: 'RFC 5280 section 6.1.4 (k); PKITS 4.6.1',
    steps: 'The intermediate has no basicConstraints.',
    middle: { isCa: null },
  }),
  refused({
    id: 'path.no-cert-sign',
    sentence: 'A CA without keyCertSign issues no certificates.',
    reference: 'RFC 5280 section 6.1.4 (n); PKITS 4.7.1',
    steps: 'The intermediate has the key usage cRLSign alone.',
    middle: { keyUsage: ['cRLSign'] },
  }),
  refused({
    id: 'path.critical-in-ca',
    sentence: 'A client below a CA with an unknown critical extension is refused.',
    reference: 'RFC 5280 section 6.1.4 (o); PKITS 4.16.2',
    steps: 'The intermediate has an unknown critical extension.',
    middle: {
      extraExtensions: [
        { oid: '1.3.6.1.4.1.55738.999.1', critical: true, value: Buffer.from('0500', 'hex') },
      ],
    },
  }),
  refused({
    id: 'path.expired-ca',
    sentence: 'A client is refused when its intermediate CA has expired.',
    reference: 'RFC 5280 section 6.1.3 (a)(2); PKITS 4.2.5',
    steps: 'The intermediate expired an hour ago, the client has not.',
    middle: { notBefore: new Date(Date.now() - 2 * hour), notAfter: new Date(Date.now() - hour) },
  }),
  refused({
    id: 'path.early-ca',
    sentence: 'A client is refused while its intermediate CA is not valid yet.',
    reference: 'RFC 5280 section 6.1.3 (a)(2); PKITS 4.2.1',
    steps: 'The intermediate becomes valid in an hour.',
    middle: { notBefore: new Date(Date.now() + hour) },
  }),
  refused({
    id: 'path.forged-ca',
    sentence: 'A client below an intermediate CA that the root did not sign is refused.',
    reference: 'RFC 5280 section 6.1.3 (a)(1); PKITS 4.1.2',
    steps: 'The intermediate names the root, and is signed with another key.',
    middle: { signWith: generateKey() },
  }),
  refused({
    id: 'path.name-chaining',
    sentence:
      'A certificate whose issuer has another name than the CA is refused, even if the key is the CA’s.',
    reference: 'RFC 5280 section 6.1.3 (a)(4); PKITS 4.3.1',
    steps: 'The client’s certificate is signed by the intermediate, and names another issuer.',
    middle: {},
    client: { issuerName: distinguishedName({ commonName: 'someone else' }) },
  }),
  served({
    id: 'path.name-normalised',
    sentence: 'Names are compared without regard to case and repeated spaces.',
    reference: 'RFC 5280 section 7.1; PKITS 4.3.3',
    steps: 'The intermediate is called "Middle CA"; the client’s issuer is written "MIDDLE  ca".',
    middle: { commonName: 'Middle CA' },
    client: { issuerName: distinguishedName({ commonName: 'MIDDLE  ca' }) },
  }),
  served({
    id: 'path.name-encoding',
    sentence: 'Names are compared without regard to how their characters are encoded.',
    reference: 'RFC 5280 section 7.1; PKITS 4.3.9 and 4.3.10',
    steps: 'The intermediate is called "Middle CA" in UTF8String; the client’s issuer is a PrintableString.',
    middle: { commonName: 'Middle CA' },
    client: {
      issuerName: distinguishedName({
        name: [[{ oid: attributeTypes.commonName, type: 'printable', value: 'Middle CA' }]],
      }),
    },
  }),
  served({
    id: 'path.dns-inside',
    sentence: 'A DNS name inside what its CA may certify is accepted.',
    reference: 'RFC 5280 section 4.2.1.10; PKITS 4.13.30',
    steps: 'The intermediate permits example.com; the client is a.example.com.',
    middle: { extraExtensions: [nameConstraints({ permitted: { dns: ['example.com'] } })] },
    client: { sans: { dns: ['a.example.com'] } },
  }),
  refused({
    id: 'path.dns-outside',
    sentence: 'A DNS name outside what its CA may certify is refused.',
    reference: 'RFC 5280 section 4.2.1.10; PKITS 4.13.31',
    steps: 'The intermediate permits example.com; the client is a.example.org.',
    middle: { extraExtensions: [nameConstraints({ permitted: { dns: ['example.com'] } })] },
    client: { sans: { dns: ['a.example.org'] } },
  }),
  refused({
    id: 'path.dns-excluded',
    sentence: 'A DNS name that its CA must not certify is refused.',
    reference: 'RFC 5280 section 4.2.1.10; PKITS 4.13.33',
    steps: 'The intermediate excludes example.com; the client is a.example.com.',
    middle: { extraExtensions: [nameConstraints({ excluded: { dns: ['example.com'] } })] },
    client: { sans: { dns: ['a.example.com'] } },
  }),
  refusal({
    id: 'path.dns-twice',
    sentence: 'A CA cannot permit names that the CA above it does not permit.',
    reference: 'RFC 5280 section 6.1.4 (g); PKITS 4.13.15',
    steps: 'The first intermediate permits example.com, the second example.org; the client is a.example.org.',
    trial: () => {
      const [root, other] = [ca('root'), ca('other')];
      const permits = (name: string): ExtraExtension[] => [nameConstraints({ permitted: { dns: [name] } })];
      const first = root.intermediate({ commonName: 'first', extraExtensions: permits('example.com') });
      const second = first.intermediate({ commonName: 'second', extraExtensions: permits('example.org') });
      const client = second.client({ sans: { dns: ['a.example.org'] } });
      return under([root, first, second, other], client, other.client());
    },
  }),
  refused({
    id: 'path.email-excluded',
    sentence: 'A mail address that its CA must not certify is refused.',
    reference: 'RFC 5280 section 4.2.1.10; PKITS 4.13.24',
    steps: 'The intermediate excludes the host mail.example.com; the client is eve@mail.example.com.',
    middle: { extraExtensions: [nameConstraints({ excluded: { email: ['mail.example.com'] } })] },
    client: { sans: { email: ['eve@mail.example.com'] } },
  }),
  served({
    id: 'path.uri-inside',
    sentence: 'A URI inside what its CA may certify is accepted.',
    reference: 'RFC 5280 section 4.2.1.10; PKITS 4.13.34',
    steps: 'The intermediate permits .example.com; the client is spiffe://a.example.com/alice.',
    middle: { extraExtensions: [nameConstraints({ permitted: { uri: ['.example.com'] } })] },
    client: { sans: { uri: ['spiffe://a.example.com/alice'] } },
  }),
  refused({
    id: 'path.uri-outside',
    sentence: 'A URI outside what its CA may certify is refused.',
    reference: 'RFC 5280 section 4.2.1.10; PKITS 4.13.35',
    steps: 'The intermediate permits .example.com; the client is spiffe://a.example.org/eve.',
    middle: { extraExtensions: [nameConstraints({ permitted: { uri: ['.example.com'] } })] },
    client: { sans: { uri: ['spiffe://a.example.org/eve'] } },
  }),
  refused({
    id: 'path.ip-outside',
    sentence: 'An address outside what its CA may certify is refused.',
    reference: 'RFC 5280 section 4.2.1.10',
    steps: 'The intermediate permits 10.0.0.0/8; the client is 192.0.2.1.',
    middle: {
      extraExtensions: [nameConstraints({ permitted: { ip: [Buffer.from([10, 0, 0, 0, 255, 0, 0, 0])] } })],
    },
    client: { sans: { ip: ['192.0.2.1'] } },
  }),
  refused({
    id: 'path.directory-outside',
    sentence: 'A subject outside what its CA may certify is refused.',
    reference: 'RFC 5280 section 4.2.1.10; PKITS 4.13.2',
    steps: 'The intermediate permits O=Acme; the client is O=Other, CN=client.',
    middle: {
      extraExtensions: [nameConstraints({ permitted: { directoryName: [{ organization: 'Acme' }] } })],
    },
    client: { organization: 'Other', commonName: 'client' },
  }),
  refused({
    id: 'path.directory-excluded',
    sentence: 'A subject that its CA must not certify is refused.',
    reference: 'RFC 5280 section 4.2.1.10; PKITS 4.13.7',
    steps: 'The intermediate excludes O=Acme; the client is O=Acme, CN=client.',
    middle: {
      extraExtensions: [nameConstraints({ excluded: { directoryName: [{ organization: 'Acme' }] } })],
    },
    client: { organization: 'Acme', commonName: 'client' },
  }),
  served({
    id: 'path.policy-inside',
    sentence: 'A client that has the policy that its CA requires is served.',
    reference: 'RFC 5280 section 6.1.5; PKITS 4.8.1',
    steps: 'The intermediate requires a policy from itself on; intermediate and client have the same policy.',
    middle: { extraExtensions: [certificatePolicies(gold), policyConstraints({ requireExplicitPolicy: 0 })] },
    client: { extraExtensions: [certificatePolicies(gold)] },
  }),
  refused({
    id: 'path.policy-missing',
    sentence: 'A client without the policy that its CA requires is refused.',
    reference: 'RFC 5280 section 6.1.5 (g); PKITS 4.9.3',
    steps: 'The intermediate has a policy and requires one from itself on; the client has none.',
    middle: { extraExtensions: [certificatePolicies(gold), policyConstraints({ requireExplicitPolicy: 0 })] },
  }),
  refused({
    id: 'path.policy-other',
    sentence: 'A client that has another policy than the one that its CA requires is refused.',
    reference: 'RFC 5280 section 6.1.3 (d); PKITS 4.8.5',
    steps: 'The intermediate has one policy and requires one; the client has another.',
    middle: { extraExtensions: [certificatePolicies(gold), policyConstraints({ requireExplicitPolicy: 0 })] },
    client: { extraExtensions: [certificatePolicies(silver)] },
  }),
  served({
    id: 'path.policy-mapped',
    sentence: 'A client is served whose policy is mapped to the one that is required.',
    reference: 'RFC 5280 section 6.1.4 (b); PKITS 4.10.1',
    steps: 'The intermediate requires a policy from itself on, and maps its policy to that of the client.',
    middle: {
      extraExtensions: [
        certificatePolicies(gold),
        policyMappings([gold, silver]),
        policyConstraints({ requireExplicitPolicy: 0 }),
      ],
    },
    client: { extraExtensions: [certificatePolicies(silver)] },
  }),
  refused({
    id: 'path.policy-mapped-any',
    sentence: 'anyPolicy cannot be mapped.',
    reference: 'RFC 5280 section 6.1.4 (a); PKITS 4.10.7',
    steps: 'The intermediate maps anyPolicy to the policy of the client, and requires a policy.',
    middle: {
      extraExtensions: [
        certificatePolicies(gold),
        policyMappings(['2.5.29.32.0', silver]),
        policyConstraints({ requireExplicitPolicy: 0 }),
      ],
    },
    client: { extraExtensions: [certificatePolicies(silver)] },
  }),
  refusal({
    id: 'path.policy-mapping',
    sentence: 'A policy is not mapped where a CA above has inhibited mapping.',
    reference: 'RFC 5280 section 6.1.4 (b); PKITS 4.11.1',
    steps:
      'The first intermediate requires a policy and inhibits mapping; the second maps its policy to that of the client.',
    trial: () => {
      const [root, other] = [ca('root'), ca('other')];
      const first = root.intermediate({
        commonName: 'first',
        extraExtensions: [
          certificatePolicies(gold),
          policyConstraints({ requireExplicitPolicy: 0, inhibitPolicyMapping: 0 }),
        ],
      });
      const second = first.intermediate({
        commonName: 'second',
        extraExtensions: [certificatePolicies(gold), policyMappings([gold, silver])],
      });
      const client = second.client({ extraExtensions: [certificatePolicies(silver)] });
      return under([root, first, second, other], client, other.client());
    },
  }),
  refused({
    id: 'path.any-policy',
    sentence: 'anyPolicy stands for no policy where it is inhibited.',
    reference: 'RFC 5280 section 6.1.3 (d)(2); PKITS 4.12.1',
    steps:
      'The intermediate has a policy, requires one and inhibits anyPolicy; the client has anyPolicy alone.',
    middle: {
      extraExtensions: [
        certificatePolicies(gold),
        policyConstraints({ requireExplicitPolicy: 0 }),
        inhibitAnyPolicy(0),
      ],
    },
    client: { extraExtensions: [certificatePolicies('2.5.29.32.0')] },
  }),
  admission({
    id: 'path.cross-certificate',
    sentence: 'A client of one CA is served where another CA is trusted that has cross-certified it.',
    reference: 'RFC 5280 section 3.2; PKITS 4.5',
    steps: 'Only the other root is trusted as such; it has certified the name and key of the client’s CA.',
    trial: ({ root }) => {
      const [privateKey, commonName] = [generateKey(), 'partner'];
      const own = ca({ commonName, privateKey });
      const cross = root.intermediate({ commonName, privateKey });
      const client = own.client();
      // A server that takes every configured CA for a trust anchor gets the certificate from the client.
      const options = { chain: client.pem + cross.pem };
      return { cas: [root, cross], crls: [root.crl(), cross.crl()], client, options };
    },
  }),
  admission({
    id: 'path.second-path',
    sentence: 'A client with one valid path is served, even if another of its paths is not valid.',
    reference: 'RFC 4158 section 2.4',
    steps: 'Two certificates of one intermediate, with one key: the first has expired.',
    trial: ({ root }) => {
      const privateKey = generateKey();
      const old = root.intermediate({
        privateKey,
        notBefore: new Date(Date.now() - 2 * hour),
        notAfter: new Date(Date.now() - hour),
      });
      const middle = root.intermediate({ privateKey });
      return { cas: [root, old, middle], crls: [root.crl(), middle.crl()], client: middle.client() };
    },
  }),
  ...(['first', 'second'] as const).map((place) =>
    refusal({
      id: `path.half-valid-${place}`,
      sentence: `Of two paths, each invalid for its own reason, none admits a client (the revoked one is configured ${place}).`,
      reference: 'RFC 5280 section 6.1: one path satisfies every condition',
      steps:
        'Two certificates of one intermediate, with one key: one is revoked, the other must not certify the client’s name; the client’s certificate names the revoked one as its issuer.',
      needs: ['crl'],
      trial: () => halfValid(place),
    }),
  ),
];

function halfValid(place: 'first' | 'second'): Trial {
  const [root, other, privateKey] = [ca('root'), ca('other'), generateKey()];
  const excludes = nameConstraints({ excluded: { dns: ['example.com'] } });
  const constrained = root.intermediate({ privateKey, extraExtensions: [excludes], subjectKeyId: false });
  const revoked: Certificate & CertificateAuthority = root.intermediate({ privateKey, subjectKeyId: false });
  const client = revoked.client({
    sans: { dns: ['a.example.com'] },
    authorityKeyId: false,
    extraExtensions: [authorityCertificate(revoked)],
  });
  // The client sends the revoked one with its certificate; the constrained one is configured in any case.
  const cas = place === 'first' ? [revoked, constrained] : [constrained, revoked];
  return {
    cas: [root, ...cas, other],
    crls: [root.crl({ revoked: [revoked] }), revoked.crl(), other.crl()],
    client,
    beside: other.client(),
  };
}
