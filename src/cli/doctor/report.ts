/**
 * The findings of the doctor as lines for people.
 *
 * @module
 */
import type { Style, Terminal } from '../terminal.js';
import { type Attempt } from './attempt-account.js';
import { type BehindReport, type SectionName } from './behind.js';
import { type Step } from './step.js';
import { type Verdict } from './verdict.js';

const marks: Readonly<Record<Step['outcome'], readonly [mark: string, style: Style]>> = {
  ok: ['ok', 'good'],
  fails: ['FAILS', 'bad'],
  skipped: ['skipped', 'dim'],
  note: ['note', 'warning'],
};

/** The whole report, with the verdict last. */
export function writeReport(
  terminal: Terminal,
  steps: readonly Step[],
  attempt: Attempt | undefined,
  verdict: Verdict,
): string {
  const tried =
    attempt === undefined ? [] : ['', `Trying ${attempt.url}`, ...attempt.steps.flatMap(linesOf(terminal))];
  const conclusion = terminal.style(verdict.letIn ? 'good' : 'bad', oneLine(verdict.text));
  const advice = verdict.advice.length === 0 ? [] : ['', 'Possible differences, and how to check them:'];
  return [
    ...steps.flatMap(linesOf(terminal)),
    ...tried,
    ...advice,
    ...verdict.advice.map((line) => `  - ${line}`),
    '',
    conclusion,
  ].join('\n');
}

const titles: Readonly<Record<SectionName, (report: BehindReport) => string>> = {
  forwarding: ({ url, listen }) =>
    `Calling ${url} with the client's certificate, in place of the app at ${listen}`,
  judgement: () => 'What an app makes of the certificate that arrived',
  anonymous: () => 'Calling without a certificate, then also with the headers of a proxy',
  spoofing: () => "Calling with the client's certificate and the headers of a proxy",
};

/** The report behind a proxy, with the verdict last. */
export function writeBehindReport(
  terminal: Terminal,
  steps: readonly Step[],
  report: BehindReport,
  verdict: Verdict,
): string {
  const parts = report.sections.flatMap(({ section, steps: found }) => [
    '',
    oneLine(titles[section](report)),
    ...found.flatMap(linesOf(terminal)),
  ]);
  const conclusion = terminal.style(verdict.letIn ? 'good' : 'bad', oneLine(verdict.text));
  return [...steps.flatMap(linesOf(terminal)), ...parts, '', conclusion].join('\n');
}

const markWidth = 9;
const stepWidth = 13;

function linesOf(terminal: Terminal): (step: Step) => string[] {
  return ({ step, outcome, detail, remedy }) => {
    const [mark, style] = marks[outcome];
    const line = `${terminal.style(style, mark.padEnd(markWidth))}${step.padEnd(stepWidth)}${oneLine(detail)}`;
    if (remedy === undefined) return [line];
    return [line, `${' '.repeat(markWidth + stepWidth)}-> ${oneLine(remedy)}`];
  };
}

// A file name can contain line breaks, which must not add lines to the report.
function oneLine(text: string): string {
  return text.replaceAll('\n', String.raw`\n`);
}
