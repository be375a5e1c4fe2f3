/**
 * Replaces a key and a certificate together. File systems cannot replace two files atomically, so an interrupted
 * replacement is detected and completed later.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import type { Authority } from './authority.js';
import { readBounded } from './bounded-file.js';
import { createFile, readIfPresent, replaceFile } from './files.js';
import { parsePrivateKey } from './keys.js';
import { pairFiles, type PairFiles } from './pair.js';

/**
 * Writes both new files beside the old ones before replacing the first. If replacing the second fails, the first is
 * restored; if the process is interrupted, {@link finishReplacements} replaces the second.
 */
export async function replacePair(files: PairFiles, pem: string, keyPem: string): Promise<void> {
  const staged = stagedFiles(files);
  const oldKeyPem = await readBounded(files.keyFile);
  try {
    await createFile(staged.keyFile, keyPem, 'secret');
    await createFile(staged.certFile, pem, 'public');
    await rename(staged.keyFile, files.keyFile);
    await rename(staged.certFile, files.certFile).catch(async (error: unknown) => {
      await replaceFile(files.keyFile, oldKeyPem, 'secret');
      throw error;
    });
  } catch (error) {
    await rm(staged.certFile, { force: true });
    await rm(staged.keyFile, { force: true });
    throw error;
  }
}

/** Whether a replacement in `directory` is in progress or was interrupted. */
export async function hasInterruptedReplacement(directory: string): Promise<boolean> {
  return (await stagedNames(directory)).length > 0;
}

/** Completes interrupted replacements, or discards them if nothing was replaced yet. */
export async function finishReplacements(authority: Authority): Promise<void> {
  for (const name of await stagedNames(authority.directory)) {
    const files = pairFiles(authority, name);
    const staged = stagedFiles(files);
    const [pem, nextKey] = await Promise.all([readIfPresent(staged.certFile), readIfPresent(staged.keyFile)]);
    const isHalf = pem !== undefined && nextKey === undefined && (await belongs(pem, files.keyFile));
    if (isHalf) await rename(staged.certFile, files.certFile);
    await rm(staged.certFile, { force: true });
    await rm(staged.keyFile, { force: true });
  }
}

function stagedFiles({ certFile, keyFile }: PairFiles): PairFiles {
  const staged = (file: string): string => file.replace(/\.pem$/, '.next.pem');
  return { certFile: staged(certFile), keyFile: staged(keyFile) };
}

async function stagedNames(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).flatMap(
    (file) => /^(.+)-(?:crt|key)\.next\.pem$/.exec(file)?.[1] ?? [],
  );
  return [...new Set(names)];
}

async function belongs(pem: string, keyFile: string): Promise<boolean> {
  const keyPem = await readIfPresent(keyFile);
  try {
    return keyPem !== undefined && new X509Certificate(pem).checkPrivateKey(parsePrivateKey(keyPem, keyFile));
  } catch {
    return false;
  }
}
