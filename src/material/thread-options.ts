/**
 * Which options of Node the loading thread is given: those it needs to find its
 * files, and those that restrict what it may do.
 *
 * @module
 */

// Loading what observes a process, such as a tracer, takes longer than loading the CRLs.
const preloads = /^(?:-r|--(?:require|import|loader|experimental-loader))$/;

// Package managers hand the resolution of modules over in preloads: Yarn in .pnp.cjs and .pnp.loader.mjs, pnpm in .pnp.cjs.
const resolution = /(?:^|\W)\.pnp\.[\w.]*js(?![\w./\\])/;

// A thread that is given options does not inherit the permissions of its process.
const permissions = /^--(?:(?:experimental-)?permission(?:-audit)?|allow-[a-z-]+)$/;
const permissionsWithValue = /^--allow-fs-(?:read|write)$/;

/** Where the options of a process stand. */
export interface OptionSources {
  /** Those of the command line, as `process.execArgv` has them. */
  readonly execArgv: readonly string[];
  /** `NODE_OPTIONS`. */
  readonly nodeOptions: string | undefined;
}

/** The options that the thread needs, in the order in which Node takes them. */
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

/** Splits as Node does: at spaces outside of double quotes, in which a backslash escapes the next character. */
function splitNodeOptions(text: string): string[] {
  const words = text.match(/(?:"(?:\\[^]|[^"\\])*"|[^ "])+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(/"((?:\\[^]|[^"\\])*)"/g, (_quoted, inside: string) =>
      inside.replaceAll(/\\([^])/g, '$1'),
    ),
  );
}
