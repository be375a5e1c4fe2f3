/**
 * The style of the page: light or dark by user preference, and responsive.
 *
 * @module
 */
import { createHash } from 'node:crypto';

/** The whole style sheet. The page has no other style and no script. */
export const style = `
:root { color-scheme: light dark; --text: #1b1f24; --muted: #57606a; --line: #c4cad1; --back: #fff;
  --good: #10652f; --bad: #a8071a; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e9ed; --muted: #a3acb8; --line: #4a525d; --back: #14171b; --good: #7fd99a; --bad: #ff9d97; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 80rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.2; }
h2 { font-size: 1.2rem; margin: 2rem 0 0.5rem; }
p { margin: 0.5rem 0; }
a { color: inherit; }
.muted, caption { color: var(--muted); }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
.verdict { padding: 0.5rem 0.75rem; border: 1px solid var(--line); border-left: 0.5rem solid currentColor; }
.wide { overflow-x: auto; position: relative; }
.wide:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
caption { text-align: left; padding-bottom: 0.25rem; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.75rem 0.4rem 0; min-width: 7rem;
  border-bottom: 1px solid var(--line); font-weight: 400; }
thead th { font-weight: 600; white-space: nowrap; }
tbody th { min-width: 11rem; }
td.long { min-width: 16rem; }
td.number, th.number { text-align: right; min-width: 0; }
meter { width: 100%; min-width: 6rem; }
time { white-space: nowrap; }
@media (max-width: 48rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, caption, tbody, tbody tr, tbody th, tbody td { display: block; }
  tbody tr { padding: 0.5rem 0; border-bottom: 1px solid var(--line); }
  tbody th, tbody td, td.long, td.number { min-width: 0; padding: 0.1rem 0; border: 0; text-align: left; }
  [data-name]::before { content: attr(data-name) ": "; color: var(--muted); }
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
