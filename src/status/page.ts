/**
 * The status report as an HTML page without scripts. Colour never is the only carrier of information.
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
<p class="muted">As of ${writeTime(report.at)}. History since ${writeTime(report.since)}.</p>
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
    return markup`<p class="verdict bad">Ready, but no CRL is configured: no client is ever revoked.</p>`;
  // CRLs are sorted by nextUpdate.
  if (crls.list[0]?.state !== 'stale')
    return markup`<p class="verdict good">Ready: every CRL is current.</p>`;
  return healthy || faults.length > 0
    ? markup`<p class="verdict bad">Ready: a CRL is stale, within its grace period.</p>`
    : markup`<p class="verdict bad">Ready, but a CRL is stale.</p>`;
}

function writeFault({ source, code, message, since }: StatusFault): Markup {
  return markup`<p class="bad">${isolate(source)} has been at fault since ${writeTime(since)}. Its last-good copy is in force. ${code}: ${isolate(message)}</p>
`;
}
