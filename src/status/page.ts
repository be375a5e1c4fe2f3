/**
 * The status report as an HTML page without scripts. Colour never is the only carrier of information.
 *
 * @module
 */
import { isolate, Markup, markup, spanOf, writeSpan, writeTime } from './markup.js';
import { style } from './page-style.js';
import { writeTables } from './page-tables.js';
import { type StatusReport } from './status-report.js';
import { writeTiles } from './tiles.js';
import { writeTimeline } from './timeline.js';
import { judgeReport } from './verdict.js';

/** Writes the page. */
export function writePage(report: StatusReport): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${judgeReport(report).headline}: client certificates</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header>
<h1>Client certificates</h1>
${writeServer(report)}
</header>
<main>
${writeTiles(report)}
<section aria-labelledby="expiry">
<h2 id="expiry">What expires, and when</h2>
${writeTimeline(report)}
</section>
${writeTables(report)}
</main>
${writeFooter(report)}
</body>
</html>
`.html;
}

function writeServer({ server: { host, pid, startedAt }, at }: StatusReport): Markup {
  const up = spanOf(Date.parse(at) - Date.parse(startedAt));
  return markup`<p class="muted">Host ${isolate(host)}, process ${pid}, up ${writeSpan(startedAt, up)}. As of ${writeTime(at)}.</p>`;
}

function writeFooter({ server: { version, node }, since }: StatusReport): Markup {
  return markup`<footer class="muted">express-mtls ${version}, Node ${node}. Refusals, evictions and reloads are recorded since ${writeTime(since)}. The page does not refresh itself.</footer>`;
}
