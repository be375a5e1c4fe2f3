import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';

const root = path.resolve(__dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  version: string;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
};

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Workflow {
  readonly permissions: Record<string, string>;
  readonly jobs: Record<
    string,
    {
      readonly permissions?: Record<string, string>;
      readonly 'timeout-minutes': number;
      readonly steps: readonly Step[];
    }
  >;
}

const workflows = readdirSync(path.join(root, '.github/workflows')).map((file): [string, Workflow] => [
  file,
  parse(read(`.github/workflows/${file}`), { strict: true, uniqueKeys: true }) as Workflow,
]);
const stepsOf = ({ jobs }: Workflow): Step[] => Object.values(jobs).flatMap(({ steps }) => steps);

describe.each(workflows)('%s', (_file, workflow) => {
  test('pins each action to a commit', () => {
    const uses = stepsOf(workflow).flatMap((step) => step.uses ?? []);
    expect(uses).not.toHaveLength(0);
    for (const action of uses) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
  });

  test('calls scripts that there are', () => {
    const commands = stepsOf(workflow).flatMap(({ run }) => run ?? []);
    const scripts = commands.flatMap((run) => [...run.matchAll(/npm run (?:--silent )?([\w:]+)/g)]);
    const files = commands.flatMap((run) => [...run.matchAll(/\b(scripts\/[\w-]+\.mjs)/g)]);
    expect(scripts).not.toHaveLength(0);
    for (const [, script = ''] of scripts) expect(manifest.scripts).toHaveProperty([script]);
    for (const [, file = ''] of files) expect(read(file)).not.toBe('');
  });

  test('gives no job more than it needs, nor hours', () => {
    for (const [name, job] of Object.entries(workflow.jobs)) {
      const permissions = job.permissions ?? workflow.permissions;
      const writes = Object.keys(permissions).filter((key) => permissions[key] === 'write');
      expect(writes).toEqual(name === 'publish' ? ['contents', 'id-token'] : []);
      expect(job['timeout-minutes']).toBeLessThanOrEqual(40);
    }
  });
});

test('dependabot looks at packages and actions', () => {
  const { updates } = parse(read('.github/dependabot.yml')) as { updates: { 'package-ecosystem': string }[] };
  expect(updates.map((update) => update['package-ecosystem'])).toEqual(['npm', 'github-actions']);
});

test('a tag that is not the version, or a version without its changes, is no release', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/check-release.mjs', 'v99.0.0'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(stderr).toContain(`the tag is v99.0.0, package.json has the version ${manifest.version}\n`);
  expect(status).toBe(1);
});

test('the bill of materials has what npm installs with the package, and nothing else', () => {
  const printed = execFileSync(process.execPath, ['scripts/sbom.mjs'], { cwd: root, encoding: 'utf8' });
  const { bomFormat, metadata, components } = JSON.parse(printed) as {
    bomFormat: string;
    metadata: { component: Component };
    components: Component[];
  };
  expect(bomFormat).toBe('CycloneDX');
  expect(metadata.component).toMatchObject({ name: 'express-mtls', version: manifest.version });
  expect(components.map(({ name, version }) => `${name}@${version}`).sort()).toEqual(runtimeTree());
  expect(components.filter(({ licenses }) => licenses === undefined)).toEqual([]);
});

interface Component {
  readonly name: string;
  readonly version: string;
  readonly licenses?: unknown;
}

interface Locked {
  readonly version: string;
  readonly dependencies?: Record<string, string>;
}

/** Follows the dependencies through package-lock.json as node looks for them: in the nearest node_modules first. */
function runtimeTree(): string[] {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
  const found = new Map<string, string>();
  const follow = (from: string, dependencies: Record<string, string>): void => {
    for (const name of Object.keys(dependencies)) {
      let folder = from;
      while (folder !== '' && !(`${folder}/node_modules/${name}` in packages))
        folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')));
      const where = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
      if (found.has(where)) continue;
      const { version, dependencies: next = {} } = packages[where] as Locked;
      found.set(where, `${name}@${version}`);
      follow(where, next);
    }
  };
  follow('', manifest.dependencies);
  return [...found.values()].sort();
}
