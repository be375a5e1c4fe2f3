// Draws docs/grafana-dashboard.svg: a real server under load, scraped by a real Prometheus, which evaluates every
// expression of docs/grafana-dashboard.json. Grafana does not take part: the panels are drawn here, in their places.
// Needs Prometheus: `prometheus` in PATH, or the file that PROMETHEUS names. Takes three minutes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, URLSearchParams } from 'node:url';
import { openDevCa } from '../src/dev-ca/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const dashboard = JSON.parse(readFileSync(path.join(root, 'docs/grafana-dashboard.json'), 'utf8'));
const seconds = Number(process.env.DASHBOARD_SECONDS ?? 180);
const scrapeSeconds = 1;
/** Grafana takes four times the interval of the scrapes. */
const rateInterval = `${4 * scrapeSeconds}s`;

const folder = mkdtempSync(path.join(tmpdir(), 'express-mtls-dashboard-'));
const children = [];
try {
  const { panels, from, to } = await record();
  const svg = draw(panels, from, to);
  writeFileSync(path.join(root, 'docs/grafana-dashboard.svg'), svg);
  console.log(`docs/grafana-dashboard.svg: ${panels.length} panels, ${svg.length} bytes`);
} finally {
  for (const child of children) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Runs everything, and asks Prometheus what each panel asks. */
async function record() {
  const certs = path.join(folder, 'certs');
  const ca = await openDevCa(certs);
  await ca.issueServer({ days: 60 });
  const days = { billing: 200, orders: 90, reports: 25, partner: 10, prometheus: 365 };
  for (const [name, lifetime] of Object.entries(days)) await ca.issueClient(name, { days: lifetime });
  const foreign = await openDevCa(path.join(folder, 'foreign'));
  await foreign.issueClient('stranger');

  const [port, prometheusPort] = [await freePort(), await freePort()];
  start('npx', ['tsx', 'examples/metrics/server.ts'], { PORT: String(port), CERTS: certs });
  await until(() => isOpen(port));
  startPrometheus(prometheusPort, port, certs);
  await until(() => isOpen(prometheusPort));

  const from = Date.now() / 1000;
  await live(ca, { port, certs, foreign: path.join(folder, 'foreign') });
  const to = Date.now() / 1000;
  const panels = [];
  for (const panel of dashboard.panels)
    panels.push({ panel, series: await ask(panel, prometheusPort, from, to) });
  return { panels, from, to };
}

function start(command, args, env = {}) {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: 'ignore' });
  children.push(child);
}

function startPrometheus(port, target, certs) {
  const config = path.join(folder, 'prometheus.yml');
  const tls = { ca_file: 'ca-crt', cert_file: 'prometheus-crt', key_file: 'prometheus-key' };
  const scrape = {
    job_name: 'api',
    scheme: 'https',
    tls_config: Object.fromEntries(Object.entries(tls).map(([key, file]) => [key, `${certs}/${file}.pem`])),
    static_configs: [{ targets: [`localhost:${target}`] }],
  };
  // JSON is YAML.
  const global = { scrape_interval: `${scrapeSeconds}s`, scrape_timeout: `${scrapeSeconds}s` };
  writeFileSync(config, JSON.stringify({ global, scrape_configs: [scrape] }));
  const options = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${folder}/tsdb`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  start(process.env.PROMETHEUS ?? 'prometheus', options);
}

/** Clients that call, are refused and forbidden; revocations, a renewal and a garbled CRL. */
async function live(ca, { port, certs, foreign }) {
  const end = Date.now() + seconds * 1000;
  const calls = [
    client({ port, certs, name: 'billing', everyMs: 40, perConnection: 60 }),
    client({ port, certs, name: 'orders', everyMs: 90, perConnection: 20 }),
    client({ port, certs, name: 'reports', everyMs: 250, perConnection: 8 }),
    client({ port, certs, name: 'partner', everyMs: 700, perConnection: 5, url: '/metrics' }),
    client({ port, certs: foreign, name: 'stranger', everyMs: 3_000, perConnection: 1, ca: certs }),
    client({ port, certs, everyMs: 5_000, perConnection: 1 }),
  ].map((run) => run(end));
  const at = async (share, what) => {
    await pause(Math.max(0, end - (1 - share) * seconds * 1000 - Date.now()));
    await what();
  };
  await at(0.35, () => ca.revoke('reports', { reason: 'keyCompromise' }));
  const kept = `${ca.crlFile}.kept`;
  await at(0.55, () => {
    renameSync(ca.crlFile, kept);
    writeFileSync(ca.crlFile, 'garbled');
  });
  await at(0.65, () => renameSync(kept, ca.crlFile));
  await at(0.8, () => ca.revoke('partner'));
  await Promise.all(calls);
}

/** A client that calls again and again, with a new connection after some calls. */
function client({ port, certs, name, everyMs, perConnection, url = '/', ca = certs }) {
  const read = (file, where = certs) => readFileSync(`${where}/${file}.pem`);
  const credentials = name === undefined ? {} : { cert: read(`${name}-crt`), key: read(`${name}-key`) };
  return async (end) => {
    while (Date.now() < end) {
      const agent = new https.Agent({
        keepAlive: true,
        maxSockets: 1,
        ca: read('ca-crt', ca),
        ...credentials,
      });
      for (let calls = 0; calls < perConnection && Date.now() < end; calls++) {
        await new Promise((resolve) => {
          const request = https.get({ host: 'localhost', port, path: url, agent }, (response) =>
            response.resume().once('close', resolve),
          );
          request.once('error', resolve);
        });
        await pause(everyMs * (0.5 + Math.random()));
      }
      agent.destroy();
    }
  };
}

/** The series of a panel: each with its legend and its points. */
async function ask({ targets, type }, port, from, to) {
  const series = [];
  for (const { expr, legendFormat } of targets) {
    const query = expr
      .replaceAll('job=~"$job"', 'job=~".*"')
      .replaceAll('server=~"$server"', 'server=~".*"')
      .replaceAll('$__rate_interval', rateInterval);
    const range = new URLSearchParams({ query, start: from + 5, end: to, step: type === 'stat' ? 5 : 2 });
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/query_range?${range}`);
    const { status, data, error } = await response.json();
    if (status !== 'success') throw new Error(`${query}: ${error}`);
    for (const { metric, values } of data.result) {
      const legend = legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_all, label) => metric[label] ?? '').trim();
      const points = values
        .map(([time, value]) => [time, Number(value)])
        .filter(([, value]) => Number.isFinite(value));
      // The folder of the run says nothing to a reader.
      series.push({ legend: legend.replaceAll(`${certs()}/`, ''), points });
    }
  }
  return series;
}

