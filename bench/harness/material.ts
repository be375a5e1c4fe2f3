/**
 * Keys, certificates and CRLs for the benchmarks, in a temporary directory.
 *
 * @module
 */
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ca, largeCrl, type Certificate } from '../../test/support/chain.js';
import { machineTime } from './clock.js';

/** The files of a server, as paths. */
export interface ServerFiles {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  /** `undefined` for no CRL. */
  readonly crl: string | undefined;
}

/** The credentials of a client, in PEM. */
export interface ClientCredentials {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

export type CrlFormat = 'pem' | 'der';

/** A CRL to write. */
export interface CrlToWrite {
  readonly name: string;
  /** The number of entries, including those of `also`. */
  readonly entries: number;
  /** @defaultValue `'pem'` */
  readonly format?: CrlFormat;
  /** The certificates that it revokes, at its end. */
  readonly also?: readonly Certificate[];
}

/** A CA, a server, a good client and one to revoke. */
export class Material {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'express-mtls-bench-'));
  readonly root = ca('bench-ca');
  readonly client: Certificate = this.root.client('client1');
  /** Another certificate with the same name. */
  readonly revoked: Certificate = this.root.client('client1');
  /** The certificate of a proxy. */
  readonly proxy: Certificate = this.root.client('proxy');
  readonly #onExit = (): void => {
    rmSync(this.directory, { recursive: true, force: true });
  };
  #crlNumber = 0;

  constructor() {
    process.once('exit', this.#onExit);
    mkdirSync(join(this.directory, 'live'));
    const server = this.root.server();
    this.#write('server-key.pem', server.keyPem);
    this.#write('server-crt.pem', server.chainPem);
    this.#write('ca-crt.pem', this.root.pem);
    // HAProxy requires both in one file.
    this.#write('server.pem', server.chainPem + server.keyPem);
  }

  /** The files of a server. */
  serverFiles(crl?: string): ServerFiles {
    return {
      key: this.pathOf('server-key.pem'),
      cert: this.pathOf('server-crt.pem'),
      ca: this.pathOf('ca-crt.pem'),
      crl,
    };
  }

  pathOf(name: string): string {
    return join(this.directory, name);
  }

  credentialsOf({ keyPem, chainPem }: Certificate): ClientCredentials {
    return { key: keyPem, cert: chainPem, ca: this.root.pem };
  }

  /** Writes a CRL and returns its path. */
  writeCrl({ name, entries, format = 'pem', also = [] }: CrlToWrite): string {
    // Each CRL is newer than the previous ones.
    const number = ++this.#crlNumber;
    const { der } = largeCrl(this.root, { entries: Math.max(entries - also.length, 0), also, number });
    const path = this.pathOf(name);
    if (format === 'der') writeFileSync(path, der);
    else writePem(path, der);
    return path;
  }

  /** A path for {@link Material.publish}. Files in other directories do not disturb its watch. */
  livePath(name: string): string {
    return join(this.directory, 'live', name);
  }

  /** Renames a file into place, and returns the `machineTime()` just before. */
  publish(from: string, to: string): number {
    const at = machineTime();
    renameSync(from, to);
    return at;
  }

  remove(): void {
    process.off('exit', this.#onExit);
    this.#onExit();
  }

  #write(name: string, text: string): void {
    writeFileSync(this.pathOf(name), text, { mode: 0o600 });
  }
}

export function sizeOf(path: string): number {
  return statSync(path).size;
}

const bytesPerLine = 48;
const linesPerWrite = 4096;

/** Writes PEM in pieces: ten million entries exceed the maximum string length of V8. */
function writePem(path: string, der: Buffer): void {
  const file = openSync(path, 'w');
  writeSync(file, '-----BEGIN X509 CRL-----\n');
  const step = bytesPerLine * linesPerWrite;
  for (let start = 0; start < der.length; start += step) {
    const text = der.toString('base64', start, Math.min(start + step, der.length));
    writeSync(file, text.replace(/.{1,64}/g, '$&\n'));
  }
  writeSync(file, '-----END X509 CRL-----\n');
  closeSync(file);
}
