/**
 * What is written to a terminal: colours, progress, and nothing that steers it.
 *
 * @module
 */
import { describe, expect, jest, test } from '@jest/globals';
import { printable, printableJson, Terminal, type World } from '../../../src/cli/terminal.js';

function terminalOf(world: Partial<World>): { terminal: Terminal; written: string[] } {
  const written: string[] = [];
  const terminal = new Terminal({
    writeOut: (text) => written.push(`out: ${text}`),
    writeErr: (text) => written.push(`err: ${text}`),
    hasColours: false,
    showsProgress: false,
    env: {},
    readIn: () => Promise.resolve(''),
    now: Date.now,
    ...world,
  });
  return { terminal, written };
}

describe('printable()', () => {
  test.each([
    { what: 'a plain text', text: 'CN=Jürgen, 日本\nOU=b', expected: 'CN=Jürgen, 日本\nOU=b' },
    {
      what: 'an escape sequence',
      text: 'a\u001B[2Jb\u001B]0;x\u0007',
      expected: 'a\\u{1b}[2Jb\\u{1b}]0;x\\u{7}',
    },
    { what: 'a concealing colour', text: '\u001B[8mhidden', expected: '\\u{1b}[8mhidden' },
    { what: 'a carriage return', text: 'refused\radmitted', expected: 'refused\\u{d}admitted' },
    { what: 'a turn of direction', text: 'a\u202Egnp', expected: 'a\\u{202e}gnp' },
    { what: 'a space without a width', text: 'admin\u200B', expected: 'admin\\u{200b}' },
    { what: 'a filler that is not seen', text: 'admin\u3164', expected: 'admin\\u{3164}' },
    { what: 'a blank of Braille', text: 'a\u2800b', expected: 'a\\u{2800}b' },
    { what: 'a tag beyond the basic plane', text: 'a\u{E0041}b', expected: 'a\\u{e0041}b' },
    { what: 'an eight-bit control', text: 'a\u009Bb', expected: 'a\\u{9b}b' },
    { what: 'a colour that we use', text: '\u001B[32mok\u001B[39m', expected: '\\u{1b}[32mok\\u{1b}[39m' },
  ])('shows $what', ({ text, expected }) => {
    expect(printable(text)).toBe(expected);
  });
});

test('printable JSON is still JSON with the same meaning', () => {
  const data = { name: 'a\u001B[2J\u0085\u202E\u2028b ü\n', tag: '\u{E0041}\u3164' };
  const json = printableJson(JSON.stringify(data, undefined, 2));
  expect(json).toContain(String.raw`a\u001b[2J\u0085\u202e\u2028b ü\n`);
  expect(json).toContain(String.raw`"\udb40\udc41\u3164"`);
  expect(printable(json)).toBe(json);
  expect(JSON.parse(json)).toStrictEqual(data);
});

describe('a terminal', () => {
  test('has colours where they are shown', () => {
    const { terminal, written } = terminalOf({ hasColours: true });
    terminal.out(terminal.style('strong', `${terminal.style('bad', 'no')}!`));
    expect(written).toStrictEqual(['out: \u001B[1m\u001B[31mno\u001B[39m!\u001B[22m\n']);
    expect(terminalOf({}).terminal.style('bad', 'no')).toBe('no');
  });

  test('escapes a colour in a name, beside one of its own', () => {
    const { terminal, written } = terminalOf({ hasColours: true });
    terminal.out(`${terminal.style('bad', 'FAILS')} CN=\u001B[32mok`);
    expect(written).toStrictEqual(['out: \u001B[31mFAILS\u001B[39m CN=\\u{1b}[32mok\n']);
  });

  test('shows progress and clears it on a terminal', async () => {
    const { terminal, written } = terminalOf({ showsProgress: true });
    await expect(terminal.during('making a key', () => Promise.resolve(1))).resolves.toBe(1);
    expect(written).toStrictEqual(['err: making a key …', 'err: \r\u001B[K']);
  });

  test('counts the seconds of long work, on one line that fits, and clears it if the work fails', async () => {
    jest.useFakeTimers();
    try {
      const { terminal, written } = terminalOf({ showsProgress: true, errWidth: 24 });
      const failing = terminal.during('making a certificate', async () => {
        await new Promise((resolve) => setTimeout(resolve, 2500));
        throw new Error('no');
      });
      const failed = expect(failing).rejects.toThrow('no');
      await jest.advanceTimersByTimeAsync(3000);
      await failed;
      expect(written).toStrictEqual([
        'err: making a ce…',
        'err: \r\u001B[Kmaking a ce… 1 s',
        'err: \r\u001B[Kmaking a ce… 2 s',
        'err: \r\u001B[K',
      ]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('clears the progress before it writes something else to stderr', async () => {
    const { terminal, written } = terminalOf({ showsProgress: true });
    await terminal.during('reading', () => {
      terminal.err('warning: odd');
    });
    expect(written).toStrictEqual([
      ...['err: reading …', 'err: \r\u001B[K', 'err: warning: odd\n', 'err: \r\u001B[K'],
    ]);
  });

  test('shows no progress without a terminal', async () => {
    const { terminal, written } = terminalOf({});
    await terminal.during('making a key', () => Promise.resolve(1));
    expect(written).toStrictEqual([]);
  });

  test('escapes what it writes, on both streams', () => {
    const { terminal, written } = terminalOf({});
    terminal.out('a\u001B[2J');
    terminal.err('b\u001B[2J');
    expect(written).toStrictEqual(['out: a\\u{1b}[2J\n', 'err: b\\u{1b}[2J\n']);
  });
});