function certs() {
  return path.join(folder, 'certs');
}

async function freePort() {
  const server = createServer();
  await once(server.listen(0), 'listening');
  const { port } = server.address();
  await once(server.close(), 'close');
  return port;
}

async function isOpen(port) {
  const response = await fetch(`http://127.0.0.1:${port}/-/ready`).catch((error) => error);
  return response.cause?.code !== 'ECONNREFUSED' && response.status !== 503;
}

async function until(condition) {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries > 300) throw new Error('a process does not start');
    await pause(100);
  }
}

// --- The drawing ---

function draw(panels, from, to) {
  const [column, row, gap, top] = [46, 31, 8, 58];
  const width = 24 * column + 2 * gap;
  const height = top + Math.max(...panels.map(({ panel: { gridPos } }) => gridPos.y + gridPos.h)) * row + gap;
  const drawn = panels.map(({ panel, series }) => {
    const { x, y, w, h } = panel.gridPos;
    const place = { x: gap + x * column, y: top + y * row, width: w * column - gap, height: h * row - gap };
    const content =
      panel.type === 'stat' ? drawStat(panel, series, place) : drawLines(panel, series, place, from, to);
    return `<g transform="translate(${place.x} ${place.y})"><rect class="panel" width="${place.width}" height="${place.height}" rx="3"/><text class="title" x="10" y="19">${escape(panel.title)}</text>${content}</g>`;
  });
  const label = 'The panels of the dashboard, drawn from the metrics of a server under load';
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">`,
    `<desc>Drawn by npm run dashboard, not by Grafana. Each expression was evaluated by Prometheus.</desc>`,
    `<style>${style()}</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    `<text class="head" x="${gap + 2}" y="26">express-mtls</text>`,
    `<text class="note" x="${gap + 2}" y="45">${Math.round(to - from)} seconds of one server, scraped every second. Two clients are revoked; meanwhile the CRL is garbled, and put back.</text>`,
    ...drawn,
    '</svg>',
  ].join('\n')}\n`;
}

function drawStat({ fieldConfig }, series, { width, height }) {
  const { unit, mappings = [] } = fieldConfig?.defaults ?? {};
  const value = series[0]?.points.at(-1)?.[1];
  const mapped = mappings.flatMap(({ options }) => options?.[String(value)]?.text ?? [])[0];
  return `<text class="stat" text-anchor="middle" x="${width / 2}" y="${height / 2 + 22}">${escape(mapped ?? format(value, unit))}</text>`;
}

