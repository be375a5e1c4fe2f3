/**
 * Events per minute as small charts, one for each reason. The charts share one scale.
 *
 * @module
 */
import { count } from '../quantity.js';
import { type Markup, markup } from './markup.js';
import { type StatusLastHour } from './status-overview.js';

const mostCharts = 3;
const height = 12;

interface Row {
  readonly name: string;
  readonly minutes: readonly number[];
  readonly total: number;
}

/** Draws the most frequent reasons, and all others as one. Nothing if nothing occurred. */
export function writeSparklines(byReason: StatusLastHour<string>['byReason']): Markup {
  const rows = Object.entries(byReason)
    .map(([name, minutes = []]) => ({ name, minutes, total: sum(minutes) }))
    .sort((one, other) => other.total - one.total);
  const shown =
    rows.length > mostCharts + 1 ? [...rows.slice(0, mostCharts), joined(rows.slice(mostCharts))] : rows;
  const most = Math.max(...shown.flatMap(({ minutes }) => minutes));
  return markup`${shown.map((row) => writeRow(row, most))}`;
}

function writeRow({ name, minutes, total }: Row, most: number): Markup {
  const bars = minutes.flatMap((number, minute) => {
    if (number === 0) return [];
    // At least a pixel, so that one event is visible beside a flood.
    const length = Math.max(1, (height * number) / most).toFixed(1);
    return [
      markup`<rect x="${minute}" y="${(height - Number(length)).toFixed(1)}" width="0.9" height="${length}"/>`,
    ];
  });
  const words = `${total} ${name} in the last 60 minutes, at most ${Math.max(...minutes)} in one minute`;
  return markup`<div class="chart"><span>${total} ${name}</span><svg class="spark" viewBox="0 0 60 ${height + 1}" preserveAspectRatio="none" role="img" aria-label="${words}"><path class="base" d="M0 ${height + 0.5}H60"/>${bars}</svg></div>
`;
}

function joined(rows: readonly Row[]): Row {
  const minutes = (rows[0]?.minutes ?? []).map((_, minute) =>
    sum(rows.map((row) => row.minutes[minute] ?? 0)),
  );
  return { name: `for ${count(rows.length, 'other reason')}`, minutes, total: sum(minutes) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
