/**
 * The files of a server on disk, and the ways to replace them.
 *
 * @module
 */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Files } from '../adapter.js';

/** What a server name is served with. */
export interface Served {
  readonly key: string;
  readonly cert: string;
  readonly cas: readonly { readonly pem: string }[];
  readonly crls: readonly { readonly pem: string }[];
}

/** How a file is replaced. */
export type Way = 'rename' | 'in place' | 'delete and create' | 'symlink' | 'folder swap';

const folders = new Set<string>();
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder that every user may read. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mtls-conformance-'));
  chmodSync(folder, 0o755);
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  folders.delete(folder);
  rmSync(folder, { recursive: true, force: true });
}

/** The contents of the files, by name. */
export function contentsOf({ key, cert, cas, crls }: Served): Record<string, string> {
  const ca = cas.map(({ pem }) => pem).join('');
  const crl = crls.map(({ pem }) => pem).join('');
  return {
    'server-key.pem': key,
    'server-crt.pem': cert,
    'server.pem': cert + key,
    'ca-crt.pem': ca,
    'ca-crl.pem': crl,
    'ca.pem': ca + crl,
    ...Object.fromEntries(cas.map(({ pem }, index) => [`ca-${index}.pem`, pem])),
  };
}

/**
 * Writes the files, as Kubernetes mounts a volume where `isMounted`: each is a link through a link to a folder.
 * @returns Their paths.
 */
export function writeFiles(folder: string, served: Served, isMounted = false): Files {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  chmodSync(folder, 0o755);
  const contents = contentsOf(served);
  const target = isMounted ? join(folder, '..first') : folder;
  if (isMounted) {
    mkdirSync(target);
    symlinkSync('..first', join(folder, '..data'));
  }
  for (const [name, text] of Object.entries(contents)) {
    write(join(target, name), text);
    if (isMounted) symlinkSync(join('..data', name), join(folder, name));
  }
  const at = (name: string): string => join(folder, name);
  return {
    key: at('server-key.pem'),
    cert: at('server-crt.pem'),
    pair: at('server.pem'),
    ca: at('ca-crt.pem'),
    cas: served.cas.map((_, index) => at(`ca-${index}.pem`)),
    crl: at('ca-crl.pem'),
    caAndCrl: at('ca.pem'),
  };
}

/** Replaces a file. */
export function replaceFile(path: string, text: string, way: Way): void {
  switch (way) {
    case 'rename':
      write(`${path}.new`, text);
      renameSync(`${path}.new`, path);
      return;
    case 'in place':
      write(path, text);
      return;
    case 'delete and create':
      unlinkSync(path);
      write(path, text);
      return;
    case 'symlink':
      {
        const target = `${path}.target-${Date.now()}`;
        write(target, text);
        symlinkSync(basename(target), `${path}.link`);
      }
      renameSync(`${path}.link`, path);
      return;
    case 'folder swap':
      throw new Error('a folder is swapped as a whole');
  }
}

/** Swaps the folder behind the links of a mounted volume. */
export function swapFolder(folder: string, contents: Readonly<Record<string, string>>): void {
  const next = `..next-${Date.now()}`;
  mkdirSync(join(folder, next));
  for (const [name, text] of Object.entries(contents)) write(join(folder, next, name), text);
  const before = readlinkSync(join(folder, '..data'));
  symlinkSync(next, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  rmSync(join(folder, before), { recursive: true });
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: /key|server\.pem/.test(basename(path)) ? 0o600 : 0o644 });
}
