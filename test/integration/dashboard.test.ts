/**
 * The dashboard and the alert rules ask for what a server shows, and for nothing else.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import { mtlsErrorHandler, requireClient } from 'express-mtls';
import { collectMetrics } from 'express-mtls/metrics';
import { Registry } from 'prom-client';
import { ca } from '../support/chain.js';
import { scrape } from '../support/metrics.js';
import { readQuery } from '../support/promql.js';
import { publish, startServer } from '../support/server.js';

const docs = path.resolve(__dirname, '../../docs');
const page = readFileSync(path.join(docs, 'metrics-and-traces.md'), 'utf8');

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly datasource: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
}
interface Variable {
  readonly name: string;
  readonly type: string;
  readonly definition?: string;
}
const dashboard = JSON.parse(readFileSync(path.join(docs, 'grafana-dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
};
const targets = dashboard.panels.flatMap((panel) => panel.targets.map((target) => ({ ...target, ...panel })));

/** The alert rules of the page, by name. */
const rules = [...page.matchAll(/- alert: (\w+)\n +expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)/g)].map(
  ([, name = '', block, line]): [string, string] => [name, block ?? line ?? ''],
);

/** What Prometheus adds to every series. */
const added = ['job', 'instance'];

/** Each label of each metric, with the values that were seen. */
type Shown = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;
let shown: Shown;
/** By the names in `# TYPE`, without the parts of a histogram. */
let types: ReadonlyMap<string, string>;

beforeAll(async () => {
  const register = new Registry();
  const root = ca('ca');
  const named = root.server({ sans: { dns: ['a.example'] } });
  const app = express();
  const server = await startServer({
    root,
    app,
    options: { watch: false, sni: { 'a.example': { key: named.keyPem, cert: named.pem } } },
  });
  const metrics = collectMetrics(server.mtls, { register, server: 'one', requestsByClient: 10 });
  app.use(metrics.countRequests, requireClient({ commonName: 'client1' }), (_req, res) => res.send('hello'));
  app.use(mtlsErrorHandler());
  const client1 = root.client('client1');
  for (const client of [client1, root.client('client2'), undefined]) await server.as(client).get();
  publish(server.files.crl, root.crl({ revoked: [client1], number: 2 }).pem);
  await server.mtls.reload();
  const samples = await scrape(register);
  const found = new Map<string, Map<string, Set<string>>>();
  for (const { name, labels } of samples) {
    const ofName = found.get(name) ?? new Map<string, Set<string>>();
    found.set(name, ofName);
    for (const [label, value] of Object.entries(labels))
      ofName.set(label, (ofName.get(label) ?? new Set()).add(value));
  }
  shown = found;
  types = new Map(
    [...(await register.metrics()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [
      name,
      type,
    ]),
  );
  // Channels belong to the process, which the next test file may share.
  metrics.close();
});

/** What an expression, or a legend, asks for that no server shows. */
function inventedIn(expression: string, legend = ''): string[] {
  const { selectors, groupings } = readQuery(expression);
  const known = (name: string): readonly string[] => [...added, ...(shown.get(name)?.keys() ?? [])];
  const faults = selectors.flatMap(({ name, matchers }) => {
    if (!shown.has(name)) return [name];
    return matchers.flatMap(({ label, value }) => {
      if (!known(name).includes(label)) return [`${name}{${label}}`];
      const values = shown.get(name)?.get(label);
      return value === undefined || values?.has(value) === true ? [] : [`${name}{${label}="${value}"}`];
    });
  });
  const legends = Array.from(legend.matchAll(/\{\{(\w+)\}\}/g), ([, label = '']) => label);
  const unknown = [...groupings, ...legends].filter(
    (label) => !selectors.every(({ name }) => known(name).includes(label)),
  );
  // What was summed over is gone.
  if (groupings.length > 0) unknown.push(...legends.filter((label) => !groupings.includes(label)));
  return selectors.length === 0 ? ['nothing is asked for'] : [...faults, ...unknown];
}

describe('unknown names are detected', () => {
  test.each<[string, string, string, string[]]>([
    [
      'nothing',
      'sum by (reason, job) (rate(mtls_evictions_total{reason="revoked"}[5m])) > 0',
      '{{reason}}',
      [],
    ],
    ['a name', 'sum(rate(mtls_handshake_total[5m]))', '', ['mtls_handshake_total']],
    ['a name of another kind', 'up == 0', '', ['up']],
    ['a part of a histogram', 'mtls_reload_duration_seconds', '', ['mtls_reload_duration_seconds']],
    ['the second name', 'mtls_connections / mtls_conections', '', ['mtls_conections']],
    ['a label', 'mtls_connections{client=~".*"}', '', ['mtls_connections{client}']],
    ['a value', 'mtls_reloads_total{outcome="ok"}', '', ['mtls_reloads_total{outcome="ok"}']],
    ['a grouping', 'sum by (cause) (mtls_evictions_total)', '', ['cause']],
    ['a legend', 'mtls_evictions_total', '{{why}}', ['why']],
    ['a legend that was summed over', 'sum by (outcome) (mtls_handshakes_total)', '{{reason}}', ['reason']],
    ['a query without a metric', 'vector(1) > 0', '', ['nothing is asked for']],
  ])('%s', (_what, expression, legend, invented) => {
    expect(inventedIn(expression, legend)).toEqual(invented);
  });
});

describe('the dashboard', () => {
  test.each(targets.map(({ title, expr, legendFormat }) => [title, expr, legendFormat]))(
    '%s: %s',
    (_title, expression, legend) => {
      expect(inventedIn(expression, legend)).toEqual([]);
    },
  );

  test('uses every metric except a redundant one', () => {
    const asked = new Set(targets.flatMap(({ expr }) => readQuery(expr).selectors.map(({ name }) => name)));
    const missing = [...types.keys()].filter((name) => !asked.has(name) && !asked.has(`${name}_bucket`));
    expect(missing).toEqual(['mtls_last_reload_success_timestamp_seconds']);
  });

  test('takes its data source, jobs and servers from variables', () => {
    const { list } = dashboard.templating;
    expect(list.map(({ name, type }) => [name, type])).toEqual([
      ['datasource', 'datasource'],
      ['job', 'query'],
      ['server', 'query'],
    ]);
    for (const { definition } of list.slice(1)) {
      const [, name = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition ?? '') ?? [];
      expect(inventedIn(`sum by (${label}) (${name})`)).toEqual([]);
    }
    for (const { datasource } of dashboard.panels) expect(datasource.uid).toBe('${datasource}');
    for (const { expr } of targets) expect(expr).toContain('{job=~"$job", server=~"$server"');
  });

  test('has panels that do not cover each other', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_none, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });
});

