/**
 * A file at fault that is removed from its directory: the report says that it is gone, not that it can be used again.
 *
 * @module
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ca } from '../support/chain.js';
import { temporaryDirectory } from '../support/files.js';
import { material, type Recorder, startServer, type TestServer } from '../support/server.js';

const root = ca('ca');
const old = ca('old');

/** Directories with the CA and the CRL of `root`. */
function directories(): Record<'trust' | 'crls', string> {
  const parent = temporaryDirectory();
  const [trust, crls] = [join(parent, 'trust'), join(parent, 'crls')];
  for (const directory of [trust, crls]) mkdirSync(directory);
  writeFileSync(join(trust, 'ca.pem'), root.pem);
  writeFileSync(join(crls, 'ca.pem'), root.crl().pem);
  return { trust, crls };
}

async function reload({ mtls }: TestServer): Promise<void> {
  await mtls.reload().catch(() => undefined);
}

function recoveries(recorder: Recorder): unknown[] {
  const lines = recorder.linesOf('recovered').map(({ message }) => message);
  return recorder.events('recovered').map(({ source, error: { code }, removed }, index) => ({
    source,
    code,
    removed,
    line: lines[index],
  }));
}

describe('a file that was at fault and is removed', () => {
  test.each(['crls', 'trust'] as const)('is reported as removed, from a directory of %s', async (kind) => {
    const given = directories();
    const server = await startServer({ root, options: { ca: given.trust, crl: given.crls } });
    const file = join(given[kind], 'old.pem');
    writeFileSync(file, kind === 'crls' ? old.crl().pem : 'garbage');
    await reload(server);
    const [fault] = server.mtls.faults;
    expect(fault?.source).toBe(file);
    rmSync(file);
    await reload(server);
    const code = fault?.error.code ?? '';
    expect(recoveries(server.recorder)).toEqual([
      { source: file, code, removed: true, line: `${file} was removed: ${code} no longer applies` },
    ]);
  });

  test('is reported as removed when its CA is no longer configured either', async () => {
    const { trust, crls } = directories();
    const [caFile, crlFile] = [join(trust, 'old.pem'), join(crls, 'old.pem')];
    writeFileSync(caFile, old.pem);
    writeFileSync(crlFile, old.crl().pem);
    const server = await startServer({ root, options: { ca: trust, crl: crls } });
    rmSync(crlFile);
    await reload(server);
    expect(server.mtls.faults.map(({ source }) => source)).toEqual([crlFile]);
    rmSync(caFile);
    await reload(server);
    expect(recoveries(server.recorder)).toMatchObject([
      { line: `${crlFile} was removed: ERR_MTLS_CRL_ROLLBACK no longer applies` },
    ]);
  });

  test('is reported as removed under a name of sni', async () => {
    const { trust, crls } = directories();
    const { files } = material({ root });
    const { key, cert } = files;
    const sni = { 'a.example': { key, cert, ca: trust, crl: crls } };
    const server = await startServer({ root, options: { sni } });
    const file = join(crls, 'old.pem');
    writeFileSync(file, old.crl().pem);
    await reload(server);
    rmSync(file);
    await reload(server);
    expect(recoveries(server.recorder)).toMatchObject([{ source: file, removed: true }]);
  });

  test('can be used again if it is put right instead', async () => {
    const { trust, crls } = directories();
    const server = await startServer({ root, options: { ca: trust, crl: crls } });
    const file = join(crls, 'old.pem');
    writeFileSync(file, 'garbage');
    await reload(server);
    writeFileSync(file, root.crl({ number: 2 }).pem);
    await reload(server);
    expect(recoveries(server.recorder)).toMatchObject([
      { removed: false, line: `${file} can be used again: ERR_MTLS_PEM_INVALID is fixed` },
    ]);
  });
});
