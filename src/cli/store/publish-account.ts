/**
 * What was published, in words.
 *
 * @module
 */
import { count } from '../../quantity.js';
import { type PublishedCrl, type PublishReport } from '../../sources/publish-crl.js';
import type { Answer } from '../answer.js';
import { printable, type Terminal } from '../terminal.js';
import { describeDate } from '../time.js';

/** The answer of a command that published. */
export function accountOf(
  terminal: Terminal,
  report: PublishReport,
): Required<Pick<Answer, 'text' | 'outcome'>> {
  const { crls, store, confirmation } = report;
  const lines = crls.map((crl) => describe(terminal, crl, store));
  if (confirmation === undefined) return { text: lines.join('\n'), outcome: 'done' };
  const { wanted, processes, durationMs } = confirmation;
  const isEnough = processes >= wanted;
  lines.push(
    terminal.style(
      isEnough ? 'good' : 'bad',
      `${processes} of ${count(wanted, 'process', 'processes')} in force after ${durationMs} ms`,
    ),
  );
  if (!isEnough)
    lines.push('"express-mtls fleet --at URL" shows which process is missing or has an older CRL in force');
  return { text: lines.join('\n'), outcome: isEnough ? 'done' : 'no' };
}

function describe(terminal: Terminal, crl: PublishedCrl, store: string): string {
  const { outcome, issuer, nextUpdate, entries, replaced } = crl;
  const name = `${nameOf(crl)} of ${printable(issuer)}, ${count(entries, 'entry', 'entries')}`;
  const due =
    nextUpdate === undefined ? '' : `, nextUpdate ${describeDate(nextUpdate, terminal.world.now())}`;
  if (outcome === 'unchanged') return `${store} has ${name} already${due}`;
  const before =
    replaced === undefined
      ? ''
      : replaced === 'foreign'
        ? '; it replaced something that was no CRL of this CA'
        : `; it replaced ${nameOf(replaced)}`;
  return `${terminal.style('good', 'published')}  ${name}, to ${store}${due}${before}`;
}

function nameOf({ crlNumber, deltaBase }: Pick<PublishedCrl, 'crlNumber' | 'deltaBase'>): string {
  const kind = deltaBase === undefined ? 'CRL' : 'delta CRL';
  return crlNumber === undefined ? `a ${kind} without a number` : `${kind} ${crlNumber}`;
}
