import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, ErrorCode, MtlsError, type MtlsOptions } from 'express-mtls';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';
import { refusalReasons } from '../../src/judgement/refusal.js';
import { runCommand } from '../support/command.js';
import { anchors, codeBlocks, documents, readDocument } from '../support/markdown.js';
import { root } from '../support/program.js';
import { eventNames } from '../support/server.js';

/** The declarations for a block that does not start with imports. */
const surroundings = `
import type { Express, RequestHandler } from 'express';
import { allOf, anyOf, not, requireClient, type MtlsServer } from 'express-mtls';
declare const app: Express;
declare const handler: RequestHandler;
declare const server: MtlsServer;
declare function isEnrolled(fingerprint: string): Promise<boolean>;
export { allOf, anyOf, not, requireClient, server };
`;

describe('the code in the documents', () => {
  const blocks = documents.flatMap(codeBlocks);
  let faults: ReadonlyMap<string, string[]>;

  beforeAll(() => {
    const isWhole = (code: string): boolean =>
      code.includes("from 'express-mtls") || code.includes("from 'node:");
    const sources = blocks.map(({ code }) => (isWhole(code) ? `${code}\nexport {};\n` : surroundings + code));
    const perSource = typeCheck(sources);
    faults = new Map(blocks.map(({ title }, index) => [title, perSource[index] ?? []]));
  });

  test.each(blocks.map(({ title }) => title))('%s compiles', (title) => {
    expect(faults.get(title)).toEqual([]);
  });
});

