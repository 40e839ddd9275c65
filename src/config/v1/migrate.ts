import { isMap, isScalar, type Node } from 'yaml';
import { lineDiff } from '../../lib/line-diff.ts';
import { composeText, convertCurrent } from '../document.ts';
import { type Config, parseConfig } from '../parse-config.ts';
import { configSchema } from '../schema.ts';
import { isTextAt } from '../schema-tree.ts';
import { schemaComment } from '../schema-url.ts';
import { pairOf, type UpgradeNote } from './edit.ts';

/** A file of the present version, made of one that may have been of an older one. */
export interface Migration {
  /** The same text when there was nothing to do. */
  readonly text: string;
  /** What became of the old keys; `undefined` when it was of this version already. */
  readonly notes: readonly UpgradeNote[] | undefined;
  /** What differs, line by line, without a password that stood there. */
  readonly diff: readonly string[];
}

/**
 * Writes the text of a `.clonebox.yaml` as version 2, with its comments and in its order. It means exactly what
 * `parseConfig` makes of the old one. Fails with `config-invalid` as that does.
 */
export function migrateText(text: string, file: string): Migration {
  const before = parseConfig(text, file);
  const notes = before.origin?.upgrade;
  const composed = composeText(text);
  if (notes === undefined || 'faults' in composed) return { text, notes: undefined, diff: [] };
  const shown = withoutPasswords(text.replace(/^\ufeff/, ''), composed.contents);
  convertCurrent(composed, (path) => isTextAt(configSchema, path));
  const { document, contents } = composed;
  // The library sets the last comment apart by an empty line.
  if (document.comment && !/\n\s*\n(#.*\s*)+$/.test(text)) {
    contents.comment = [contents.comment, document.comment].filter(Boolean).join('\n');
    document.comment = null;
  }
  const written = document.toString({
    ...{ lineWidth: 0, flowCollectionPadding: !/[{[][^\s\]}]/.test(text) || /[{[] \S/.test(text) },
    ...{ indent: indentOf(text), indentSeq: !/^( *)[\w-]+: *(#.*)?\r?\n\1- /m.test(text) },
  });
  const headed = text.includes('yaml-language-server:') ? written : `${schemaComment}\n${written}`;
  const migrated = /\r\n/.test(text) ? headed.replace(/\r?\n/g, '\r\n') : headed;
  if (meaning(parseConfig(migrated, file)) !== meaning(before)) {
    throw new Error('the file of version 2 would not mean what that of version 1 does');
  }
  return { text: migrated, notes, diff: lineDiff(shown, migrated) };
}

function meaning({ origin: _, ...config }: Config): string {
  return JSON.stringify(config);
}

/** How far the first nested line is indented. */
function indentOf(text: string): number {
  const [, spaces = '  '] = /^[\w-]+: *(?:#.*)?\r?\n(?: *#.*\r?\n)*( +)[^\s#-]/m.exec(text) ?? [];
  return Math.min(8, Math.max(1, spaces.length));
}

function withoutPasswords(text: string, contents: Node): string {
  if (!isMap<Node, Node | null>(contents)) return text;
  const vm = pairOf(contents, 'vm')?.value;
  const maps = [contents, ...(isMap<Node, Node | null>(vm) ? [vm] : [])];
  const ranges = maps
    .map((map) => pairOf(map, 'password')?.value)
    .flatMap((node) => (node?.range && isScalar(node) ? [node.range] : []))
    .toSorted(([a], [b]) => b - a);
  return ranges.reduce((rest, [start, end]) => {
    const length = rest.slice(start, end).trimEnd().length;
    return `${rest.slice(0, start)}[redacted]${rest.slice(start + length)}`;
  }, text);
}
