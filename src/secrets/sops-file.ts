import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { CloneboxError } from '../core/errors.ts';
import { quoted } from '../lib/printable.ts';
import type { SopsOptions } from './sops-options.ts';

export type SopsFormat = NonNullable<SopsOptions['format']>;

/** A value, a list or a map; maps keep their order, which is part of what SOPS signs. */
export type Tree = unknown;

/** A file of SOPS: what is encrypted in it, and what it says about that. */
export interface SopsFile {
  readonly tree: ReadonlyMap<unknown, Tree>;
  readonly metadata: SopsMetadata;
  /** The Vaults that may be asked for its key. */
  readonly vaults: readonly string[];
}

const age = z.array(z.looseObject({ enc: z.string() })).nullish();
const metadata = z.looseObject({
  age,
  key_groups: z.array(z.looseObject({ age })).nullish(),
  lastmodified: z.string(),
  mac: z.string(),
  mac_only_encrypted: z.boolean().nullish(),
});

export type SopsMetadata = z.infer<typeof metadata>;

/** The format that a file has by its name. Fails with `config-invalid` for another one. */
export function formatOf(path: string): SopsFormat {
  const [, end = ''] = /\.(ya?ml|json|env)$/.exec(path) ?? [];
  if (/^ya?ml$/.test(end)) return 'yaml';
  if (end === 'json') return 'json';
  if (end === 'env') return 'dotenv';
  throw new CloneboxError('config-invalid', `the format of ${path} cannot be told by its name`, {
    hint: 'Set secrets.sops.format to yaml, json or dotenv.',
    facts: { path },
  });
}

/**
 * SOPS escapes them. To some readers of YAML they end a line and a comment, to others they do not: such a file says one
 * thing to us and another to the program.
 */
const oddCharacter = /\r(?!\n)|[\u0085\u2028\u2029\ufeff]|(?![\t\n\r])\p{Cc}/u;

/** Reads a file that SOPS has encrypted. Fails with `config-invalid` when it is none. */
export function parseSopsFile(text: string, format: SopsFormat, path: string): SopsFile {
  const odd = oddCharacter.exec(text)?.[0];
  if (odd !== undefined) throw notOfSops(path, odd);
  const tree = new Map(format === 'dotenv' ? parseLines(text) : parseTree(text, path));
  const said = format === 'dotenv' ? metadataOfLines(tree) : toPlain(tree.get('sops'));
  const known = metadata.safeParse(said);
  if (!known.success) {
    throw new CloneboxError('config-invalid', `${path} is not encrypted by SOPS`, {
      hint: `Encrypt it: sops --encrypt --in-place ${path}`,
      facts: { path },
    });
  }
  const own = format === 'dotenv' ? linesOfSops(tree) : tree.get('sops');
  const strange = [...strangeTops(tree, format), ...strangeKeys(own)];
  if (strange[0] !== undefined) throw notOfSops(path, strange[0]);
  const vaults = vaultsIn(own);
  for (const key of [...tree.keys()]) {
    const isMetadata = format === 'dotenv' ? `${key}`.startsWith('sops_') : key === 'sops';
    if (isMetadata) tree.delete(key);
  }
  return { tree, metadata: known.data, vaults };
}

/** A document of YAML or JSON, its whole numbers exact. Fails with `config-invalid`, quoting nothing of it. */
export function parseTree(text: string, path: string): ReadonlyMap<unknown, Tree> {
  const fail = (problem: string): never => {
    throw new CloneboxError('config-invalid', `${path} ${problem}`, { facts: { path } });
  };
  try {
    // JSON is YAML too. SOPS knows no aliases: what has many is an attack.
    const documents = parseAllDocuments(text, { schema: 'core', intAsBigInt: true });
    const [first, ...more] = documents;
    if (more.length > 0) fail('has more than one document: take a file with one');
    if (first === undefined || !('toJS' in first) || first.errors.length > 0)
      fail('cannot be read');
    const tree: unknown = first?.toJS({ mapAsMap: true, maxAliasCount: 0 });
    return tree instanceof Map ? tree : fail('is not a map of names and values');
  } catch (error) {
    if (error instanceof CloneboxError) throw error;
    return fail('cannot be read');
  }
}

/** SOPS's own lines: no quotes, and `\n` for a new line. */
function* parseLines(text: string): Generator<[string, string]> {
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (line.startsWith('#') || equals < 0) continue;
    yield [line.slice(0, equals), line.slice(equals + 1).replaceAll('\\n', '\n')];
  }
}

/** In lines, what is a list or a map elsewhere has long names: `sops_age__list_0__map_enc`. */
function metadataOfLines(lines: ReadonlyMap<unknown, Tree>): unknown {
  const plain = (name: string) => lines.get(`sops_${name}`);
  return {
    age: [...lines]
      .filter(([key]) => /^sops_age__list_\d+__map_enc$/.test(`${key}`))
      .map(([, enc]) => ({ enc })),
    ...(plain('shamir_threshold') !== undefined && { key_groups: [{}, {}] }),
    lastmodified: plain('lastmodified'),
    mac: plain('mac'),
    mac_only_encrypted: plain('mac_only_encrypted') === 'true',
  };
}

/** Wherever they stand: in the list of keys, or in that of a group. */
function vaultsIn(node: Tree): string[] {
  if (Array.isArray(node)) return node.flatMap(vaultsIn);
  if (!(node instanceof Map)) return [];
  return [...node].flatMap(([key, inner]) =>
    /(^|__map_)vault_address$/.test(`${key}`) ? [`${inner}`] : vaultsIn(inner),
  );
}

function linesOfSops(tree: Map<unknown, Tree>): Map<unknown, Tree> {
  return new Map([...tree].filter(([key]) => `${key}`.startsWith('sops_')));
}

/** Names of the top that Go takes for `sops`, and we do not: it does not tell A from a, nor some letters from others. */
function strangeTops(tree: Map<unknown, Tree>, format: SopsFormat): string[] {
  const names = [...tree.keys()].map(String);
  if (format === 'dotenv') return [];
  return names.filter((name) => name !== 'sops' && foldedByGo(name) === 'sops');
}

/**
 * SOPS writes its own names in small letters; others are read by Go as if they were that, and not by us. The names in a
 * `context`, for the key service of a cloud, are the user's.
 */
function strangeKeys(node: Tree | undefined): string[] {
  if (Array.isArray(node)) return node.flatMap(strangeKeys);
  if (!(node instanceof Map)) return [];
  return [...node].flatMap(([key, inner]) => {
    if (key === 'context' || `${key}`.includes('__map_context__map_')) return [];
    return /^[a-z0-9_]+$/.test(`${key}`) ? strangeKeys(inner) : [`${key}`];
  });
}

/** As encoding/json compares names: the long s and the sign of kelvin are letters like others. */
function foldedByGo(name: string): string {
  return name.replaceAll('\u017f', 's').replaceAll('\u212a', 'k').toLowerCase();
}

function notOfSops(path: string, key: string): CloneboxError {
  return new CloneboxError(
    'refused',
    `${path} has ${quoted(key)} in it, which SOPS does not write there`,
    { hint: 'Look who has written it there, or encrypt the file anew.', facts: { path, key } },
  );
}

function toPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toPlain);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, inner]) => [`${key}`, toPlain(inner)]));
}
