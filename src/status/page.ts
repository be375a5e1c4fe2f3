/**
 * The status report as a page for people: one document without scripts, in which
 * nothing is said by colour alone.
 *
 * @module
 */
import { isolate, Markup, markup, writeTime } from './markup.js';
import { style } from './page-style.js';
import { writeTables } from './page-tables.js';
import { type StatusFault, type StatusReport } from './status-report.js';

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
${report.faults.map(writeFault)}
<p class="muted">As of ${writeTime(report.at)}. What happens is remembered since ${writeTime(report.since)}.</p>
</header>
<main>
${writeTables(report)}
</main>
</body>
</html>
`.html;
}

function writeVerdict({ ready, healthy, faults, crls }: StatusReport): Markup {
  if (!ready) return markup`<p class="verdict bad">Not ready: every CRL is stale.</p>`;
  if (crls.total === 0)
    return markup`<p class="verdict bad">Ready, but no CRL is configured: nobody is ever revoked.</p>`;
  // Those that expire first stand first.
  if (crls.list[0]?.state !== 'stale')
    return markup`<p class="verdict good">Ready: every CRL is in date.</p>`;
  return healthy || faults.length > 0
    ? markup`<p class="verdict bad">Ready: a CRL is stale, and within its grace.</p>`
    : markup`<p class="verdict bad">Ready, but a CRL is stale.</p>`;
}

function writeFault({ source, code, message, since }: StatusFault): Markup {
  return markup`<p class="bad">${isolate(source)} is at fault since ${writeTime(since)}, and what it gave before is in force. ${code}: ${isolate(message)}</p>
`;
}
