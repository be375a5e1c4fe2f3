import { describe, expect, test } from '@jest/globals';
import { readCaSettings } from '../../../src/dev-ca/openssl-config.js';

const head = '[ca]\ndefault_ca = main\n[main]\n';

describe('the database in a configuration', () => {
  test.each([
    ['plainly', 'database = index.txt', 'index.txt'],
    ['by a variable', 'dir = /etc/ca\ndatabase = $dir/index.txt', '/etc/ca/index.txt'],
    ['by a variable in braces', 'dir = ca\ndatabase = ${dir}s/index.txt', 'cas/index.txt'],
    ['by a variable in brackets', 'dir = ca\ndatabase = $(dir)s/index.txt', 'cas/index.txt'],
    [
      'by one of another section',
      '[other]\ndir = ca\n[main]\ndatabase = $other::dir/index.txt',
      'ca/index.txt',
    ],
    ['from another section', '[other]\nmain::database = index.txt', 'index.txt'],
    ['before a comment', 'database = index.txt # the index', 'index.txt'],
    [
      'in quotes, where variables are none',
      'dir = x\ndatabase = "$dir # 1/\\"index.txt"',
      '$dir # 1/"index.txt',
    ],
    ['with an escape', 'database = a\\#b.txt', 'a#b.txt'],
    ['over two lines', 'database = ind\\\nex.txt', 'index.txt'],
    ['with CRLF', 'database = index.txt\r\nserial = 1\r', 'index.txt'],
    ['twice, the last counts', 'database = a\ndatabase = b', 'b'],
    ['by an undefined variable', 'database = $nothing/index.txt', '/index.txt'],
    ['not at all', '# database = index.txt', undefined],
  ])('%s', (_, lines, expected) => {
    expect(readCaSettings(head + lines)?.database).toBe(expected);
  });

  test('global variables are visible in every section', () => {
    expect(readCaSettings(`dir = top\n${head}database = $dir/index.txt`)?.database).toBe('top/index.txt');
  });

  test.each([
    ['no default_ca', '[req]\nprompt = no'],
    ['a default_ca that is not there', '[ca]\ndefault_ca = main'],
    ['nothing', ''],
  ])('with %s, no CA is found', (_, text) => {
    expect(readCaSettings(text)).toBeUndefined();
  });
});
