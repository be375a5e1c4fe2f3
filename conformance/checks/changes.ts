/**
 * Files that change while the server runs: what is in force afterwards, and does anything stop?
 *
 * @module
 */
import { ca, type Certificate, type CertificateAuthority } from '../../test/support/chain.js';
import { generateKey } from '../../test/support/signing.js';
import type { Feature } from '../adapter.js';
import { type Check, fail } from '../check.js';
import type { Way } from '../harness/folder.js';
import { renewServerCertificate, type Server, type Stage } from '../harness/stage.js';

const minute = 60_000;
const fromNow = (ms: number): Date => new Date(Date.now() + ms);
const unknown = { oid: '1.3.6.1.4.1.55738.999.1', critical: true, value: Buffer.from('0500', 'hex') };

interface Scene {
  readonly server: Server;
  readonly root: CertificateAuthority;
  /** Revoked from the start. */
  readonly eve: Certificate;
  readonly good: Certificate;
}

/** A server whose CRL of number 5 lists one client. */
async function sceneOf(stage: Stage, isMounted = false): Promise<Scene> {
  const { root } = stage;
  const [eve, good] = [root.client('eve'), root.client('good')];
  const crl = root.crl({ number: 5, revoked: [eve], thisUpdate: fromNow(-10 * minute) });
  const server = await stage.start({ cas: [root], crls: [crl], isMounted });
  await server.serves(good, 'the good client, before');
  await server.refuses(eve, 'the revoked client, before');
  return { server, root, eve, good };
}

const ways: readonly { readonly way: Way; readonly steps: string }[] = [
  { way: 'rename', steps: 'A file is written beside the CRL and renamed to its name.' },
  { way: 'in place', steps: 'The CRL is overwritten.' },
  { way: 'delete and create', steps: 'The CRL is deleted, and written anew.' },
  { way: 'symlink', steps: 'A link to a new file takes the place of the CRL.' },
  {
    way: 'folder swap',
    steps: 'The files are mounted as Kubernetes does, and the folder behind them is swapped.',
  },
];

/** A newer CRL takes effect, however it gets there. */
function takesEffect({ way, steps }: (typeof ways)[number]): Check {
  return {
    id: `changes.${way.replaceAll(' ', '-')}`,
    sentence: `A CRL that is replaced (${way}) takes effect, and nothing stops.`,
    reference: 'nginx ingress issue 4904, envoy issue 27751',
    steps: `${steps} The new CRL lists one more client.`,
    needs: ['crl'],
    run: async (stage) => {
      const { server, root, eve, good } = await sceneOf(stage, way === 'folder swap');
      const bob = root.client('bob');
      await server.serves(bob, 'the other client, before');
      await server.change(
        { crls: [root.crl({ number: 6, revoked: [eve, bob], thisUpdate: fromNow(-1000) })] },
        way,
      );
      const seen = await server.refuses(bob, 'the newly revoked client');
      await server.serves(good, 'the good client, after');
      return seen;
    },
  };
}

interface Bad {
  readonly id: string;
  readonly what: string;
  readonly reference: string;
  readonly text: (scene: Scene) => string | undefined;
}

