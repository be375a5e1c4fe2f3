// The forge's address stands in one place: `repository.url` in package.json. This writes what follows from it:
// `homepage` and `bugs` there, and the badges of README.md. With --check it writes nothing, and a difference fails.
//
// An address on a host that ends in `.example` is a placeholder. Badges that need a forge or a release on npm stand in
// a comment until there is one.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const begin = '<!-- badges: begin; npm run repository writes them -->\n';
const end = '<!-- badges: end -->\n';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file) => readFileSync(path.join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json'));
const address = addressOf(manifest.repository.url);

const derived = {
  'package.json': `${JSON.stringify({ ...manifest, homepage: `${address}#readme`, bugs: { url: `${address}/issues` } }, null, 2)}\n`,
  'README.md': withBadges(read('README.md')),
};
const outdated = Object.keys(derived).filter((file) => derived[file] !== read(file));
if (process.argv.includes('--check')) {
  for (const file of outdated)
    console.error(`${file} does not follow repository.url of package.json; run: npm run repository`);
  process.exitCode = outdated.length > 0 ? 1 : 0;
} else {
  for (const file of outdated) writeFileSync(path.join(root, file), derived[file]);
}

/** The address of the repository's page. */
function addressOf(url) {
  const { 1: page } = /^git\+(https:\/\/.+)\.git$/.exec(url) ?? [];
  if (page === undefined)
    throw new Error(`repository.url of package.json is ${url}; expected git+https://….git`);
  return page;
}

function withBadges(readme) {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md has no ${begin.trim()} before ${end.trim()}`);
  const hasForge = !new URL(address).hostname.endsWith('.example');
  const hasRelease = /^## \[\d/m.test(read('CHANGELOG.md'));
  const { name, license, engines } = manifest;
  const ci = badge('CI', `${address}/actions/workflows/ci.yml/badge.svg`, `${address}/actions`);
  const npm = badge('npm', `https://img.shields.io/npm/v/${name}`, `https://www.npmjs.com/package/${name}`);
  const shown = [
    ...(hasForge ? [ci] : []),
    ...(hasRelease ? [npm] : []),
    badge('types: included', label('types', 'included'), 'src/index.ts'),
    badge(`licence: ${license}`, label('licence', license), 'LICENSE'),
    badge(`Node.js: ${engines.node}`, label('Node.js', engines.node), 'package.json'),
  ];
  const prepared = [
    ...(hasForge ? [] : [`<!-- shown once repository.url is set: ${ci} -->`]),
    ...(hasRelease ? [] : [`<!-- shown once there is a release: ${npm} -->`]),
  ];
  const lines = ['', ...shown, '', ...prepared, ''].join('\n');
  return `${readme.slice(0, from)}${begin}${lines}${readme.slice(to)}`;
}

function badge(text, image, link) {
  return `[![${text}](${image})](${link})`;
}

/** A badge that says the same everywhere. */
function label(name, value) {
  const escape = (text) => encodeURIComponent(text.replaceAll('-', '--'));
  return `https://img.shields.io/badge/${escape(name)}-${escape(value)}-blue`;
}
