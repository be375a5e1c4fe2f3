import fs, {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { FileWatch } from '../../../src/material/file-watch.js';
import { temporaryDirectory } from '../../support/files.js';
import { ownTime } from '../../support/elapsed.js';

const open: FileWatch[] = [];

afterEach(() => {
  for (const watch of open.splice(0)) watch.close();
  jest.restoreAllMocks();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Watching {
  /** How often a change was reported. */
  readonly changes: () => number;
  /** Waits until this many changes were reported. */
  until(count: number): Promise<void>;
}

async function watching(
  paths: readonly string[],
  { pollMs = 20, onChange = (): void => {} } = {},
): Promise<Watching> {
  let changes = 0;
  const watch = new FileWatch({
    paths,
    pollMs,
    onChange: () => {
      changes++;
      onChange();
    },
  });
  open.push(watch);
  await watch.remember();
  watch.begin();
  // The first look after the beginning finds what was remembered.
  await pause(40);
  return {
    changes: () => changes,
    async until(count) {
      const end = ownTime() + 5000;
      while (changes < count && ownTime() < end) await pause(5);
      expect(changes).toBe(count);
    },
  };
}

/** Leaves polling alone: no notices are to be had, as on a network file system. */
function withoutHints(): void {
  jest.spyOn(fs, 'watch').mockImplementation(() => {
    throw Object.assign(new Error('no more watches'), { code: 'ENOSPC' });
  });
}

interface Update {
  /** What is watched. */
  readonly path: string;
  /** Makes the update of this number. */
  readonly update: (number: number) => void;
}

/** Every kind of update, in a directory of its own. */
const kinds: [string, (directory: string) => Update][] = [
  [
    'in place',
    (directory) => {
      const path = join(directory, 'ca.crl');
      writeFileSync(path, 'version 0');
      return {
        path,
        update: (number) => {
          writeFileSync(path, `version ${number}`);
        },
      };
    },
  ],
  [
    'appended to',
    (directory) => {
      const path = join(directory, 'ca.crl');
      writeFileSync(path, '');
      return {
        path,
        update: (number) => {
          appendFileSync(path, `version ${number}`);
        },
      };
    },
  ],
  [
    'by an atomic rename',
    (directory) => {
      const path = join(directory, 'ca.crl');
      writeFileSync(path, 'version 0');
      return {
        path,
        update: (number) => {
          writeFileSync(`${path}.new`, `version ${number}`);
          renameSync(`${path}.new`, path);
        },
      };
    },
  ],
  [
    'deleted and created',
    (directory) => {
      const path = join(directory, 'ca.crl');
      writeFileSync(path, 'version 0');
      return {
        path,
        update: (number) => {
          rmSync(path);
          writeFileSync(path, `version ${number}`);
        },
      };
    },
  ],
  [
    'as Kubernetes does, by a swap of ..data',
    (directory) => {
      const swap = (number: number): void => {
        mkdirSync(join(directory, `..version${number}`));
        writeFileSync(join(directory, `..version${number}`, 'ca.crl'), `version ${number}`);
        symlinkSync(`..version${number}`, join(directory, '..data_tmp'));
        renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
        if (number > 0) rmSync(join(directory, `..version${number - 1}`), { recursive: true });
      };
      swap(0);
      symlinkSync('..data/ca.crl', join(directory, 'ca.crl'));
      return { path: join(directory, 'ca.crl'), update: swap };
    },
  ],
  [
    'by a symbolic link that is moved',
    (directory) => {
      const path = join(directory, 'ca.crl');
      const move = (number: number): void => {
        writeFileSync(join(directory, `version${number}`), `version ${number}`);
        symlinkSync(`version${number}`, `${path}.new`);
        renameSync(`${path}.new`, path);
      };
      move(0);
      return { path, update: move };
    },
  ],
  [
    'of a target outside the directory',
    (directory) => {
      const path = join(directory, 'ca.crl');
      const target = join(temporaryDirectory(), 'target.crl');
      writeFileSync(target, 'version 0');
      symlinkSync(target, path);
      return {
        path,
        update: (number) => {
          writeFileSync(target, `version ${number}`);
        },
      };
    },
  ],
  [
    'by a directory that replaces the directory',
    (directory) => {
      const inner = join(directory, 'tls');
      const path = join(inner, 'ca.crl');
      const replace = (number: number): void => {
        const next = join(directory, `next${number}`);
        mkdirSync(next);
        writeFileSync(join(next, 'ca.crl'), `version ${number}`);
        if (number > 0) renameSync(inner, join(directory, `old${number}`));
        renameSync(next, inner);
      };
      replace(0);
      return { path, update: replace };
    },
  ],
  [
    'with the same size and the same mtime',
    (directory) => {
      const path = join(directory, 'ca.crl');
      writeFileSync(path, 'version 0');
      const { mtime } = statSync(path);
      return {
        path,
        update: (number) => {
          writeFileSync(path, `version ${number}`);
          utimesSync(path, mtime, mtime);
        },
      };
    },
  ],
  [
    'of a directory, which gets one more file',
    (directory) => {
      writeFileSync(join(directory, '0.crl'), 'a');
      return {
        path: directory,
        update: (number) => {
          writeFileSync(join(directory, `${number}.crl`), 'a');
        },
      };
    },
  ],
  [
    'of a directory, in which a file changes',
    (directory) => {
      writeFileSync(join(directory, 'ca.crl'), 'version 0');
      return {
        path: directory,
        update: (number) => {
          writeFileSync(join(directory, 'ca.crl'), `version ${number}`);
        },
      };
    },
  ],
  [
    'of a directory, which loses a file',
    (directory) => {
      for (const number of [1, 2, 3]) writeFileSync(join(directory, `${number}.crl`), 'a');
      return {
        path: directory,
        update: (number) => {
          rmSync(join(directory, `${number}.crl`));
        },
      };
    },
  ],
  [
    'of a file that comes and goes',
    (directory) => {
      const path = join(directory, 'ca.crl');
      return {
        path,
        update: (number) => {
          if (number % 2 === 1) writeFileSync(path, 'a');
          else rmSync(path);
        },
      };
    },
  ],
];

describe.each([
  ['by looking alone', withoutHints],
  ['by looking, and by notices', (): void => {}],
])('a change is detected %s, three times in a row', (_how, prepare) => {
  test.each(kinds)('%s', async (_kind, make) => {
    prepare();
    const { path, update } = make(temporaryDirectory());
    const { until, changes } = await watching([path]);
    for (const number of [1, 2, 3]) {
      update(number);
      await until(number);
    }
    await pause(80);
    expect(changes()).toBe(3);
  });
});

describe('file-system events trigger polling sooner', () => {
  test.each(kinds.slice(0, 4))('%s', async (_kind, make) => {
    const { path, update } = make(temporaryDirectory());
    const { until } = await watching([path], { pollMs: 3_600_000 });
    update(1);
    await until(1);
  });

  test('at a change between the first poll and the start of the watch', async () => {
    const path = join(temporaryDirectory(), 'ca.crl');
    writeFileSync(path, 'version 0');
    const realpath = fs.promises.realpath.bind(fs.promises);
    // As slow as a busy machine makes it.
    jest.spyOn(fs.promises, 'realpath').mockImplementation(async (...args) => {
      await pause(300);
      return realpath(...args);
    });
    const { until } = await watching([path], { pollMs: 3_600_000 });
    await pause(100);
    writeFileSync(path, 'version 1');
    await until(1);
  });

  test('for files that changed since they were remembered, without any event', async () => {
    withoutHints();
    const path = join(temporaryDirectory(), 'ca.crl');
    writeFileSync(path, 'version 0');
    let changes = 0;
    const watch = new FileWatch({ paths: [path], pollMs: 3_600_000, onChange: () => changes++ });
    open.push(watch);
    await watch.remember();
    writeFileSync(path, 'version 1');
    watch.begin();
    const end = ownTime() + 5000;
    while (changes === 0 && ownTime() < end) await pause(5);
    expect(changes).toBe(1);
  });
});

describe('the report', () => {
  test('does not come while nothing changes', async () => {
    const path = join(temporaryDirectory(), 'ca.crl');
    writeFileSync(path, 'a');
    const { changes } = await watching([path, join(path, 'nothing'), temporaryDirectory()]);
    await pause(150);
    expect(changes()).toBe(0);
  });

  test('comes for a change of any of the files', async () => {
    const directory = temporaryDirectory();
    const paths = ['a', 'b', 'c'].map((name) => join(directory, name));
    for (const path of paths) writeFileSync(path, '0');
    const { until } = await watching(paths);
    for (const [index, path] of paths.entries()) {
      writeFileSync(path, '1');
      await until(index + 1);
    }
  });

  test('comes once a slow writer has finished', async () => {
    const path = join(temporaryDirectory(), 'ca.crl');
    writeFileSync(path, 'version 0');
    const seen: string[] = [];
    const { changes } = await watching([path], { onChange: () => seen.push(readFileSync(path, 'utf8')) });
    truncateSync(path, 0);
    for (const part of 'the whole of version 1'.split(' ')) {
      appendFileSync(path, part);
      await pause(8);
    }
    await pause(150);
    expect(seen.at(-1)).toBe('thewholeofversion1');
    expect(changes()).toBe(seen.length);
    expect(seen).not.toContain('');
  });

  test('does not come once the watch is closed', async () => {
    const path = join(temporaryDirectory(), 'ca.crl');
    writeFileSync(path, 'version 0');
    const { changes } = await watching([path]);
    writeFileSync(path, 'version 1');
    for (const watch of open) watch.close();
    writeFileSync(path, 'version 2');
    await pause(120);
    expect(changes()).toBe(0);
  });
});

test('keeps no process alive', async () => {
  const timers = [jest.spyOn(globalThis, 'setInterval'), jest.spyOn(globalThis, 'setTimeout')];
  const watches = jest.spyOn(fs, 'watch');
  const directory = temporaryDirectory();
  const watch = new FileWatch({ paths: [directory], pollMs: 1000, onChange: () => {} });
  open.push(watch);
  await watch.remember();
  watch.begin();
  const made = timers.flatMap(({ mock }) => mock.results.map(({ value }) => value as NodeJS.Timeout));
  expect(made.length).toBeGreaterThan(0);
  expect(made.filter((timer) => timer.hasRef())).toEqual([]);
  const started = ownTime();
  while (watches.mock.calls.length === 0 && ownTime() - started < 5000) await pause(5);
  expect(watches.mock.calls.length).toBeGreaterThan(0);
  for (const [, options] of watches.mock.calls) expect(options).toMatchObject({ persistent: false });
});

describe('events come long before the next poll,', () => {
  /** Milliseconds from a change to the word of it. */
  async function delayOf(watched: Watching, change: () => void): Promise<number> {
    // What is watched is looked up anew after each look.
    await pause(100);
    const before = watched.changes();
    const started = ownTime();
    change();
    await watched.until(before + 1);
    return ownTime() - started;
  }

  function published(path: string, text: string): () => void {
    return () => {
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    };
  }

  test('after the folder was replaced by another', async () => {
    const folder = join(temporaryDirectory(), 'crls');
    const path = join(folder, 'ca.crl');
    mkdirSync(folder);
    writeFileSync(path, 'version 0');
    const watched = await watching([path], { pollMs: 3000 });
    await delayOf(watched, () => {
      mkdirSync(`${folder}.new`);
      writeFileSync(join(`${folder}.new`, 'ca.crl'), 'version 1');
      renameSync(folder, `${folder}.old`);
      renameSync(`${folder}.new`, folder);
      rmSync(`${folder}.old`, { recursive: true });
    });
    for (const version of ['2', '3'])
      expect(await delayOf(watched, published(path, version))).toBeLessThan(1500);
  });

  test('for the target of a link, in any folder, and for its next target', async () => {
    const [here, there, elsewhere] = [temporaryDirectory(), temporaryDirectory(), temporaryDirectory()];
    for (const folder of [there, elsewhere]) writeFileSync(join(folder, 'real.crl'), folder);
    const path = join(here, 'ca.crl');
    symlinkSync(join(there, 'real.crl'), path);
    const watched = await watching([path], { pollMs: 3000 });
    expect(await delayOf(watched, published(join(there, 'real.crl'), '1'))).toBeLessThan(1500);
    await delayOf(watched, () => {
      symlinkSync(join(elsewhere, 'real.crl'), `${path}.new`);
      renameSync(`${path}.new`, path);
    });
    expect(await delayOf(watched, published(join(elsewhere, 'real.crl'), '2'))).toBeLessThan(1500);
  });
});
