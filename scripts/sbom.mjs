// Prints the bill of materials, CycloneDX in JSON: what npm installs with the package, by package-lock.json.
// `npm sbom --omit dev` alone is not enough: it omits packages that a development tool needs too, such as pino.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const read = (file) => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'));
const { name, version, description, license, dependencies } = read('package.json');
const manifest = { name, version, description, license, dependencies };
const lock = read('package-lock.json');

const temporary = mkdtempSync(path.join(tmpdir(), 'express-mtls-sbom-'));
try {
  // npm names the package after its folder.
  const folder = path.join(temporary, name);
  mkdirSync(folder);
  // Without the development tools of the root package, their dependencies are unreachable.
  const packages = { ...lock.packages, '': manifest };
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify({ ...lock, packages }));
  const options = ['--package-lock-only', '--sbom-format', 'cyclonedx', '--offline', '--silent'];
  process.stdout.write(execFileSync('npm', ['sbom', ...options], { cwd: folder }));
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