test('the picture of the dashboard has a panel for each of its panels, and real series in them', () => {
  const picture = readFileSync(path.join(docs, 'grafana-dashboard.svg'), 'utf8');
  const drawn = [...picture.matchAll(/<text class="title"[^>]*>([^<]*)<\/text>/g)].map(([, title]) => title);
  // If they differ: npm run dashboard.
  expect(drawn).toEqual(dashboard.panels.map(({ title }) => title));
  expect(picture).not.toContain('nothing to show');
});

describe('the page', () => {
  test('has the rules of the file', () => {
    const [, block] = /^```yaml\n(groups:.*?)^```$/ms.exec(page) ?? [];
    expect(block).toBe(readFileSync(path.join(docs, 'prometheus-rules.yaml'), 'utf8'));
  });

  test.each(rules)('%s uses existing metrics', (_name, expression) => {
    expect(inventedIn(expression)).toEqual([]);
  });

  test('has alert rules, and each was parsed', () => {
    expect(rules).toHaveLength([...page.matchAll(/- alert:/g)].length);
    expect(rules.length).toBeGreaterThanOrEqual(3);
  });

  test('lists exactly the existing metrics with their types and labels', () => {
    const rows = [...page.matchAll(/^\| `(mtls_\w+)` +\| (\w+) +\| (.*?) +\|/gm)];
    const listed = rows.map(([, name, type, labels = '']) => [
      name,
      type,
      [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label).sort(),
    ]);
    const labelsOf = (name: string): string[] =>
      [...(shown.get(name) ?? shown.get(`${name}_count`) ?? new Map()).keys()]
        .filter((label) => label !== 'server')
        .sort();
    const real = [...types].map(([name, type]) => [name, type, labelsOf(name)]);
    expect(listed.sort()).toEqual(real.sort());
  });
});
