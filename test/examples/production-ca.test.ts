/**
 * What docs/production-ca.md says about the CRL of step-ca, which names its own URL: the same CRL, made here.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { ca } from '../support/chain.js';
import { distributionPoints } from '../support/lists.js';
import { startServer } from '../support/server.js';

const page = readFileSync('docs/production-ca.md', 'utf8');

test('a CRL of step-ca admits only certificates that name its URL, as the template of the page makes them', async () => {
  const [, idpUrl = ''] = /"idpURL": "([^"]+)"/.exec(page) ?? [];
  const [, named = ''] = /"crlDistributionPoints": \["([^"]+)"\]/.exec(page) ?? [];
  const root = ca('root');
  const issuing = root.intermediate('issuing');
  const client = (uris: string[], commonName: string): ReturnType<typeof issuing.client> =>
    issuing.client({ commonName, extraExtensions: [distributionPoints({ uris })] });
  const [admitted, revoked] = [client([named], 'admitted'), client([named], 'revoked')];
  const server = await startServer({
    root,
    cas: [root, issuing],
    crl: issuing.crl({ revoked: [revoked], idp: { fullName: [idpUrl], onlyUser: true } }).pem,
    options: { revocation: { scope: 'leaf' } },
  });
  expect(await server.as(admitted).get()).toMatchObject({ status: 200 });
  expect(await server.as(revoked).get()).toMatchObject({ status: 'refused' });
  expect(await server.as(issuing.client('unnamed')).get()).toMatchObject({ status: 'refused' });
  expect(server.recorder.events('refused').map(({ reason }) => reason)).toEqual([
    'revoked',
    'revocation-unknown',
  ]);
});

test('without a CRL of the root, the clients of an intermediate CA need revocation.scope, as the page says', async () => {
  expect(page).toContain("revocation: { scope: 'leaf' }");
  const root = ca('root');
  const issuing = root.intermediate('issuing');
  const start = async (scope: 'leaf' | 'chain'): ReturnType<typeof startServer> =>
    await startServer({
      root,
      cas: [root, issuing],
      crl: issuing.crl().pem,
      options: { revocation: { scope } },
    });
  const client = issuing.client('client1');
  expect(await (await start('leaf')).as(client).get()).toMatchObject({ status: 200 });
  const strict = await start('chain');
  expect(await strict.as(client).get()).toMatchObject({ status: 'refused' });
  expect(strict.recorder.events('refused')).toMatchObject([{ reason: 'revocation-unknown' }]);
});
