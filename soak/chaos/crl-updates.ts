/**
 * Ways to replace a file, as used by tools, editors and volumes. Each leaves a CRL at the same path.
 *
 * @module
 */
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CrlMaterial } from '../../test/support/crl.js';

/** Where a CRL is published. */
export interface CrlPlace {
  /** The file that the server reads. Its folder holds nothing else. */
  readonly path: string;
  /** Another folder. */
  readonly elsewhere: string;
}

/** Publishes a CRL. Resolves after the last write. */
export type CrlUpdate = (place: CrlPlace, list: CrlMaterial) => Promise<void> | void;

// Long enough for a watcher to see the intermediate state.
const pauseMs = 250;
const noticeMs = 100;

export const crlUpdates = {
  'renamed into place': ({ path }, { pem }) => {
    replace(path, pem);
  },
  'written in place': ({ path }, { pem }) => {
    becomeFile(path);
    writeFileSync(path, pem);
  },
  'written in place, in halves': async ({ path }, { pem }) => {
    becomeFile(path);
    writeFileSync(path, pem.slice(0, pem.length / 2));
    await sleep(pauseMs);
    appendFileSync(path, pem.slice(pem.length / 2));
  },
  'deleted and created': async ({ path }, { pem }) => {
    rmSync(path);
    await sleep(pauseMs);
    writeFileSync(path, pem);
  },
  'DER in place of PEM': ({ path }, { der }) => {
    replace(path, der);
  },
  '..data swapped': async ({ path }, { pem }) => {
    const folder = dirname(path);
    const layVersion = (name: string, content: string | Buffer): void => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, basename(path)), content);
      relink(join(folder, '..data'), name);
    };
    layVersion('..first', readFileSync(path));
    relink(path, join('..data', basename(path)));
    await sleep(noticeMs);
    layVersion('..second', pem);
    rmSync(join(folder, '..first'), { recursive: true });
  },
  'link moved': async ({ path }, { pem }) => {
    const [first, second] = ['first.list', 'second.list'].map((name) => join(dirname(path), name)) as [
      string,
      string,
    ];
    writeFileSync(first, readFileSync(path));
    relink(path, first);
    await sleep(noticeMs);
    writeFileSync(second, pem);
    relink(path, second);
  },
  'behind a link, elsewhere': async ({ path, elsewhere }, { pem }) => {
    const target = join(elsewhere, 'list.pem');
    writeFileSync(target, readFileSync(path));
    relink(path, target);
    await sleep(noticeMs);
    replace(target, pem);
  },
  'folder replaced': ({ path }, { pem }) => {
    const folder = dirname(path);
    mkdirSync(`${folder}.new`);
    writeFileSync(join(`${folder}.new`, basename(path)), pem);
    renameSync(folder, `${folder}.old`);
    renameSync(`${folder}.new`, folder);
    rmSync(`${folder}.old`, { recursive: true });
  },
} satisfies Record<string, CrlUpdate>;

export type CrlUpdateName = keyof typeof crlUpdates;

/** The updates during which there is no CRL, or only half of one, at the path. */
export const partialUpdates: ReadonlySet<string> = new Set<CrlUpdateName>([
  'written in place, in halves',
  'deleted and created',
]);

/** Renames new content into place. */
export function replace(path: string, content: string | Buffer): void {
  writeFileSync(`${path}.tmp`, content, { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}

/** Redirects a link atomically. */
export function relink(link: string, target: string): void {
  symlinkSync(target, `${link}.tmp`);
  renameSync(`${link}.tmp`, link);
}

function becomeFile(path: string): void {
  if (lstatSync(path).isSymbolicLink()) replace(path, readFileSync(path));
}
