/**
 * The status report as a page for people: one document without scripts, in which
 * nothing is said by colour alone.
 *
 * @module
 */
import { Markup, markup, writeTime } from './markup.js';
import { style } from './page-style.js';
import { writeTables } from './page-tables.js';
import { type StatusReport } from './status-report.js';

/** Writes the page. */
export function writePage(report: StatusReport): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${report.ready ? 'Ready' : 'Not ready'}: client certificates</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header>
<h1>Client certificates</h1>
${writeVerdict(report)}
${writeLastFailure(report)}
<p class="muted">As of ${writeTime(report.at)}. What happens is remembered since ${writeTime(report.since)}.</p>
</header>
<main>
${writeTables(report)}
</main>
</body>
</html>
`.html;
}

function writeVerdict({ ready, crls }: StatusReport): Markup {
  if (!ready) return markup`<p class="verdict bad">Not ready: a CRL is stale.</p>`;
  if (crls.total === 0)
    return markup`<p class="verdict bad">Ready, but no CRL is configured: nobody is ever revoked.</p>`;
  // Those that run out first stand first.
  return crls.list[0]?.state === 'stale'
    ? markup`<p class="verdict bad">Ready: a CRL is stale, and within its grace.</p>`
    : markup`<p class="verdict good">Ready: every CRL is in date.</p>`;
}

function writeLastFailure({ reloads }: StatusReport): Markup | string {
  const [last] = reloads.list;
  if (last?.outcome !== 'failed') return '';
  return markup`<p class="bad">The <a href="#reloads">reload</a> at ${writeTime(last.at)} failed, and nothing new has come into force since.</p>`;
}
