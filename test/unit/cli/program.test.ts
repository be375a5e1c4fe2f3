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
    {
      args: ['inti'],
      message:
        "error: unknown command 'inti'; did you mean init? usage: express-mtls [options] [command] (--help explains it)\n",
    },
    {
      args: ['init', '--dri', 'x'],
      message:
        "error: unknown option '--dri'; did you mean --dir? usage: express-mtls init [options] [dir] (--help explains it)\n",
    },
    {
      args: ['issue', 'client'],
      message:
        "error: missing required argument 'name'; usage: express-mtls issue client [options] <name> (--help explains it)\n",
    },
    {
      args: ['crl', '--days', 'soon'],
      message:
        "error: option '--days <days>' argument 'soon' is invalid. Use a number above 0, at most 36500; usage: express-mtls crl [options] (--help explains it)\n",
    },
    {
      args: ['init', 'a', 'b'],
      message:
        "error: too many arguments for 'init'. Expected 1 argument but got 2; usage: express-mtls init [options] [dir] (--help explains it)\n",
    },
  ])(
    'called as $args it reports the mistake in one sentence, with exit code 2',
    async ({ args, message }) => {
      expect(await runCommand(args)).toStrictEqual({ code: 2, out: '', err: message });
    },
  );

  test('with --json it reports a mistake with its code', async () => {
    const { code, out, err } = await runCommand(['issue', 'client', '--json']);
    expect({ code, out }).toStrictEqual({ code: 2, out: '' });
    expect(JSON.parse(err)).toStrictEqual({
      error: {
        code: 'ERR_MTLS_OPTION_INVALID',
        message: expect.stringMatching(/^missing required argument 'name'; usage: /) as unknown,
      },
    });
  });

  test.each([
    [
      ['list', '--dir', 'nowhere'],
      'ERR_MTLS_CA_FOLDER_INVALID',
      /^error: nowhere contains no CA; create one /,
    ],
    [['inspect', 'nothing.pem'], 'ENOENT', /^error: no such file or directory, open 'nothing\.pem'; check /],
    [['fleet', '--at', 'x'], 'ERR_MTLS_OPTION_INVALID', /^error: the store is not a URL; expected redis:/],
  ])('a mistake in %j has its code only with --json', async (args, code, message) => {
    const plain = await runCommand(args);
    expect(plain).toMatchObject({ code: 3, out: '', err: expect.stringMatching(message) as unknown });
    expect(plain.err).not.toMatch(/[A-Z]{4}/);
    const json = await runCommand([...args, '--json']);
    expect(JSON.parse(json.err)).toMatchObject({ error: { code } });
  });

  test('called without a command it shows the help on stderr, with exit code 2', async () => {
    const { code, out, err } = await runCommand([]);
    expect({ code, out }).toStrictEqual({ code: 2, out: '' });
    expect(err).toContain('Usage: express-mtls');
  });
});
