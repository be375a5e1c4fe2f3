import { expect } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { Program } from '../support/program.js';
import { temporaryDirectory } from '../support/files.js';
import { testInBrowser as test, visitor } from './browser.js';

test('the tutorial’s server greets a browser by its certificate, and refuses it once that is revoked', async () => {
  const certs = temporaryDirectory();
  const ca = await openDevCa(certs);
  await ca.issueServer();
  await ca.issueClient('client1');
  const program = new Program('examples/minimal/server.ts', { env: { CERTS: certs, PORT: '0' } });
  const [, port = ''] = await program.wrote(/Serving https:\/\/localhost:(\d+)/);
  const origin = `https://localhost:${port}`;

  const page = await (await visitor({ origin, certs, as: 'client1' })).newPage();
  const response = await page.goto(origin);
  expect(response?.status()).toBe(200);
  expect(await page.locator('body').innerText()).toBe('hello client1\n');

  const stranger = await (await visitor({ origin, certs })).newPage();
  await expect(stranger.goto(origin)).rejects.toThrow('net::ERR_');
  await program.wrote(/refused {2}no-certificate/);

  await ca.revoke('client1');
  await program.wrote(/reloaded {2}1 newly revoked/);
  expect(program.output).toMatch(/evicted {2}CN=client1 revoked/);
  await expect(page.reload()).rejects.toThrow('net::ERR_');
  await program.wrote(/refused {2}CN=client1 revoked/);
});
