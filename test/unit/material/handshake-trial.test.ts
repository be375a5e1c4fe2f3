import { expect, test } from '@jest/globals';
import { tryHandshakes } from '../../../src/material/handshake-trial.js';
import { BuiltContext } from '../../../src/material/secure-context.js';
import { ca } from '../../support/chain.js';

test('each handshake has its own turn of the event loop, with other turns in between', async () => {
  const root = ca('ca');
  const make = (): BuiltContext => {
    const { keyPem, pem } = root.server();
    return BuiltContext.of({ key: keyPem, cert: pem, ca: root.pem });
  };
  const names = Array.from({ length: 20 }, (_, index) => `n${index}.example`);
  const contexts = { main: make(), named: new Map(names.map((name) => [name, make()])) };
  let turns = 0;
  const count = (): void => {
    turns++;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  await tryHandshakes({ emit: () => undefined }, contexts);
  clearImmediate(immediate);
  expect(turns).toBeGreaterThanOrEqual(names.length);
});
