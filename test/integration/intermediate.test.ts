/**
 * A CA below a CA, over real TLS: chains, both CRLs, and who is put out by which.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createServer, type MtlsServer } from 'express-mtls';
import { openDevCa, type DevCa, type IntermediateCa } from 'express-mtls/dev-ca';
import { Client } from '../support/client.js';
import { temporaryDirectory } from '../support/files.js';
import { helloApp, listen, Recorder, until } from '../support/server.js';
import { openssl, testWithOpenssl } from '../support/openssl.js';

let directory: string;
let root: DevCa;
let made: IntermediateCa;
let middle: DevCa;

beforeEach(async () => {
  directory = temporaryDirectory();
  root = await openDevCa(directory, { commonName: 'Root CA' });
  made = await root.issueIntermediate('devices', { commonName: 'Devices CA' });
  middle = await openDevCa(made.directory);
});

const inMiddle = (file: string): string => join(made.directory, file);

async function start(
  issuer: DevCa,
): Promise<{ server: MtlsServer; recorder: Recorder; as: (name: string) => Client }> {
  const { certFile, keyFile } = await issuer.issueServer();
  const recorder = new Recorder();
  const server = await createServer(
    {
      key: keyFile,
      cert: certFile,
      ca: made.chainFile,
      crl: [root.crlFile, made.crlFile],
      logger: recorder.logger,
    },
    helloApp(),
  );
  recorder.listenTo(server.mtls);
  // A client of the server has the root alone: the server has to send what is between.
  const target = { port: await listen(server), ca: readFileSync(root.certFile, 'utf8') };
  const as = (name: string): Client => {
    const chainPem = readFileSync(inMiddle(`${name}-crt.pem`), 'utf8');
    const keyPem = readFileSync(inMiddle(`${name}-key.pem`), 'utf8');
    return new Client(target, { chainPem, keyPem }, { keepAlive: true });
  };
  return { server, recorder, as };
}

describe.each(['root', 'intermediate'])('a server with a certificate of the %s', (which) => {
  const issuer = (): DevCa => (which === 'root' ? root : middle);

  test('serves the clients of the intermediate', async () => {
    await middle.issueClient('sensor1');
    const { as } = await start(issuer());
    expect(await as('sensor1').get()).toMatchObject({
      status: 200,
      body: '{"hello":"sensor1","resumed":false}',
    });
  });

  test('puts out the client that the intermediate revokes, and no other', async () => {
    for (const name of ['sensor1', 'sensor2']) await middle.issueClient(name);
    const { as, recorder } = await start(issuer());
    const [one, two] = [as('sensor1'), as('sensor2')];
    for (const client of [one, two]) expect(await client.get()).toMatchObject({ status: 200 });
    await middle.revoke('sensor2');
    await until(() => recorder.events('evicted').length === 1, 'sensor2 is put out');
    expect(one.connection.isClosed).toBe(false);
    expect(await one.get()).toMatchObject({ status: 200 });
    expect(await as('sensor2').get()).toMatchObject({ status: 'refused' });
  });

  test('puts out every client of the intermediate when the root revokes that, by its name', async () => {
    for (const name of ['sensor1', 'sensor2']) await middle.issueClient(name);
    const { as, recorder } = await start(issuer());
    const clients = [as('sensor1'), as('sensor2')];
    for (const client of clients) expect(await client.get()).toMatchObject({ status: 200 });
    await expect(root.revoke('devices', { reason: 'cACompromise' })).resolves.toMatchObject({
      outcome: 'revoked',
    });
    await until(() => recorder.events('evicted').length === 2, 'both are put out');
    expect(await as('sensor1').get()).toMatchObject({ status: 'refused' });
    expect(recorder.events('refused')).toMatchObject([{ reason: 'revoked' }]);
  });
});

test('a server takes the clients of two intermediates, and of the root', async () => {
  const staff = await root.issueIntermediate('staff');
  const issuers = { sensor1: middle, alice: await openDevCa(staff.directory), client1: root };
  const { certFile, keyFile } = await root.issueServer();
  const server = await createServer(
    {
      key: keyFile,
      cert: certFile,
      ca: [made.chainFile, staff.chainFile],
      crl: [root.crlFile, made.crlFile, staff.crlFile],
    },
    helloApp(),
  );
  const target = { port: await listen(server), ca: readFileSync(root.certFile, 'utf8') };
  for (const [name, issuer] of Object.entries(issuers)) {
    const files = await issuer.issueClient(name);
    const chainPem = readFileSync(files.certFile, 'utf8');
    const keyPem = readFileSync(files.keyFile, 'utf8');
    const { body } = await new Client(target, { chainPem, keyPem }).get();
    expect(JSON.parse(body)).toMatchObject({ hello: name });
  }
});

test('what the intermediate issues is written with its own certificate behind it; what the root issues is not', async () => {
  await middle.issueClient('sensor1');
  await root.issueClient('client1');
  const own = readFileSync(made.certFile, 'utf8');
  expect(readFileSync(inMiddle('sensor1-crt.pem'), 'utf8').endsWith(own)).toBe(true);
  expect(readFileSync(join(directory, 'client1-crt.pem'), 'utf8').match(/BEGIN/g)).toHaveLength(1);
  expect(readFileSync(made.chainFile, 'utf8')).toBe(own + readFileSync(root.certFile, 'utf8'));
});

testWithOpenssl('openssl verifies the chain strictly, with both CRLs', async () => {
  await middle.issueClient('sensor1');
  const verify = (...args: string[]): string =>
    openssl(
      made.directory,
      'verify',
      '-x509_strict',
      '-crl_check_all',
      '-purpose',
      'sslclient',
      '-CAfile',
      '../ca-crt.pem',
      '-untrusted',
      'ca-crt.pem',
      '-CRLfile',
      '../ca-crl.pem',
      '-CRLfile',
      'ca-crl.pem',
      ...args,
      'sensor1-crt.pem',
    );
  expect(verify()).toContain('OK');
  await root.revoke('devices');
  expect(() => verify()).toThrow(/error 23 at 1 depth lookup: ?certificate revoked/);
});
