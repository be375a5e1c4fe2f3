/**
 * What a check works with: a CA, a server under test with the files that the check asks for, and clients.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ca, type CertificateAuthority } from '../../test/support/chain.js';
import type { Adapter, Files, Material, RunningServer } from '../adapter.js';
import { fail } from '../check.js';
import { type Answer, Client, type CallOptions, type ClientCertificate } from './client.js';
import {
  contentsOf,
  makeFolder,
  removeFolder,
  replaceFile,
  type Served,
  swapFolder,
  type Way,
  writeFiles,
} from './folder.js';
import { seconds, waitUntil } from './waiting.js';

interface Pem {
  readonly pem: string;
}

/** What a server is started with. */
export interface Setup {
  readonly cas: readonly Pem[];
  readonly crls: readonly Pem[];
  readonly key?: string;
  readonly cert?: string;
  /** Server names with CAs and CRLs of their own. */
  readonly names?: Readonly<Record<string, { readonly cas: readonly Pem[]; readonly crls: readonly Pem[] }>>;
  /** Whether the files are mounted as Kubernetes does. */
  readonly isMounted?: boolean;
}

export interface Limits {
  /** How long an effect may take, in milliseconds. */
  readonly patienceMs: number;
  /** How long a change is given that is to have no effect. */
  readonly settleMs: number;
  /** How long a handshake may stall. */
  readonly stallMs: number;
}

const servers = ca('servers');
const serverCertificate = servers.server();

/** A certificate for a server name. */
function certificateFor(name: string): { readonly key: string; readonly cert: string } {
  const made = servers.server({ commonName: name, sans: { dns: [name] } });
  return { key: made.keyPem, cert: made.chainPem };
}

/** A new certificate for a server. */
export function renewServerCertificate(): {
  readonly key: string;
  readonly cert: string;
  readonly shown: string;
} {
  const made = servers.server();
  return { key: made.keyPem, cert: made.chainPem, shown: made.x509.fingerprint256 };
}

/** A server under test that runs. */
export class Server {
  readonly #running: RunningServer;
  readonly #material: Material;
  readonly #limits: Limits;
  readonly #open: Set<{ destroy(): void }>;
  #served: Served;

  constructor(
    running: RunningServer,
    material: Material,
    served: Served,
    limits: Limits,
    open: Set<{ destroy(): void }>,
  ) {
    this.#running = running;
    this.#material = material;
    this.#served = served;
    this.#limits = limits;
    this.#open = open;
  }

  get port(): number {
    return this.#running.port;
  }

  get pid(): number {
    return this.#running.pid;
  }

