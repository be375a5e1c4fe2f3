/**
 * Bound tokens end to end: a real authorization server, a real verifier of tokens, and a real client.
 *
 * @module
 */
import https from 'node:https';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { beforeEach, expect, jest, test } from '@jest/globals';
import { freePort } from '../support/ports.js';
import { Program } from '../support/program.js';
import { Stage } from '../support/stage.js';

jest.setTimeout(180_000);

let stage: Stage;
let env: Record<string, string>;
beforeEach(async () => {
  const port = await freePort();
  env = { ISSUER: `https://localhost:${port}` };
  stage = await Stage.set('examples/oauth/api.ts', env);
  const issuer = new Program('examples/oauth/issuer.ts', { env: { CERTS: stage.certs, PORT: port, ...env } });
  await issuer.wrote(/authorization server is on/);
});

async function tokenOf(name: string): Promise<{ output: string; exitCode: number }> {
  const client = new Program('examples/oauth/client.ts', {
    args: [name],
    env: { CERTS: stage.certs, ...env },
  });
  return await client.ended();
}

async function callApi(
  name: string,
  token?: string,
): Promise<[number | undefined, string | undefined, string]> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const request = https.get(`${stage.url}/orders`, { headers, agent: false, ...stage.credentials(name) });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return [response.statusCode, response.headers['www-authenticate'], await text(response)];
}

test('a client gets a token by its certificate, and the token works with no other certificate', async () => {
  const { output, exitCode } = await tokenOf('client1');
  expect([exitCode, output]).toEqual([0, expect.stringMatching(/^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/)]);
  const token = output.trim();
  expect(await callApi('client1', token)).toEqual([200, undefined, 'the orders of client1, for client1\n']);
  expect(await callApi('client2', token)).toEqual([
    401,
    'Bearer error="invalid_token"',
    expect.stringContaining('ERR_MTLS_TOKEN_INVALID'),
  ]);
  expect((await callApi('client1'))[0]).toBe(401);
});

test('another certificate gets no token for the client', async () => {
  const { output, exitCode } = await tokenOf('client2');
  expect(exitCode).not.toBe(0);
  expect(output).toMatch(/invalid_client/);
  expect(output).not.toMatch(/eyJ/);
});
