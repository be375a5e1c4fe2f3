/**
 * What the app is told about its caller. Only an admitted client can try any of this: a CA has signed what it says.
 *
 * @module
 */
import { attributeTypes, type CertificateOptions } from '../../test/support/chain.js';
import { type NameAttribute } from '../../test/support/names.js';
import { type Check, fail } from '../check.js';
import { nameHeader } from '../harness/app.js';
import type { Answer, CallOptions } from '../harness/client.js';
import type { Stage } from '../harness/stage.js';

interface Told {
  readonly id: Check['id'];
  readonly sentence: string;
  readonly reference: string;
  readonly steps: string;
  readonly certificate: CertificateOptions;
  readonly options?: CallOptions;
  /** Returns what is wrong with what the app was told, if anything. */
  readonly wrong: (answer: Answer, stage: Stage) => string | undefined;
  /** Whether a server may also refuse the client. */
  readonly mayRefuse?: boolean;
}

/** The client calls, and the app is told the truth. */
function told({ certificate, options = {}, wrong, mayRefuse = true, ...text }: Told): Check {
  return {
    ...text,
    needs: ['identity'],
    run: async (stage) => {
      const { root } = stage;
      const server = await stage.start({ cas: [root], crls: [root.crl()] });
      const good = root.client('good');
      await server.serves(good, 'the good client');
      const { app } = await server.as(good).call();
      if (app?.who !== stage.nameOf('good')) fail(`a plain client is ${show(app?.who)}`);
      const answer = await server.as(root.client(certificate)).call(options);
      if (!answer.served) return mayRefuse ? answer.seen : fail(answer.seen);
      const problem = wrong(answer, stage);
      return problem === undefined ? `the app is told ${show(answer.app?.who)}` : fail(problem);
    },
  };
}

const attribute = (value: string | Buffer, type: NameAttribute['type'] = 'utf8'): NameAttribute => ({
  oid: attributeTypes.commonName,
  type,
  value,
});

/** Not told one of these names, as this server writes it. */
function isNot(...names: readonly string[]): Told['wrong'] {
  return ({ app }, stage) =>
    names.map((name) => stage.nameOf(name)).includes(app?.who ?? '')
      ? `the app is told ${show(app?.who)}`
      : undefined;
}

