/**
 * The file of last-good copies: CRLs in DER, one after the other. It is replaced as a whole, never written in place.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readlink, realpath, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { MtlsError } from '../errors.js';
import { isOlder } from '../revocation/crl-age.js';
import { type CrlOutline, parseCrlOutline } from '../x509/crl.js';

/** One remembered CRL. */
export interface RememberedCrl {
  /** The same for a CRL and its successors: issuer, key, scope, and whether it is a delta. */
  readonly key: string;
  readonly outline: CrlOutline;
}

/** What a file holds. */
export interface Remembered {
  readonly crls: readonly RememberedCrl[];
  /** When it was last written or confirmed; `undefined` if there is no file. */
  readonly confirmedAt: Date | undefined;
}

const largestFile = 1024 ** 3;
const mostCrls = 4096;
const confirmEveryMs = 60_000;

/** Reads and replaces the file. Several processes can share it. */
export class LastGoodFile {
  readonly #path: string;
  /** What distinguishes the version of the file that this process knows. */
  #version = '';
  #confirmedAt = -Infinity;
  #saved: readonly Buffer[] = [];
  /** What this process last wrote, with what it kept of earlier CRLs and of other processes. */
  #held: readonly RememberedCrl[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Reads the file. A missing file is empty.
   * @throws MtlsError `ERR_MTLS_SOURCE_UNREADABLE` or `ERR_MTLS_CRL_INVALID` with a remedy.
   */
  async read(): Promise<Remembered> {
    const read = await this.#readBytes();
    if (read === undefined) return { crls: [], confirmedAt: undefined };
    return { crls: splitCrls(read.bytes, this.#path), confirmedAt: read.confirmedAt };
  }

  /**
   * Remembers CRLs that are in force. Others in the file stay until a newer CRL replaces them or they expire: a source
   * that deletes a CRL, or sends an older one, leaves the last one in force.
   * @throws MtlsError `ERR_MTLS_SOURCE_UNREADABLE` if the file cannot be written.
   */
  async save(given: readonly Buffer[], crls: readonly RememberedCrl[]): Promise<void> {
    try {
      const isKnown = (await this.#versionNow()) === this.#version;
      const isSaved = given.length === this.#saved.length && given.every((one) => this.#saved.includes(one));
      if (isKnown && isSaved) {
        await this.#confirm();
        return;
      }
      const others = isKnown ? [] : await this.#readOthers();
      const held = merge(crls, [...this.#held, ...others], Date.now());
      await this.#replace(held);
      this.#held = held;
      this.#saved = given;
    } catch (cause) {
      throw new MtlsError(
        'ERR_MTLS_SOURCE_UNREADABLE',
        {
          source: this.#path,
          seen: `the last-good copy cannot be written (${codeOf(cause)})`,
          remedy:
            'create the folder, give this process write access to it, and free disk space; the CRLs are in force nevertheless',
        },
        { cause },
      );
    }
  }

  async #readBytes(): Promise<{ readonly bytes: Buffer; readonly confirmedAt: Date } | undefined> {
    try {
      const { O_NONBLOCK: nonBlocking = 0 } = constants as { readonly O_NONBLOCK?: number };
      const file = await open(this.#path, constants.O_RDONLY | nonBlocking);
      try {
        const seen = await file.stat();
        if (!seen.isFile()) throw Object.assign(new Error(), { code: 'not a file' });
        if (seen.size > largestFile) throw Object.assign(new Error(), { code: 'larger than 1 GiB' });
        this.#version = versionOf(seen);
        return { bytes: await file.readFile(), confirmedAt: seen.mtime };
      } finally {
        await file.close();
      }
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return undefined;
      throw new MtlsError(
        'ERR_MTLS_SOURCE_UNREADABLE',
        {
          source: this.#path,
          seen: `the last-good copy cannot be read (${codeOf(cause)})`,
          remedy: 'give this process read access to it, or delete it',
        },
        { cause },
      );
    }
  }

  async #versionNow(): Promise<string> {
    try {
      return versionOf(await stat(this.#path));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return 'missing';
      throw error;
    }
  }

  /** Garbage is replaced. */
  async #readOthers(): Promise<readonly RememberedCrl[]> {
    try {
      return (await this.read()).crls;
    } catch (error) {
      if (error instanceof MtlsError) return [];
      throw error;
    }
  }

  /** A temporary file, fsync, rename, fsync of the folder: after a crash, the file is the old one or the new one. */
  async #replace(crls: readonly RememberedCrl[]): Promise<void> {
    // A symbolic link stays one: the file that it leads to may be on the only volume that is kept.
    const path = await targetOf(this.#path);
    const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        for (const { outline } of crls) await file.writeFile(outline.raw);
        await file.sync();
        this.#version = versionOf(await file.stat());
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    this.#confirmedAt = Date.now();
    await syncFolder(dirname(path));
  }

  /** The time of the file says when its CRLs were last confirmed. */
  async #confirm(): Promise<void> {
    const now = Date.now();
    if (this.#confirmedAt + confirmEveryMs > now) return;
    this.#confirmedAt = now;
    await utimes(this.#path, now / 1000, now / 1000);
    this.#version = await this.#versionNow();
  }
}

/** The file that a path leads to through symbolic links. It may not exist yet. */
async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    const link = await readlink(path).catch(() => undefined);
    // A cycle of links is ELOOP, so this ends.
    return link === undefined ? path : await targetOf(resolve(await realpath(dirname(path)), link));
  }
}

/** Not every file system can do it, and Windows cannot. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined);
  if (folder === undefined) return;
  try {
    await folder.sync();
  } catch {
    // The file itself is synchronised.
  } finally {
    await folder.close();
  }
}

function versionOf({ ino, size, mtimeMs }: { ino: number; size: number; mtimeMs: number }): string {
  return `${ino} ${size} ${mtimeMs}`;
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code ?? 'it failed';
}

/** The given CRLs, and others that are newer, or that replace none of them and have not expired. */
function merge(
  given: readonly RememberedCrl[],
  others: readonly RememberedCrl[],
  now: number,
): readonly RememberedCrl[] {
  const merged = new Map(given.map((one) => [one.key, one]));
  for (const one of others) {
    const own = merged.get(one.key);
    const isCurrent = (one.outline.nextUpdate?.getTime() ?? Infinity) > now;
    if (own === undefined ? isCurrent : isOlder(own.outline, one.outline)) merged.set(one.key, one);
  }
  return [...merged.values()].slice(0, mostCrls);
}

function splitCrls(bytes: Buffer, path: string): readonly RememberedCrl[] {
  const crls: RememberedCrl[] = [];
  try {
    for (let offset = 0; offset < bytes.length;) {
      const length = lengthAt(bytes, offset);
      if (crls.length === mostCrls || offset + length > bytes.length) throw new RangeError();
      crls.push(rememberedCrl(parseCrlOutline(bytes.subarray(offset, offset + length))));
      offset += length;
    }
  } catch (cause) {
    if (!(cause instanceof MtlsError) && !(cause instanceof RangeError)) throw cause;
    throw new MtlsError(
      'ERR_MTLS_CRL_INVALID',
      {
        source: path,
        seen: 'the last-good copy is damaged',
        remedy: 'delete it; it is written again once a CRL is in force',
      },
      { cause },
    );
  }
  return crls;
}

/** The length of the SEQUENCE at an offset, with its header. */
function lengthAt(bytes: Buffer, offset: number): number {
  const first = bytes[offset + 1] ?? 0;
  if (bytes[offset] !== 0x30) throw new RangeError();
  if (first < 0x80) return 2 + first;
  const octets = first & 0x7f;
  if (octets < 1 || octets > 4) throw new RangeError();
  return 2 + octets + bytes.readUIntBE(offset + 2, octets);
}

/** What identifies a CRL and its successors. */
export function rememberedCrl(outline: CrlOutline): RememberedCrl {
  const { issuer, authorityKeyId = '', issuingDistributionPoint, deltaBase } = outline;
  const scope = issuingDistributionPoint?.der.toString('hex') ?? '';
  const kind = deltaBase === undefined ? 'full' : 'delta';
  return { key: [issuer.canonical, authorityKeyId, scope, kind].join('\n'), outline };
}
