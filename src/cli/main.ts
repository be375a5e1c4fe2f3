#!/usr/bin/env node
/**
 * `npx express-mtls`.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { askSecret } from './ask-secret.js';
import { runProgram } from './program.js';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const { env, stdin, stdout, stderr } = process;

process.exitCode = await runProgram(process.argv.slice(2), version, {
  writeOut: (output) => void stdout.write(output),
  writeErr: (output) => void stderr.write(output),
  // https://no-color.org
  hasColours: stdout.isTTY && (env['NO_COLOR'] ?? '') === '',
  showsProgress: stderr.isTTY,
  env,
  readIn: () => text(stdin),
  askSecret: stdin.isTTY && stderr.isTTY ? (question) => askSecret(question, stdin, stderr) : undefined,
  now: Date.now,
});
