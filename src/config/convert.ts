import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { quoted } from '../lib/printable.ts';
import { formatPath, type Path, type Position } from './problem.ts';

/** Something wrong with the text itself, whatever it says. */
export interface Fault extends Position {
  readonly message: string;
  readonly path: Path;
}

/** Plain data with its places. */
export interface Located {
  readonly value: unknown;
  /** Where the value at a path stands; where there is none, the nearest thing around it. */
  at(path: Path): Position;
  /** Where the key that ends a path stands. */
  keyAt(path: Path): Position;
  /** The place of every value, by its path in the form of `formatPath`. */
  readonly places: ReadonlyMap<string, Position>;
  /** What values are called in the text, by their path in the form of `formatPath`, where that is not their path. */
  readonly names: ReadonlyMap<string, Path>;
}

/** What a YAML text says, as far as it could be read, and what is wrong with it. */
export interface TextDocument {
  readonly data: Located | undefined;
  readonly faults: readonly Fault[];
}

interface Options {
  /** The position of an offset in the text. */
  readonly at: (offset: number) => Position;
  readonly isText: (path: Path) => boolean;
  /** What nodes that were moved are called in the text. */
  readonly was?: ReadonlyMap<Node, Path>;
}

/** A value, and how many nodes it would have if each alias were written out. */
interface Piece {
  readonly value: unknown;
  readonly weight: number;
}

interface Walk extends Options {
  readonly values: Map<string, Position>;
  readonly keys: Map<string, Position>;
  readonly names: Map<string, Path>;
  readonly anchors: Map<string, Piece>;
  readonly faults: Fault[];
  aliases: number;
}

const mostAliases = 50;
/** Aliases of aliases grow exponentially, and every later check would walk through all of it. */
const mostNodes = 100_000;

/** Turns YAML nodes into plain data, and notes where each piece stands. Aliases are followed within limits. */
export function convert(root: Node, options: Options): TextDocument {
  const walk: Walk = {
    ...options,
    values: new Map(),
    keys: new Map(),
    names: new Map(),
    anchors: new Map(),
    faults: [],
    aliases: 0,
  };
  const { value, weight } = pieceOf(walk, root, []);
  if (weight > mostNodes)
    fault(walk, root, { path: [], message: 'grows too large by its aliases' });
  if (weight > mostNodes || walk.aliases > mostAliases) {
    return { data: undefined, faults: walk.faults };
  }
  const at = (path: Path): Position => nearestPlace(walk.values, path);
  const keyAt = (path: Path): Position => walk.keys.get(formatPath(path)) ?? at(path);
  return {
    data: { value, at, keyAt, places: walk.values, names: walk.names },
    faults: walk.faults,
  };
}

function pieceOf(walk: Walk, node: Node | null, path: Path): Piece {
  if (node) walk.values.set(formatPath(path), walk.at(node.range?.[0] ?? 0));
  const name = node && walk.was?.get(node);
  if (name) walk.names.set(formatPath(path), name);
  if (isAlias(node)) return aliasPiece(walk, node, path);
  let piece: Piece = { value: null, weight: 1 };
  if (isMap<Node, Node | null>(node)) piece = mapPiece(walk, node, path);
  else if (isSeq<Node>(node)) piece = listPiece(walk, node.items, path);
  else if (isScalar(node)) piece = { value: scalarValue(walk, node, path), weight: 1 };
  if (node?.anchor) walk.anchors.set(node.anchor, piece);
  return piece;
}

function mapPiece(walk: Walk, map: YAMLMap<Node, Node | null>, path: Path): Piece {
  const value: Record<string, unknown> = {};
  let weight = 1;
  for (const pair of map.items) {
    const key = keyOf(walk, pair, path);
    if (key === undefined) continue;
    const inner = [...path, key];
    if (Object.hasOwn(value, key))
      fault(walk, pair.key, { path: inner, message: 'stands here a second time' });
    walk.keys.set(formatPath(inner), walk.at(pair.key.range?.[0] ?? 0));
    const piece = pieceOf(walk, pair.value, inner);
    value[key] = piece.value;
    weight += piece.weight;
  }
  return { value, weight };
}

function keyOf(walk: Walk, pair: Pair<Node, unknown>, path: Path): string | undefined {
  const node: Node | null = pair.key;
  const text = isScalar(node) ? textOf(node) : undefined;
  if (text !== undefined && text !== '__proto__') return text;
  const message = text ? `has a key ${quoted(text)}` : 'has a key that is not a word';
  fault(walk, node, { path, message });
  return undefined;
}

function listPiece(walk: Walk, items: readonly (Node | null)[], path: Path): Piece {
  const pieces = items.map((item, index) => pieceOf(walk, item, [...path, index]));
  return {
    value: pieces.map((piece) => piece.value),
    weight: pieces.reduce((sum, piece) => sum + piece.weight, 1),
  };
}

function scalarValue(walk: Walk, scalar: Scalar, path: Path): unknown {
  if (typeof scalar.value === 'string' || scalar.value === null) return scalar.value;
  return walk.isText(path) ? textOf(scalar) : scalar.value;
}

/** The text of a scalar as it was written; `undefined` for nothing at all. */
function textOf(scalar: Scalar): string | undefined {
  if (typeof scalar.value === 'string') return scalar.value;
  return scalar.value === null ? undefined : (scalar.source ?? String(scalar.value));
}

function aliasPiece(walk: Walk, alias: Node & { source: string }, path: Path): Piece {
  const nothing: Piece = { value: null, weight: 1 };
  walk.aliases += 1;
  if (walk.aliases > mostAliases) {
    if (walk.aliases === mostAliases + 1) {
      fault(walk, alias, { path: [], message: `has more than ${mostAliases} aliases (*)` });
    }
    return nothing;
  }
  const piece = walk.anchors.get(alias.source);
  if (!piece) {
    const name = quoted(`*${alias.source}`);
    const message = `is ${name}, but no such anchor (&) stands before it`;
    fault(walk, alias, { path, message });
  }
  return piece ?? nothing;
}

function fault(walk: Walk, node: Node | null, what: Pick<Fault, 'path' | 'message'>): void {
  walk.faults.push({ ...walk.at(node?.range?.[0] ?? 0), ...what });
}

/** What the user calls the value at a path. */
export function nameOf(names: ReadonlyMap<string, Path>, path: Path): Path {
  for (let length = path.length; names.size > 0 && length > 0; length -= 1) {
    const name = names.get(formatPath(path.slice(0, length)));
    if (name) return [...name, ...path.slice(length)];
  }
  return path;
}

function nearestPlace(places: ReadonlyMap<string, Position>, path: Path): Position {
  for (let length = path.length; length >= 0; length -= 1) {
    const place = places.get(formatPath(path.slice(0, length)));
    if (place) return place;
  }
  return { line: 1, column: 1 };
}
