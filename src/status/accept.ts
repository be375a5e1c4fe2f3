/**
 * Whether a caller wants a page or data (RFC 9110 section 12.5.1).
 *
 * @module
 */

/** Whether `text/html` is asked for by name, and no less than `application/json`. */
export function prefersHtml(accept: string | undefined): boolean {
  const page = weightOf('text/html', accept);
  return page > 0 && page >= weightOf('application/json', accept);
}

function weightOf(type: string, accept = ''): number {
  for (const range of accept.split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    if (name !== type) continue;
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    // A weight that is no number is none.
    return weight === undefined ? 1 : Number(weight.slice(2)) || 0;
  }
  return 0;
}
