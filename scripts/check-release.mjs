// Checks that a tag, the version in package.json and the changelog refer to the same release, and that what npm's page
// shows is true of a published package. Any finding is an error.
import { readFileSync } from 'node:fs';

const [tag = ''] = process.argv.slice(2);
const read = (file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
const { version, repository } = JSON.parse(read('package.json'));
const { version: locked } = JSON.parse(read('package-lock.json'));

const complaints = [
  ...(tag === `v${version}`
    ? []
    : [`the tag is ${tag || 'missing'}, package.json has the version ${version}`]),
  ...(locked === version ? [] : [`package-lock.json has the version ${locked}, package.json ${version}`]),
  ...(read('CHANGELOG.md').includes(`\n## [${version}] - 2`)
    ? []
    : [`CHANGELOG.md has no heading "## [${version}] - " with a date`]),
  ...(repository.url.includes('.example/')
    ? [
        `repository.url of package.json is the placeholder ${repository.url}; set it, and run: npm run repository`,
      ]
    : []),
  ...(read('README.md').includes('not on npm yet')
    ? ['README.md says that the package is not on npm yet']
    : []),
];
for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) process.exit(1);
console.log(`check-release: ${tag}`);
