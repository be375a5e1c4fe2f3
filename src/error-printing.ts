/**
 * How Node prints an error with several faults: their sentences, once, and the call of the user's code.
 *
 * @module
 */

/**
 * Makes an error whose message has the sentences of its faults short to print. Node would print each of `errors` with
 * a stack of its own.
 * @param error - Its details are hidden from Node's inspection, and stay readable.
 */
export function printBriefly<Fault>(
  error: Error & { readonly errors: readonly Fault[] | undefined },
  faults: readonly Fault[],
): void {
  // Node prints an accessor as [Getter], also for an uncaught error, where it ignores a custom inspection.
  Object.defineProperty(error, 'errors', { get: () => faults, enumerable: true });
  for (const key of ['seen', 'expected', 'remedy', 'source'])
    Object.defineProperty(error, key, { enumerable: false });
  if (error.stack !== undefined) error.stack = shortenStack(error.stack);
}

// The folder of this package's code, as it appears in stack traces: a path, or a URL in an ES module.
const ownFolder = /((?:file:\/\/)?[^\s()]*[/\\])[^/\\]+:\d+:\d+\)?$/m.exec(new Error().stack ?? '')?.[1];

const mostFrames = 3;

/**
 * A stack trace without the frames of this package and of Node, at most three frames long.
 * @param stack - As V8 writes it: the name and message of the error, then a line for each frame.
 * @returns `stack` unchanged if no other frame is left, or if it has another format.
 */
function shortenStack(stack: string): string {
  const lines = stack.split('\n');
  const isFrame = (line: string): boolean => /^ {4}at /.test(line);
  const first = lines.findIndex(isFrame);
  if (first < 0 || ownFolder === undefined) return stack;
  const frames = lines
    .slice(first)
    .filter((line) => isFrame(line) && !line.includes(ownFolder) && !/\(?node:|<anonymous>\)$/.test(line));
  if (frames.length === 0) return stack;
  return [...lines.slice(0, first), ...frames.slice(0, mostFrames)].join('\n');
}
