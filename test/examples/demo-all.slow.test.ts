import { readdirSync } from 'node:fs';
import { expect } from '@jest/globals';
import { temporaryDirectory } from '../support/files.js';
import { run } from '../support/program.js';
import { isStoreInstalled, storeIsMissing } from '../support/real-store.js';
import { testWith } from '../support/requirements.js';

testWith(isStoreInstalled('redis'), storeIsMissing('redis'))(
  'the demo with a proxy, a fleet and tokens shows each of them, and clears up',
  async () => {
    const TMPDIR = temporaryDirectory();
    const { output, exitCode } = await run('examples/together/demo.ts', { env: { TMPDIR, FORCE_COLOR: '' } });
    expect(output).toMatch(/\ndemo: ok\n$/);
    expect(exitCode).toBe(0);
    for (const line of [
      'alice, with her token: 200 hello alice',
      'bob, with the token of alice: 401 ERR_MTLS_TOKEN_INVALID',
      'processes that confirm: 3',
      "alice's open requests: 3 ended",
      'alice, with her token: 401 ERR_MTLS_CERTIFICATE_REVOKED',
    ])
      expect(output).toContain(line);
    expect(readdirSync(TMPDIR).filter((name) => name.startsWith('express-mtls-together-'))).toEqual([]);
  },
  120_000,
);