const bads: readonly Bad[] = [
  {
    id: 'empty-crl',
    what: 'an empty file',
    reference: 'node:tls takes an empty crl for none',
    text: () => '',
  },
  {
    id: 'missing-crl',
    what: 'nothing: the file is deleted',
    reference: 'unreadable is not absent',
    text: () => undefined,
  },
  {
    id: 'garbage-crl',
    what: 'text that is not a CRL',
    reference: 'OpenSSL CVE-2023-0286, CVE-2026-28388',
    text: () => 'not a CRL\n',
  },
  {
    id: 'half-crl',
    what: 'the first half of a newer CRL',
    reference: 'a slow writer',
    text: ({ root }) => half(newer(root)),
  },
  {
    id: 'older-crl',
    what: 'an older CRL that lists no certificate',
    reference: 'RFC 5280 section 5.2.3',
    text: ({ root }) => root.crl({ number: 4, thisUpdate: fromNow(-20 * minute) }).pem,
  },
  {
    id: 'forged-crl',
    what: 'a newer CRL that lists no certificate, signed with another key',
    reference: 'RFC 5280 section 6.3.3 (g)',
    text: ({ root }) => root.crl({ ...next, signWith: generateKey() }).pem,
  },
  {
    id: 'other-crl',
    what: 'a newer CRL of another CA',
    reference: 'RFC 5280 section 6.3.3 (f)',
    text: () => ca('other').crl({ number: 6 }).pem,
  },
  {
    id: 'expired-crl',
    what: 'a CRL that lists no certificate and has expired',
    reference: 'RFC 5280 section 6.3.3 (a)(1)',
    text: ({ root }) =>
      root.crl({ number: 6, thisUpdate: fromNow(-5 * minute), nextUpdate: fromNow(-minute) }).pem,
  },
  {
    id: 'future-crl',
    what: 'a CRL that lists no certificate and is not valid yet',
    reference: 'RFC 5280 section 5.1.2.4',
    text: ({ root }) => root.crl({ number: 6, thisUpdate: fromNow(60 * minute) }).pem,
  },
  {
    id: 'critical-crl',
    what: 'a newer CRL that lists no certificate, with an unknown critical extension',
    reference: 'RFC 5280 section 5.2',
    text: ({ root }) => root.crl({ ...next, extraExtensions: [unknown] }).pem,
  },
  {
    id: 'delta-for-crl',
    what: 'a delta CRL that lists no certificate, without its base',
    reference: 'RFC 5280 section 5.2.4',
    text: ({ root }) => root.crl({ number: 6, delta: 5, thisUpdate: fromNow(-minute) }).pem,
  },
];

const next = { number: 6, thisUpdate: fromNow(-minute) } as const;

function newer(root: CertificateAuthority): string {
  return root.crl(next).pem;
}

function half(text: string): string {
  return text.slice(0, text.length / 2);
}

/** An unusable CRL changes nothing, and the next valid CRL is put into force. */
function changesNothing({ id, what, reference, text }: Bad): Check {
  return {
    id: `changes.${id}`,
    sentence: `The CRL in force stays when its file becomes ${what}; the next valid CRL is put into force.`,
    reference,
    steps: `The file of the CRL becomes ${what}. The revoked client and a good one call; then a newer CRL lists another client.`,
    needs: ['crl'],
    run: async (stage) => {
      const scene = await sceneOf(stage);
      const { server, root, eve, good } = scene;
      await server.write('crl', text(scene));
      await server.settle();
      if ((await server.as(eve).call()).served) fail('the revoked client is served');
      await server.serves(good, 'the good client');
      const bob = root.client('bob');
      await server.change({
        crls: [root.crl({ number: 7, revoked: [eve, bob], thisUpdate: fromNow(-1000) })],
      });
      await server.refuses(bob, 'a client that the next CRL lists');
      await server.serves(good, 'the good client, after the next CRL');
      return 'nothing changed';
    },
  };
}

/** A broken file of another kind does not delay a revocation. */
function besideBroken(file: 'key' | 'ca', what: string, text: string): Check {
  return {
    id: `changes.broken-${file}`,
    sentence: `A revocation takes effect although ${what} is unreadable.`,
    reference: 'one broken source must not hold up the others',
    steps: `${what.replace(/^t/, 'T')} becomes garbage; then a newer CRL lists a client.`,
    needs: ['crl'],
    run: async (stage) => {
      const { server, root, eve, good } = await sceneOf(stage);
      const bob = root.client('bob');
      await server.write(file, text);
      await server.settle();
      await server.change({
        crls: [root.crl({ number: 6, revoked: [eve, bob], thisUpdate: fromNow(-1000) })],
      });
      const seen = await server.refuses(bob, 'the newly revoked client');
      await server.serves(good, 'the good client');
      return seen;
    },
  };
}

