import { copyFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { beforeAll, expect, test } from '@jest/globals';
import { type DevCa, openDevCa } from 'express-mtls/dev-ca';
import { temporaryDirectory } from '../support/files.js';
import { call } from '../support/call.js';
import { Program, run } from '../support/program.js';

let certs: string;
let ca: DevCa;

beforeAll(async () => {
  certs = temporaryDirectory();
  ca = await openDevCa(certs);
  await ca.issueServer();
  await ca.issueClient('client1');
  await ca.issueClient('client2');
});

test('the revocation example prints every event and reloads on request', async () => {
  const program = new Program('examples/revocation/server.ts', { env: { CERTS: certs, PORT: '0' } });
  const [, url = ''] = await program.wrote(/Revocation on (https:\/\/localhost:\d+)/);
  const as1 = { certs, as: 'client1' };
  const agent = new https.Agent({ keepAlive: true });
  const as2 = { certs, as: 'client2', agent };

  expect(await call(`${url}/`, as2)).toMatch(/^200 .*"issuer":"CN=ca","number":"1".*"healthy":true/);
  await program.wrote(/^authenticated CN=client2$/m);
  expect(await call(`${url}/connections`, as1)).toMatch(/^200 \[.*"client":"client2".*\]$/);

  copyFileSync(`${certs}/ca-crl.pem`, `${certs}/old.pem`);
  await ca.revoke('client2', { reason: 'superseded' });
  expect(await call(`${url}/`, as2)).toMatch(/^200/);
  expect(await call(`${url}/reload`, { ...as1, method: 'POST' })).toMatch(
    /^200 \{"changed":true,"added":1,"removed":0,"evicted":1,"durationMs":[\d.]+,/,
  );
  await program.wrote(
    / evicted {2}CN=client2 revoked by CRL 2 of CN=ca {2}127\.0\.0\.1$[^]* reloaded {2}1 newly revoked, .*1 connection closed/m,
  );
  expect(await call(`${url}/`, { certs, as: 'client2' })).toBe('refused');
  await program.wrote(/ refused {2}CN=client2 revoked by CRL 2 of CN=ca {2}127\.0\.0\.1$/m);

  copyFileSync(`${certs}/old.pem`, `${certs}/ca-crl.pem`);
  expect(await call(`${url}/reload`, { ...as1, method: 'POST' })).toMatch(/^500 .*ERR_MTLS_CRL_ROLLBACK/);
  writeFileSync(`${certs}/ca-crl.pem`, '');
  expect(await call(`${url}/reload`, { ...as1, method: 'POST' })).toMatch(/^500 .*ERR_MTLS_PEM_INVALID/);
  await program.wrote(
    / reload-failed {2}[^]* ERR_MTLS_CRL_ROLLBACK: [^]* reload-failed {2}[^]* ERR_MTLS_PEM_INVALID: /m,
  );
  expect(await call(`${url}/`, { certs, as: 'client2' })).toBe('refused');
  expect(await call(`${url}/`, as1)).toMatch(/^200/);
  await ca.writeCrl();
  agent.destroy();
});

test('the check example asks the CRLs without a server', async () => {
  const args = [`${certs}/client1-crt.pem`, `${certs}/client2-crt.pem`];
  const check = (): ReturnType<typeof run> =>
    run('examples/revocation/check.ts', { env: { CERTS: certs }, args });
  await ca.revoke('client2', { reason: 'superseded' });
  const { output, exitCode } = await check();
  expect(output).toMatch(
    /client1-crt\.pem: good\n.*client2-crt\.pem: revoked at .* \(superseded\), CRL number \d+\n$/,
  );
  expect(exitCode).toBe(1);
  expect(
    await run('examples/revocation/check.ts', { env: { CERTS: certs }, args: args.slice(0, 1) }),
  ).toMatchObject({ exitCode: 0 });

  const other = await openDevCa(temporaryDirectory());
  copyFileSync(other.crlFile, ca.crlFile);
  const aside = await check();
  expect(aside.output).toMatch(/ca-crl\.pem is not used: [^]*client1-crt\.pem: unknown \(no-crl\)/);
  expect(aside.exitCode).toBe(1);
});
