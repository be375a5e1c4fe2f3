/**
 * The locations of the CA's files in a configuration of `openssl ca`, whose form is described in config(5) of
 * OpenSSL.
 *
 * @module
 */

/** The files named in the section of `default_ca`, with variables replaced; `undefined` for those it does not name. */
export type CaSettings = Readonly<Record<CaSetting, string | undefined>>;

const caSettings = [
  'certificate',
  'private_key',
  'database',
  'crlnumber',
  'serial',
  'new_certs_dir',
] as const;

type CaSetting = (typeof caSettings)[number];

type Sections = Map<string, Map<string, string>>;

/** Parses a configuration; `undefined` if it has no `default_ca`. */
export function readCaSettings(text: string): CaSettings | undefined {
  const sections = readSections(text);
  const section = sections.get('ca')?.get('default_ca') ?? sections.get('default')?.get('default_ca');
  const settings = section === undefined ? undefined : sections.get(section);
  if (settings === undefined) return undefined;
  return Object.fromEntries(caSettings.map((name) => [name, settings.get(name)])) as CaSettings;
}

function readSections(text: string): Sections {
  const sections: Sections = new Map();
  let current = 'default';
  for (const line of text.replaceAll(/\\\r?\n/g, '').split(/\r?\n/)) {
    const heading = /^\s*\[\s*(.*?)\s*\]/.exec(line)?.[1];
    if (heading !== undefined) {
      current = heading;
      continue;
    }
    const [, name, value] = /^\s*([^\s=#]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const [, other, own = name] = /^(.*)::(.*)$/.exec(name) ?? [];
    const section = other ?? current;
    const values = sections.get(section) ?? new Map<string, string>();
    sections.set(section, values.set(own, readValue(value, section, sections)));
  }
  return sections;
}

/** A value without quotes, escapes and comment. Variables are replaced by their values so far. */
function readValue(text: string, section: string, sections: Sections): string {
  const part = /\\(.)|'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|\$(?:\{([^}]*)\}|\(([^)]*)\)|([\w:]+))|(#.*)/g;
  return text
    .replace(part, (_, escaped, single, double, braced, bracketed, bare) => {
      const quoted = (single ?? double) as string | undefined;
      if (quoted !== undefined) return quoted.replaceAll(/\\(.)/g, '$1');
      if (escaped !== undefined) return escaped as string;
      const variable = (braced ?? bracketed ?? bare) as string | undefined;
      return variable === undefined ? '' : lookUp(variable, section, sections);
    })
    .trim();
}

function lookUp(variable: string, section: string, sections: Sections): string {
  const [, other, name = variable] = /^(.*)::(.*)$/.exec(variable) ?? [];
  return sections.get(other ?? section)?.get(name) ?? sections.get('default')?.get(name) ?? '';
}
