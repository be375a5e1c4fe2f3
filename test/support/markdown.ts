/**
 * The documents, and the code in them.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './program.js';

export const documents = [
  ...['README.md', 'SECURITY.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...readdirSync(path.join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

export function readDocument(document: string): string {
  return readFileSync(path.join(root, document), 'utf8');
}

export interface CodeBlock {
  /** `'README.md, block 2'`. */
  readonly title: string;
  /** The name in its first line, `// server.mjs`. */
  readonly file: string | undefined;
  readonly code: string;
}

/** The code in a document, block by block: all that is TypeScript, and JavaScript that has a file name. */
export function codeBlocks(document: string): CodeBlock[] {
  return (
    [...readDocument(document).matchAll(/^```(ts|js)\n(.*?)^```$/gms)]
      .map(([, language, code = '']) => ({
        language,
        file: /^\/\/ (\S+\.(?:ts|mjs))\n/.exec(code)?.[1],
        code,
      }))
      // What is shown of the code of others is not ours to compile.
      .filter(({ language, file }) => language === 'ts' || file !== undefined)
      .map(({ file, code }, index) => ({ title: `${document}, block ${index + 1}`, file, code }))
  );
}

/** The anchors of a document's headings, as forges make them. */
export function anchors(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