/** A server does not start without the protection that it was configured with. */
function starts(
  id: Check['id'],
  what: string,
  reference: string,
  crl: string,
  needs: readonly Feature[],
): Check {
  return {
    id,
    sentence: `A server that is started with ${what} as its CRL does not serve every client.`,
    reference,
    steps: `The file of the CRL is ${what} when the server starts; a client calls.`,
    needs,
    run: async (stage) => {
      const { root } = stage;
      const server = await stage
        .start({ cas: [root], crls: [{ pem: crl }] })
        .catch((error: unknown) => `does not start: ${(error as Error).message}`);
      if (typeof server === 'string') return server;
      const { served, seen } = await server.as(root.client()).call();
      return served ? fail('starts, and serves') : seen;
    },
  };
}

export const changeChecks: readonly Check[] = [
  ...ways.map(takesEffect),
  ...bads.map(changesNothing),
  starts(
    'changes.start-empty-crl',
    'an empty file',
    'node:tls takes an empty crl for none; Vault CVE-2022-41316',
    '',
    ['crl'],
  ),
  starts('changes.start-garbage-crl', 'text that is not a CRL', 'Vault CVE-2022-41316', 'not a CRL\n', [
    'crl',
  ]),
  {
    id: 'changes.start-empty-ca',
    sentence: 'A server that is started with an empty file of CAs serves no client.',
    reference: 'Caddy CVE-2026-27586, Traefik CVE-2022-46153 (fell back to the system’s CAs)',
    steps:
      'The file of the CAs is empty when the server starts; clients with a certificate and without one call.',
    run: async (stage) => {
      const { root } = stage;
      const server = await stage
        .start({ cas: [{ pem: '' }], crls: [root.crl()] })
        .catch((error: unknown) => `does not start: ${(error as Error).message}`);
      if (typeof server === 'string') return server;
      for (const client of [root.client(), undefined])
        if ((await server.as(client).call()).served) fail('starts, and serves');
      return 'serves no client';
    },
  },
  {
    id: 'changes.slow-writer',
    sentence: 'A CRL that is written slowly takes effect when it is whole, and nothing stops meanwhile.',
    reference: 'no file is written in one step',
    steps: 'The first half of a newer CRL is written, and a moment later the whole.',
    needs: ['crl'],
    run: async (stage) => {
      const { server, root, eve, good } = await sceneOf(stage);
      const bob = root.client('bob');
      const crl = root.crl({ number: 6, revoked: [eve, bob], thisUpdate: fromNow(-1000) });
      await server.write('crl', half(crl.pem));
      await server.settle();
      if ((await server.as(eve).call()).served) fail('half-way, the revoked client is served');
      await server.serves(good, 'the good client, half-way');
      await server.change({ crls: [crl] }, 'in place');
      const seen = await server.refuses(bob, 'the newly revoked client');
      await server.serves(good, 'the good client, after');
      return seen;
    },
  },
  {
    id: 'changes.new-certificate',
    sentence: 'A renewed certificate of the server is shown to new connections.',
    reference: 'RFC 8446 section 4.4.2',
    steps: 'Key and certificate are replaced.',
    run: async (stage) => {
      const { server, good } = await plain(stage);
      const renewed = renewServerCertificate();
      await server.change({ key: renewed.key, cert: renewed.cert });
      const took = await server.becomes(
        async () => (await server.as(good).call()).shown === renewed.shown,
        'the old certificate is shown',
      );
      await server.serves(good, 'the client, after');
      return `shown after ${took}`;
    },
  },
  {
    id: 'changes.key-before-certificate',
    sentence: 'The old certificate is shown while only the new key is there, and the new one when both are.',
    reference: 'two files are not replaced in one step',
    steps: 'The key is replaced; a client calls; the certificate is replaced.',
    run: async (stage) => {
      const { server, good } = await plain(stage);
      const before = (await server.as(good).call()).shown;
      const renewed = renewServerCertificate();
      await server.write('key', renewed.key);
      await server.settle();
      await server.serves(good, 'the client, with the new key alone');
      if ((await server.as(good).call()).shown !== before) fail('another certificate is shown');
      await server.change({ key: renewed.key, cert: renewed.cert });
      const took = await server.becomes(
        async () => (await server.as(good).call()).shown === renewed.shown,
        'the old certificate is shown',
      );
      return `shown after ${took}`;
    },
  },
  besideBroken('key', 'the key of the server', 'not a key\n'),
  besideBroken('ca', 'the file of the CAs', 'not a certificate\n'),
  {
    id: 'changes.one-bad-crl',
    sentence: 'A revocation by one CA takes effect although the CRL of another is unreadable.',
    reference: 'one broken source must not hold up the others',
    steps:
      'Two CAs with CRLs in one file; the newer CRL of one lists a client, and that of the other is forged.',
    needs: ['crl'],
    run: async (stage) => {
      const { root } = stage;
      const second = ca('second');
      const [bob, good] = [root.client('bob'), root.client('good')];
      const server = await stage.start({
        cas: [root, second],
        crls: [root.crl({ number: 1 }), second.crl({ number: 1 })],
      });
      await server.serves(bob, 'the client, before');
      const crls = [
        root.crl({ number: 2, revoked: [bob], thisUpdate: fromNow(-1000) }),
        second.crl({ number: 2, signWith: generateKey(), thisUpdate: fromNow(-1000) }),
      ];
      await server.change({ crls });
      const seen = await server.refuses(bob, 'the newly revoked client');
      await server.serves(good, 'the good client');
      await server.serves(second.client('other'), 'the client of the other CA');
      return seen;
    },
  },
  ...(
    [
      ['empty-ca', 'empty', ''],
      ['garbage-ca', 'text that is no certificate', 'not a certificate\n'],
      ['missing-ca', 'missing', undefined],
    ] as const
  ).map(([id, what, text]): Check => ({
    id: `changes.${id}`,
    sentence: `The CAs in force stay when their file is ${what}.`,
    reference: 'Caddy CVE-2026-27586, Traefik CVE-2022-46153 (fell back to the system’s CAs)',
    steps: `The file of the CAs becomes ${what}; a client, a stranger and one without a certificate call.`,
    run: async (stage) => {
      const { server, good } = await plain(stage);
      await server.write('ca', text);
      await server.settle();
      for (const stranger of [ca('stranger').client(), undefined])
        if ((await server.as(stranger).call()).served) fail('a stranger is served');
      await server.serves(good, 'the client');
      return 'nothing changed';
    },
  })),
  {
    id: 'changes.half-bundle',
    sentence: 'No CA is lost when the second half of their file is garbage.',
    reference: 'node:tls drops what follows a corrupt certificate',
    steps: 'Of two CAs in a file, the second becomes garbage; clients of both call.',
    run: async (stage) => {
      const { root } = stage;
      const second = ca('second');
      const server = await stage.start({ cas: [root, second], crls: [root.crl(), second.crl()] });
      await server.serves(second.client(), 'the client of the second CA, before');
      await server.write('ca', root.pem + second.pem.replace(/^(.{80})[A-Za-z0-9]{8}/s, '$1!!!!!!!!'));
      await server.settle();
      await server.serves(root.client(), 'the client of the first CA');
      await server.serves(second.client(), 'the client of the second CA');
      return 'nothing changed';
    },
  },
  {
    id: 'changes.ca-added',
    sentence: 'A client of a CA that was added is served without a restart.',
    reference: 'RFC 5280 section 6.1.1 (d)',
    steps: 'A second CA is added with its CRL; its client calls.',
    run: async (stage) => {
      const { root } = stage;
      const second = ca('second');
      // The place of the second CA is taken, for servers with a file for each.
      const server = await stage.start({ cas: [root, root], crls: [root.crl({ number: 1 })] });
      await server.serves(root.client(), 'the client of the first CA');
      await server.refuses(second.client(), 'the client of the second CA, before');
      await server.change({
        cas: [root, second],
        crls: [root.crl({ number: 2, thisUpdate: fromNow(-1000) }), second.crl()],
      });
      return await server.serves(second.client(), 'the client of the second CA');
    },
  },
];

async function plain(stage: Stage): Promise<{ server: Server; good: Certificate }> {
  const { root } = stage;
  const server = await stage.start({ cas: [root], crls: [root.crl()] });
  const good = root.client('good');
  await server.serves(good, 'the client, before');
  return { server, good };
}
