import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { MtlsError } from '../../../src/errors.js';
import { type CrlRequest, loadCrls } from '../../../src/material/crl-loading.js';
import { CrlThreads, loadCrlsAside, type ThreadSettings } from '../../../src/material/crl-thread.js';
import { checkRevocationPolicy } from '../../../src/revocation/revocation-policy.js';
import { ca } from '../../support/chain.js';
import { temporaryDirectory } from '../../support/files.js';
import { pause } from '../../support/server.js';
import { takeWarnings } from '../../support/warnings.js';
import { ownTime } from '../../support/elapsed.js';

const root = ca('ca');
const request: CrlRequest = {
  inputs: [{ bytes: root.crl().der, origin: 'options.crl' }],
  cas: [root.der],
  policy: checkRevocationPolicy(),
  at: Date.now(),
  purpose: 'server',
  staying: [],
  keepEntries: 0,
  hash: undefined,
  inForce: [],
};
const response = {
  hash: 'of the thread',
  crls: undefined,
  inputs: [],
  diff: { added: 0, removed: 0 },
  shrunk: [],
};
const started = 'port.postMessage({ started: true });';
const answers = `${started} port.postMessage({ response: ${JSON.stringify(response)} });`;
const staysSilent = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);';

/** Threads that run this code, and how many have started. */
class Threads {
  readonly #directory = temporaryDirectory();
  readonly #log = path.join(this.#directory, 'log');
  readonly #threads: CrlThreads;
  #hasWarned = false;

