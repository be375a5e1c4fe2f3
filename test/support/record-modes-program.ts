/**
 * Loaded before a program: writes the mode of each file and folder that it makes, as it is at once, into the file that
 * the variable RECORD_MODES names.
 *
 * @module
 */
import { appendFileSync, existsSync, promises, statSync } from 'node:fs';

const log = process.env['RECORD_MODES'] ?? '';
const { mkdir, open, writeFile } = promises;

function record(place: unknown): void {
  const mode = (statSync(String(place)).mode & 0o777).toString(8).padStart(4, '0');
  appendFileSync(log, `${mode} ${String(place)}\n`);
}

promises.open = async (...args) => {
  const isNew = !existsSync(args[0]);
  const handle = await open(...args);
  if (isNew) record(args[0]);
  return handle;
};
promises.mkdir = (async (...args: Parameters<typeof mkdir>) => {
  const isNew = !existsSync(args[0]);
  const made = await mkdir(...args);
  if (isNew) record(args[0]);
  return made;
}) as typeof mkdir;
promises.writeFile = async (...args) => {
  await writeFile(...args);
  record(args[0]);
};
