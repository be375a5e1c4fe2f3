import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type CrlSource } from '../../../src/source-options.js';
import { toCrlInputs } from '../../../src/tls/crl-inputs.js';
import {
  callLoader,
  certificateBlocks,
  crlBlocks,
  hashSources,
  isPath,
  readBlocks,
  readPath,
  readSource,
  toPem,
} from '../../../src/tls/sources.js';
import { ca } from '../../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';
import { failureOf } from '../x509/failure.js';

const root = ca('root');
const crl = root.crl();
const { signal } = new AbortController();

describe('a source', () => {
  test.each<[string, CrlSource, boolean]>([
    ['a relative path', 'certs/ca.pem', true],
    ['an absolute path', '/etc/ssl/ca.pem', true],
    ['PEM', root.pem, false],
    ['PEM behind text', `subject=CN = root\n${root.pem}`, false],
    ['a Buffer', Buffer.from('certs/ca.pem'), false],
    ['a loader', { load: () => Promise.resolve([]) }, false],
  ])('that is %s is a path: %#', (_what, source, expected) => {
    expect(isPath(source)).toBe(expected);
  });

  test('is read from where it is, and says where that was', async () => {
    const { file } = writeMaterial(temporaryDirectory(), { file: root.pem });
    expect(await readSource(file, 'ca')).toEqual({ bytes: Buffer.from(root.pem), origin: file });
    expect(await readSource(root.pem, 'ca')).toEqual({ bytes: Buffer.from(root.pem), origin: 'options.ca' });
    expect(await readSource(root.der, 'ca[1]')).toEqual({ bytes: root.der, origin: 'options.ca[1]' });
  });

  test('in memory is copied: whoever writes to it later changes nothing', async () => {
    const given = Buffer.from(root.der);
    const { bytes } = await readSource(given, 'ca');
    given.fill(0);
    expect(bytes).toEqual(root.der);
  });

  test('that is a pipe is an error, and nothing waits for it', async () => {
    const pipe = join(temporaryDirectory(), 'pipe.pem');
    execFileSync('mkfifo', [pipe]);
    await expect(readSource(pipe, 'crl')).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      message: `options.crl: cannot read "${pipe}" (EISDIR): it is a directory or a device, and a file was expected; name a file, or move this out of the directory`,
    });
  });

  test('that is a directory may hold more files than a process has open at once', async () => {
    const directory = temporaryDirectory();
    const names = Array.from({ length: 100 }, (_, index) => `${100 + index}.pem`);
    for (const name of names) writeFileSync(join(directory, name), name);
    const read = await readPath(directory, 'crl', crlBlocks);
    expect(read.map(({ bytes }) => String(bytes))).toEqual(names);
  });

  test('that is not there, a directory or empty is an error', async () => {
    const directory = temporaryDirectory();
    const missing = join(directory, 'missing.pem');
    await expect(readSource(missing, 'key')).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      message: `options.key: cannot read "${missing}" (ENOENT): there is no such file; check the path, which is relative to the working directory`,
      cause: { code: 'ENOENT' },
    });
    await expect(readSource(directory, 'key')).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      message: `options.key: cannot read "${directory}" (EISDIR): it is a directory or a device, and a file was expected; name a file, or move this out of the directory`,
    });
    const large = join(directory, 'large.pem');
    writeFileSync(large, '');
    truncateSync(large, 2 ** 31);
    await expect(readSource(large, 'crl')).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      message: `options.crl: cannot read "${large}" (EFBIG): it has more than 2 GiB, which is the most that is read; split it, or have the CA partition its list`,
    });
    await expect(readSource(join(missing, 'x\0'), 'key')).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
    });
    const { empty } = writeMaterial(directory, { empty: '' });
    await expect(readSource(empty, 'key')).rejects.toMatchObject({
      code: 'ERR_MTLS_PEM_INVALID',
      message: `${empty} (options.key) is empty; expected PEM or DER. Write it anew, or wait until it is written`,
    });
  });
});