/** Compiles each source as a file of this folder, by the options of this repository. */
function typeCheck(sources: readonly string[]): string[][] {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file));
  const { options: strict } = ts.parseJsonConfigFileContent(
    { ...config, include: [], files: [] },
    ts.sys,
    root,
  );
  // Documents show all parameters of a handler, used or not.
  const options = { ...strict, noUnusedParameters: false, noUnusedLocals: false };
  const files = new Map(sources.map((source, index) => [path.join(__dirname, `block-${index}.ts`), source]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (file) => files.has(file) || fileExists(file);
  host.readFile = (file) => files.get(file) ?? readFile(file);
  const program = ts.createProgram([...files.keys(), path.join(root, 'src/index.ts')], options, host);
  return [...files.keys()].map((file) => {
    const source = program.getSourceFile(file);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  });
}

test.each(yamlBlocks())('%s is YAML, and for Kubernetes a manifest', (title, yaml) => {
  for (const block of parseAllDocuments(yaml, { version: '1.1' })) {
    expect(block.errors).toEqual([]);
    if (!title.startsWith('docs/kubernetes.md')) continue;
    expect(block.toJS()).toMatchObject({
      apiVersion: expect.stringMatching(/^[a-z0-9./-]+$/),
      kind: expect.stringMatching(/^[A-Z]/),
      metadata: { name: expect.stringMatching(/^[a-z-]+$/) },
    });
  }
});

/** The YAML in the documents, block by block. */
function yamlBlocks(): [title: string, yaml: string][] {
  return documents.flatMap((document) =>
    [...readDocument(document).matchAll(/^```yaml\n(.*?)^```$/gms)].map(
      ([, yaml = ''], index): [string, string] => [`${document}, YAML ${index + 1}`, yaml],
    ),
  );
}

describe('docs/error-codes.md', () => {
  const sections = new Map(
    readDocument('docs/error-codes.md')
      .split(/^### /m)
      .slice(1)
      .map((section) => [section.split('\n', 1)[0], section]),
  );

  test('has exactly the existing codes', () => {
    expect([...sections.keys()].sort()).toEqual(Object.keys(ErrorCode).sort());
  });

  test.each(Object.keys(ErrorCode))('%s has its status, its cause and its remedy', (code) => {
    const { status } = new MtlsError(code as ErrorCode, { seen: '' });
    expect(sections.get(code)).toMatch(
      new RegExp(`\\n\\nStatus ${status}\\. \\*\\*Cause\\.\\*\\* .{60}[^]*\\*\\*Remedy\\.\\*\\* .{60}`),
    );
  });
});

test('docs/error-codes.md has every code of a process warning', () => {
  const files = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const codes = files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => readFileSync(path.join(root, 'src', file), 'utf8').match(/'MTLS_[A-Z_]+'/g) ?? [])
    .map((literal) => literal.slice(1, -1));
  expect(codes).toContain('MTLS_NO_WORKER');
  const text = readDocument('docs/error-codes.md');
  expect(codes.filter((code) => !text.includes(`\n| \`${code}\``))).toEqual([]);
});

test('docs/README.md leads to every page of docs/', () => {
  const index = readDocument('docs/README.md');
  const pages = documents.flatMap((document) => /^docs\/(?!README)(.*)/.exec(document)?.[1] ?? []);
  expect(pages.filter((page) => !index.includes(`](${page})`))).toEqual([]);
});

describe('the options', () => {
  /** The names that the package itself knows. */
  async function known(options: object): Promise<string[]> {
    const { message } = await createServer(options as MtlsOptions).then(
      () => new Error('it took an unknown option'),
      (error: unknown) => error as Error,
    );
    return (/ known are (.*)$/m.exec(message)?.[1] ?? '').split(', ');
  }

  const whole = { key: 'key', cert: 'cert', ca: 'ca' };

  test.each<[string, object, string]>([
    ['docs/options.md', { misspelt: true }, 'key'],
    ['docs/options.md', { ...whole, revocation: { misspelt: true } }, 'scope'],
    ['docs/options.md', { ...whole, certificates: { misspelt: true } }, 'missingUsage'],
    ['docs/options.md', { ...whole, limits: { misspelt: true } }, 'handshakeTimeoutMs'],
    ['docs/options.md', { ...whole, watch: { misspelt: true } }, 'pollMs'],
    ['docs/revocation.md', { ...whole, revocation: { misspelt: true } }, 'scope'],
    ['docs/server-names.md', { ...whole, sni: { 'a.example': { misspelt: true } } }, 'key'],
  ])('%s has all options that are known beside %j', async (document, options, first) => {
    const names = await known(options);
    expect(names[0]).toBe(first);
    const text = readDocument(document);
    expect(names.filter((name) => !new RegExp(`[\`.]${name}\``).test(text))).toEqual([]);
  });
});

test.each(['README.md', 'docs/logging.md', 'docs/metrics-and-traces.md'])(
  '%s has every event',
  (document) => {
    const text = readDocument(document);
    const isNamed = (name: string): boolean => new RegExp(`[\`.]${name}\``).test(text);
    expect(eventNames.filter((name) => !isNamed(name))).toEqual([]);
  },
);

test.each(['docs/error-codes.md', 'docs/logging.md'])('%s has every reason of a refusal', (document) => {
  const text = readDocument(document);
  expect(refusalReasons.filter((reason) => !text.includes(`\`${reason}\``))).toEqual([]);
});

describe.each(documents)('%s', (document) => {
  const text = readDocument(document);
  const folder = path.dirname(path.join(root, document));

  test('links to what is there', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)];
    const broken = links.filter(([, file = '', anchor]) => {
      const target = file === '' ? path.join(root, document) : path.resolve(folder, file);
      if (!existsSync(target)) return true;
      return anchor !== undefined && !anchors(readDocument(path.relative(root, target))).includes(anchor);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  test('names files and folders that are there', () => {
    const prose = text.replaceAll(/^```.*?^```$/gms, '');
    const named = [...prose.matchAll(/`((?:src|test|examples|certs-dev|docs|\.ci)\/[^`\s*]*)`/g)].map(
      ([, file = '']) => file,
    );
    expect(named.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  });

  test('names npm scripts that are there', () => {
    const { scripts } = JSON.parse(readDocument('package.json')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('names commands that are there', async () => {
    const named = [...text.matchAll(/npx express-mtls (issue (?:client|server)\b|[a-z]+)/g)];
    for (const [, command = ''] of named) {
      const { out } = await runCommand([...command.split(' '), '--help']);
      expect(out.split('\n', 1)[0]).toContain(`Usage: express-mtls ${command} `);
    }
  });

  test('names error codes that are there', () => {
    const named = text.match(/\bERR_MTLS_[A-Z_]+\b/g) ?? [];
    expect(named.filter((code) => !(code in ErrorCode))).toEqual([]);
  });
});
