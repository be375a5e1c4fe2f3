import path from 'node:path';
import { expect, test } from '@jest/globals';
import { runCommand } from '../support/command.js';
import { temporaryDirectory } from '../support/files.js';
import { until } from '../support/server.js';
import { call } from '../support/call.js';
import { writeProgram } from '../support/document-code.js';
import { readDocument } from '../support/markdown.js';
import { freePort } from '../support/ports.js';
import { Program } from '../support/program.js';

const document = 'docs/getting-started.md';

test('docs/getting-started.md goes as it says, from its first command to its last', async () => {
  const folder = temporaryDirectory();
  const certs = path.join(folder, 'certs-dev');
  const port = await freePort();
  let server: Program | undefined;
  let calls = 0;
  for (const { command, output } of session()) {
    if (command.startsWith('npx express-mtls ')) {
      const args = command.split(' ').slice(2);
      const directory = args[0] === 'init' ? [certs] : ['--dir', certs];
      expect(await runCommand([...args, ...directory])).toMatchObject({ code: 0, err: '' });
    } else if (command === 'node server.mjs') {
      server = new Program(writeProgram([document, 'server.mjs'], folder, { 4433: port }), { cwd: folder });
      await server.wrote(
        new RegExp(
          ` listening {2}https://localhost:${port}, on all interfaces, clients of CN=ca-[0-9a-f]{8}$`,
          'm',
        ),
      );
    } else if (command.startsWith('curl ')) {
      const [, name] = /--cert certs-dev\/(\w+)-crt\.pem/.exec(command) ?? [];
      const url = command.replace(/.* (?=https:)/, '').replace('4433', port);
      const expected = output.startsWith('curl: ') ? 'refused' : output;
      const answer = async (): Promise<string> =>
        (await call(url, { certs, ...(name === undefined ? {} : { as: name }) })).replace(/^\d{3} /, '');
      await until(async () => (await answer()) === expected, `${command} prints ${expected}`);
      calls++;
    }
  }
  expect(calls).toBe(6);
  await server?.wrote(
    / refused {2}no-certificate: [^]* reloaded {2}1 newly revoked[^]* refused {2}CN=client1 revoked by CRL 2 of CN=ca-/,
  );
});

/** What the document types, and what it is answered. */
function session(): { command: string; output: string }[] {
  const blocks = [...readDocument(document).matchAll(/^```console\n(.*?)^```$/gms)];
  return blocks
    .flatMap(([, block = '']) => block.split(/^\$ /m).slice(1))
    .map((entry) => {
      const [command = '', ...lines] = entry.split('\n');
      return { command, output: lines.join('\n') };
    });
}
