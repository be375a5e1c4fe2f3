import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { runCommand } from '../support/command.js';
import { temporaryDirectory } from '../support/files.js';
import { call } from '../support/call.js';
import { writeProgram } from '../support/document-code.js';
import { codeBlocks, readDocument } from '../support/markdown.js';
import { freePort } from '../support/ports.js';
import { Program, root, run } from '../support/program.js';

const readme = readDocument('README.md');
const blocks = new Map(codeBlocks('README.md').map(({ file, code }) => [file, code]));

function linesOf(text = ''): string[] {
  return text.trim().split('\n');
}

test('the server of the README has 20 lines at most, what comes before its reference 120, and all of it 200', () => {
  expect(linesOf(blocks.get('server.mjs')).length).toBeLessThanOrEqual(20);
  expect(linesOf(readme.split('\n## Reference\n')[0]).length).toBeLessThanOrEqual(120);
  expect(linesOf(readme).length).toBeLessThanOrEqual(200);
});

test('the README says what it is, for whom, how, and why nothing else, in this order', () => {
  const marks = [
    'Mutual TLS for Express',
    'badges: end',
    'Who needs it',
    'Why not',
    'docs/demo.svg',
    'docs/handshake-cost.svg',
    '## The server in 20 lines',
    '## Behind nginx or a load balancer',
    '## Several machines',
    '## Compared',
    '## Reference',
  ];
  const places = marks.map((mark) => readme.indexOf(mark));
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((left, right) => left - right));
});

test('the README compares in a table, and every cell has its evidence', () => {
  const [, section = ''] = readme.split('\n## Compared\n');
  const rows = linesOf(section.split('\n## ')[0]).filter((line) => line.startsWith('| '));
  const [head = [], , ...body] = rows.map((row) => row.split('|').slice(1, -1));
  expect(head.map((name) => name.trim())).toEqual([
    '',
    'express-mtls',
    'client-certificate-auth',
    'passport-client-cert',
    'node:https',
    'nginx',
    'Envoy',
  ]);
  expect(body.length).toBeGreaterThan(5);
  const cells = body.flatMap(([, ...cells]) => cells);
  expect(cells.filter((cell) => !/\[[^\]]+\][([]/.test(cell))).toEqual([]);
});

test('the README’s costs of a handshake are those of the last benchmark, to one digit', () => {
  const { benchmarks } = JSON.parse(readDocument('docs/benchmarks.json')) as {
    benchmarks: { figures: { label: string; value: number }[] }[];
  };
  const figures = benchmarks.flatMap((benchmark) => benchmark.figures);
  const toOneDigit = (server: string): number | undefined => {
    const wanted = `${server}: a million entries against no CRL`;
    const value = figures.find(({ label }) => label === wanted)?.value;
    return value === undefined ? undefined : Number(value.toPrecision(1));
  };
  expect(toOneDigit('express-mtls')).toBe(1);
  expect(readme).toContain(`[about ${toOneDigit('Node native')} ×](docs/benchmarks.md)`);
  expect(readme).toContain(`[about ${toOneDigit('nginx')} ×](docs/benchmarks.md)`);
});

describe('on its page npm resolves what is relative in the README against the repository', () => {
  const targets = [...readme.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => target);
  const relative = targets.filter((target) => !target.startsWith('https://'));

  test('so links lead down from its root, to what is there', () => {
    expect(relative.length).toBeGreaterThan(20);
    expect(relative.filter((target) => /^[./]/.test(target) || !existsSync(path.join(root, target)))).toEqual(
      [],
    );
  });

  test('so images are Markdown, with one source each, and there is no HTML', () => {
    expect(readme.replaceAll(/^```.*?^```$/gms, '')).not.toMatch(/<(?!!--)[a-z]/i);
  });

  test('and each reference is defined, and used', () => {
    const used = [...readme.matchAll(/\]\[([a-z-]+)\]/g)].map(([, name]) => name);
    const defined = [...readme.matchAll(/^\[([a-z-]+)\]: https:\/\/\S+$/gm)].map(([, name]) => name);
    expect(defined.toSorted()).toEqual([...new Set(used)].toSorted());
  });
});

test('the README’s programs serve, call, and disconnect a revoked client', async () => {
  const folder = temporaryDirectory();
  const certs = path.join(folder, 'certs-dev');
  expect(readme).toContain('\n$ npx express-mtls init\n');
  expect(await runCommand(['init', certs])).toMatchObject({ code: 0 });
  const ca = await openDevCa(certs);
  await ca.issueClient('client2');

  const port = await freePort();
  const [server, client] = (['server.mjs', 'client.mjs'] as const).map((name) =>
    writeProgram(['README.md', name], folder, { 4433: port }),
  ) as [string, string];

  const serving = new Program(server, { cwd: folder });
  const url = `https://localhost:${port}`;
  await serving.wrote(
    / listening {2}https:\/\/localhost:\d+, on all interfaces, clients of CN=ca-[0-9a-f]{8}$/m,
  );
  expect(await run(client, { cwd: folder })).toEqual({ output: 'hello client1\n', exitCode: 0 });
  expect(await call(`${url}/admin`, { certs, as: 'client1' })).toBe('200 welcome\n');
  expect(await call(`${url}/admin`, { certs, as: 'client2' })).toMatch(/^403 .*ERR_MTLS_CLIENT_FORBIDDEN/);
  expect(await call(url, { certs })).toBe('refused');

  await ca.revoke('client1');
  await serving.wrote(/ reloaded {2}1 newly revoked/);
  expect(await call(url, { certs, as: 'client1' })).toBe('refused');
  expect(await call(url, { certs, as: 'client2' })).toBe('200 hello client2\n');
  await serving.wrote(/ refused {2}CN=client1 revoked by CRL 2 of CN=ca-[0-9a-f]{8} {2}/);
});

test('the server of docs/getting-started.md is the one of the README', () => {
  const started = codeBlocks('docs/getting-started.md').find(({ file }) => file === 'server.mjs');
  expect(started?.code).toBe(blocks.get('server.mjs'));
});
