/**
 * docs/handshake-cost.svg: the cost of a handshake, by the number of entries.
 *
 * @module
 */
import type { Figure, Results } from './harness/results.js';

const size = { width: 760, height: 440 };
const plot = { left: 70, right: 600, top: 70, bottom: 370 };

/** Colours and dashes by server; a dark background gets lighter colours of the same hues. */
const styles: Readonly<Record<string, { light: string; dark: string; width: number }>> = {
  'express-mtls': { light: '#1d4ed8', dark: '#7db0ff', width: 3.5 },
  'Node native': { light: '#b45309', dark: '#f5a742', width: 2 },
  nginx: { light: '#047857', dark: '#4cc38a', width: 2 },
  HAProxy: { light: '#9d174d', dark: '#f08bb4', width: 2 },
};

interface Line {
  readonly server: string;
  readonly points: readonly { readonly entries: number; readonly ms: number }[];
}

/** The chart, an SVG that follows the reader's colour scheme. */
export function drawHandshakeCost(results: Results): string {
  const lines = readLines(results.benchmarks.flatMap(({ figures }) => figures));
  const sizes = [...new Set(lines.flatMap(({ points }) => points.map(({ entries }) => entries)))].sort(
    (left, right) => left - right,
  );
  const values = lines.flatMap(({ points }) => points.map(({ ms }) => ms));
  const low = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...values)));
  const x = (entries: number): number =>
    plot.left + ((plot.right - plot.left) * sizes.indexOf(entries)) / Math.max(sizes.length - 1, 1);
  const y = (ms: number): number =>
    plot.bottom - ((plot.bottom - plot.top) * Math.log10(ms / low)) / Math.log10(high / low);
  const title = 'Server CPU per TLS handshake, by entries in the CRL';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${title}">`,
    `<style>${style()}</style>`,
    `<text class="title" x="${plot.left}" y="28">${title}</text>`,
    `<text x="${plot.left}" y="48">TLS 1.3, P-256 client certificate, no resumption; milliseconds, log scale; lower is better</text>`,
    ...decades(low, high).map((ms) => gridLine(y(ms), `${ms} ms`)),
    ...sizes.map(
      (entries) =>
        `<text class="tick" text-anchor="middle" x="${round(x(entries))}" y="${plot.bottom + 22}">${nameOf(entries)}</text>`,
    ),
    `<text text-anchor="middle" x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 48}">entries in the CRL</text>`,
    ...lines.map(({ server, points }) =>
      drawLine(
        server,
        points.map(({ entries, ms }) => [x(entries), y(ms)]),
      ),
    ),
    ...drawLabels(lines, y),
    '</svg>\n',
  ].join('\n');
}

function readLines(figures: readonly Figure[]): Line[] {
  const lines = new Map<string, { entries: number; ms: number }[]>();
  for (const { server, entries, value } of figures) {
    if (server === undefined || entries === undefined) continue;
    lines.set(server, [...(lines.get(server) ?? []), { entries, ms: value }]);
  }
  if (lines.size === 0)
    throw new Error('there are no handshake costs in these results; run the benchmark "handshake"');
  return [...lines].map(([server, points]) => ({
    server,
    points: points.sort((left, right) => left.entries - right.entries),
  }));
}

function style(): string {
  const names = Object.keys(styles);
  const rules = (scheme: 'light' | 'dark'): string =>
    names
      .map((name) => {
        const colour = styles[name]?.[scheme] ?? '';
        return `.${classOf(name)} polyline{stroke:${colour}}.${classOf(name)} circle,text.${classOf(name)}{fill:${colour}}`;
      })
      .join('');
  return [
    'text{font:13px system-ui,sans-serif;fill:#57606a}.title{font-size:16px;font-weight:600;fill:#1f2328}',
    '.tick{font-variant-numeric:tabular-nums}.grid{stroke:#d0d7de;stroke-width:1}',
    'polyline{fill:none;stroke-linejoin:round}.label{font-weight:600}',
    rules('light'),
    `@media (prefers-color-scheme:dark){text{fill:#9198a1}.title{fill:#f0f6fc}.grid{stroke:#3d444d}${rules('dark')}}`,
  ].join('');
}

function drawLine(server: string, points: readonly (readonly [number, number])[]): string {
  const width = styles[server]?.width ?? 2;
  const path = points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ');
  const dots = points
    .map(([x, y]) => `<circle cx="${round(x)}" cy="${round(y)}" r="${width + 1}"/>`)
    .join('');
  return `<g class="${classOf(server)}"><polyline stroke-width="${width}" points="${path}"/>${dots}</g>`;
}

const labelHeight = 20;

/** The last value of each line beside its end, moved apart if ends are close. */
function drawLabels(lines: readonly Line[], y: (ms: number) => number): string[] {
  const ends = lines
    .map(({ server, points }) => ({ server, ms: points.at(-1)?.ms ?? 1 }))
    .sort((left, right) => right.ms - left.ms);
  let last = -Infinity;
  return ends.map(({ server, ms }) => {
    last = Math.max(y(ms), last + labelHeight);
    const value = ms >= 10 ? Math.round(ms) : ms.toFixed(1);
    return `<text class="label ${classOf(server)}" x="${plot.right + 14}" y="${round(last + 4)}">${server} ${value} ms</text>`;
  });
}

function gridLine(at: number, label: string): string {
  const line = `<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${round(at)}" y2="${round(at)}"/>`;
  return `${line}<text class="tick" text-anchor="end" x="${plot.left - 10}" y="${round(at + 4)}">${label}</text>`;
}

function decades(low: number, high: number): number[] {
  const found: number[] = [];
  for (let ms = low; ms <= high * 1.001; ms *= 10) found.push(Number(ms.toPrecision(1)));
  return found;
}

function nameOf(entries: number): string {
  return entries === 0 ? 'no CRL' : entries.toLocaleString('en-US');
}

function classOf(server: string): string {
  return server.toLowerCase().replace(/[^a-z]+/g, '-');
}

function round(value: number): string {
  return value.toFixed(1);
}
