/**
 * Processes that write to one folder.
 *
 * @module
 */
import { spawn, spawnSync, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { describeSelf, formatHolder, type Holder } from '../../../src/dev-ca/lock-holder.js';
import { withLock } from '../../../src/dev-ca/lock.js';
import { parseCrl } from '../../../src/x509/crl.js';
import { parsePem } from '../../../src/x509/pem.js';
import { builtProgram } from '../../support/built-source.js';
import { caFolder } from '../../support/ca-folder.js';
import { runCommand } from '../../support/command.js';
import { temporaryDirectory } from '../../support/files.js';
import type { LockProgramOptions } from '../../support/lock-program.js';
import { testOn, testWith } from '../../support/requirements.js';
import { ownTime } from '../../support/elapsed.js';

let directory: string;
let lock: string;

beforeEach(() => {
  directory = temporaryDirectory();
  lock = path.join(directory, 'ca-lock.txt');
});

/** The id of a process that has ended. */
function pidOfTheDead(): number {
  return spawnSync('true').pid;
}

/** A lock as a process leaves it that was killed while it had it. */
function writeLock(holder: Holder): void {
  mkdirSync(lock);
  writeFileSync(path.join(lock, formatHolder(holder)), '');
}

/** What is in the folder of the lock. */
function locksIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('ca-lock'));
}

/** Runs the program that takes the lock, to its end; `signal` is what has ended it. */
async function runLockProgram(
  options: LockProgramOptions,
  spawning: SpawnOptions = {},
  before: readonly string[] = [],
): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const command = [process.execPath, ...before, builtProgram('lock-program'), JSON.stringify(options)];
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: 'inherit', ...spawning });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return { code, signal };
}

