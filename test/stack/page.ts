/**
 * The files that a page of the documentation shows.
 *
 * @module
 */
import { readDocument } from '../support/markdown.js';
import type { Project } from './project.js';

/**
 * The code blocks that begin below a line `` `name`: ``, with that name. TypeScript that needs other packages is marked
 * `typescript` and not `ts`, so that it is compiled here, and not with the other documents.
 */
export function codeBlocksOf(document: string): { readonly file: string; readonly code: string }[] {
  const blocks = readDocument(document).matchAll(
    /^`([\w.-]+)`:\n\n```(?:js|json|typescript|python|java)\n(.*?)^```$/gms,
  );
  return [...blocks].map(([, file = '', code = '']) => ({ file, code }));
}

/**
 * Writes a code block of a document into a project, with another port in place of 4433.
 * @returns The file.
 */
export function writeProgram(project: Project, document: string, file: string, port: string): string {
  const { code } = codeBlocksOf(document).find((block) => block.file === file) ?? {};
  if (code === undefined) throw new Error(`${document} has no ${file}`);
  return project.write(file, code.replaceAll('4433', port));
}
