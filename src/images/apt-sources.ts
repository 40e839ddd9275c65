import type { Host } from '../core/host.ts';

/** One repository of apt: one URI, one suite. */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** Paths of keyrings or fingerprints; a key written out in the file is `embedded`. */
  readonly signedBy: readonly string[];
  /** Options that change what apt accepts, kept as they are: `trusted=yes`, `check-valid-until=no`. */
  readonly options: readonly string[];
}

const keptOptions = new Set(['trusted', 'check-valid-until', 'check-date', 'date-max-future']);

interface Draft {
  uris: string[];
  suites: string[];
  components: string[];
  signedBy: string[];
  architectures: string[];
  options: string[];
}

function expand(draft: Draft, architecture: string): AptSource[] {
  const { architectures, components, signedBy, options } = draft;
  if (architectures.length > 0 && !architectures.includes(architecture)) return [];
  return draft.uris.flatMap((uri) =>
    draft.suites
      // A suite that ends in a slash is a flat repository: no distribution is made of those.
      .filter((suite) => !suite.endsWith('/'))
      .map((suite) => ({ uri: uri.replace(/\/+$/, ''), suite, components, signedBy, options })),
  );
}

/** Reads `sources.list` and `*.list` (sources.list(5), one line each). Lines it does not understand are left out. */
export function parseOneLineSources(text: string, architecture: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)$/.exec(
      line.replace(/#.*/, ''),
    );
    if (match === null) return [];
    const [, optionText = '', uri = '', suite = '', rest = ''] = match;
    const draft: Draft = {
      uris: [uri],
      suites: [suite],
      components: words(rest),
      signedBy: [],
      architectures: [],
      options: [],
    };
    for (const option of words(optionText)) {
      const [key = '', value = ''] = option.split(/=(.*)/);
      if (key === 'signed-by') draft.signedBy = value.split(',');
      else if (key === 'arch') draft.architectures = value.split(',');
      else if (keptOptions.has(key)) draft.options.push(`${key}=${value}`);
    }
    return expand(draft, architecture);
  });
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** Reads `*.sources` (deb822): stanzas of `Field: value`, continued on indented lines. */
export function parseDeb822Sources(text: string, architecture: string): AptSource[] {
  const stanzas = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .split(/\n[ \t]*\n/);
  return stanzas.flatMap((stanza) => {
    const field = readFields(stanza);
    const value = (name: string): string => field.get(name) ?? '';
    if (!words(value('types')).includes('deb')) return [];
    if (/^(no|false|0|off|without|disable)$/i.test(value('enabled').trim())) return [];
    const key = value('signed-by').trim();
    return expand(
      {
        uris: words(value('uris')),
        suites: words(value('suites')),
        components: words(value('components')),
        signedBy: key.startsWith('-----BEGIN') ? ['embedded'] : words(key),
        architectures: words(value('architectures')),
        options: [...keptOptions].flatMap((name) =>
          field.has(name) ? [`${name}=${value(name).trim()}`] : [],
        ),
      },
      architecture,
    );
  });
}

function readFields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  let last = '';
  for (const line of stanza.split('\n')) {
    const match = /^([A-Za-z0-9-]+):[ \t]*(.*)$/.exec(line);
    if (match !== null) {
      last = (match[1] ?? '').toLowerCase();
      fields.set(last, match[2] ?? '');
    } else if (/^[ \t]/.test(line) && last !== '') {
      fields.set(last, `${fields.get(last)}\n${line.trim()}`);
    }
  }
  return fields;
}

/** All repositories this machine's apt is configured with, in apt's order. */
export async function readAptSources(host: Host, architecture: string): Promise<AptSource[]> {
  const { files } = host;
  const main = await files.readText('/etc/apt/sources.list');
  const found = parseOneLineSources(main ?? '', architecture);
  for (const name of await files.list('/etc/apt/sources.list.d')) {
    const parse = name.endsWith('.sources')
      ? parseDeb822Sources
      : name.endsWith('.list')
        ? parseOneLineSources
        : undefined;
    const text = parse && (await files.readText(`/etc/apt/sources.list.d/${name}`));
    if (parse !== undefined && text !== undefined) found.push(...parse(text, architecture));
  }
  return found;
}