describe('the lock', () => {
  test('names its process, and is released after the work even if that fails', async () => {
    await withLock(directory, async () => {
      const [entry = '', ...others] = readdirSync(lock);
      expect(entry.startsWith(`${process.pid}@${os.hostname()}~`)).toBe(true);
      expect(others).toStrictEqual([]);
      expect(readdirSync(directory)).toStrictEqual(['ca-lock.txt']);
      await Promise.resolve();
    });
    expect(existsSync(lock)).toBe(false);
    await expect(withLock(directory, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(existsSync(lock)).toBe(false);
  });

  test('of a running process is waited for, then reported', async () => {
    const { host, place } = await describeSelf();
    writeLock({ pid: process.ppid, host, place, start: undefined });
    await expect(withLock(directory, () => Promise.resolve('done'), 200)).rejects.toMatchObject({
      code: 'ERR_MTLS_CA_LOCKED',
      message: `according to ${lock}, process ${process.ppid} on ${host} is writing to this folder; wait for it to finish, or remove ca-lock.txt if there is no such process`,
    });
    expect(readdirSync(lock)).toHaveLength(1);
  });

  test('of a process that has ended is taken over at once', async () => {
    writeLock({ ...(await describeSelf()), pid: pidOfTheDead() });
    await expect(withLock(directory, () => Promise.resolve('done'), 0)).resolves.toBe('done');
    expect(locksIn(directory)).toStrictEqual([]);
  });

  test.each<[string, (self: Holder) => Holder, RegExp]>([
    ['on another machine', (self) => ({ ...self, host: 'elsewhere' }), /process \d+ on elsewhere is/],
    [
      'in another pid namespace, such as a container with the same host name',
      (self) => ({ ...self, place: '0123456789abcdef' }),
      /process \d+ on \S+, in another container or before a restart, is writing /,
    ],
  ])(
    'of a process %s is not taken over, because the process is not visible',
    async (_where, holderOf, message) => {
      writeLock({ ...holderOf(await describeSelf()), pid: pidOfTheDead() });
      await expect(withLock(directory, () => Promise.resolve(), 200)).rejects.toThrow(message);
      expect(readdirSync(lock)).toHaveLength(1);
    },
  );

  test('of a later version is not touched', async () => {
    mkdirSync(lock);
    writeFileSync(path.join(lock, 'another form'), '');
    await expect(withLock(directory, () => Promise.resolve(), 200)).rejects.toThrow(/ another process is /);
  });

  test('without an entry is free', async () => {
    mkdirSync(lock);
    await expect(withLock(directory, () => Promise.resolve('done'), 0)).resolves.toBe('done');
    expect(locksIn(directory)).toStrictEqual([]);
  });

  const testOnLinux = testOn(process.platform === 'linux', 'only Linux has /proc');

  testOnLinux('of a process whose number another one has now is taken over', async () => {
    const self = await describeSelf();
    writeLock({ ...self, pid: process.ppid, start: `${self.start ?? ''}1` });
    await expect(withLock(directory, () => Promise.resolve('done'), 0)).resolves.toBe('done');
  });

  testOnLinux(
    'of a process that has ended, and that its parent has not asked for, is taken over',
    async () => {
      // The shell becomes another program, which knows of no child.
      const parent = spawn('sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 60'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      try {
        const [text] = (await once(parent.stdout, 'data')) as [Buffer];
        const pid = Number(text.toString());
        while (!/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
          await new Promise((resolve) => setTimeout(resolve, 10));
        writeLock({ ...(await describeSelf()), pid, start: undefined });
        await expect(withLock(directory, () => Promise.resolve('done'), 0)).resolves.toBe('done');
      } finally {
        parent.kill('SIGKILL');
      }
    },
  );
});

describe('a lock file of an earlier version', () => {
  test('of a running process is waited for, then reported', async () => {
    writeFileSync(lock, `${process.ppid} ${os.hostname()}\n`);
    const work = withLock(directory, () => Promise.resolve('done'), 200);
    await expect(work).rejects.toThrow(` process ${process.ppid} on ${os.hostname()} is writing `);
    expect(readFileSync(lock, 'utf8')).toBe(`${process.ppid} ${os.hostname()}\n`);
  });

  test.each([
    [
      'another machine, whose processes cannot be seen',
      () => `${pidOfTheDead()} elsewhere\n`,
      'on elsewhere',
    ],
    ['a process that has not written its name yet', () => '', 'another process'],
  ])('of %s is not taken over', async (_, content, who) => {
    writeFileSync(lock, content());
    await expect(withLock(directory, () => Promise.resolve(), 200)).rejects.toThrow(who);
    expect(existsSync(lock)).toBe(true);
  });

  test.each<[string, () => void]>([
    [
      'names a process that is gone',
      () => {
        writeFileSync(lock, `${pidOfTheDead()} ${os.hostname()}\n`);
      },
    ],
    [
      'has had no name for long',
      () => {
        writeFileSync(lock, '');
        const before = new Date(Date.now() - 120_000);
        utimesSync(lock, before, before);
      },
    ],
  ])('that %s is taken over at once', async (_what, write) => {
    write();
    await expect(withLock(directory, () => Promise.resolve('done'), 0)).resolves.toBe('done');
    expect(locksIn(directory)).toStrictEqual([]);
  });

  test.each([
    ['of a process that is gone', () => `${pidOfTheDead()} ${os.hostname()}\n`],
    ['without a name', () => ''],
  ])('with a leftover second lock %s does not block, and the leftover is removed', async (_what, content) => {
    writeFileSync(`${lock}.takeover`, content());
    writeFileSync(lock, `${pidOfTheDead()} ${os.hostname()}\n`);
    await expect(withLock(directory, () => Promise.resolve('done'), 0)).resolves.toBe('done');
    expect(locksIn(directory)).toStrictEqual([]);
  });
});

describe('processes that are killed', () => {
  /** What is there before the process comes that is killed. */
  const beginnings: [string, (self: Holder) => void][] = [
    ['a free lock', () => undefined],
    [
      'a stale lock',
      (self) => {
        writeLock({ ...self, pid: pidOfTheDead() });
      },
    ],
    [
      'an empty folder',
      () => {
        mkdirSync(lock);
      },
    ],
    [
      'a stale lock of an earlier version and its second lock',
      () => {
        writeFileSync(lock, `${pidOfTheDead()} ${os.hostname()}\n`);
        writeFileSync(`${lock}.takeover`, `${pidOfTheDead()} ${os.hostname()}\n`);
      },
    ],
  ];

  test.each(beginnings)(
    'at any step from %s do not block others and leave nothing',
    async (_what, begin) => {
      const self = await describeSelf();
      const preload = ['--require', builtProgram('kill-at-call-program')];
      let steps = 0;
      for (let isKilled = true; isKilled; steps++) {
        directory = temporaryDirectory();
        lock = path.join(directory, 'ca-lock.txt');
        begin(self);
        const env = { ...process.env, KILL_AT: String(steps + 1) };
        const { code, signal } = await runLockProgram({ directory }, { env }, preload);
        isKilled = signal === 'SIGKILL';
        if (!isKilled) expect(code).toBe(0);
        await withLock(directory, () => Promise.resolve(), 0);
        expect(readdirSync(directory)).toStrictEqual([]);
      }
      // Fewer would say that nothing was killed.
      expect(steps).toBeGreaterThan(3);
    },
    240_000,
  );

  test('at any step of a revocation do not block later ones', async () => {
    const folder = await caFolder();
    const preload = ['--require', builtProgram('kill-at-call-program'), builtProgram('command-program')];
    let steps = 0;
    for (let isKilled = true; isKilled; steps++) {
      directory = path.join(temporaryDirectory(), 'certs');
      cpSync(folder, directory, { recursive: true });
      const env = { ...process.env, KILL_AT: String(steps + 1) };
      const revoking = ['revoke', 'client1', '--dir', directory];
      const { signal } = spawnSync(process.execPath, [...preload, ...revoking], { env });
      isKilled = signal === 'SIGKILL';
      const started = ownTime();
      expect(await runCommand(revoking)).toMatchObject({ code: 0, err: '' });
      expect(ownTime() - started).toBeLessThan(5_000);
      const ca = await openDevCa(directory);
      const revoked = (await ca.list()).filter(({ revokedAt }) => revokedAt !== undefined);
      expect(revoked).toMatchObject([{ name: 'client1' }]);
      const [crl] = parsePem(readFileSync(ca.crlFile), ca.crlFile);
      expect(parseCrl(crl?.der ?? Buffer.alloc(0)).entryCount).toBe(1);
      expect(locksIn(directory)).toStrictEqual([]);
    }
    expect(steps).toBeGreaterThan(15);
  }, 480_000);

  test('leave nothing that makes another process remove files elsewhere', async () => {
    const elsewhere = temporaryDirectory();
    writeFileSync(path.join(elsewhere, 'file'), '');
    const entry = formatHolder({ ...(await describeSelf()), pid: pidOfTheDead() });
    symlinkSync(elsewhere, `${lock}.${entry}`);
    symlinkSync(elsewhere, `${lock}.takeover`);
    await withLock(directory, () => Promise.resolve(), 0);
    expect(readdirSync(elsewhere)).toStrictEqual(['file']);
  });
});

describe('many processes', () => {
  /** Fails where a process comes in while another has the lock that is not dead. */
  function checkTurns(log: string): { entries: number; takeovers: number } {
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    let [entries, takeovers] = [0, 0];
    let holder: string | undefined;
    for (const [index, line] of lines.entries()) {
      const [what, pid] = line.split(' ');
      if (what === 'enter') {
        entries++;
        // One that has not left is dead, and is never heard of again.
        if (holder !== undefined) {
          takeovers++;
          const later = lines.slice(index).filter((each) => each.endsWith(` ${String(holder)}`));
          expect(later).toStrictEqual([]);
        }
        holder = pid;
      } else {
        expect(line).toBe(`leave ${String(holder)}`);
        holder = undefined;
      }
    }
    return { entries, takeovers };
  }

  test('never hold it at the same time, even if some are killed while holding it', async () => {
    const log = path.join(temporaryDirectory(), 'log');
    let deaths = 0;
    const runner = async (): Promise<void> => {
      for (let isKilled = true; isKilled && deaths < 24;) {
        const { signal, code } = await runLockProgram({ directory, log, times: 20, deaths: 10 });
        isKilled = signal === 'SIGKILL';
        if (isKilled) deaths++;
        else expect(code).toBe(0);
      }
    };
    await Promise.all(Array.from({ length: 8 }, runner));
    const { entries, takeovers } = checkTurns(log);
    expect(entries).toBeGreaterThan(30);
    expect(takeovers).toBeGreaterThan(5);
    await withLock(directory, () => Promise.resolve(), 0);
    expect(readdirSync(directory)).toStrictEqual([]);
  }, 120_000);

  test.each([
    [
      'a stale lock',
      (self: Holder) => {
        writeLock({ ...self, pid: pidOfTheDead() });
      },
    ],
    [
      'a stale lock of an earlier version',
      () => {
        writeFileSync(lock, `${pidOfTheDead()} ${os.hostname()}\n`);
      },
    ],
  ])('that %s at the same time take turns', async (_what, write) => {
    for (let round = 0; round < 3; round++) {
      const log = path.join(temporaryDirectory(), 'log');
      write(await describeSelf());
      const ends = await Promise.all(
        Array.from({ length: 10 }, () => runLockProgram({ directory, log, times: 3 })),
      );
      expect(ends.map(({ code }) => code)).toStrictEqual(Array(10).fill(0));
      expect(checkTurns(log)).toStrictEqual({ entries: 30, takeovers: 0 });
      expect(locksIn(directory)).toStrictEqual([]);
    }
  });

  test('in one process too', async () => {
    writeLock({ ...(await describeSelf()), pid: pidOfTheDead() });
    let atWork = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++atWork);
      await new Promise((resolve) => setTimeout(resolve, 5));
      atWork--;
    };
    await Promise.all(Array.from({ length: 10 }, () => withLock(directory, work)));
    expect(most).toBe(1);
  });
});

const testAsRoot = testWith(process.getuid?.() === 0, 'only root can leave a lock of root');

testAsRoot('a lock that root has left is no obstacle to the owner of the folder', async () => {
  const [owner, group] = [65_534, 65_534];
  chownSync(directory, owner, group);
  const end = await runLockProgram({ directory, deaths: 100 });
  expect(end.signal).toBe('SIGKILL');
  expect(statSync(lock)).toMatchObject({ uid: owner, gid: group, mode: 0o040700 });
  const [entry = ''] = readdirSync(lock);
  expect(await runLockProgram({ directory }, { uid: owner, gid: group, cwd: '/' })).toMatchObject({
    code: 0,
  });
  expect(existsSync(path.join(lock, entry))).toBe(false);
});

const unshare = spawnSync('unshare', ['--pid', '--fork', 'true']);
const testWithUnshare =
  unshare.error === undefined
    ? testOn(unshare.status === 0, 'this system does not allow pid namespaces')
    : testWith(false, 'unshare is not installed');

testWithUnshare('a process in another pid namespace keeps its lock, whichever /proc others see', async () => {
  const log = path.join(temporaryDirectory(), 'log');
  const program = [process.execPath, builtProgram('lock-program')];
  const keeping = JSON.stringify({ directory, log, keepMs: 6_000 } satisfies LockProgramOptions);
  const below = spawn('unshare', ['--pid', '--fork', '--mount-proc', ...program, keeping], {
    stdio: 'inherit',
  });
  while (!existsSync(log)) await new Promise((resolve) => setTimeout(resolve, 20));
  // From outside it is not seen.
  await expect(withLock(directory, () => Promise.resolve(), 200)).rejects.toThrow(/in another container/);
  // Inside, with the /proc from outside, its number is another process.
  const [pid = ''] = readFileSync(`/proc/${below.pid}/task/${below.pid}/children`, 'utf8').split(' ');
  const hasty = JSON.stringify({ directory, log, patience: 200 } satisfies LockProgramOptions);
  const inside = spawnSync('nsenter', ['--target', pid, '--pid', ...program, hasty], { encoding: 'utf8' });
  expect(inside.stderr).toMatch(/, process 1 on \S+ is writing to this folder/);
  await once(below, 'exit');
  const events = readFileSync(log, 'utf8').trim().split('\n');
  expect(events.map((line) => line.split(' ')[0])).toStrictEqual(['enter', 'failed', 'leave']);
});

test('do not lose data when two open a folder at the same time', async () => {
  const [one, two] = await Promise.all([openDevCa(directory), openDevCa(directory)]);
  expect([one.outcome, two.outcome].sort()).toStrictEqual(['kept', 'made']);
  await Promise.all([
    ...['a', 'b', 'c'].map((name) => one.issueClient(name)),
    ...['d', 'e', 'f'].map((name) => two.issueClient(name)),
  ]);
  await Promise.all([one.revoke('a'), two.revoke('d'), one.revoke('b'), two.revoke('e')]);
  const certificates = await one.list();
  expect(certificates).toHaveLength(6);
  expect(certificates.flatMap(({ name, revokedAt }) => (revokedAt ? [name] : [])).sort()).toStrictEqual([
    'a',
    'b',
    'd',
    'e',
  ]);
  expect(readFileSync(path.join(directory, 'ca-crlnumber.txt'), 'utf8')).toBe('06\n');
});

test('that revoke from several shells are all reflected in the CRL', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const ca = await openDevCa(directory);
  for (const name of names) await ca.issueClient(name);
  const codes = await Promise.all(
    names.map(async (name) => {
      const shell = spawn(process.execPath, [
        builtProgram('command-program'),
        ...['revoke', name, '--dir', directory],
      ]);
      const [code] = (await once(shell, 'exit')) as [number];
      return code;
    }),
  );
  expect(codes).toStrictEqual([0, 0, 0, 0]);
  expect((await ca.list()).filter(({ revokedAt }) => revokedAt === undefined)).toStrictEqual([]);
  expect(readFileSync(path.join(directory, 'ca-crlnumber.txt'), 'utf8')).toBe('06\n');
}, 60_000);
