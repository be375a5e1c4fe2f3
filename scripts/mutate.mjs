// Mutation tests of all four folders, or of given ones, as in `npm run mutate -- policy identity`. Each folder is a
// separate run, because only its own tests should detect its mutants.
import { spawnSync } from 'node:child_process';

const named = process.argv.slice(2);
const folders = named.length > 0 ? named : ['policy', 'identity', 'x509', 'revocation'];
const failed = folders.filter((folder) => {
  const env = { ...process.env, MUTATE_FOLDER: folder };
  return spawnSync('stryker', ['run'], { env, stdio: 'inherit', shell: true }).status !== 0;
});
if (failed.length > 0) console.error(`too many mutants lived, or nothing ran: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;
