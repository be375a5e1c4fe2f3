/**
 * `express-mtls` as a process of its own, from the sources.
 *
 * @module
 */
import { runCommand } from './command.js';

void runCommand(process.argv.slice(2)).then(({ code, out, err }) => {
  process.stdout.write(out);
  process.stderr.write(err);
  process.exitCode = code;
});
