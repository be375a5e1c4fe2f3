/**
 * What CRLs say, under CRLs that are there from the start.
 *
 * @module
 */
import { ca, type CertificateAuthority } from '../../test/support/chain.js';
import { explicit, element, sequence } from '../../test/support/der-writer.js';
import type { ExtraExtension, ReasonName } from '../../test/support/extensions.js';
import { directoryName, uriName } from '../../test/support/names.js';
import { generateKey } from '../../test/support/signing.js';
import type { Check } from '../check.js';
import type { Stage } from '../harness/stage.js';
import { admission, refusal, type Trial } from './trials.js';

const needs = ['crl'] as const;
const minute = 60_000;
const fromNow = (ms: number): Date => new Date(Date.now() + ms);
const unknown: ExtraExtension = {
  oid: '1.3.6.1.4.1.55738.999.1',
  critical: true,
  value: Buffer.from('0500', 'hex'),
};
const reasons: readonly ReasonName[] = [
  'keyCompromise',
  'cACompromise',
  'certificateHold',
  'privilegeWithdrawn',
];

/** A client, and a CRL that lists it with what is given. */
function listed({ root }: Stage, entry: object, crl: object = {}): Trial {
  const client = root.client('eve');
  return { client, crls: [root.crl({ revoked: [{ serial: client.serialContent, ...entry }], ...crl })] };
}

/** A distribution point of a certificate (RFC 5280 section 4.2.1.13). */
function pointAt(name: { readonly uri?: string; readonly crlIssuer?: Buffer }): ExtraExtension {
  const full = name.uri === undefined ? [] : [explicit(0, element(0xa0, uriName(name.uri)))];
  const issuer = name.crlIssuer === undefined ? [] : [element(0xa2, directoryName(name.crlIssuer))];
  return { oid: '2.5.29.31', value: sequence(sequence(...full, ...issuer)) };
}

const parts = ['http://crl.example/1', 'http://crl.example/2'] as const;

/** Two partitions of one CA; a client of the second. */
function partitioned({ root }: Stage, isRevoked: boolean, which: readonly number[] = [0, 1]): Trial {
  const client = root.client({ commonName: 'eve', extraExtensions: [pointAt({ uri: parts[1] })] });
  const beside = root.client({ extraExtensions: [pointAt({ uri: parts[0] })] });
  const crls = parts.map((uri, index) =>
    root.crl({ idp: { fullName: [uri] }, revoked: isRevoked && index === 1 ? [client] : [] }),
  );
  return { client, beside, crls: which.map((index) => crls[index] as (typeof crls)[number]) };
}

/** A CRL of another issuer for the clients of the stage's CA. */
function indirect({ root }: Stage, isRevoked: boolean): Trial {
  const issuer = root.intermediate({ commonName: 'crl issuer', keyUsage: ['cRLSign'], pathLength: 0 });
  const extraExtensions = [pointAt({ uri: parts[0], crlIssuer: issuer.subject })];
  const client = root.client({ commonName: 'eve', extraExtensions });
  const beside = root.client({ extraExtensions });
  const entry = { serial: client.serialContent, certificateIssuer: root.subject };
  const list = issuer.crl({
    idp: { fullName: [parts[0]], indirect: true },
    revoked: isRevoked ? [entry] : [],
  });
  // The root's own CRL is for its CAs: it covers the issuer of the CRL, and no client.
  return { client, beside, cas: [root, issuer], crls: [root.crl({ idp: { onlyCa: true } }), list] };
}

/** Two CAs, and a client of the second. */
function two(
  stage: Stage,
  crls: (second: CertificateAuthority, client: ReturnType<CertificateAuthority['client']>) => Trial['crls'],
): Trial {
  const second = ca('second');
  const client = second.client('eve');
  return { cas: [stage.root, second], crls: [stage.root.crl(), ...(crls(second, client) ?? [])], client };
}

