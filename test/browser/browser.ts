/**
 * A real browser, without a window, that shows a client's certificate where it is asked for one. Playwright puts
 * that certificate into the handshake itself, in a proxy between Chromium and the server.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { afterAll } from '@jest/globals';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';
import { testWith } from '../support/requirements.js';

const candidates = [process.env['CHROMIUM_PATH'], 'chromium', 'chromium-browser', 'google-chrome'];
const executable = candidates.flatMap((name) => (name === undefined ? [] : pathOf(name)))[0];

/** A test that needs Chromium. */
export const testInBrowser = testWith(
  executable !== undefined,
  'Chromium is not installed, and CHROMIUM_PATH does not name it',
);

let browser: Browser | undefined;

afterAll(async () => {
  await browser?.close();
});

export interface VisitorOptions extends BrowserContextOptions {
  /** Where the certificate is shown. */
  readonly origin: string;
  /** The folder with the certificates. */
  readonly certs: string;
  /** The NAME of `NAME-crt.pem`; none: a visitor without a certificate. */
  readonly as?: string;
}

/** A visitor with an empty profile. */
export async function visitor({ origin, certs, as, ...options }: VisitorOptions): Promise<BrowserContext> {
  browser ??= await launch();
  const certPath = `${certs}/${as}-crt.pem`;
  const keyPath = `${certs}/${as}-key.pem`;
  return await browser.newContext({
    // Chromium does not know the development CA; what is tested here is what the server knows of the visitor.
    ignoreHTTPSErrors: true,
    ...(as === undefined ? {} : { clientCertificates: [{ origin, certPath, keyPath }] }),
    ...options,
  });
}

async function launch(): Promise<Browser> {
  if (executable === undefined) throw new Error('no chromium: install it, or name it in CHROMIUM_PATH');
  // Root may not have Chromium's sandbox, nor may any user on some systems. The pages are our own.
  return await chromium.launch({ executablePath: executable, chromiumSandbox: false });
}

function pathOf(name: string): string[] {
  const { status, stdout } = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' });
  return status === 0 ? [stdout.trim()] : [];
}
