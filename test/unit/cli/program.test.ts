/**
 * The command: what it prints, where, and its exit code.
 *
 * @module
 */
import { describe, expect, test } from '@jest/globals';
import { runCommand } from '../../support/command.js';

describe('the command as a whole', () => {
  test('--help names every command, shows examples and the exit codes', async () => {
    const { code, out, err } = await runCommand(['--help']);
    expect(code).toBe(0);
    expect(err).toBe('');
    expect(out).toMatch(/^Usage: express-mtls \[options\] \[command\]$/m);
    expect(out).toMatch(/^ {2}init \[options\] \[dir\] +create a CA, a server, a client and a CRL$/m);
    expect(out).toContain('Examples:\n  $ express-mtls init\n');
    expect(out).toContain('Exit codes: 0 success, 1 the answer is no, 2 called incorrectly, 3 failed.');
  });

  test('--help of every command shows examples', async () => {
    const commandsOf = async (path: readonly string[]): Promise<(readonly string[])[]> => {
      const { code, out } = await runCommand([...path, '--help']);
      expect([code, path, out.includes('Examples:\n  $ express-mtls ')]).toEqual([0, path, true]);
      const [, listed = ''] = /^Commands:\n((?: {2}.*\n)+)/m.exec(out) ?? [];
      const names = Array.from(listed.matchAll(/^ {2}(\w+)/gm), ([, name = '']) => name);
      const below = names.filter((name) => name !== 'help').map((name) => [...path, name]);
      return [...below, ...(await Promise.all(below.map(commandsOf))).flat()];
    };
    expect((await commandsOf([])).map((path) => path.join(' ')).sort()).toEqual([
      'crl',
      'doctor',
      'fleet',
      'import',
      'init',
      'inspect',
      'intermediate',
      'issue',
      'issue client',
      'issue server',
      'list',
      'publish',
      'renew',
      'revoke',
    ]);
  });

  test('--version prints the version', async () => {
    expect(await runCommand(['--version'])).toStrictEqual({ code: 0, out: '1.2.3\n', err: '' });
  });

  test.each([
    { args: ['inti'], message: "error: unknown command 'inti'\n(Did you mean init?)" },
    { args: ['init', '--jsn'], message: "error: unknown option '--jsn'\n(Did you mean --json?)" },
    {
      args: ['init', 'a', 'b'],
      message: "error: too many arguments for 'init'. Expected 1 argument but got 2.",
    },
  ])('called as $args it reports the mistake on stderr, with exit code 2', async ({ args, message }) => {
    const { code, out, err } = await runCommand(args);
    expect({ code, out }).toStrictEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err).toContain('--help');
  });

  test('called without a command it shows the help on stderr, with exit code 2', async () => {
    const { code, out, err } = await runCommand([]);
    expect({ code, out }).toStrictEqual({ code: 2, out: '' });
    expect(err).toContain('Usage: express-mtls');
  });
});
