import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, jest } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { writeProgram } from '../support/document-code.js';
import { call } from '../support/call.js';
import { temporaryDirectory } from '../support/files.js';
import { freePort } from '../support/ports.js';
import { Program } from '../support/program.js';
import { testInBrowser as test, visitor } from './browser.js';

// A browser takes its time on a busy machine.
jest.setTimeout(120_000);

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** Serves an empty page on a port of its own. */
async function servePage(): Promise<string> {
  const server = http.createServer((_req, res) =>
    res.setHeader('content-type', 'text/html').end('<title>page'),
  );
  servers.push(server);
  await once(server.listen(0), 'listening');
  return `${(server.address() as AddressInfo).port}`;
}

/** The API of docs/cors.md, for pages of `http://localhost`, and an empty page at that origin. */
async function serve(clients = 'optional'): Promise<{ page: string; api: string; certs: string }> {
  const folder = temporaryDirectory();
  const certs = path.join(folder, 'certs-dev');
  const ca = await openDevCa(certs);
  await ca.issueServer();
  await ca.issueClient('client1');
  const [page, port] = [await servePage(), await freePort()];
  const file = writeProgram(['docs/cors.md', 'server.mjs'], folder, {
    4433: port,
    'https://app.example.com': `http://localhost:${page}`,
    "clients: 'optional'": `clients: '${clients}'`,
  });
  await new Program(file, { cwd: folder }).listens(port);
  return { page, api: `https://localhost:${port}`, certs };
}

/** What a script of a page gets for a request to the API. */
async function putFrom(
  origin: string,
  { api, certs, as }: { api: string; certs: string; as?: string },
): Promise<string> {
  const context = await visitor({ origin: api, certs, ...(as === undefined ? {} : { as }) });
  const page = await context.newPage();
  await page.goto(origin);
  return await page.evaluate(async (url) => {
    try {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url, { method: 'PUT', credentials: 'include', headers, body: '{}' });
      return `${response.status} ${await response.text()}`;
    } catch (error) {
      return String(error);
    }
  }, `${api}/orders`);
}

describe('a page of another origin', () => {
  test('calls with its certificate, and without one reads the 401', async () => {
    const { page, api, certs } = await serve();
    const origin = `http://localhost:${page}`;
    expect(await putFrom(origin, { api, certs, as: 'client1' })).toBe('200 {"client":"client1"}');
    expect(await putFrom(origin, { api, certs })).toMatch(/^401 .*"ERR_MTLS_CERTIFICATE_REQUIRED"/);
  });

  test('needs an answer to its preflight, which has no certificate', async () => {
    const { page, api, certs } = await serve();
    const headers = { origin: `http://localhost:${page}`, 'access-control-request-method': 'PUT' };
    expect(await call(`${api}/orders`, { certs, method: 'OPTIONS', headers })).toBe('204 ');

    const strict = await serve('required');
    expect(await call(`${strict.api}/orders`, { certs: strict.certs, method: 'OPTIONS', headers })).toBe(
      'refused',
    );
    expect(await putFrom(`http://localhost:${strict.page}`, strict)).toBe('TypeError: Failed to fetch');
  });

  test('that is not listed reaches no handler, by a script or a form, with the certificate of its visitor', async () => {
    const { page: port, api, certs } = await serve();
    const origin = `http://127.0.0.1:${port}`;
    expect(await putFrom(origin, { api, certs, as: 'client1' })).toBe('TypeError: Failed to fetch');
    const page = await (await visitor({ origin: api, certs, as: 'client1' })).newPage();
    await page.goto(origin);
    await page.setContent(`<form method="post" action="${api}/orders"><button>send</button></form>`);
    const [response] = await Promise.all([page.waitForResponse(`${api}/orders`), page.click('button')]);
    expect(response.status()).toBe(403);
  });
});
