/**
 * One run: a server, its clients, and the changes to its files.
 *
 * @module
 */
import { setMaxListeners } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../bench/harness/child.js';
import { machineTime } from '../bench/harness/clock.js';
import { ca, type Certificate, type CertificateAuthority } from '../test/support/chain.js';
import { CrlChanges } from './chaos/crl-changes.js';
import { Disk } from './chaos/disk.js';
import { runExpiries } from './chaos/expiries.js';
import { BrokenSource } from './chaos/broken-source.js';
import { GuestCa } from './chaos/guest-ca.js';
import { Journal } from './chaos/journal.js';
import { RevocationQueue } from './chaos/revocation-queue.js';
import { Rotation } from './chaos/rotation.js';
import { repeat } from './chaos/schedule.js';
import { ServerName } from './chaos/server-name.js';
import { Nginx } from './proxied/nginx.js';
import { RedisOutlet } from './remote/redis-outlet.js';
import { RemoteSources } from './remote/remote-sources.js';
import { Fleet, type Target } from './fleet.js';
import { Overloads } from './overload/overloads.js';
import {
  type ConnectionKind,
  connectionKinds,
  goodClients,
  graceMs,
  isNamed,
  isProxied,
  namedKinds,
  ordinaryKinds,
  otherClients,
  redisKinds,
  revokedUnderSni,
} from './plan.js';
import type { ClientsCalls } from './programs/clients.js';
import type { ServerCalls } from './programs/server.js';
import { Checker } from './truth/checker.js';
import { underSni } from './truth/standing.js';
import type { SoakResult } from './result.js';
import type { ServerFiles } from './server-files.js';
import { summarizeRun } from './summary.js';

export interface RunOptions {
  readonly seconds: number;
  /** The interval between progress lines, in milliseconds. */
  readonly progressEveryMs: number;
  readonly progress: (text: string) => void;
}

const observeEveryMs = 250;
const exitLimitMs = 5000;

