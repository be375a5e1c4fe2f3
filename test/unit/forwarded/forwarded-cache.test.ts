import { describe, expect, test } from '@jest/globals';
import { ForwardedCache, type SlotStore, slotOf } from '../../../src/forwarded/forwarded-cache.js';
import type { ForwardedLines } from '../../../src/forwarded/forwarded-certificate.js';
import { WeightedCache } from '../../../src/gate/weighted-cache.js';
import { ca } from '../../support/chain.js';
import { nginxValue, sfBytes } from '../../support/forwarded.js';

const root = ca('root');
const clients = Array.from({ length: 200 }, (_, index) => root.client(`client${index}`).der);
const lines = (certificate: string, chain?: string): ForwardedLines => ({ certificate, chain });
const value = sfBytes(clients[0] as Buffer);
/** The same text in other memory, as another request brings it. */
const again = (text: string): string => Buffer.from(text).toString('latin1');

describe('a cache by header lines', () => {
  test('finds what was put for the same lines', () => {
    const cache = new ForwardedCache<string>(new WeightedCache({ entries: 10, bytes: 100_000 }));
    cache.put(lines(value, 'chain'), 'one', 10);
    expect(cache.get(lines(again(value), again('chain')))).toBe('one');
  });

  test('finds nothing for others, not even where they share a slot', () => {
    // A store with one slot.
    let kept: unknown;
    const store: SlotStore<unknown> = {
      get: () => kept,
      put: (_slot, stored) => {
        kept = stored;
      },
    };
    const cache = new ForwardedCache<string>(store as SlotStore<never>);
    cache.put(lines(value, 'chain'), 'one', 10);
    const others = [
      lines(value),
      lines(value, ''),
      lines(value, 'chaim'),
      lines(sfBytes(clients[1] as Buffer), 'chain'),
      lines(`${value} `, 'chain'),
      lines('', 'chain'),
    ];
    for (const other of others) expect(cache.get(other)).toBeUndefined();
    expect(cache.get(lines(again(value), 'chain'))).toBe('one');
    cache.put(lines(value), 'two', 10);
    expect(cache.get(lines(value, 'chain'))).toBeUndefined();
    expect(cache.get(lines(value))).toBe('two');
  });

  test('weighs the lines as well as what is put for them', () => {
    const weights: number[] = [];
    const cache = new ForwardedCache<string>({
      get: () => undefined,
      put: (_slot, _entry, weight) => weights.push(weight),
    });
    cache.put(lines('1234', '56'), 'a', 100);
    cache.put(lines('1234'), 'a', 100);
    expect(weights).toEqual([106, 104]);
  });
});

describe('the slot', () => {
  test.each([
    ['RFC 9440', (der: Buffer) => sfBytes(der)],
    ['percent-encoded PEM', (der: Buffer) => nginxValue(der)],
  ])('differs for each client of a CA: %s', (_form, write) => {
    expect(new Set(clients.map((der) => slotOf(lines(write(der))))).size).toBe(clients.length);
  });

  test('is the same for the same lines, and another with another length of the chain', () => {
    expect(slotOf(lines(again(value), 'abc'))).toBe(slotOf(lines(value, 'abd')));
    expect(new Set([undefined, '', 'a', 'ab'].map((chain) => slotOf(lines(value, chain)))).size).toBe(4);
  });

  test.each(['', 'a', 'ab', 'a'.repeat(31), 'a'.repeat(33), 'a'.repeat(65_536)])(
    'is a number of 32 bits, however long a value is',
    (text) => {
      const slot = slotOf(lines(text));
      expect(Number.isInteger(slot) && slot >= 0 && slot < 2 ** 32).toBe(true);
    },
  );
});
