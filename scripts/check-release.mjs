// Checks that a tag, the version in package.json and the changelog refer to the same release. Any finding is an error.
import { readFileSync } from 'node:fs';

const [tag = ''] = process.argv.slice(2);
const read = (file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
const { version } = JSON.parse(read('package.json'));
const { version: locked } = JSON.parse(read('package-lock.json'));

const complaints = [
  ...(tag === `v${version}`
    ? []
    : [`the tag is ${tag || 'missing'}, package.json has the version ${version}`]),
  ...(locked === version ? [] : [`package-lock.json has the version ${locked}, package.json ${version}`]),
  ...(read('CHANGELOG.md').includes(`\n## [${version}] - 2`)
    ? []
    : [`CHANGELOG.md has no heading "## [${version}] - " with a date`]),
];
for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) process.exit(1);
console.log(`check-release: ${tag}`);
