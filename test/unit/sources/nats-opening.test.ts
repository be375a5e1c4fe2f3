import { expect, test } from '@jest/globals';
import { type NatsBucket } from '../../../src/sources/nats-bucket.js';
import { openedWhenNeeded } from '../../../src/sources/nats-opening.js';
import { natsStore } from '../../../src/sources/nats-store.js';

const none = (): never => {
  throw new Error('not called');
};

const status = { streamInfo: { state: { messages: 0, last_seq: 0, last_ts: '' } } };

const bucket: NatsBucket = {
  get: () => Promise.resolve(null),
  create: none,
  update: none,
  put: none,
  watch: none,
  status: () => Promise.resolve(status),
};

test('a bucket is opened once, when it is first needed', async () => {
  let opened = 0;
  const lazy = openedWhenNeeded(() => {
    opened++;
    return Promise.resolve(bucket);
  });
  expect(opened).toBe(0);
  expect(await Promise.all([lazy.status(), lazy.get('a')])).toEqual([status, null]);
  expect(await lazy.status()).toEqual(status);
  expect(opened).toBe(1);
});

test('a bucket that could not be opened is opened again', async () => {
  const answers = [Promise.reject(new Error('down')), Promise.resolve(bucket)];
  const lazy = openedWhenNeeded(() => answers.shift() ?? none());
  await expect(lazy.status()).rejects.toThrow('down');
  expect(await lazy.status()).toEqual(status);
});

test('a bucket that is open already is used as it is', () => {
  expect(openedWhenNeeded(bucket)).toBe(bucket);
});

test('what opens as something else than a bucket is an error of the store', async () => {
  const store = natsStore(() => Promise.resolve({} as NatsBucket));
  await expect(store.list(1, AbortSignal.timeout(5000))).rejects.toMatchObject({
    code: 'ERR_MTLS_OPTION_INVALID',
  });
});