  as(certificate?: ClientCertificate): Client {
    return new Client(this.#running.port, certificate, this.#open);
  }

  /** Changes files, and has the server read them. */
  async change(changes: Partial<Served>, way: Way = 'rename'): Promise<void> {
    this.#served = { ...this.#served, ...changes };
    const after = contentsOf(this.#served);
    const folder = dirname(this.#material.files.key);
    if (way === 'folder swap') swapFolder(folder, after);
    else for (const name of namesOf(changes)) replaceFile(join(folder, name), after[name] ?? '', way);
    await this.reload();
  }

  /** Writes one kind of file as it is, readable or not; `undefined` removes it. */
  async write(kind: 'key' | 'cert' | 'ca' | 'crl', text: string | undefined): Promise<void> {
    const { files } = this.#material;
    const others = contentsOf(this.#served);
    const joined = { key: others['server-crt.pem'], cert: '', ca: '', crl: others['ca-crt.pem'] }[kind] ?? '';
    const both = { key: files.pair, cert: files.pair, ca: files.caAndCrl, crl: files.caAndCrl }[kind];
    if (text === undefined) rmSync(files[kind]);
    else replaceFile(files[kind], text, 'rename');
    replaceFile(both, joined + (text ?? ''), 'rename');
    await this.reload();
  }

  /** Has the server read its files. What it refuses, an operator sees on the terminal. */
  async reload(): Promise<void> {
    try {
      await this.#running.reload(this.#material);
    } catch {
      // The check finds out what is in force.
    }
  }

  /** Gives a change that is to have no effect the time to have one. */
  async settle(): Promise<void> {
    await sleep(this.#limits.settleMs);
  }

  /** Waits until a client is served. @returns In words, how long that took. */
  async serves(certificate: ClientCertificate, who: string, options: CallOptions = {}): Promise<string> {
    return await this.#becomes(true, certificate, who, options);
  }

  /** Waits until a client is refused. */
  async refuses(
    certificate: ClientCertificate | undefined,
    who: string,
    options: CallOptions = {},
  ): Promise<string> {
    return await this.#becomes(false, certificate, who, options);
  }

  /** Fails unless a condition becomes true in time. */
  async becomes(
    condition: () => boolean | Promise<boolean>,
    otherwise: string,
    limitMs = this.#limits.patienceMs,
  ): Promise<string> {
    const limit = Math.min(limitMs, this.#limits.patienceMs);
    const took = await waitUntil(condition, limit);
    if (took === undefined) fail(`${otherwise} after ${seconds(limit)}`);
    return seconds(took);
  }

  async #becomes(
    served: boolean,
    certificate: ClientCertificate | undefined,
    who: string,
    options: CallOptions,
  ): Promise<string> {
    let last: Answer | undefined;
    const isSo = async (): Promise<boolean> => {
      last = await this.as(certificate).call(options);
      return last.served === served;
    };
    const took = await waitUntil(isSo, this.#limits.patienceMs, 250);
    if (took === undefined) fail(served ? `${who} is ${last?.seen}` : `${who} is served`);
    return served ? 'served' : `${last?.seen}${took > 1000 ? ` after ${seconds(took)}` : ''}`;
  }
}

function namesOf(changes: Partial<Served>): string[] {
  return [
    // The key first, as most publishers write it.
    ...(changes.key === undefined ? [] : ['server-key.pem']),
    ...(changes.cert === undefined ? [] : ['server-crt.pem', 'server.pem']),
    ...(changes.cas === undefined
      ? []
      : ['ca-crt.pem', ...changes.cas.map((_, index) => `ca-${index}.pem`), 'ca.pem']),
    ...(changes.crls === undefined ? [] : ['ca-crl.pem', 'ca.pem']),
  ];
}

/** The surroundings of one check, which it does not have to clean up. */
export class Stage {
  readonly adapter: Adapter;
  readonly limits: Limits;
  readonly root: CertificateAuthority = ca('clients');
  readonly #backend: number;
  readonly #closers: (() => unknown)[] = [];
  readonly #open = new Set<{ destroy(): void }>();
  configuration: string | undefined;

  constructor(adapter: Adapter, backend: number, limits: Limits) {
    this.adapter = adapter;
    this.#backend = backend;
    this.limits = limits;
  }

  /** Starts the server. Rejects if it does not start. */
  async start({ cas, crls, key, cert, names = {}, isMounted = false }: Setup): Promise<Server> {
    const root = makeFolder();
    this.#closers.push(() => {
      removeFolder(root);
    });
    const own = { key: key ?? serverCertificate.keyPem, cert: cert ?? serverCertificate.chainPem };
    const served: Served = { ...own, cas, crls };
    const files = writeFiles(join(root, 'files'), served, isMounted);
    const named = Object.entries(names).map(([name, each]): { name: string; files: Files } => ({
      name,
      files: writeFiles(join(root, name), { ...certificateFor(name), ...each }),
    }));
    const material: Material = { folder: makeScratch(root), files, names: named, backend: this.#backend };
    const running = await this.adapter.start(material);
    this.#closers.push(() => running.stop());
    this.configuration ??= running.configuration;
    return new Server(running, material, served, this.limits, this.#open);
  }

  async close(): Promise<void> {
    for (const open of this.#open) open.destroy();
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  /** The name that the app is told of a client, as this server writes it. */
  nameOf(commonName: string): string {
    return this.adapter.nameOf?.(commonName) ?? commonName;
  }
}

function makeScratch(root: string): string {
  const folder = join(root, 'server');
  mkdirSync(folder, { mode: 0o755 });
  return folder;
}
