/**
 * What a PromQL expression asks for: names, labels and values, not what it means.
 *
 * @module
 */

/** A label, and the value it is compared with; `undefined` where that is no plain text. */
export interface Matcher {
  readonly label: string;
  readonly value: string | undefined;
}

export interface Query {
  /** The metrics that are selected. */
  readonly selectors: readonly { readonly name: string; readonly matchers: readonly Matcher[] }[];
  /** The labels that `by (…)` and its kind name. */
  readonly groupings: readonly string[];
}

const keywords = ['and', 'or', 'unless', 'bool', 'Inf', 'NaN'];

/** Reads an expression. Every word in it that is no function, keyword, label or duration is a metric. */
export function readQuery(expression: string): Query {
  const braces: string[] = [];
  const groupings: string[] = [];
  const words = expression
    .replaceAll(/\{([^}]*)\}/g, (_all, matchers: string) => `{${braces.push(matchers) - 1}}`)
    .replaceAll(
      /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)/g,
      (_all, labels: string) => {
        groupings.push(...labels.split(',').map((label) => label.trim()));
        return ' ';
      },
    )
    .replaceAll(/\[[^\]]*\]|\boffset\s+\w+/g, ' ');
  const found = [...words.matchAll(/\b([a-zA-Z_:][\w:]*)\s*(\(|\{(\d+)\})?/g)];
  const selectors = found
    .filter(([, name = '', after]) => after !== '(' && !keywords.includes(name))
    .map(([, name = '', , place]) => ({
      name,
      matchers: place === undefined ? [] : readMatchers(braces[Number(place)] ?? ''),
    }));
  return { selectors, groupings };
}

function readMatchers(text: string): Matcher[] {
  return [...text.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(
    ([, label = '', operator = '', value = '']) => ({
      label,
      value: operator.endsWith('~') || value.includes('$') ? undefined : value,
    }),
  );
}