/** For a person: every character that does not print is escaped. */
function show(value: unknown): string {
  return JSON.stringify(value ?? null).replaceAll(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const hostile = /[\p{Cc}\p{Bidi_Control}]/u;

export const identityChecks: readonly Check[] = [
  told({
    id: 'identity.common-name',
    sentence: 'The app is told the commonName of its caller.',
    reference: 'RFC 5280 section 4.1.2.6',
    steps: 'A client called "billing-1" calls.',
    certificate: { commonName: 'billing-1' },
    mayRefuse: false,
    wrong: ({ app }, stage) =>
      app?.who === stage.nameOf('billing-1') ? undefined : `the app is told ${show(app?.who)}`,
  }),
  {
    id: 'identity.resumed',
    sentence: 'The app is told the same name on a resumed session.',
    reference: 'RFC 8446 section 2.2',
    steps: 'A client calls twice, the second time with the session of the first.',
    needs: ['identity'],
    run: async (stage) => {
      const server = await stage.start({ cas: [stage.root], crls: [stage.root.crl()] });
      const alice = stage.root.client('alice');
      await server.serves(alice, 'the client');
      const { session } = await server.as(alice).call();
      const { app, served, seen, resumed } = await server.as(alice).call({ session });
      if (!served) fail(seen);
      if (app?.who !== stage.nameOf('alice')) fail(`the app is told ${show(app?.who)}`);
      return resumed ? 'the same' : 'the same, on a new session';
    },
  },
  {
    id: 'identity.two-clients',
    sentence: 'The app is told the right caller of each request while other clients are connected.',
    reference: 'RFC 9110 section 3.3; keycloak issue 17059',
    steps: 'Two clients call eight times each, at the same time.',
    needs: ['identity'],
    run: async (stage) => {
      const server = await stage.start({ cas: [stage.root], crls: [stage.root.crl()] });
      const clients = ['alice', 'bob'].map((name) => ({ name, certificate: stage.root.client(name) }));
      for (const { certificate, name } of clients) await server.serves(certificate, name);
      const calls = Array.from({ length: 8 }, () => clients).flat();
      const answers = await Promise.all(
        calls.map(async ({ name, certificate }) => ({ name, answer: await server.as(certificate).call() })),
      );
      for (const { name, answer } of answers)
        if (answer.app?.who !== stage.nameOf(name))
          fail(`${name} is ${show(answer.app?.who ?? answer.seen)}`);
      return 'each by its own name';
    },
  },
  told({
    id: 'identity.header',
    sentence: 'A client cannot tell the app a name in a header.',
    reference: 'keycloak CVE-2024-10039',
    steps: `A client sends ${nameHeader}: admin.`,
    certificate: { commonName: 'eve' },
    options: { headers: { [nameHeader]: 'admin' } },
    wrong: ({ app }, stage) =>
      app?.who === stage.nameOf('eve') ? undefined : `the app is told ${show(app?.who)}`,
  }),
  told({
    id: 'identity.header-twice',
    sentence: 'A client cannot tell the app a name in a header that it sends in other letters.',
    reference: 'RFC 9110 section 5.1; RFC 9440 section 4',
    steps: `A client sends ${nameHeader.toUpperCase()}, and ${nameHeader.replaceAll('-', '_')}: admin.`,
    certificate: { commonName: 'eve' },
    options: { headers: { [nameHeader.toUpperCase()]: 'admin', [nameHeader.replaceAll('-', '_')]: 'admin' } },
    wrong: ({ app }, stage) =>
      app?.who === stage.nameOf('eve') ? undefined : `the app is told ${show(app?.who)}`,
  }),
  told({
    id: 'identity.connection-header',
    sentence: 'A client cannot have the name removed by naming its header in Connection.',
    reference: 'RFC 9110 section 7.6.1',
    steps: `A client sends Connection: close, ${nameHeader}.`,
    certificate: { commonName: 'eve' },
    options: { headers: { Connection: `close, ${nameHeader}` } },
    wrong: ({ app }, stage) =>
      app?.who === stage.nameOf('eve') ? undefined : `the app is told ${show(app?.who)}`,
  }),
  told({
    id: 'identity.two-common-names',
    sentence: 'Of a certificate with two commonNames the app is not told one as the name.',
    reference: 'Node CVE-2021-44533 (multi-value names)',
    steps: 'The subject is CN=eve, CN=admin.',
    certificate: { commonName: ['eve', 'admin'] },
    wrong: isNot('eve', 'admin'),
  }),
  told({
    id: 'identity.two-in-one-rdn',
    sentence: 'Of two commonNames in one RDN the app is not told one as the name.',
    reference: 'Node CVE-2021-44533 (multi-value RDNs)',
    steps: 'The subject has one RDN with the commonNames eve and admin.',
    certificate: { name: [[attribute('eve'), attribute('admin')]] },
    wrong: isNot('eve', 'admin'),
  }),
  told({
    id: 'identity.nul',
    sentence: 'A commonName is not cut at a NUL.',
    reference: 'CVE-2009-2408; Envoy CVE-2025-66220',
    steps: 'The commonName is admin, NUL, .example.',
    certificate: { commonName: 'admin\u0000.example' },
    wrong: isNot('admin'),
  }),
  told({
    id: 'identity.bmp',
    sentence: 'A commonName in UTF-16 is read as UTF-16.',
    reference: 'RFC 5280 section 4.1.2.4 (BMPString); Envoy CVE-2025-66220',
    steps: 'The commonName is the BMPString "admin", NUL, ".example".',
    certificate: { name: [[attribute('admin\u0000.example', 'bmp')]] },
    wrong: isNot('admin'),
  }),
  told({
    id: 'identity.control',
    sentence: 'No control character of a name reaches the app as part of the name.',
    reference: 'httpd CVE-2024-47252 (unescaped variables); RFC 9110 section 5.5',
    steps: 'The commonName has a bell and an escape sequence.',
    certificate: { commonName: 'admin\u0007\u001b[2J' },
    wrong: ({ app }) => (hostile.test(String(app?.who)) ? `the app is told ${show(app?.who)}` : undefined),
  }),
  told({
    id: 'identity.newline',
    sentence: 'A name with line ends adds no header.',
    reference: 'RFC 9110 section 5.5 (header injection)',
    steps: 'The commonName is eve, CR, LF, X-Role: admin.',
    certificate: { commonName: 'eve\r\nX-Role: admin' },
    wrong: ({ app }, stage) => {
      if (app?.headers.includes('x-role') === true) return 'the app sees X-Role';
      return (
        isNot('eve')({ app } as Answer, stage) ??
        (hostile.test(String(app?.who)) ? `the app is told ${show(app?.who)}` : undefined)
      );
    },
  }),
  told({
    id: 'identity.bidi',
    sentence: 'No character that turns the direction of text reaches the app as part of the name.',
    reference: 'CVE-2021-42574',
    steps: 'The commonName is eve, U+202E, nimda.',
    certificate: { commonName: 'eve\u202enimda' },
    wrong: ({ app }) => (hostile.test(String(app?.who)) ? `the app is told ${show(app?.who)}` : undefined),
  }),
  told({
    id: 'identity.spaces',
    sentence: 'A name with spaces at its ends is not the name without them.',
    reference: 'RFC 4518 section 2.6.1',
    steps: 'The commonName is admin and a space.',
    certificate: { commonName: 'admin ' },
    wrong: isNot('admin'),
  }),
  ...[
    { id: 'identity.comma', value: 'eve,CN=admin', what: 'a comma' },
    { id: 'identity.slash', value: 'eve/CN=admin', what: 'a slash' },
    { id: 'identity.plus', value: 'eve+CN=admin', what: 'a plus sign' },
  ].map(({ id, value, what }): Check => ({
    id: id as Check['id'],
    sentence: `The app can tell one commonName with ${what} in it from two commonNames.`,
    reference: 'RFC 4514 section 2.4; Node CVE-2021-44532, Spring CVE-2026-47838',
    steps: `One client’s commonName is "${value}", another has the commonNames eve and admin, in two RDNs or in one.`,
    needs: ['identity'],
    run: async (stage) => {
      const { root } = stage;
      const server = await stage.start({ cas: [root], crls: [root.crl()] });
      await server.serves(root.client('good'), 'the good client');
      const names: readonly CertificateOptions[] = [
        { commonName: ['eve', 'admin'] },
        { commonName: ['admin', 'eve'] },
        { name: [[attribute('eve'), attribute('admin')]] },
      ];
      const { app, seen } = await server.as(root.client({ commonName: value })).call();
      const plain = await server.as(root.client('good')).call();
      if (plain.app?.who !== stage.nameOf('good')) fail(`a plain client is ${show(plain.app?.who)}`);
      if (app === undefined) return seen;
      for (const name of names) {
        const other = await server.as(root.client(name)).call();
        if (other.app !== undefined && other.app.who !== null && other.app.who === app.who)
          fail(`both are ${show(app.who)}`);
      }
      return `the app is told ${show(app.who)}`;
    },
  })),
  told({
    id: 'identity.no-name',
    sentence: 'Of a client without a commonName the app is told none.',
    reference: 'RFC 5280 section 4.1.2.6',
    steps: 'The subject is O=admin alone.',
    certificate: { name: [[{ oid: attributeTypes.organization, type: 'utf8', value: 'admin' }]] },
    wrong: isNot('admin', 'good'),
  }),
  told({
    id: 'identity.empty-subject',
    sentence: 'Of a client with an empty subject the app is told no name.',
    reference: 'RFC 5280 section 4.1.2.6',
    steps: 'The subject is empty; the SAN has the DNS name admin.',
    certificate: { name: [], sans: { dns: ['admin'] } },
    wrong: isNot('admin', 'good'),
  }),
];
