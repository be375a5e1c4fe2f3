/**
 * What a Prometheus would read.
 *
 * @module
 */
import type { Registry } from 'prom-client';

/** One line of a scrape. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads the text of a scrape. */
export function parseScrape(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^([\w:]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      if (name === '') throw new Error(`no sample: ${line}`);
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
      return {
        name,
        labels: Object.fromEntries(pairs.map(([, label, text = '']) => [label, text])),
        value: Number(value.replace('+Inf', 'Infinity')),
      };
    });
}

/** The samples of a register. */
export async function scrape(register: Registry): Promise<Sample[]> {
  return parseScrape(await register.metrics());
}

/** The value of the one sample that has this name and these labels, and no others; `undefined` where there is none. */
export async function read(
  register: Registry,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number | undefined> {
  const key = keyOf(labels);
  return (await scrape(register)).find((sample) => sample.name === name && keyOf(sample.labels) === key)
    ?.value;
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1)));
}
