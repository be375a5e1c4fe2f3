/**
 * Lines that fit a terminal.
 *
 * @module
 */
import { describe, expect, test } from '@jest/globals';
import { cut, widthOf, widthOfStream } from '../../../src/cli/display-width.js';
import { wrapText, wrapWords } from '../../../src/cli/wrap.js';

const wrap = (text: string, width: number): string[] => wrapText(text, width).split('\n');

describe('a line that is too long', () => {
  test('is wrapped at word ends, and one that fits is unchanged', () => {
    expect(wrap('one two  three\n\nfour five six seven', 14)).toStrictEqual([
      ...['one two  three', ''],
      ...['four five six', 'seven'],
    ]);
  });

  test('continues below its text, not below its label', () => {
    expect(wrap('ok   file         a certificate of a client that is good', 40)).toStrictEqual([
      'ok   file         a certificate of a',
      '     client that is good',
    ]);
    expect(wrap('ok   file         a certificate of a client that is good', 50)).toStrictEqual([
      'ok   file         a certificate of a client that',
      '                  is good',
    ]);
  });

  test.each([
    ['  - untrusted: no CA signed it', ['  - untrusted: no', '    CA signed it']],
    ['      -> issue a new one, quickly', ['      -> issue a', '         new one,', '         quickly']],
    ['          deeply indented text', ['   deeply indented', '   text']],
  ])('keeps the indentation of %j', (line, expected) => {
    expect(wrap(line, 18)).toStrictEqual(expected);
  });

  test('has a word that is wider than the line on a line of its own, unbroken, so that it can be copied', () => {
    const path = `/etc/${'x'.repeat(30)}/ca.pem`;
    expect(wrap(`made     ${path} today`, 20)).toStrictEqual(['made', path, 'today']);
  });

  test('breaks a fingerprint between bytes', () => {
    const fingerprint = Array.from({ length: 32 }, () => 'AB').join(':');
    const lines = wrap(`  SHA-256      ${fingerprint}`, 60);
    expect(lines).toHaveLength(3);
    expect(lines.map((line) => line.slice(15)).join('')).toBe(fingerprint);
  });

  test('continues a shell command after a backslash, and keeps options with their values and quotes whole', () => {
    const lines = wrap(
      `  $ express-mtls doctor --cert a.pem --rule '{"a": 1}' --ca "my ca.pem" https://localhost/`,
      40,
    );
    expect(lines).toStrictEqual([
      '  $ express-mtls doctor --cert a.pem \\',
      `      --rule '{"a": 1}' \\`,
      '      --ca "my ca.pem" \\',
      '      https://localhost/',
    ]);
    const words = (text: string): string => text.replaceAll(/\\\n/g, ' ').replaceAll(/ +/g, ' ');
    expect(words(lines.join('\n'))).toMatch(/^ \$ express-mtls doctor .* https:\/\/localhost\/$/);
  });

  test('is measured without its colours, and with wide characters', () => {
    expect(wrap('\u001B[31mFAILS\u001B[39m 日本 日本 ok', 11)).toStrictEqual([
      '\u001B[31mFAILS\u001B[39m 日本',
      '日本 ok',
    ]);
  });
});

test('a text without labels is wrapped without indentation', () => {
  expect(wrapWords('curl  is an unusual name', 12)).toStrictEqual(['curl  is an', 'unusual name']);
});

test('a text is cut to a width, with an ellipsis', () => {
  expect(cut('日本語の名前', 7)).toBe('日本語…');
  expect(widthOf(cut('e\u0301'.repeat(9), 4))).toBe(4);
  expect(cut('short', 5)).toBe('short');
});

describe('the width of an output stream', () => {
  test.each([
    [{ isTTY: true, columns: 120 }, {}, 120],
    [{ isTTY: true, columns: 120 }, { COLUMNS: '60' }, 60],
    [{ isTTY: true, columns: 120 }, { COLUMNS: 'wide' }, 120],
    [{ isTTY: true, columns: 120 }, { COLUMNS: '0' }, 120],
    [{ isTTY: true, columns: 0 }, {}, 80],
    [{ isTTY: true }, {}, 80],
    [{ isTTY: true, columns: 3 }, {}, 20],
    [{ columns: 120 }, { COLUMNS: '60' }, undefined],
    [{}, {}, undefined],
  ])('of %j with %j is %j', (stream, env, expected) => {
    expect(widthOfStream(stream, env)).toBe(expected);
  });
});
