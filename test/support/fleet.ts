/**
 * A fleet of the tests: servers in processes of their own that read their CRLs from one store.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach } from '@jest/globals';
import type { MtlsOptions } from 'express-mtls';
import { type StoreSourceOptions } from '../../src/sources/store-source-options.js';
import { builtProgram } from './built-source.js';
import { ownTime } from './elapsed.js';
import type { CertificateAuthority } from './chain.js';
import { Client, type ClientCertificate, type OpenConnection } from './client.js';
import { material, pause, publish, until } from './server.js';

/** What a process of the fleet is started with. */
export interface MemberOptions {
  readonly url: string;
  readonly root: CertificateAuthority;
  readonly source?: StoreSourceOptions;
  /** A file for the last-good copy. */
  readonly lastGood?: string;
  readonly options?: Partial<MtlsOptions>;
}

/** What a member reports. */
export interface MemberReport {
  readonly event: 'listening' | 'evicted' | 'reloaded' | 'reload-failed' | 'recovered' | 'failed';
  readonly at: number;
  readonly port?: number;
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
}

/** `12, 40 ms`. */
export function formatMs(ms: readonly number[]): string {
  return `${ms.map(Math.round).join(', ')} ms`;
}

/** What a member uses. */
export interface MemberFigures {
  readonly cpuMs: number;
  readonly rss: number;
}

const running = new Set<ChildProcess>();

afterEach(async () => {
  await Promise.all([...running].map(kill));
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** A server in a process of its own. */
export class Member {
  /** What it has written so far. */
  output = '';
  readonly files: Readonly<Record<'key' | 'cert' | 'ca', string>>;
  readonly #root: CertificateAuthority;
  readonly #child: ChildProcess;

  private constructor({ root, options = {}, ...given }: MemberOptions) {
    const { files } = material({ root, crl: null });
    this.files = { key: files.key, cert: files.cert, ca: files.ca };
    this.#root = root;
    const args = [builtProgram('fleet-program'), JSON.stringify({ ...given, options, files: this.files })];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.#child);
    this.#child.once('exit', () => running.delete(this.#child));
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
  }

  /** Starts a member, and waits until it listens or has failed. */
  static async start(options: MemberOptions): Promise<Member> {
    const member = new Member(options);
    await until(
      () => member.reports('listening').length > 0 || member.#hasEnded,
      'the member listens or has ended',
      60_000,
    );
    if (member.#hasEnded && member.reports('failed').length === 0)
      throw new Error(`the member ended:\n${member.output}`);
    return member;
  }

  /** Starts several at once. */
  static async startAll(count: number, options: MemberOptions): Promise<Member[]> {
    return await Promise.all(Array.from({ length: count }, () => Member.start(options)));
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it has reported of an event so far. */
  reports(event: MemberReport['event']): MemberReport[] {
    const lines = this.output.split('\n').slice(0, -1);
    return lines
      .filter((line) => line.startsWith(`{"event":"${event}"`))
      .map((line) => JSON.parse(line) as MemberReport);
  }

  /** A client with this certificate. */
  as(certificate: ClientCertificate): Client {
    const port = this.reports('listening')[0]?.port ?? 0;
    return new Client({ port, ca: this.#root.pem }, certificate, { keepAlive: true });
  }

  /** An open connection that has been served. */
  async connect(certificate: ClientCertificate): Promise<OpenConnection> {
    const client = this.as(certificate);
    const { status } = await client.get();
    if (status !== 200) throw new Error(`the answer is ${status}:\n${this.output}`);
    return client.connection;
  }

  /** Gives it a new certificate, and answers how long it took until a client saw it, in milliseconds. */
  async renew(client: ClientCertificate): Promise<number> {
    const renewed = this.#root.server();
    // By the clock: a test that floods waits for a core nearly all the time, and ownTime() would leave that out.
    const started = performance.now();
    publish(this.files.key, renewed.keyPem);
    publish(this.files.cert, renewed.chainPem);
    await until(async () => {
      await pause(20);
      return (await this.as(client).get()).serverFingerprint === renewed.x509.fingerprint256;
    }, 'the new certificate of the server is in force');
    return performance.now() - started;
  }

  /** What it uses, by a client that is admitted. */
  async figures(certificate: ClientCertificate): Promise<MemberFigures> {
    return JSON.parse((await this.as(certificate).get('/figures')).body) as MemberFigures;
  }

  /** Ends it without notice. */
  async kill(): Promise<void> {
    await kill(this.#child);
  }
}

/** Waits until each connection is closed, and answers how long that took since a moment, in milliseconds. */
export async function evictions(connections: readonly OpenConnection[], since: number): Promise<number[]> {
  await until(() => connections.every(({ isClosed }) => isClosed), 'every connection is closed');
  return connections.map(({ closedAt = ownTime() }) => closedAt - since);
}