function drawLines({ fieldConfig }, series, { width, height }, from, to) {
  const unit = fieldConfig?.defaults?.unit;
  const [left, right, upper, lower] = [58, width - 12, 32, height - 48];
  const values = series.flatMap(({ points }) => points.map(([, value]) => value));
  const lowest = Math.min(0, ...values);
  const highest = Math.max(...values, lowest + 1e-9);
  const x = (time) => (left + ((time - from) / (to - from)) * (right - left)).toFixed(1);
  const y = (value) => (lower - ((value - lowest) / (highest - lowest)) * (lower - upper)).toFixed(1);
  const grid = [0, 0.5, 1].map((share) => {
    const value = lowest + share * (highest - lowest);
    return `<line class="grid" x1="${left}" x2="${right}" y1="${y(value)}" y2="${y(value)}"/><text class="tick" text-anchor="end" x="${left - 6}" y="${Number(y(value)) + 4}">${escape(format(value, unit))}</text>`;
  });
  const times = [0, 60, 120, 180].filter((second) => second < to - from - 5);
  const ticks = times.map(
    (second) =>
      `<text class="tick" text-anchor="middle" x="${x(from + second)}" y="${lower + 16}">${second} s</text>`,
  );
  const lines = series.map(({ points }, index) => {
    const parts = runsOf(points).map((run) =>
      run.length < 4
        ? run.map(([time, value]) => `<circle cx="${x(time)}" cy="${y(value)}" r="2.5"/>`).join('')
        : `<polyline points="${run.map(([time, value]) => `${x(time)},${y(value)}`).join(' ')}"/>`,
    );
    return `<g class="s${index % 8}">${parts.join('')}</g>`;
  });
  const empty =
    series.length === 0
      ? `<text class="note" text-anchor="middle" x="${(left + right) / 2}" y="${(upper + lower) / 2}">nothing to show</text>`
      : '';
  return [...grid, ...ticks, ...lines, drawLegend(series, { left, width, y: height - 12 }), empty].join('');
}

/** As many entries as fit on the line, each cut to what is left of it. */
function drawLegend(series, { left, width, y }) {
  let x = left;
  const entries = [];
  for (const [index, { legend }] of series.entries()) {
    const text = legend.length > 34 ? `${legend.slice(0, 33)}…` : legend;
    const wide = 24 + text.length * 6.9;
    if (x + wide > width) break;
    entries.push(
      `<g class="s${index % 8}"><line x1="${x}" x2="${x + 12}" y1="${y - 4}" y2="${y - 4}"/></g><text class="tick" x="${x + 16}" y="${y}">${escape(text)}</text>`,
    );
    x += wide;
  }
  return entries.join('');
}

/** Points that follow each other without a gap. */
function runsOf(points) {
  const runs = [];
  for (const point of points) {
    const last = runs.at(-1)?.at(-1);
    if (last !== undefined && point[0] - last[0] < 3) runs.at(-1).push(point);
    else runs.push([point]);
  }
  return runs;
}

function format(value, unit) {
  if (value === undefined) return '–';
  if (unit === 's') {
    for (const [size, name] of [
      [86_400, 'days'],
      [3600, 'hours'],
      [60, 'min'],
      [1, 's'],
    ])
      if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(3))} ${name}`;
    return value === 0 ? '0 s' : `${Number((value * 1000).toPrecision(3))} ms`;
  }
  const rounded = Number(value.toPrecision(3));
  return unit === 'ops' || unit === 'reqps' ? `${rounded}/s` : String(rounded);
}

function escape(text) {
  return String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function style() {
  const light = ['#1d4ed8', '#b45309', '#15803d', '#b91c1c', '#7e22ce', '#0e7490', '#4d7c0f', '#be185d'];
  const dark = ['#60a5fa', '#f59e0b', '#4ade80', '#f87171', '#c084fc', '#22d3ee', '#a3e635', '#f472b6'];
  const lines = (colours) =>
    colours.map((colour, index) => `.s${index}{stroke:${colour};fill:${colour}}`).join('');
  return [
    'text{font:12px system-ui,sans-serif;fill:#57606a;stroke:none}.title{font-size:11.5px;font-weight:600;fill:#1f2328}.head{font-size:18px;font-weight:600;fill:#1f2328}.stat{font-size:24px;font-weight:600;fill:#1f2328}',
    '.page{fill:#f6f8fa}.panel{fill:#fff;stroke:#d0d7de}.grid{stroke:#d0d7de}.tick{font-size:11px;font-variant-numeric:tabular-nums}polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}line{stroke-width:2}.grid{stroke-width:1}',
    lines(light),
    '@media (prefers-color-scheme:dark){text{fill:#9198a1}.title,.head,.stat{fill:#f0f6fc}.page{fill:#010409}.panel{fill:#0d1117;stroke:#3d444d}.grid{stroke:#3d444d}',
    `${lines(dark)}}`,
    'polyline{fill:none!important}',
  ].join('');
}
