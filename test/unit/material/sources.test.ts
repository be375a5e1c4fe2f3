import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type CrlSource } from '../../../src/material/source-options.js';
import { toCrlInputs } from '../../../src/material/crl-inputs.js';
import {
  callLoader,
  certificateBlocks,
  copyLoaded,
  crlBlocks,
  hashSources,
  isAmong,
  isPath,
  readPath as readPathNow,
  readSource as readSourceNow,
  type SourceBytes,
} from '../../../src/material/sources.js';
import { ca } from '../../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';

// As promises, whose rejections are asserted like those of loaders.
const readSource = async (...args: Parameters<typeof readSourceNow>): Promise<SourceBytes> =>
  await Promise.resolve().then(() => readSourceNow(...args));
const readPath = async (...args: Parameters<typeof readPathNow>): Promise<SourceBytes[]> =>
  await Promise.resolve().then(() => readPathNow(...args));

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

  test('is read with its origin', async () => {
    const { file } = writeMaterial(temporaryDirectory(), { file: root.pem });
    expect(await readSource(file, 'ca')).toEqual({ bytes: Buffer.from(root.pem), origin: file });
    expect(await readSource(root.pem, 'ca')).toEqual({ bytes: Buffer.from(root.pem), origin: 'options.ca' });
    expect(await readSource(root.der, 'ca[1]')).toEqual({ bytes: root.der, origin: 'options.ca[1]' });
  });

  test('in memory is copied: later writes to it have no effect', async () => {
    const given = Buffer.from(root.der);
    const { bytes } = await readSource(given, 'ca');
    given.fill(0);
    expect(bytes).toEqual(root.der);
  });

  test('that is a pipe is an error, without waiting', async () => {
    const pipe = join(temporaryDirectory(), 'pipe.pem');
    execFileSync('mkfifo', [pipe]);
    await expect(readSource(pipe, 'crl')).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message: `options.crl: cannot read "${pipe}" (EISDIR): it is a directory or a device; a file was expected; specify a file, or move this out of the directory`,
    });
  });

  test('that is a directory can hold more files than a process can open at once', async () => {
    const directory = temporaryDirectory();
    const names = Array.from({ length: 100 }, (_, index) => `${100 + index}.pem`);
    for (const name of names) writeFileSync(join(directory, name), name);
    const read = await readPath(directory, 'crl', crlBlocks);
    expect(read.map(({ bytes }) => String(bytes))).toEqual(names);
  });

  test('that is missing, a directory or empty is an error', async () => {
    const directory = temporaryDirectory();
    const missing = join(directory, 'missing.pem');
    await expect(readSource(missing, 'key')).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message: `options.key: cannot read "${missing}" (ENOENT): there is no such file; check the path (the working directory is "${process.cwd()}")`,
      cause: { code: 'ENOENT' },
    });
    await expect(readSource(directory, 'key')).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message: `options.key: cannot read "${directory}" (EISDIR): it is a directory or a device; a file was expected; specify a file, or move this out of the directory`,
    });
    const large = join(directory, 'large.pem');
    writeFileSync(large, '');
    truncateSync(large, 2 ** 31);
    await expect(readSource(large, 'crl')).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message: `options.crl: cannot read "${large}" (EFBIG): it is larger than 2 GiB, the maximum; split it, or have the CA partition its list`,
    });
    await expect(readSource(join(missing, 'x\0'), 'key')).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
    });
    const { empty } = writeMaterial(directory, { empty: '' });
    await expect(readSource(empty, 'key')).rejects.toMatchObject({
      code: 'ERR_MTLS_PEM_INVALID',
      message: `${empty} (options.key) is empty; expected PEM or DER; write it again, or wait until it is written`,
    });
  });
});

describe('a path of CRLs', () => {
  test('that is a file is that file', async () => {
    const { file } = writeMaterial(temporaryDirectory(), { file: crl.pem });
    expect(await readPath(file, 'crl', crlBlocks)).toEqual([{ bytes: Buffer.from(crl.pem), origin: file }]);
  });

  test('that is a directory yields every file in it that is named like a CRL, in order', async () => {
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

  test('of CAs yields every file that is named like a certificate', async () => {
    const directory = temporaryDirectory();
    const names = ['a.pem', 'b.crt', 'c.CER', 'd.der', '0a1b2c3d.0', '0A1B2C3D.12'];
    const others = ['a.crl', '0a1b2c3d.r0', '0a1b2c3d.', 'x0a1b2c3d.0', 'b.crt~', 'key', 'e.key'];
    writeMaterial(directory, Object.fromEntries([...names, ...others].map((name) => [name, name])));
    const read = await readPath(directory, 'ca', certificateBlocks);
    expect(read.map(({ origin }) => origin)).toEqual([...names].sort().map((name) => join(directory, name)));
  });

  test('that is a link yields its target', async () => {
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
      message: `${directory} (options.crl) is a directory without a CRL; expected file names that end in .pem, .crl or .der, or are like 1a2b3c4d.r0`,
    });
    await expect(readPath(join(directory, 'missing'), 'crl[1]', crlBlocks)).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message: expect.stringMatching(/^options\.crl\[1\]: cannot read ".*missing" \(ENOENT\)/),
    });
    writeMaterial(directory, { 'a.crl': '' });
    await expect(readPath(directory, 'crl', crlBlocks)).rejects.toMatchObject({
      code: 'ERR_MTLS_PEM_INVALID',
    });
  });
});

