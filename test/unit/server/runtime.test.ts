import { expect, test } from '@jest/globals';
import { checkRuntime } from '../../../src/server/runtime.js';

test('Bun is refused by name, and Node is not', () => {
  expect(() => {
    checkRuntime({ ...process.versions, bun: '1.4.5' });
  }).toThrow(
    expect.objectContaining({
      code: 'ERR_MTLS_RUNTIME_UNSUPPORTED',
      message: expect.stringMatching(/^this is Bun 1\.4\.5, which cannot replace the secure context/),
    }),
  );
  checkRuntime(process.versions);
});
