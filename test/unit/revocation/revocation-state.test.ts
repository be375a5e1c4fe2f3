import { expect, test } from '@jest/globals';
import { describeCrls } from '../../../src/revocation/revocation-state.js';
import { ca } from '../../support/chain.js';
import { admitted, storeOf } from '../../support/lists.js';

test('a delta is described with the number of its base, and a full CRL without one', () => {
  const root = ca('root');
  const [full, delta] = [{ number: 5 }, { number: 2n ** 158n + 1n, delta: 2n ** 158n }].map((options) =>
    admitted(root.crl(options), storeOf(root)),
  );
  expect(describeCrls([full!, delta!]).map(({ number, deltaBase }) => [number, deltaBase])).toEqual([
    ['5', undefined],
    [(2n ** 158n + 1n).toString(), (2n ** 158n).toString()],
  ]);
});