/** Runs a soak. Everything that it starts or writes is removed when it ends. */
export async function runSoak(options: RunOptions): Promise<SoakResult> {
  const folder = mkdtempSync(join(tmpdir(), 'express-mtls-soak-'));
  const server = new Child<ServerCalls>(new URL('programs/server.ts', import.meta.url), ['--expose-gc']);
  const clients = new Child<ClientsCalls>(new URL('programs/clients.ts', import.meta.url));
  const journal = new Journal();
  const overloads = new Overloads(folder, journal);
  try {
    return await new Soak(folder, { server, clients, overloads }, journal).run(options);
  } finally {
    await Promise.all([server.stop(), clients.stop(), overloads.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A program that the machine does not have, and what is left out. */
interface MissingProgram {
  readonly name: string;
  readonly clients: string;
  readonly kinds: readonly ConnectionKind[];
}

function findMissing(): readonly MissingProgram[] {
  const nginx = { name: 'nginx', clients: 'clients behind nginx', kinds: connectionKinds.filter(isProxied) };
  const redis = { name: 'redis-server', clients: 'clients whose CRL is in Redis', kinds: redisKinds };
  return [...(Nginx.isInstalled() ? [] : [nginx]), ...(RedisOutlet.isInstalled() ? [] : [redis])];
}

interface Programs {
  readonly server: Child<ServerCalls>;
  readonly clients: Child<ClientsCalls>;
  /** With a server and clients of its own. */
  readonly overloads: Overloads;
}

class Soak {
  readonly #programs: Programs;
  readonly #root: CertificateAuthority = ca('root');
  readonly #east: CertificateAuthority = this.#root.intermediate('east');
  readonly #journal: Journal;
  readonly #disk: Disk = new Disk();
  readonly #checker: Checker;
  readonly #rotation: Rotation;
  readonly #crls: CrlChanges;
  readonly #guestCa: GuestCa;
  readonly #brokenSource: BrokenSource;
  readonly #serverName: ServerName;
  readonly #nginx: Nginx;
  readonly #remote: RemoteSources;
  readonly #missing: readonly MissingProgram[] = findMissing();
  readonly #skippedKinds: readonly ConnectionKind[] = this.#missing.flatMap(({ kinds }) => kinds);
  readonly #files: { readonly ca: string; readonly crl: string; readonly crls: string };

  constructor(folder: string, programs: Programs, journal: Journal) {
    this.#programs = programs;
    this.#journal = journal;
    this.#checker = new Checker((at) => journal.around(at));
    for (const name of ['crl', 'crls', 'elsewhere']) mkdirSync(join(folder, name));
    const files = {
      ca: join(folder, 'ca-crt.pem'),
      crl: join(folder, 'crl', 'ca-crl.pem'),
      crls: join(folder, 'crls'),
    };
    const residents = this.#root.pem + this.#east.pem;
    writeFileSync(files.ca, residents);
    writeFileSync(files.crl, this.#root.crl().pem);
    writeFileSync(join(files.crls, 'east.pem'), this.#east.crl().pem);
    this.#files = files;
    const watched = { disk: this.#disk, journal };
    this.#rotation = new Rotation(this.#root, join(folder, 'pair'), this.#journal);
    this.#crls = new CrlChanges(
      this.#root,
      { path: files.crl, elsewhere: join(folder, 'elsewhere') },
      watched,
    );
    const additions = new Disk();
    this.#brokenSource = new BrokenSource(folder, files.crls, { additions, journal });
    this.#serverName = new ServerName(join(folder, 'named'), this.#root, journal);
    this.#nginx = new Nginx(join(folder, 'nginx'), this.#root);
    this.#remote = new RemoteSources(folder, this.#root, { journal, hasRedis: this.#isRun('redis') });
    this.#guestCa = new GuestCa({ ca: files.ca, residents, crls: files.crls }, { additions, journal });
  }

  async run(options: RunOptions): Promise<SoakResult> {
    for (const { name, clients } of this.#missing) {
      if (process.env['CI'] === 'true') throw new Error(`${name} is not installed, and CI needs it`);
      options.progress(`skipped: ${clients}; ${name} is not installed`);
    }
    try {
      return await this.#run(options);
    } finally {
      await Promise.all([this.#nginx.stop(), this.#remote.stop()]);
    }
  }

  async #run({ seconds, progressEveryMs, progress }: RunOptions): Promise<SoakResult> {
    const fleet = new Fleet(await this.#listen(), this.#programs.clients, this.#checker);
    await this.#programs.overloads.start({ ...this.#serverFiles, crl: [this.#files.crls] }, this.#root.pem);
    const ending = new AbortController();
    const { signal } = ending;
    // Every client that is refused waits for this signal.
    setMaxListeners(0, signal);
    const good = await this.#fillWithGood(fleet);
    const [revocations, namedRevocations] = [
      new RevocationQueue(fleet, this.#root, signal),
      new RevocationQueue(fleet, this.#serverName.authority, signal),
    ];
    await revocations.fill(ordinaryKinds.filter(this.#isRun), otherClients.revoked);
    await namedRevocations.fill(namedKinds, revokedUnderSni);
    await this.#guestCa.fill(fleet);

    const begun = machineTime();
    const work = Promise.all([
      this.#crls.run(revocations, good, signal),
      this.#rotation.run(signal),
      this.#guestCa.run(signal),
      this.#brokenSource.run(signal),
      this.#serverName.run(namedRevocations, signal),
      this.#programs.overloads.run(signal),
      this.#remote.run(fleet, (pair) => this.#programs.server.call('supply', pair), signal),
      runExpiries(fleet, this.#east, signal),
      repeat({ everyMs: observeEveryMs, signal }, () => fleet.observe()),
      repeat({ firstAfterMs: progressEveryMs, everyMs: progressEveryMs, signal }, async () => {
        progress(await this.#describe(machineTime() - begun));
      }),
    ]);
    // A failure ends the run immediately.
    await Promise.race([work, sleep(seconds * 1000)]);
    ending.abort();
    await work;
    await Promise.all([revocations, namedRevocations, this.#remote].map((each) => each.settle()));
    // The last changes must still be enforced.
    await sleep(2 * graceMs);
    await fleet.dismissAll();
    return await this.#finish(seconds, begun);
  }

  async #listen(): Promise<Target> {
    const { files } = this.#serverName;
    const { server } = this.#programs;
    const places = await this.#remote.open();
    const ports = await server.call('listen', this.#serverFiles, files, this.#nginx.ca, places);
    const proxied = this.#isRun('proxied') ? await this.#nginx.start(ports.proxied) : undefined;
    return { ...ports, proxied, name: files.name, ca: this.#root.pem };
  }

  get #serverFiles(): ServerFiles {
    const { ca: cas, crl, crls } = this.#files;
    const { key, cert } = this.#rotation;
    return { key, cert, ca: [cas, this.#brokenSource.ca], crl: [crl, crls] };
  }

  /** Returns the certificates of good clients of the root, which its CRLs could list. */
  async #fillWithGood(fleet: Fleet): Promise<Certificate[]> {
    const kinds = connectionKinds
      .filter(this.#isRun)
      .flatMap((kind) => Array<ConnectionKind>(goodClients[kind]).fill(kind));
    const members = await Promise.all(
      kinds.map((kind, index) =>
        fleet.enrol({ role: 'good', kind, issuer: this.#issuerOf(kind, index), isIn: true }),
      ),
    );
    return members.map(({ certificate }) => certificate).filter(({ issuer }) => issuer === this.#root);
  }

  readonly #isRun = (kind: ConnectionKind): boolean => !this.#skippedKinds.includes(kind);

  #issuerOf(kind: ConnectionKind, index: number): CertificateAuthority {
    if (isNamed(kind)) return this.#serverName.authority;
    const remote = this.#remote.authorityOf(kind);
    if (remote !== undefined) return remote;
    return index % 2 === 0 ? this.#root : this.#east;
  }

  async #describe(elapsedMs: number): Promise<string> {
    const { served, lost, late } = this.#checker.counts;
    const out = this.#checker.lateness(machineTime());
    const latest = Math.round(Math.max(0, ...out.map(({ answeredAfter }) => answeredAfter)));
    const samples = await this.#programs.server.call('samples');
    const resident = Math.round((samples.at(-1)?.resident ?? 0) / 1e6);
    return `${Math.round(elapsedMs / 1000)} s: ${served} served, ${lost} lost; ${out.length} clients put out, ${late} answers late, the latest ${latest} ms after; ${resident} MB`;
  }

  async #finish(seconds: number, begun: number): Promise<SoakResult> {
    const { server } = this.#programs;
    const figures = await server.call('figures');
    const samples = await server.call('samples');
    // Connections to them stay open for a while.
    await this.#remote.stop();
    const left = await server.call('end');
    const exit = (await server.endsItself(exitLimitMs)) ?? null;
    return summarizeRun({
      seconds,
      begun,
      checker: this.#checker,
      skippedKinds: this.#skippedKinds,
      changes: {
        goodLists: {
          ...this.#crls.counts.good,
          [underSni]: this.#serverName.lists,
          ...this.#remote.counts.lists,
        },
        brokenLists: this.#crls.counts.broken,
        brokenSources: {
          ...this.#brokenSource.counts,
          ...this.#rotation.broken,
          ...this.#serverName.broken,
          ...this.#remote.counts.broken,
        },
        rotations: {
          ...this.#rotation.counts,
          [underSni]: this.#serverName.renewals,
          'from a loader': this.#remote.counts.renewals,
        },
        casAdded: this.#guestCa.counts.added,
        casRemoved: this.#guestCa.counts.removed,
      },
      overloads: this.#programs.overloads.figures,
      server: figures,
      samples,
      left,
      exit,
    });
  }
}
