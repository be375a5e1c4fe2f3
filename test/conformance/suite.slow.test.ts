/**
 * The conformance suite against servers that are broken on purpose: no check passes whatever the server does.
 *
 * @module
 */
import { beforeAll, expect, test } from '@jest/globals';
import { checks } from '../../conformance/checks/index.js';
import type { CheckResult } from '../../conformance/result.js';
import { testServer } from '../../conformance/run.js';
import type { Adapter } from '../../conformance/adapter.js';
import { nervousServer, openServer, shutServer, wrongNames } from '../support/broken-servers.js';
import { takeWarnings } from '../support/warnings.js';

const limits = { patienceMs: 700, settleMs: 100, stallMs: 700 };
const outcomes = new Map<string, readonly CheckResult[]>();

async function tryServer(adapter: Adapter, which = ''): Promise<void> {
  const chosen = checks.filter(({ id }) => id.startsWith(which));
  const options = { checks: chosen, limits, isolated: false, attempts: 1, concurrency: 12 };
  outcomes.set(adapter.name, (await testServer(adapter, options)).results);
}

beforeAll(async () => {
  await tryServer(shutServer);
  await tryServer(nervousServer);
  for (const [name, whoIs] of Object.entries(wrongNames))
    await tryServer(openServer(name, whoIs), name === 'first' ? '' : 'identity.');
  takeWarnings();
}, 300_000);

function failedAgainst(id: string): string[] {
  return [...outcomes].flatMap(([name, results]) =>
    results.some((result) => result.id === id && result.outcome === 'fail') ? [name] : [],
  );
}

// What is true of a server that serves somebody is false only of one that does not.
const admissions = [
  'who.good',
  'who.good-tls12',
  'who.intermediate',
  'who.serial-of-other-ca',
  'path.name-normalised',
  'path.name-encoding',
  'path.dns-inside',
  'path.uri-inside',
  'path.policy-inside',
  'path.policy-mapped',
  'path.cross-certificate',
  'path.second-path',
  'revocation.second-crl-in-file-good',
];

test('a check fails against a server that is wrong about it, and not only against one that refuses everybody', () => {
  const unproven = checks
    .map(({ id }) => id)
    .filter((id) => failedAgainst(id).every((name) => name === 'shut'));
  expect(unproven).toEqual(admissions);
});

test('every check fails against some server', () => {
  expect(checks.map(({ id }) => id).filter((id) => failedAgainst(id).length === 0)).toEqual([]);
});

test('the suite has 80 checks and more, each with an id of its own', () => {
  const ids = checks.map(({ id }) => id);
  expect(ids.length).toBeGreaterThanOrEqual(80);
  expect(new Set(ids).size).toBe(ids.length);
});
