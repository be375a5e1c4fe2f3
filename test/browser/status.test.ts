import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, jest } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { root } from '../support/program.js';
import { Stage } from '../support/stage.js';
import { testInBrowser as test, visitor } from './browser.js';
import { shrink } from './picture.js';
import { setScene } from './status-scene.js';

const pictures = path.join(root, 'reports/browser');
mkdirSync(pictures, { recursive: true });

/** `DOCS_PICTURES=1 npm run test:browser` also renews the pictures of the documentation. */
const isForDocs = process.env['DOCS_PICTURES'] === '1';

// A browser takes its time on a busy machine.
jest.setTimeout(120_000);

const [desktop, phone] = [
  { width: 1100, height: 760 },
  { width: 390, height: 844 },
];
const looks = [
  { name: 'light', state: 'trouble', colorScheme: 'light', viewport: desktop },
  { name: 'dark', state: 'well', colorScheme: 'dark', viewport: desktop },
  { name: 'phone', state: 'trouble', colorScheme: 'light', viewport: phone },
  { name: 'phone-dark', state: 'well', colorScheme: 'dark', viewport: phone },
] as const;

describe('the status page in a browser', () => {
  test.each(looks)('reads well: $name', async ({ name, state, ...look }) => {
    const { url, ...reader } = await setScene(state);
    const context = await visitor({ origin: url, ...reader, ...look });
    const page = await context.newPage();
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => requests.push(new URL(request.url()).pathname));
    page.on('console', (message) => complaints.push(message.text()));

    const response = await page.goto(`${url}/status`);

    expect(response?.status()).toBe(200);
    expect(await page.innerText('body')).toContain('CN=sensor-17');
    expect(await page.innerText('body')).toMatch(/img src=x onerror=?.*WWW/);
    await takePicture(page, name);
    expect(requests.filter((asked) => asked !== '/favicon.ico')).toEqual(['/status']);
    expect(complaints).toEqual([]);
    expect(await page.locator('script, iframe, object, embed, img, [onclick], [onload]').count()).toBe(0);
    expect(await page.locator('html[lang]').count()).toBe(1);
    expect(await page.title()).not.toBe('');
    expect(await page.locator('main').count()).toBe(1);
    expect(await page.locator('table:not(:has(th))').count()).toBe(0);
    expect(await skippedHeadings(page)).toEqual([]);
    expect(await horizontalScroll(page)).toBe(0);
    expect(await faintTexts(page)).toEqual([]);
    expect(await brokenSerials(page)).toEqual([]);
    // Whether all is well, and what expires next, without scrolling.
    for (const answer of ['#state', '#next']) await expectInWindow(page.locator(answer));
  });

  test('needs no scripts: a table without entries is collapsed, and opens with a click', async () => {
    const stage = await Stage.set('examples/status/server.ts');
    const reader = { origin: stage.url, certs: stage.certs, as: 'client1', javaScriptEnabled: false };
    const page = await (await visitor(reader)).newPage();

    await page.goto(`${stage.url}/status`);

    expect((await page.locator('#state').innerText()).trim()).toBe('Ready');
    expect(await page.locator('section[aria-labelledby="connections"] table').isVisible()).toBe(true);
    const evictions = page.locator('section[aria-labelledby="evictions"]');
    expect(await evictions.locator('p').isVisible()).toBe(false);
    await evictions.locator('summary').click();
    expect(await evictions.locator('p').innerText()).toBe('None.');
  });

  test('cannot be loaded again once the certificate of its reader is revoked', async () => {
    const stage = await Stage.set('examples/status/server.ts');
    const reader = { origin: stage.url, certs: stage.certs, as: 'client1' };
    const page = await (await visitor(reader)).newPage();
    expect((await page.goto(`${stage.url}/status`))?.status()).toBe(200);

    await stage.revoke('client1', async () => (await stage.call('/status', 'client1')) === 'refused');

    // Playwright connects in place of the browser, and answers itself if it fails early enough.
    const outcome = await page.reload().then(async (response) => await response?.text(), String);
    expect(outcome).toMatch(/net::ERR_|Playwright client-certificate error/);
  });
});

/** Takes a picture of what is seen without scrolling, and of the whole page, with the names of the machine replaced. */
async function takePicture(page: Page, name: string): Promise<void> {
  await page.evaluate(() => {
    document.querySelector('header bdi')!.textContent = 'web-1';
    document.querySelector('header time')!.textContent = '9 days';
  });
  await page.screenshot({ path: path.join(pictures, `status-${name}.png`), fullPage: true });
  if (isForDocs) writeFileSync(path.join(root, `docs/status-${name}.png`), shrink(await page.screenshot()));
}

async function expectInWindow(element: Locator): Promise<void> {
  const box = await element.boundingBox();
  const bottom = (box?.y ?? Infinity) + (box?.height ?? 0);
  expect(bottom).toBeLessThan(element.page().viewportSize()!.height);
}

/** Serial numbers on more than one line. */
async function brokenSerials(page: Page): Promise<string[]> {
  return await page
    .locator('.serial')
    .evaluateAll((all) =>
      all.filter((one) => one.getBoundingClientRect().height > 30).map(({ textContent }) => textContent),
    );
}

/** Headings that are more than one level below the one before; the first is to be the only h1. */
async function skippedHeadings(page: Page): Promise<string[]> {
  const headings = await page
    .locator('h1, h2, h3, h4, h5, h6')
    .evaluateAll((all) => all.map(({ tagName, textContent }) => [Number(tagName[1]), textContent] as const));
  return headings.flatMap(([level, text], index) => {
    const allowed = index === 0 ? level === 1 : level > 1 && level <= headings[index - 1]![0] + 1;
    return allowed ? [] : [text];
  });
}

/** By how many pixels the page is wider than the window. */
async function horizontalScroll(page: Page): Promise<number> {
  return await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

/** Texts whose contrast with what is behind them is below 4.5 : 1 (WCAG 2.2, 1.4.3). */
async function faintTexts(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
    const componentsOf = (colour: string): Uint8ClampedArray => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      return canvas.getImageData(0, 0, 1, 1).data;
    };
    const luminanceOf = (colour: string): number => {
      const [red = 0, green = 0, blue = 0] = [...componentsOf(colour)].map((byte) => {
        const part = byte / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const backgroundOf = (element: Element | null): string => {
      if (element === null) return 'Canvas';
      const { backgroundColor } = getComputedStyle(element);
      return componentsOf(backgroundColor)[3] === 255 ? backgroundColor : backgroundOf(element.parentElement);
    };
    // The colour of the system behind a page that sets none.
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.backgroundColor = 'Canvas';
    const canvasColour = getComputedStyle(probe).backgroundColor;
    probe.remove();

    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const faint: string[] = [];
    while (walker.nextNode() !== null) {
      const { parentElement: element, textContent } = walker.currentNode;
      if (element === null || textContent?.trim() === '' || element.getClientRects().length === 0) continue;
      const behind = backgroundOf(element);
      const lights = [
        luminanceOf(getComputedStyle(element).color),
        luminanceOf(behind === 'Canvas' ? canvasColour : behind),
      ].sort((left, right) => right - left);
      const contrast = (lights[0]! + 0.05) / (lights[1]! + 0.05);
      if (contrast < 4.5) faint.push(`${textContent?.trim()} ${contrast.toFixed(1)}`);
    }
    return faint;
  });
}
