import {
  Composer,
  type CST,
  type Document,
  LineCounter,
  type Node,
  type Scalar,
  type ScalarTag,
  type Tags,
} from 'yaml';
import { printable } from '../lib/printable.ts';
import { yamlTokens } from '../lib/yaml-tokens.ts';
import { convert, type Fault, type TextDocument } from './convert.ts';
import type { Path, Position } from './problem.ts';
import type { UpgradeNote } from './v1/edit.ts';
import { isVersion1, upgradeDocument } from './v1/upgrade.ts';

// A configuration has a few kilobytes. What is far beyond is an accident or an attack, and the
// composer is recursive: deep nesting could end the process before anything is caught.
const longestText = 1024 ** 2;
const bounds = { lexemes: 100_000, depth: 100 };

/** A text as the nodes of its one document, none of which is converted yet. */
export interface Composed {
  readonly document: Document.Parsed;
  readonly contents: Node;
  /** The position of an offset in the text. */
  readonly at: (offset: number) => Position;
}

/** A document of the present version, and what was done to make it one. */
export interface CurrentDocument extends TextDocument {
  /** What became of the keys of version 1, when it is that. */
  readonly notes: readonly UpgradeNote[] | undefined;
}

/**
 * Reads one YAML 1.2 document into plain data; one of version 1 is made one of version 2 on the way. Faults, not
 * exceptions. `isText` tells where scalars keep the text they were written with.
 */
export function readDocument(text: string, isText: (path: Path) => boolean): CurrentDocument {
  const composed = composeText(text);
  if ('faults' in composed) return { data: undefined, faults: composed.faults, notes: undefined };
  return convertCurrent(composed, isText);
}

/** As `readDocument`, of what never had a version 1. */
export function readVersionless(text: string, isText: (path: Path) => boolean): TextDocument {
  const composed = composeText(text);
  if ('faults' in composed) return { data: undefined, faults: composed.faults };
  return convert(composed.contents, { at: composed.at, isText });
}

/** As `readDocument`, of nodes: those of version 1 are changed. */
export function convertCurrent(
  { document, contents, at }: Composed,
  isText: (path: Path) => boolean,
): CurrentDocument {
  const read = convert(contents, { at, isText });
  if (!read.data || !isVersion1(document)) return { ...read, notes: undefined };
  const { notes, faults, was } = upgradeDocument(document, at);
  const { data, faults: left } = convert(contents, { at, isText, was });
  // Faults of the text that moved on with it are told once, as they are called in the text.
  const placeOf = ({ line, column }: Position) => `${line}:${column}`;
  const told = new Set(read.faults.map(placeOf));
  const isNew = (one: Fault) => !told.has(placeOf(one));
  return { data, faults: [...read.faults, ...left.filter(isNew), ...faults], notes };
}

/**
 * Reads one YAML 1.2 document into nodes. Faults, not exceptions: text that is too long, too deep or no YAML, several
 * documents, an empty file.
 */
export function composeText(text: string): Composed | { readonly faults: readonly Fault[] } {
  const source = text.startsWith('\ufeff') ? text.slice(1) : text;
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const failed = (offset: number, message: string) => ({
    faults: [{ ...at(offset), message, path: [] }],
  });

  if (Buffer.byteLength(source) > longestText) return failed(0, 'is longer than 1 MiB');
  if (source.includes('\0')) return failed(0, 'is not text: it holds a zero byte');
  // What decoding put in the place of bytes that are no UTF-8.
  const undecoded = source.indexOf('\ufffd');
  if (undecoded >= 0) {
    const before = source.slice(0, undecoded).split('\n');
    const position = { line: before.length, column: (before.at(-1) ?? '').length + 1 };
    return { faults: [{ ...position, message: 'is not UTF-8', path: [] }] };
  }
  const tokens = yamlTokens(source, bounds, lines.addNewLine);
  if (!Array.isArray(tokens)) return failed(tokens.offset, tokens.message);
  const documents = compose(tokens, source.length);
  const [document, second] = documents;
  if (!document) return failed(0, 'is empty');
  if (second) {
    return failed(document.range[2], 'starts a second document: one file is one configuration');
  }
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) {
    const faults = broken.map((error) => ({
      ...at(error.pos[0]),
      message: syntaxMessage(error.code, error.message),
      path: [],
    }));
    return { faults };
  }
  const { contents } = document;
  return contents === null ? failed(0, 'is empty') : { document, contents, at };
}

function compose(tokens: CST.Token[], length: number): Document.Parsed[] {
  // Duplicate keys are found by `convert`: the check of the library is quadratic.
  const composer = new Composer({
    schema: 'core',
    uniqueKeys: false,
    resolveKnownTags: false,
    logLevel: 'error',
    // A number is written back as it stood: 0644 is not 644.
    customTags: (tags) => tags.map(asWritten),
  });
  return [...composer.compose(tokens, false, length)];
}

function asWritten(tag: Tags[number]): Tags[number] {
  if (typeof tag === 'string' || !('stringify' in tag) || !/:(int|float)$/.test(tag.tag))
    return tag;
  const { stringify } = tag as ScalarTag;
  return {
    ...tag,
    stringify: (item, ...rest) => (item as Scalar).source ?? stringify?.(item, ...rest) ?? '',
  } as ScalarTag;
}

const syntaxMessages: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'is indented with a tab: YAML wants spaces',
  TAG_RESOLVE_FAILED: 'has a tag (!): tags are not read here',
};

function syntaxMessage(code: string, message: string): string {
  const [first = ''] = message.split('\n');
  return syntaxMessages[code] ?? `is not valid YAML: ${printable(first, 160)}`;
}