export const revocationChecks: readonly Check[] = [
  ...(['TLSv1.3', 'TLSv1.2'] as const).map((version) =>
    refusal({
      id: version === 'TLSv1.3' ? 'revocation.listed' : 'revocation.listed-tls12',
      sentence: `A client that the CRL lists is refused over ${version.replace('v', ' ')}.`,
      reference: 'RFC 5280 section 6.3.3 (j); PKITS 4.4.3',
      steps: 'The CRL lists the client.',
      needs,
      trial: (stage) => ({ ...listed(stage, {}), options: { version } }),
    }),
  ),
  ...reasons.map((reason) =>
    refusal({
      id: `revocation.reason-${reason.replaceAll(/[A-Z]+/g, (letters) => `-${letters.toLowerCase()}`)}`,
      sentence: `A client is refused whose entry has the reason ${reason}.`,
      reference: 'RFC 5280 section 5.3.1',
      steps: `The CRL lists the client with the reason ${reason}.`,
      needs,
      trial: (stage) => listed(stage, { reason }),
    }),
  ),
  refusal({
    id: 'revocation.future-date',
    sentence: 'A client that is listed is refused, even if the date of its entry lies ahead.',
    reference: 'RFC 5280 section 5.3: an entry means revoked; CA/Browser Forum 4.9',
    steps: 'The CRL lists the client with a revocationDate in an hour.',
    needs,
    trial: (stage) => listed(stage, { date: fromNow(60 * minute) }),
  }),
  refusal({
    id: 'revocation.invalidity-date',
    sentence: 'An invalidityDate does not weaken an entry.',
    reference: 'RFC 5280 section 5.3.2',
    steps: 'The CRL lists the client with an invalidityDate in an hour.',
    needs,
    trial: (stage) => listed(stage, { invalidityDate: fromNow(60 * minute) }),
  }),
  refusal({
    id: 'revocation.remove-in-full-crl',
    sentence: 'removeFromCRL in a full CRL is no amnesty.',
    reference: 'RFC 5280 section 5.3.1: it appears in delta CRLs only',
    steps: 'A full CRL lists the client with the reason removeFromCRL.',
    needs,
    mayNotStart: true,
    trial: (stage) => listed(stage, { reason: 'removeFromCRL' }),
  }),
  refusal({
    id: 'revocation.long-serial',
    sentence:
      'A client with a serial number of 20 bytes is refused when the CRL lists it, and its neighbour is served.',
    reference: 'RFC 5280 section 4.1.2.2; PKITS 4.4.18 and 4.4.16',
    steps: 'The serial numbers of two clients have 20 bytes, and differ in the last; the CRL lists one.',
    needs,
    trial: ({ root }) => {
      const serial = 2n ** 158n;
      const client = root.client({ commonName: 'eve', serial });
      return {
        client,
        beside: root.client({ serial: serial + 1n }),
        crls: [root.crl({ revoked: [client] })],
      };
    },
  }),
  refusal({
    id: 'revocation.intermediate',
    sentence: 'A client below a revoked intermediate CA is refused.',
    reference: 'RFC 5280 section 6.1.3 (a)(3); PKITS 4.4.2',
    steps: 'The CRL of the root lists the intermediate; that of the intermediate lists no certificate.',
    needs,
    trial: ({ root }) => {
      const middle = root.intermediate();
      return {
        cas: [root, middle],
        crls: [root.crl({ revoked: [middle] }), middle.crl()],
        client: middle.client(),
      };
    },
  }),
  refusal({
    id: 'revocation.second-crl-in-file',
    sentence: 'Every CRL in a file is used, not only the first.',
    reference: 'RFC 7468 section 3; nodejs/node issue 65576',
    steps: 'One file with the CRLs of two CAs; the second lists its client.',
    needs,
    trial: (stage) => two(stage, (second, client) => [second.crl({ revoked: [client] })]),
  }),
  admission({
    id: 'revocation.second-crl-in-file-good',
    sentence: 'A good client is served whose CRL is the second in a file.',
    reference: 'RFC 7468 section 3; nodejs/node issue 65576',
    steps: 'One file with the CRLs of two CAs; the client’s CA has the second.',
    needs,
    trial: (stage) => two(stage, (second) => [second.crl()]),
  }),
  refusal({
    id: 'revocation.no-crl',
    sentence: 'A client of a CA without a CRL is refused, because its status is unknown.',
    reference: 'RFC 5280 section 6.3.3; haproxy issue 1201',
    steps: 'Two CAs, of which one has a CRL: clients of both.',
    needs,
    trial: (stage) => two(stage, () => []),
  }),
  ...(['older first', 'newer first'] as const).map((order) =>
    refusal({
      id: order === 'older first' ? 'revocation.newer-second' : 'revocation.newer-first',
      sentence: `Of two CRLs of one CA the newer decides (${order}).`,
      reference: 'RFC 5280 section 5.2.3',
      steps: 'A file has two CRLs of one CA; the newer lists the client.',
      needs,
      trial: ({ root }) => {
        const client = root.client('eve');
        const crls = [
          root.crl({ number: 1, thisUpdate: fromNow(-10 * minute) }),
          root.crl({ number: 2, revoked: [client] }),
        ];
        return { client, crls: order === 'older first' ? crls : crls.reverse() };
      },
    }),
  ),
  refusal({
    id: 'revocation.number-decides',
    sentence: 'Of two CRLs of one second, that with the higher number decides.',
    reference: 'RFC 5280 section 5.2.3',
    steps: 'Two CRLs of one CA with the same thisUpdate; number 2 lists the client and comes second.',
    needs,
    trial: ({ root }) => {
      const [client, thisUpdate] = [root.client('eve'), fromNow(-minute)];
      return {
        client,
        crls: [root.crl({ number: 1, thisUpdate }), root.crl({ number: 2, thisUpdate, revoked: [client] })],
      };
    },
  }),
  refusal({
    id: 'revocation.delta',
    sentence: 'A client that only the delta CRL lists is refused.',
    reference: 'RFC 5280 section 5.2.4; PKITS 4.15.4',
    steps: 'A base that lists no certificate, and a delta that lists the client.',
    needs,
    trial: ({ root }) => {
      const client = root.client('eve');
      return {
        client,
        crls: [root.crl({ number: 1 }), root.crl({ number: 2, delta: 1, revoked: [client] })],
      };
    },
  }),
  admission({
    id: 'revocation.delta-removes',
    sentence: 'A client is served whose hold the delta CRL has lifted.',
    reference: 'RFC 5280 section 5.3.1 (removeFromCRL); PKITS 4.15.5',
    steps: 'A base lists the client on hold; a delta removes it.',
    needs,
    trial: ({ root }) => {
      const client = root.client('bob');
      const entry = { serial: client.serialContent };
      return {
        client,
        crls: [
          root.crl({ number: 1, revoked: [{ ...entry, reason: 'certificateHold' }] }),
          root.crl({ number: 2, delta: 1, revoked: [{ ...entry, reason: 'removeFromCRL' }] }),
        ],
      };
    },
  }),
  refusal({
    id: 'revocation.delta-alone',
    sentence: 'A client is refused if its CA has only a delta CRL without its base.',
    reference: 'RFC 5280 section 5.2.4: a delta is used with the base that it names',
    steps: 'The client’s CA has only a delta; another CA has a full CRL.',
    needs,
    mayNotStart: true,
    trial: (stage) => two(stage, (second) => [second.crl({ number: 2, delta: 1 })]),
  }),
  refusal({
    id: 'revocation.only-users',
    sentence: 'A client is refused that a CRL for users alone lists.',
    reference: 'RFC 5280 section 5.2.5 (onlyContainsUserCerts); PKITS 4.14.10',
    steps: 'One CRL for users, which lists the client, and one for CAs.',
    needs,
    trial: ({ root }) => {
      const client = root.client('eve');
      return {
        client,
        crls: [root.crl({ idp: { onlyUser: true }, revoked: [client] }), root.crl({ idp: { onlyCa: true } })],
      };
    },
  }),
  refusal({
    id: 'revocation.only-cas',
    sentence: 'A CRL for CAs alone says nothing about a client.',
    reference: 'RFC 5280 section 5.2.5 (onlyContainsCACerts); PKITS 4.14.13',
    steps: 'The client’s CA has only a CRL for CAs; another CA has a full one.',
    needs,
    trial: ({ root }) => {
      const other = ca('other');
      return {
        cas: [root, other],
        crls: [root.crl({ idp: { onlyCa: true } }), other.crl()],
        client: root.client('eve'),
        beside: other.client(),
      };
    },
  }),
  refusal({
    id: 'revocation.some-reasons',
    sentence: 'CRLs that are split by reason count together.',
    reference: 'RFC 5280 section 6.3.3; PKITS 4.14.17',
    steps: 'Two CRLs, one for compromised keys and one for all other reasons; the second lists the client.',
    needs,
    trial: ({ root }) => {
      const client = root.client('eve');
      const rest = [
        'affiliationChanged',
        'superseded',
        'cessationOfOperation',
        'certificateHold',
        'privilegeWithdrawn',
        'aACompromise',
      ] as const;
      const crls = [
        root.crl({ idp: { onlySomeReasons: ['keyCompromise', 'cACompromise'] } }),
        root.crl({
          idp: { onlySomeReasons: rest },
          revoked: [{ serial: client.serialContent, reason: 'superseded' }],
        }),
      ];
      return { client, crls };
    },
  }),
  refusal({
    id: 'revocation.some-reasons-missing',
    sentence: 'A client is refused if the CRLs of its CA leave out a reason.',
    reference: 'RFC 5280 section 6.3.3; PKITS 4.14.15',
    steps: 'The client’s CA has a CRL for compromised keys alone; another CA has a full one.',
    needs,
    trial: ({ root }) => {
      const other = ca('other');
      const crls = [root.crl({ idp: { onlySomeReasons: ['keyCompromise'] } }), other.crl()];
      return { cas: [root, other], crls, client: root.client('eve'), beside: other.client() };
    },
  }),
  refusal({
    id: 'revocation.partition',
    sentence: 'A client is refused that the CRL of its distribution point lists.',
    reference: 'RFC 5280 section 5.2.5; PKITS 4.14.2',
    steps: 'One CA with two partitions; the client’s lists it, and a client of the other one is served.',
    needs,
    trial: (stage) => partitioned(stage, true),
  }),
  refusal({
    id: 'revocation.partition-missing',
    sentence: 'A client is refused if the only CRL is of another distribution point.',
    reference: 'RFC 5280 section 6.3.3 (b)(2); RUSTSEC-2026-0049',
    steps: 'Only the partition of the other client is there.',
    needs,
    trial: (stage) => partitioned(stage, false, [0]),
  }),
  admission({
    id: 'revocation.partition-good',
    sentence: 'A good client of a partitioned CA is served.',
    reference: 'RFC 5280 section 5.2.5; PKITS 4.14.1',
    steps: 'One CA with two partitions that list no certificate.',
    needs,
    trial: (stage) => partitioned(stage, false),
  }),
  refusal({
    id: 'revocation.indirect',
    sentence: 'A client is refused that an indirect CRL lists.',
    reference: 'RFC 5280 section 5.3.3; PKITS 4.14.23',
    steps: 'Another issuer, which the certificates name as their cRLIssuer, lists the client by its issuer.',
    needs,
    trial: (stage) => indirect(stage, true),
  }),
  admission({
    id: 'revocation.indirect-good',
    sentence: 'A good client whose CRL is indirect is served.',
    reference: 'RFC 5280 section 5.3.3; PKITS 4.14.22',
    steps: 'The same without an entry.',
    needs,
    trial: (stage) => indirect(stage, false),
  }),
  refusal({
    id: 'revocation.forged',
    sentence: 'A CRL that the CA did not sign does not prove that a client is good.',
    reference: 'RFC 5280 section 6.3.3 (g); PKITS 4.4.4',
    steps: 'The only CRL of the client’s CA is signed with another key; another CA has a good one.',
    needs,
    mayNotStart: true,
    trial: (stage) => two(stage, (second) => [second.crl({ signWith: generateKey() })]),
  }),
  refusal({
    id: 'revocation.of-same-name',
    sentence: 'The CRL of another CA of the same name does not prove that a client is good.',
    reference: 'RFC 5280 section 6.3.3 (f); PKITS 4.4.16',
    steps: 'The only CRL in the name of the client’s CA is another CA’s; another CA has a good one.',
    needs,
    mayNotStart: true,
    trial: (stage) => two(stage, () => [ca('second').crl()]),
  }),
  refusal({
    id: 'revocation.no-crl-sign',
    sentence: 'A CA without cRLSign issues no CRLs.',
    reference: 'RFC 5280 section 6.3.3 (f); PKITS 4.7.4',
    steps: 'The client’s CA may only sign certificates, and has a CRL; another CA has a good one.',
    needs,
    mayNotStart: true,
    trial: ({ root }) => {
      const second = ca({ commonName: 'second', keyUsage: ['keyCertSign'] });
      return { cas: [root, second], crls: [root.crl(), second.crl()], client: second.client('eve') };
    },
  }),
  refusal({
    id: 'revocation.critical-extension',
    sentence: 'A CRL with an unknown critical extension does not prove that a client is good.',
    reference: 'RFC 5280 section 5.2; PKITS 4.4.9',
    steps: 'The only CRL of the client’s CA has one; another CA has a good CRL.',
    needs,
    mayNotStart: true,
    trial: (stage) => two(stage, (second) => [second.crl({ extraExtensions: [unknown] })]),
  }),
  refusal({
    id: 'revocation.critical-entry',
    sentence: 'A CRL with an unknown critical extension in an entry does not prove that a client is good.',
    reference: 'RFC 5280 section 5.3; PKITS 4.4.8',
    steps:
      'The only CRL of the client’s CA has such an entry about another certificate; another CA has a good CRL.',
    needs,
    mayNotStart: true,
    trial: (stage) =>
      two(stage, (second) => [second.crl({ revoked: [{ serial: 1n, extraExtensions: [unknown] }] })]),
  }),
  refusal({
    id: 'revocation.expired',
    sentence: 'An expired CRL does not prove that a client is good.',
    reference: 'RFC 5280 section 6.3.3 (a)(1); PKITS 4.4.11',
    steps: 'The CRL of the client’s CA expired an hour ago; another CA has a current one.',
    needs,
    mayNotStart: true,
    trial: (stage) =>
      two(stage, (second) => [
        second.crl({ thisUpdate: fromNow(-120 * minute), nextUpdate: fromNow(-60 * minute) }),
      ]),
  }),
  {
    id: 'revocation.expires',
    sentence: 'When a CRL expires, its CA’s clients are refused on new connections, and others are served.',
    reference: 'RFC 5280 section 6.3.3; haproxy issue 85, envoy issue 38198 (outages)',
    steps: 'The CRL of one CA expires after four seconds; that of another does not.',
    needs,
    run: async (stage) => {
      const second = ca('second');
      const nextUpdate = fromNow(4000);
      const server = await stage.start({
        cas: [stage.root, second],
        crls: [stage.root.crl(), second.crl({ nextUpdate })],
      });
      const [client, other] = [second.client('eve'), stage.root.client('good')];
      await server.serves(client, 'the client, before');
      await new Promise((resolve) => setTimeout(resolve, nextUpdate.getTime() - Date.now()));
      const seen = await server.refuses(client, 'the client, after');
      await server.serves(other, 'the client of the other CA');
      return seen;
    },
  },
];