describe('a path of CRLs', () => {
  test('that is a file is that file', async () => {
    const { file } = writeMaterial(temporaryDirectory(), { file: crl.pem });
    expect(await readPath(file, 'crl', crlBlocks)).toEqual([{ bytes: Buffer.from(crl.pem), origin: file }]);
  });

  test('that is a directory is every file in it that is named like a CRL, in order', async () => {
    const directory = temporaryDirectory();
    const names = ['b.crl', 'a.pem', 'C.DER', '0a1b2c3d.r0', '0A1B2C3D.r12', 'd.CRL'];
    const others = [
      'readme.txt',
      'crl',
      'a.pem~',
      'a.crl.bak',
      '.a.crl.swp',
      '0a1b2c3d.0',
      '0a1b2c3d.r',
      '0a1b2c3.r0',
      'x0a1b2c3d.r0',
    ];
    writeMaterial(directory, Object.fromEntries([...names, ...others].map((name) => [name, name])));
    const read = await readPath(directory, 'crl', crlBlocks);
    expect(read).toEqual(
      [...names].sort().map((name) => ({ bytes: Buffer.from(name), origin: join(directory, name) })),
    );
  });

  test('of CAs is every file that is named like a certificate', async () => {
    const directory = temporaryDirectory();
    const names = ['a.pem', 'b.crt', 'c.CER', 'd.der', '0a1b2c3d.0', '0A1B2C3D.12'];
    const others = ['a.crl', '0a1b2c3d.r0', '0a1b2c3d.', 'x0a1b2c3d.0', 'b.crt~', 'key', 'e.key'];
    writeMaterial(directory, Object.fromEntries([...names, ...others].map((name) => [name, name])));
    const read = await readPath(directory, 'ca', certificateBlocks);
    expect(read.map(({ origin }) => origin)).toEqual([...names].sort().map((name) => join(directory, name)));
  });

  test('that is a link is what it leads to', async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'real'));
    writeFileSync(join(directory, 'real', 'a.crl'), crl.pem);
    symlinkSync('real', join(directory, 'link'));
    expect(await readPath(join(directory, 'link'), 'crl', crlBlocks)).toHaveLength(1);
  });

  test('without a CRL is an error, never nothing', async () => {
    const directory = temporaryDirectory();
    writeMaterial(directory, { 'readme.txt': 'x' });
    await expect(readPath(directory, 'crl', crlBlocks)).rejects.toMatchObject({
      code: 'ERR_MTLS_CRL_INVALID',
      message: `${directory} (options.crl) is a directory without a CRL; expected files that end in .pem, .crl or .der, or are called 1a2b3c4d.r0`,
    });
    await expect(readPath(join(directory, 'missing'), 'crl[1]', crlBlocks)).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      message: expect.stringMatching(/^options\.crl\[1\]: cannot read ".*missing" \(ENOENT\)/),
    });
    writeMaterial(directory, { 'a.crl': '' });
    await expect(readPath(directory, 'crl', crlBlocks)).rejects.toMatchObject({
      code: 'ERR_MTLS_PEM_INVALID',
    });
  });
});

describe('a loader', () => {
  test('is handed a signal, and its bytes are copied', async () => {
    const given = Buffer.from(crl.der);
    const signals: unknown[] = [];
    const loader = { load: (...args: unknown[]) => (signals.push(...args), Promise.resolve([given])) };
    const loaded = await callLoader(loader, { option: 'crl', ...crlBlocks }, signal);
    expect(signals).toEqual([expect.any(AbortSignal)]);
    given.fill(0);
    expect(loaded).toEqual([{ bytes: crl.der, origin: 'options.crl.load()' }]);
  });

  test.each([
    [
      'when the server is closed',
      (closing: AbortController) => {
        closing.abort();
      },
      'the server was closed',
    ],
    ['when it takes too long', () => undefined, 'it has not settled within 0.05 s'],
  ])('that never settles is given up %s, and its signal says so', async (_when, end, why) => {
    const closing = new AbortController();
    let seen: AbortSignal | undefined;
    const loader = {
      load: async (given: AbortSignal) => {
        seen = given;
        return await new Promise<Buffer[]>(() => {});
      },
    };
    const loading = callLoader(loader, { option: 'crl', ...crlBlocks }, closing.signal, 50);
    end(closing);
    await expect(loading).rejects.toMatchObject({
      code: 'ERR_MTLS_CRL_INVALID',
      message: `options.crl.load() rejected: ${why}`,
    });
    expect(seen?.aborted).toBe(true);
  });

  test('is called as a method', async () => {
    class Store {
      readonly crls = [crl.der];
      load(): Promise<Buffer[]> {
        return Promise.resolve(this.crls);
      }
    }
    expect(await callLoader(new Store(), { option: 'crl', ...crlBlocks }, signal)).toHaveLength(1);
  });

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['an empty list', []],
    ['a Buffer', crl.der],
    ['text', [crl.pem]],
    ['an empty Buffer', [crl.der, Buffer.alloc(0)]],
    ['a hole', [crl.der, undefined]],
  ])('that gives %s is an error, never nothing', async (_what, loaded) => {
    const loader = { load: () => Promise.resolve(loaded as Buffer[]) };
    await expect(callLoader(loader, { option: 'crl[1]', ...crlBlocks }, signal)).rejects.toMatchObject({
      code: 'ERR_MTLS_CRL_INVALID',
      message: 'options.crl[1].load() gave no CRL; expected an array of Buffers, at least one, none empty',
    });
  });

  test('that rejects or throws is heard', async () => {
    const cause = new Error('503');
    const throws = {
      load: () => {
        throw cause;
      },
    };
    for (const loader of [{ load: () => Promise.reject(cause) }, throws]) {
      await expect(callLoader(loader, { option: 'crl', ...crlBlocks }, signal)).rejects.toMatchObject({
        code: 'ERR_MTLS_CRL_INVALID',
        message: 'options.crl.load() rejected: 503',
        cause,
      });
    }
  });
});

