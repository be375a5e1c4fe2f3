#!/usr/bin/env node
/**
 * `npx express-mtls`.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { askSecret } from './ask-secret.js';
import { widthOfStream } from './display-width.js';
import manifestFile from './manifest-file.cjs';
import { runProgram } from './program.js';

const { version } = JSON.parse(readFileSync(manifestFile, 'utf8')) as { version: string };
const { env, stdin, stdout, stderr } = process;

// A reader such as `head` may close the pipe early. That is not an error.
for (const stream of [stdout, stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

const running = runProgram(process.argv.slice(2), version, {
  writeOut: (output) => void stdout.write(output),
  writeErr: (output) => void stderr.write(output),
  outWidth: widthOfStream(stdout, env),
  errWidth: widthOfStream(stderr, env),
  // https://no-color.org
  hasColours: stdout.isTTY && (env['NO_COLOR'] ?? '') === '',
  showsProgress: stderr.isTTY,
  env,
  readIn: () => text(stdin),
  askSecret: stdin.isTTY && stderr.isTTY ? (question) => askSecret(question, stdin, stderr) : undefined,
  now: Date.now,
});

// The build is CommonJS, which has no top-level `await`.
void running.then((exitCode) => {
  process.exitCode = exitCode;
});