  constructor(code: string, settings: Partial<ThreadSettings> = {}) {
    const file = path.join(this.#directory, 'thread.js');
    const head = `require('node:fs').appendFileSync(${JSON.stringify(this.#log)}, '.');
      const { workerData: { port } } = require('node:worker_threads');`;
    writeFileSync(file, `${head}\n${code}`);
    this.#threads = new CrlThreads({
      find: () => ({ file }),
      startMs: 20_000,
      workMs: 20_000,
      workMsPerByte: 0,
      avoidedMs: 60_000,
      ...settings,
    });
  }

  get count(): number {
    return existsSync(this.#log) ? readFileSync(this.#log).length : 0;
  }

  /** Loads, and says by which thread. */
  async load(bytes = 1, signal: AbortSignal = new AbortController().signal): Promise<'thread' | 'main'> {
    const { hash } = await this.#threads.load(request, bytes, signal);
    if (hash === response.hash) return 'thread';
    expect(hash).toBe(loadCrls(request).hash);
    // Once, not at each reload.
    const warning = expect.stringMatching(
      /^large CRLs are loaded on the main thread, .*the loading thread failed/,
    );
    expect(takeWarnings()).toEqual(this.#hasWarned ? [] : [warning]);
    this.#hasWarned = true;
    return 'main';
  }
}

describe('the loading thread', () => {
  test('is used each time', async () => {
    const threads = new Threads(answers);
    expect([await threads.load(), await threads.load()]).toEqual(['thread', 'thread']);
    expect(threads.count).toBe(2);
  });

  test.each([
    ['throws', "throw new Error('no');"],
    ['ends', ''],
    ['fails when it has started', `${started} throw new Error('no');`],
    ['throws what is no error', 'throw null;'],
    ['says that it met a defect', `${started} port.postMessage({ defect: 'TypeError: no' });`],
    ['gives an answer of another version', `${started} port.postMessage({ response: { hash: 'x' } });`],
    ['gives an answer with an unknown code', "port.postMessage({ code: 'toString', message: 'x' });"],
    ['answers nothing', 'port.postMessage(null);'],
  ])('is avoided for a time if it %s', async (_what, code) => {
    const threads = new Threads(code, { avoidedMs: 500 });
    expect([await threads.load(), await threads.load()]).toEqual(['main', 'main']);
    expect(threads.count).toBe(1);
    await pause(550);
    expect(await threads.load()).toBe('main');
    expect(threads.count).toBe(2);
  });

  test.each([
    ['has not started in time', staysSilent, { startMs: 3000 }],
    ['has not answered in time', `${started} ${staysSilent}`, { workMs: 200 }],
    ['never gives its turn back', 'for (;;);', { startMs: 3000 }],
  ])('is avoided permanently if it %s', async (_what, code, settings) => {
    const threads = new Threads(code, { avoidedMs: 0, ...settings });
    expect([await threads.load(), await threads.load()]).toEqual(['main', 'main']);
    expect(threads.count).toBe(1);
  });

  test('is not waited for if it does not end', async () => {
    const asleep = "require('node:child_process').execFileSync('sleep', ['8']);";
    const threads = new Threads(asleep, { startMs: 2000 });
    const begun = ownTime();
    expect(await threads.load()).toBe('main');
    expect(ownTime() - begun).toBeLessThan(6000);
  });

  test('has more time for more bytes', async () => {
    const threads = new Threads(`${started} setTimeout(() => { ${answers} }, 300);`, {
      workMs: 0,
      workMsPerByte: 1,
    });
    expect(await threads.load(10_000)).toBe('thread');
    expect(await threads.load(1)).toBe('main');
  });

  test.each([
    ['waits', answers],
    ['waits with its end', `${answers} process.exit();`],
    ['waits with an error', `${answers} throw new Error('late');`],
  ])('is not abandoned if the event loop was blocked and its answer %s', async (_what, code) => {
    const threads = new Threads(code, { startMs: 100 });
    const loading = threads.load();
    // The thread starts in the next turn.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
    expect(await loading).toBe('thread');
  });

  test.each([
    ['fails', "throw new Error('late');"],
    ['ends', 'process.exit();'],
  ])('has answered even if it %s afterwards', async (_what, afterwards) => {
    const threads = new Threads(`${answers} ${afterwards}`);
    expect([await threads.load(), await threads.load()]).toEqual(['thread', 'thread']);
  });

  test('reports faults of the CRLs, which are not loaded elsewhere', async () => {
    const said = {
      code: 'ERR_MTLS_CRL_EXPIRED',
      source: 'a.crl',
      seen: 'it has expired',
      remedy: 'publish one',
    };
    const threads = new Threads(`${started} port.postMessage(${JSON.stringify({ error: said })});`);
    for (let time = 1; time <= 2; time++) {
      const error = await threads.load().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(MtlsError);
      expect(error).toMatchObject(said);
      expect(threads.count).toBe(time);
    }
  });

  test.each([
    ['while it works', `${started} ${staysSilent}`],
    ['before it has started', staysSilent],
  ])('ends if the server is closed %s, and another is started when it listens again', async (_when, code) => {
    const threads = new Threads(code, { avoidedMs: 0 });
    const closing = new AbortController();
    const loading = threads.load(1, closing.signal).catch((reason: unknown) => reason);
    while (threads.count === 0) await pause(10);
    const aborted = ownTime();
    closing.abort();
    expect(await loading).toMatchObject({ name: 'MtlsError', message: expect.stringContaining('closed') });
    expect(ownTime() - aborted).toBeLessThan(2000);
    await expect(threads.load(1, closing.signal)).rejects.toThrow('closed');
    expect(threads.count).toBe(1);
    const reopened = new AbortController();
    const loadingAgain = threads.load(1, reopened.signal).catch(() => undefined);
    while (threads.count === 1) await pause(10);
    reopened.abort();
    await loadingAgain;
  });
});

test('every failure of loading is an MtlsError', async () => {
  const signal = new AbortController().signal;
  const broken = { ...request, cas: [undefined as never] };
  await expect(loadCrlsAside(broken, signal)).rejects.toMatchObject({
    name: 'MtlsError',
    code: 'ERR_MTLS_INTERNAL',
    message: expect.stringContaining('TypeError'),
  });
});