describe('a loader', () => {
  test('receives a signal, and its bytes are copied when they are taken', async () => {
    const given = Buffer.from(crl.der);
    const signals: unknown[] = [];
    const loader = { load: (...args: unknown[]) => (signals.push(...args), Promise.resolve([given])) };
    const loaded = await callLoader(loader, { option: 'crl', ...crlBlocks }, signal);
    expect(signals).toEqual([expect.any(AbortSignal)]);
    const copied = copyLoaded(loaded, 'crl');
    given.fill(0);
    expect(copied).toEqual([{ bytes: crl.der, origin: 'options.crl.load()' }]);
  });

  test.each([
    [
      'when the server is closed',
      (closing: AbortController) => {
        closing.abort();
      },
      'it rejected: the server was closed',
    ],
    ['when it takes too long', () => undefined, 'there was no answer within 0.05 s'],
  ])('that never settles is abandoned %s, with its signal aborted', async (_when, end, why) => {
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
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message: `options.crl.load(): ${why}`,
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
  ])('that returns %s is an error, never nothing', async (_what, loaded) => {
    const loader = { load: () => Promise.resolve(loaded as Buffer[]) };
    await expect(callLoader(loader, { option: 'crl[1]', ...crlBlocks }, signal)).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message:
        'options.crl[1].load() returned no CRL; expected an array of Buffers, at least one, none empty',
    });
  });

  test('that rejects or throws is reported', async () => {
    const cause = new Error('503');
    const throws = {
      load: () => {
        throw cause;
      },
    };
    for (const loader of [{ load: () => Promise.reject(cause) }, throws]) {
      await expect(callLoader(loader, { option: 'crl', ...crlBlocks }, signal)).rejects.toMatchObject({
        code: 'ERR_MTLS_SOURCE_UNREADABLE',
        message: 'options.crl.load(): it rejected: 503',
        cause,
      });
    }
  });
});

describe('the sources of CRLs', () => {
  test('become inputs for any thread, in order, each with its name', async () => {
    const loader = { load: () => Promise.resolve([crl.der, crl.der]) };
    const { file } = writeMaterial(temporaryDirectory(), { file: 'read later' });
    expect(await toCrlInputs([file, loader, crl.pem, crl.der], 'crl', signal)).toEqual([
      { path: file, option: 'crl[0]' },
      { bytes: crl.der, origin: 'options.crl[1].load()' },
      { bytes: crl.der, origin: 'options.crl[1].load()' },
      { bytes: Buffer.from(crl.pem), origin: 'options.crl[2]' },
      { bytes: crl.der, origin: 'options.crl[3]' },
    ]);
    expect(await toCrlInputs([file], 'crl', signal)).toEqual([{ path: file, option: 'crl' }]);
    await expect(toCrlInputs([crl.pem, `${file}.missing`], 'crl', signal)).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message: expect.stringMatching(/^options\.crl\[1\]: cannot read ".*" \(ENOENT\)/),
    });
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
  ])('differs for %s', (_what, sources) => {
    expect(hashSources(sources)).not.toBe(hashSources(base));
  });
});

describe('an impossible path is distinguished from a wrong one', () => {
  const cwd = JSON.stringify(process.cwd());
  test.each([
    [
      'certs/ca.pem',
      `there is no such file; check the path, which is relative to the working directory ${cwd}`,
    ],
    ['/no-such/ca.pem', `there is no such file; check the path (the working directory is ${cwd})`],
    [
      '~/certs/"ca".pem',
      String.raw`only shells expand "~"; use the full path, or in code: path.join(os.homedir(), "certs/\"ca\".pem")`,
    ],
    ['$HOME/ca.pem', 'only shells expand variables; in code: process.env.HOME'],
    ['${CA_DIR}/ca.pem', 'only shells expand variables; in code: process.env.CA_DIR'],
    ['%APPDATA%/ca.pem', 'only shells expand variables; in code: process.env.APPDATA'],
    ['file:///etc/ca.pem', 'it is a URL; use a path, such as fileURLToPath(url) from node:url returns'],
    [
      'http://a.test/ca.crl',
      'it is a URL; http: URLs are not fetched; fetch it and pass the file or its content or, for ca and crl, a loader whose load() fetches it',
    ],
    [
      'no-such.pem\n',
      'it is surrounded by white space or quotes; in code: value.trim(), or value.slice(1, -1)',
    ],
    [
      '"no-such.pem"',
      'it is surrounded by white space or quotes; in code: value.trim(), or value.slice(1, -1)',
    ],
  ])('%j', async (path, why) => {
    await expect(readSource(path, 'ca')).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message: `options.ca: cannot read ${JSON.stringify(path)} (ENOENT): ${why}`,
      cause: { code: 'ENOENT' },
    });
    const crl = { code: 'ERR_MTLS_SOURCE_UNREADABLE', message: expect.stringContaining(why) };
    await expect(toCrlInputs([path], 'crl', signal)).rejects.toMatchObject(crl);
  });

  test('a file can have any of these names', async () => {
    const directory = temporaryDirectory();
    const files = writeMaterial(directory, { '~': 'a', $HOME: 'b', ' c ': 'c' });
    for (const path of Object.values(files)) expect((await readSource(path, 'ca')).bytes).toHaveLength(1);
  });
});

