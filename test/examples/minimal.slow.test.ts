import { beforeAll, describe, expect, test } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { temporaryDirectory } from '../support/files.js';
import { freePort } from '../support/ports.js';
import { Program, run } from '../support/program.js';

const server = 'examples/minimal/server.ts';
const client = 'examples/minimal/client.ts';
const certs = temporaryDirectory();

beforeAll(async () => {
  const ca = await openDevCa(certs);
  await ca.issueServer();
  await ca.issueClient('client1');
  await ca.issueClient('client2');
});

async function serve(): Promise<{ program: Program; env: { CERTS: string; PORT: string } }> {
  const program = new Program(server, { env: { CERTS: certs, PORT: '0' } });
  const [, port = ''] = await program.wrote(/Serving https:\/\/localhost:(\d+)[^]*shows no certificate/);
  return { program, env: { CERTS: certs, PORT: port } };
}

describe('the tutorial’s server and client', () => {
  test('serve client1 and client2 by name, and forbid client2 the page of client1', async () => {
    const { env } = await serve();
    const callAs = (...args: string[]): ReturnType<typeof run> => run(client, { env, args });
    expect(await callAs()).toEqual({ output: 'hello client1\n', exitCode: 0 });
    expect(await callAs('client1')).toEqual({ output: 'hello client1\n', exitCode: 0 });
    expect(await callAs('client2')).toEqual({ output: 'hello client2\n', exitCode: 0 });
    expect(await callAs('client1', '/admin')).toEqual({ output: 'welcome\n', exitCode: 0 });
    const forbidden = await callAs('client2', '/admin');
    expect(forbidden.output).toMatch(/^The server answers client2 with 403:\n.*ERR_MTLS_CLIENT_FORBIDDEN/);
    expect(forbidden.exitCode).toBe(1);
  });

  test('refuse a caller without a certificate in a sentence, and say why in the log', async () => {
    const { program, env } = await serve();
    expect(await run(client, { env, args: ['anonymous'] })).toEqual({
      output: 'The server refused anonymous: it closed the connection. Its log has the reason.\n',
      exitCode: 1,
    });
    await program.wrote(/ refused {2}no-certificate: the client sent no certificate {2}(127\.0\.0\.1|::1)$/m);
  });

  test('refuse client2 within seconds of its revocation', async () => {
    const folder = temporaryDirectory();
    const ca = await openDevCa(folder);
    await ca.issueServer();
    await ca.issueClient('client1');
    await ca.issueClient('client2');
    const program = new Program(server, { env: { CERTS: folder, PORT: '0' } });
    const [, PORT = ''] = await program.wrote(/Serving https:\/\/localhost:(\d+)/);
    const callAs = (name: string): ReturnType<typeof run> =>
      run(client, { env: { CERTS: folder, PORT }, args: [name] });
    expect(await callAs('client2')).toMatchObject({ exitCode: 0 });
    await ca.revoke('client2');
    await program.wrote(/ reloaded {2}1 newly revoked/);
    expect(await callAs('client2')).toMatchObject({
      output: expect.stringContaining('refused client2'),
      exitCode: 1,
    });
    expect(await callAs('client1')).toEqual({ output: 'hello client1\n', exitCode: 0 });
    expect(program.output).toMatch(/ refused {2}CN=client2 revoked by CRL 2 of CN=ca {2}/);
  });
});

describe('the server', () => {
  test('prints curl lines that name its port and its folder', async () => {
    const { program, env } = await serve();
    const curl = `curl --cacert ${certs}/ca-crt.pem --cert ${certs}/client1-crt.pem --key ${certs}/client1-key.pem`;
    expect(program.output).toContain(`${curl} https://localhost:${env.PORT}/\n`);
  });

  test('explains how to create missing certificates', async () => {
    const empty = temporaryDirectory();
    expect(await run(server, { env: { CERTS: empty, PORT: '0' } })).toEqual({
      output: `${empty} holds no certificates yet. Make them with: npm run certs\n`,
      exitCode: 1,
    });
  });

  test('says in a line that its port is taken', async () => {
    const { env } = await serve();
    const second = await run(server, { env });
    expect(second).toMatchObject({ output: expect.stringContaining('EADDRINUSE'), exitCode: 1 });
    expect(second.output).not.toContain('    at ');
  });
});

describe('the client', () => {
  test('says what is missing: the server, the certificates', async () => {
    const env = { CERTS: certs, PORT: await freePort() };
    expect(await run(client, { env })).toEqual({
      output: `Nothing listens on port ${env.PORT}. Start the server with: npm start\n`,
      exitCode: 1,
    });
    const stranger = await run(client, { env, args: ['client3'] });
    expect(stranger.output).toMatch(/client3-crt\.pem.*npm run certs\n$/);
    expect(stranger.exitCode).toBe(1);
  });

  test('explains itself', async () => {
    const { output, exitCode } = await run(client, { args: ['--help'] });
    expect(output).toContain('npm run example -- client2 /admin');
    expect(exitCode).toBe(0);
  });
});
