/**
 * The style of the page: light or dark by user preference, and responsive.
 *
 * @module
 */
import { createHash } from 'node:crypto';

/** The whole style sheet. The page has no other style and no script. */
export const style = `
:root { color-scheme: light dark; --text: #1b1f24; --muted: #57606a; --line: #c4cad1; --back: #fff; --tile: #f6f8fa;
  --good: #10652f; --warning: #7a4b00; --bad: #a8071a; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e9ed; --muted: #a3acb8; --line: #4a525d; --back: #14171b; --tile: #1d2228;
    --good: #7fd99a; --warning: #f2c14e; --bad: #ff9d97; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 80rem; background: var(--back); color: var(--text);
  font: 1rem/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
header p, footer { font-size: 0.85rem; }
h1 { font-size: 1.2rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 0.5rem; }
p { margin: 0.25rem 0; }
footer { margin-top: 2rem; }
code { font-family: ui-monospace, monospace; font-size: 0.9em; }
.muted, caption { color: var(--muted); }
.good { color: var(--good); }
.warning { color: var(--warning); }
.bad { color: var(--bad); }
.state { font-weight: 600; white-space: nowrap; }
.symbol { width: 0.9em; height: 0.9em; vertical-align: -0.08em; fill: currentColor; flex: none; }
.symbol .mark { fill: none; stroke: var(--back); stroke-width: 2; }
.tiles { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-top: 0.75rem; }
.tile { flex: 1 1 10rem; border: 1px solid var(--line); border-radius: 0.4rem; padding: 0.6rem 0.8rem; background: var(--tile); min-width: 0; }
.tiles > .charts { flex: 2 1 16rem; }
.tile h2 { font-size: 0.85rem; font-weight: 400; color: var(--muted); margin: 0; }
.tile .figure { font-size: 1.5rem; line-height: 1.25; font-weight: 600; margin: 0; }
.tile h2.good { color: var(--good); }
.tile h2.warning { color: var(--warning); }
.tile h2.bad { color: var(--bad); }
.unit, .detail { font-size: 0.85rem; margin: 0; }
.tiles > .verdict { flex-basis: 100%; border-left-width: 0.5rem; }
.good-edge { border-left-color: var(--good); }
.warning-edge { border-left-color: var(--warning); }
.bad-edge { border-left-color: var(--bad); }
.problems { list-style: none; margin: 0.25rem 0; padding: 0; }
.problems li { display: flex; gap: 0.5rem; align-items: baseline; margin: 0.15rem 0; }
.problems span { color: var(--text); }
.chart { display: flex; flex-wrap: wrap; gap: 0 0.5rem; align-items: end; }
.chart span { flex: 1 0 7rem; }
.spark { flex: 2 1 6rem; min-width: 6rem; height: 1rem; fill: var(--text); }
.spark .base { stroke: var(--muted); stroke-width: 1; fill: none; vector-effect: non-scaling-stroke; }
.bar { display: block; width: 100%; height: 1rem; fill: currentColor; overflow: visible; }
.bar text { font-size: 0.7rem; fill: var(--muted); text-anchor: middle; }
.tick { stroke: var(--line); }
summary { cursor: pointer; }
summary h2 { display: inline; }
details { margin-top: 1.5rem; }
details > p { margin-left: 1.1rem; }
summary:focus-visible, .wide:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
.wide { overflow-x: auto; position: relative; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
caption { text-align: left; padding-bottom: 0.25rem; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.75rem 0.4rem 0; min-width: 6rem;
  border-bottom: 1px solid var(--line); font-weight: 400; }
thead th { font-weight: 600; white-space: nowrap; }
tbody th { min-width: 7rem; }
td.long { min-width: 16rem; }
td.number, th.number { text-align: right; min-width: 0; }
.timeline td { white-space: nowrap; }
.timeline .scale { width: 36%; padding-right: 1rem; }
.timeline .kind { font-weight: 600; }
.serial { display: block; max-width: 100%; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
meter { width: 100%; max-width: 10rem; min-width: 5rem; }
time, .date { white-space: nowrap; }
@media (max-width: 48rem) {
  body { padding: 0.75rem; }
  .tiles { gap: 0.5rem; }
  .tile, .tiles > .charts { flex: 1 1 40%; padding: 0.5rem 0.6rem; }
  .tile .figure { font-size: 1.3rem; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, caption, tbody, tbody tr, tbody th, tbody td { display: block; }
  tbody tr { padding: 0.5rem 0; border-bottom: 1px solid var(--line); }
  tbody th, tbody td, td.long, td.number { min-width: 0; padding: 0.1rem 0; border: 0; text-align: left; }
  tbody td { display: inline-block; max-width: 100%; margin-right: 0.75rem; }
  td.long { display: block; margin: 0; }
  [data-name]::before { content: attr(data-name) ": "; color: var(--muted); }
  .tick { display: none; }
  .timeline .scale { width: 100%; margin: 0; }
}
`;

/** Allows only this style sheet, by hash. Nothing can be loaded, run, submitted or framed. */
export const contentSecurityPolicy: string = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