describe('a private key in place of a path', () => {
  const { keyPem, privateKey } = root;
  const der = privateKey.export({ format: 'der', type: 'pkcs8' });
  const base64 = der.toString('base64');
  const secrets = [...keyPem.split('\n').slice(1, 3), String(privateKey.export({ format: 'jwk' }).d)];
  const decode = "it is base64 of DER, without BEGIN and END lines; in code: Buffer.from(value, 'base64')";
  const decodeTwice =
    "it is base64 of PEM, as in a Kubernetes secret that was encoded twice; in code: Buffer.from(value, 'base64')";
  const beginning = 'PEM without its first line; pass all of it, from "-----BEGIN" on';
  const binary =
    'binary data that was read as text; read the file without an encoding, which returns a Buffer';

  test.each([
    ['base64 of its DER', base64, decode],
    ['base64 on lines', keyPem.split('\n').slice(1, -2).join('\n'), decode],
    ['base64 in quotes', `"${base64}"`, ''],
    ['base64 of its PEM', Buffer.from(keyPem).toString('base64'), decodeTwice],
    ['a half of that', Buffer.from(keyPem).toString('base64').slice(0, 100), decodeTwice],
    ['PEM whose first dash was lost', keyPem.slice(1), ''],
    ['PEM without its first line', keyPem.split('\n').slice(1).join('\n'), beginning],
    ['a line of it', keyPem.split('\n')[2] ?? '', beginning],
    ['one line with \\n in it', keyPem.split('\n').slice(1, -2).join('\\n'), beginning],
    ['later lines with \\n between them', keyPem.split('\n').slice(2, -2).join('\\n'), ''],
    ['DER that was read as text', der.toString('utf8'), binary],
    ['DER that was read as Latin-1', der.toString('latin1'), binary],
    ['UTF-16 that was read as UTF-8', Buffer.from(keyPem, 'utf16le').toString('utf8'), binary],
    [
      'JSON',
      JSON.stringify(privateKey.export({ format: 'jwk' })),
      'it is JSON; in code: JSON.parse(value).field',
    ],
    ['its number in base64url', String(privateKey.export({ format: 'jwk' }).d), ''],
    ['its number in hex', der.subarray(36, 68).toString('hex'), ''],
    ['a URL with it', `data:application/x-pem-file;base64,${base64.slice(0, 100)}`, ''],
  ])('given as %s is not shown, and its form is named', async (_what, source, why) => {
    const read: unknown = await readSource(source, 'key').catch((error: unknown) => error);
    const { message, cause } = read as Error;
    expect(message).toMatch(
      /^options\.key: cannot read a path of \d+ characters \([A-Z_]+\): it is not a path, but looks like /,
    );
    expect(message).toContain(why);
    expect(cause).toBeUndefined();
    for (const secret of [...secrets, source.slice(0, 20)]) expect(message).not.toContain(secret);
  });
});

describe('a source of another option too', () => {
  const loader = { load: () => Promise.resolve([]) };
  test.each<[string, CrlSource, CrlSource[], boolean]>([
    ['the same path', 'a/b.pem', ['c', 'a/b.pem'], true],
    ['the same path in other words', 'a/b.pem', ['./a/../a/b.pem'], true],
    ['another path', 'a/b.pem', ['a/c.pem'], false],
    ['a file of a directory', 'a/b.pem', ['a/'], true],
    ['a file of a directory that is not read', 'a/b.txt', ['a'], false],
    ['a file of a directory below it', 'a/c/b.pem', ['a'], false],
    ['a directory', 'a', ['a/'], true],
    ['the same PEM', root.pem, [crl.pem, root.pem], true],
    ['the same PEM in a Buffer', root.pem, [Buffer.from(root.pem)], true],
    ['other PEM', root.pem, [crl.pem], false],
    ['a path and PEM', 'a/b.pem', [root.pem], false],
    ['PEM and a path', root.pem, ['a/b.pem', loader], false],
    ['the same loader', loader, [loader], true],
    ['another loader', loader, [{ ...loader }], false],
    ['nothing', 'a/b.pem', [], false],
  ])('%s: %#', (_what, source, others, expected) => {
    expect(isAmong(source, others, crlBlocks)).toBe(expected);
  });
});
