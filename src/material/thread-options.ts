/**
 * The Node options for the loading thread: those it needs to find its files, and those that restrict it.
 *
 * @module
 */

// Loading instrumentation, such as a tracer, takes longer than loading the CRLs.
const preloads = /^(?:-r|--(?:require|import|loader|experimental-loader))$/;

// Package managers preload their module resolution: Yarn as .pnp.cjs and .pnp.loader.mjs, pnpm as .pnp.cjs.
const resolution = /(?:^|\W)\.pnp\.[\w.]*js(?![\w./\\])/;

// A thread with its own options does not inherit the permissions of the process.
const permissions = /^--(?:(?:experimental-)?permission(?:-audit)?|allow-[a-z-]+)$/;
const permissionsWithValue = /^--allow-fs-(?:read|write)$/;

/** Where the options of a process come from. */
export interface OptionSources {
  /** The options of the command line: `process.execArgv`. */
  readonly execArgv: readonly string[];
  /** `NODE_OPTIONS`. */
  readonly nodeOptions: string | undefined;
}

/** The options for the thread, in the order in which Node reads them. */
export function threadOptions({ execArgv, nodeOptions = '' }: OptionSources): string[] {
  const words = [...splitNodeOptions(nodeOptions), ...execArgv];
  return words.flatMap((word, index) => {
    const { name, value } = readOption(word);
    const isPreload = preloads.test(name);
    if (!isPreload && !permissions.test(name)) return [];
    const hasNext = value === undefined && (isPreload || permissionsWithValue.test(name));
    const next = hasNext ? words[index + 1] : undefined;
    if (isPreload && !resolution.test(value ?? next ?? '')) return [];
    return next === undefined ? [word] : [word, next];
  });
}

function readOption(word: string): { readonly name: string; readonly value: string | undefined } {
  const equals = word.startsWith('--') ? word.indexOf('=') : -1;
  const name = equals < 0 ? word : word.slice(0, equals);
  // Node reads --experimental_loader as --experimental-loader.
  return { name: name.replaceAll('_', '-'), value: equals < 0 ? undefined : word.slice(equals + 1) };
}

/** Splits like Node: at spaces outside double quotes, in which a backslash escapes the next character. */
function splitNodeOptions(text: string): string[] {
  const words = text.match(/(?:"(?:\\[^]|[^"\\])*"|[^ "])+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(/"((?:\\[^]|[^"\\])*)"/g, (_quoted, inside: string) =>
      inside.replaceAll(/\\([^])/g, '$1'),
    ),
  );
}
