import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { within } from '../../src/within.js';
import { pause } from '../support/server.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const never = async (): Promise<never> => await new Promise<never>(() => undefined);

describe('work', () => {
  test('in time gives its result, and its signal is not aborted', async () => {
    let given: AbortSignal | undefined;
    const work = (signal: AbortSignal): string => {
      given = signal;
      return 'done';
    };
    expect(await within(20, work)).toBe('done');
    await pause(40);
    expect(given?.aborted).toBe(false);
  });

  test('that fails rejects with its own error', async () => {
    await expect(within(1000, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(
      within(1000, () => {
        throw new Error('at once');
      }),
    ).rejects.toThrow('at once');
  });

  test('that never settles ends at its limit, and its signal is aborted with the same error', async () => {
    let given: AbortSignal | undefined;
    const late = within(20, async (signal) => {
      given = signal;
      return await never();
    });
    const error: unknown = await late.catch((cause: unknown) => cause);
    expect(error).toMatchObject({ name: 'TimeLimitError', message: 'there was no answer within 0.02 s' });
    expect(given?.reason).toBe(error);
  });

  test('ends at its limit though garbage is collected meanwhile', async () => {
    const closing = new AbortController();
    const late = Promise.all(
      Array.from({ length: 5 }, () =>
        within(200, never, closing.signal).catch((cause: unknown) => (cause as Error).name),
      ),
    );
    await pause(20);
    collectGarbage();
    expect(await Promise.race([late, pause(5000)])).toEqual(Array(5).fill('TimeLimitError'));
  });
});

describe('closing', () => {
  test('ends the work, with its own reason', async () => {
    const closing = new AbortController();
    const work = within(10_000, never, closing.signal);
    closing.abort(new Error('closed'));
    await expect(work).rejects.toThrow('closed');
  });

  test('before the work keeps it from being started', async () => {
    let calls = 0;
    const work = (): number => calls++;
    await expect(within(1000, work, AbortSignal.abort(new Error('closed')))).rejects.toThrow('closed');
    expect(calls).toBe(0);
  });

  test('after the work aborts its signal no more', async () => {
    const closing = new AbortController();
    let given: AbortSignal | undefined;
    await within(1000, (signal) => (given = signal), closing.signal);
    closing.abort();
    expect(given?.aborted).toBe(false);
  });
});
