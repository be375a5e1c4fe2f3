import { describe, expect, test } from '@jest/globals';
import { CrlUnit } from '../../../src/material/crl-unit.js';
import { checkRevocationPolicy } from '../../../src/revocation/revocation-policy.js';
import { ca, largeCrl } from '../../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';
import { storeOf } from '../../support/lists.js';

const root = ca('ca');
const large = largeCrl(root, { entries: 20_000 });
const directory = temporaryDirectory();
const { broken, longer } = writeMaterial(directory, { broken: 'garbled', longer: large.pem });

describe('a large CRL', () => {
  test.each([
    ['that is not at fault is not loaded again', [longer, broken], false],
    ['that is at fault is', [broken, longer], true],
  ])('%s', async (_what, crl, isOfItself) => {
    if (isOfItself) writeMaterial(directory, { longer: large.pem.replaceAll('A', 'B') });
    const store = storeOf(root);
    const { signal } = new AbortController();
    const unit = new CrlUnit({ crl, ca: [], prefix: '', policy: checkRevocationPolicy(), keepEntries: 0 });
    const context = { store, inForce: [], at: new Date(), signal };
    unit.read(context);
    await unit.aside;
    unit.change(store, undefined, new Date());
    unit.settle(store);
    expect(unit.faults).not.toEqual([]);
    unit.refresh();
    unit.read(context);
    expect(unit.aside !== undefined).toBe(isOfItself);
    await unit.aside;
  });
});
