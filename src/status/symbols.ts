/**
 * The three states of the page. Each has its own shape and word, so that none depends on colour.
 *
 * @module
 */
import { type Markup, markup } from './markup.js';

/** `'good'`: nothing to do. `'warning'`: something to do soon. `'bad'`: something to do now. */
export type Level = 'good' | 'warning' | 'bad';

const shapes: Readonly<Record<Level, Markup>> = {
  good: markup`<circle cx="8" cy="8" r="7"/><path class="mark" d="M4.5 8.5 7 11l4.5-5.5"/>`,
  warning: markup`<path d="M8 1 15.5 15H.5Z"/><path class="mark" d="M8 6v4M8 12v1.3"/>`,
  bad: markup`<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5Z"/><path class="mark" d="m5 5 6 6m0-6-6 6"/>`,
};

/** The shape of a state. Screen readers skip it: words stand beside it. */
export function writeSymbol(level: Level): Markup {
  return markup`<svg class="symbol ${level}" viewBox="0 0 16 16" aria-hidden="true">${shapes[level]}</svg>`;
}

/** Words in the colour of a state, with its shape. */
export function writeState(level: Level, words: string): Markup {
  return markup`<span class="state ${level}">${writeSymbol(level)} ${words}</span>`;
}