describe('the sources of CRLs', () => {
  test('become what any thread can read, in order, each with its name', async () => {
    const loader = { load: () => Promise.resolve([crl.der, crl.der]) };
    const { file } = writeMaterial(temporaryDirectory(), { file: 'left to whoever reads it' });
    expect(await toCrlInputs([file, loader, crl.pem, crl.der], 'crl', signal)).toEqual([
      { path: file, option: 'crl[0]' },
      { bytes: crl.der, origin: 'options.crl[1].load()' },
      { bytes: crl.der, origin: 'options.crl[1].load()' },
      { bytes: Buffer.from(crl.pem), origin: 'options.crl[2]' },
      { bytes: crl.der, origin: 'options.crl[3]' },
    ]);
    expect(await toCrlInputs([file], 'crl', signal)).toEqual([{ path: file, option: 'crl' }]);
    await expect(toCrlInputs([crl.pem, `${file}.missing`], 'crl', signal)).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      message: expect.stringMatching(/^options\.crl\[1\]: cannot read ".*" \(ENOENT\)/),
    });
  });
});

describe('the blocks of a source', () => {
  const from = (bytes: string | Buffer): { bytes: Buffer; origin: string } => ({
    bytes: Buffer.from(bytes),
    origin: 'ca.pem',
  });

  test('are every one of a bundle, in order', () => {
    const other = ca('other');
    expect(readBlocks(from(`# root\n${root.pem}\ntext\n${other.pem}`), certificateBlocks)).toEqual([
      root.der,
      other.der,
    ]);
    expect(readBlocks(from(crl.pem + crl.pem), crlBlocks)).toEqual([crl.der, crl.der]);
  });

  test('are one where the source is DER', () => {
    expect(readBlocks(from(root.der), certificateBlocks)).toEqual([root.der]);
  });

  test.each([
    [
      'a CRL where a certificate was expected',
      crl.pem,
      certificateBlocks,
      'ERR_MTLS_PEM_INVALID',
      'found a PEM block "X509 CRL" where a certificate ("CERTIFICATE") was expected; take it out of this source',
    ],
    [
      'a certificate where a CRL was expected',
      root.pem,
      crlBlocks,
      'ERR_MTLS_CRL_INVALID',
      'found a PEM block "CERTIFICATE" where a CRL ("X509 CRL") was expected; take it out of this source',
    ],
    [
      'a key behind a certificate',
      root.pem + root.keyPem,
      certificateBlocks,
      'ERR_MTLS_PEM_INVALID',
      'found a PEM block "PRIVATE KEY" where a certificate ("CERTIFICATE") was expected; take it out of this source',
    ],
  ])('are refused for %s', (_what, text, expectation, code, message) => {
    expect(failureOf(() => readBlocks(from(text), expectation))).toMatchObject({
      code,
      message: `ca.pem: ${message}`,
    });
  });

  test('are refused where one is cut off, though others are whole', () => {
    const cut = root.pem + root.pem.slice(0, -30);
    expect(failureOf(() => readBlocks(from(cut), certificateBlocks)).code).toBe('ERR_MTLS_PEM_INVALID');
  });

  test('are written as node:tls reads them', () => {
    expect(toPem([root.der, root.der], 'CERTIFICATE')).toBe(root.pem + root.pem);
    expect(toPem([], 'CERTIFICATE')).toBe('');
  });
});

describe('the hash of sources', () => {
  const source = (origin: string, text: string): { bytes: Buffer; origin: string } => ({
    bytes: Buffer.from(text),
    origin,
  });
  const base = [source('a', 'one'), source('b', 'two')];

  test('is the same for the same', () => {
    expect(hashSources([source('a', 'one'), source('b', 'two')])).toBe(hashSources(base));
    expect(hashSources(base)).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    ['another text', [source('a', 'One'), source('b', 'two')]],
    ['another origin', [source('A', 'one'), source('b', 'two')]],
    ['another order', [source('b', 'two'), source('a', 'one')]],
    ['one less', [source('a', 'one')]],
    ['the same text cut elsewhere', [source('a', 'on'), source('b', 'etwo')]],
    ['text that looks like a source', [source('a', 'one1 b 3 two')]],
    ['an origin that looks like a length', [source('a 3 ', 'one'), source('b', 'two')]],
  ])('is another for %s', (_what, sources) => {
    expect(hashSources(sources)).not.toBe(hashSources(base));
  });
});

describe('faults that were found', () => {
  const { keyPem, privateKey } = root;
  const body = keyPem.split('\n')[1]!;
  test.each([
    ['base64 of its DER', privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')],
    ['PEM whose first dash was lost', keyPem.slice(1)],
    ['PEM without its first line', keyPem.split('\n').slice(1).join('\n')],
  ])('a private key that was given as %s is not shown for a path', async (_what, source) => {
    const error = await readSource(source, 'key').catch((fault: unknown) => fault as Error);
    expect((error as Error).message).not.toContain(body);
  });
});
