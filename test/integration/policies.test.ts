/**
 * Certificate policies: asked for by the options, shown by the identity, matched by rules.
 *
 * @module
 */
import { describe, expect, test } from '@jest/globals';
import { clientIdentity, createServer, mtlsErrorHandler, requireClient } from 'express-mtls';
import express from 'express';
import { type CertificateAuthority, ca } from '../support/chain.js';
import { certificatePolicies, inhibitAnyPolicy, policyMappings } from '../support/path-extensions.js';
import { publish, startServer, until } from '../support/server.js';

const [high, low, theirs] = ['1.3.6.1.4.1.99999.1.1', '1.3.6.1.4.1.99999.1.2', '1.3.6.1.4.1.88888.1'];

function intermediate(root: CertificateAuthority, ...policies: readonly string[]): CertificateAuthority {
  return root.intermediate({ commonName: 'middle', extraExtensions: [certificatePolicies(...policies)] });
}

function app(): express.Express {
  const served = express();
  served.use(clientIdentity());
  served.get('/high', requireClient({ policy: high }), (_req, res) => res.send('high'));
  served.get('/', (req, res) => res.json(req.clientIdentity?.policies));
  served.use(mtlsErrorHandler());
  return served;
}

test('a list of policies admits clients whose path has one of them, and no others', async () => {
  const root = ca('ca');
  const middle = intermediate(root, high, low);
  const server = await startServer({
    root,
    cas: [root, middle],
    crl: null,
    app: app(),
    options: { certificates: { policies: [high] } },
  });
  const [strong, weak, none] = [[high], [low], []].map((policies) =>
    middle.client({ extraExtensions: policies.length === 0 ? [] : [certificatePolicies(...policies)] }),
  );
  expect(await server.as(strong).get()).toMatchObject({ status: 200, body: JSON.stringify([high]) });
  expect(await server.as(strong).get('/high')).toMatchObject({ status: 200 });
  for (const client of [weak, none])
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
  expect(server.recorder.events('refused')).toMatchObject([
    { reason: 'not-permitted', detail: 'it has none of the required certificate policies' },
    {
      reason: 'not-permitted',
      detail: 'it has no certificate policy in common with the certificates above it (certificatePolicies)',
    },
  ]);
});

test('without the option every client comes in, and rules go by the policies of the path', async () => {
  const root = ca('ca');
  const middle = intermediate(root, high, low);
  const server = await startServer({ root, cas: [root, middle], crl: null, app: app() });
  const strong = middle.client({ extraExtensions: [certificatePolicies(high)] });
  const boaster = root.client();
  expect(await server.as(strong).get('/high')).toMatchObject({ status: 200 });
  expect(await server.as(boaster).get('/')).toMatchObject({ status: 200, body: '[]' });
  expect(await server.as(boaster).get('/high')).toMatchObject({ status: 403 });
});

test('a policy that a CA maps counts by the name that the anchor has for it', async () => {
  const root = ca('ca');
  const middle = root.intermediate({
    commonName: 'middle',
    extraExtensions: [certificatePolicies(high), policyMappings([high, theirs])],
  });
  const client = middle.client({ extraExtensions: [certificatePolicies(theirs)] });
  const options = (policies: object): object => ({ certificates: { policies } });
  const server = await startServer({
    root,
    cas: [root, middle],
    crl: null,
    app: app(),
    options: options([high]),
  });
  expect(await server.as(client).get()).toMatchObject({ status: 200, body: JSON.stringify([high]) });
  const inhibiting = await startServer({
    root,
    cas: [root, middle],
    crl: null,
    options: options({
      initialPolicySet: [high],
      initialExplicitPolicy: true,
      initialPolicyMappingInhibit: true,
    }),
  });
  expect(await inhibiting.as(client).get()).toMatchObject({ status: 'refused' });
});

test('a CA that inhibits anyPolicy: a client of any policy has none', async () => {
  const root = ca('ca');
  const any = '2.5.29.32.0';
  const extraExtensions = [certificatePolicies(any), inhibitAnyPolicy(0)];
  const [open, strict] = [
    intermediate(root, any),
    root.intermediate({ commonName: 'strict', extraExtensions }),
  ];
  const server = await startServer({
    root,
    cas: [root, open, strict],
    crl: null,
    app: app(),
    options: { certificates: { policies: [high] } },
  });
  const [admitted, refused] = [open, strict].map((one) =>
    one.client({ extraExtensions: [certificatePolicies(any)] }),
  );
  expect(await server.as(admitted).get()).toMatchObject({ status: 200, body: JSON.stringify([high]) });
  expect(await server.as(refused).get()).toMatchObject({ status: 'refused' });
});

test('a connection whose policies change by a reload is closed, and the next has the new ones', async () => {
  const root = ca('ca');
  const middle = intermediate(root, high, low);
  const now = middle.reissue({ extraExtensions: [certificatePolicies(low)] });
  const client = middle.client({ extraExtensions: [certificatePolicies(high, low)] });
  const stays = middle.client({ commonName: 'stays', extraExtensions: [certificatePolicies(low)] });
  const server = await startServer({ root, cas: [root, middle], crl: null, app: app() });
  const [one, other] = [client, stays].map((each) => server.as(each, { keepAlive: true }));
  expect(JSON.parse((await one?.get())?.body ?? '')).toEqual([high, low]);
  const before = await other?.get();
  publish(server.files.ca, root.pem + now.pem);
  await until(() => one?.connection.isClosed === true, 'the connection is closed');
  expect(server.recorder.events('evicted')).toMatchObject([{ reason: 'not-permitted' }]);
  expect(await server.as(client).get()).toMatchObject({ status: 200, body: JSON.stringify([low]) });
  expect(await other?.get()).toMatchObject({ status: 200, localPort: before?.localPort });
});

describe('policies that cannot be meant are refused at the start', () => {
  test.each([
    [[], 'certificates.policies'],
    [['high'], 'certificates.policies'],
    [['3.1'], 'certificates.policies'],
    [{ initialPolicySet: [] }, 'certificates.policies.initialPolicySet'],
    [{ initialExplicitPolicy: 1 }, 'certificates.policies.initialExplicitPolicy'],
    [{ initialPolicies: [high] }, 'initialPolicySet'],
  ])('%j', async (policies, named) => {
    const certificates = { policies } as never;
    await expect(createServer({ key: 'k', cert: 'c', ca: 'a', certificates })).rejects.toThrow(named);
  });

  test('also in rules', () => {
    expect(() => requireClient({ policy: 'high' })).toThrow(
      'policy has "high", which is not an object identifier',
    );
  });
});
