import { isMap, isScalar, type Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import type { Fault } from '../convert.ts';
import { formatPath, type Path, type Position } from '../problem.ts';

// A version is left behind by editing the nodes of its text: they keep their comments and their places in it.

export type MapNode = YAMLMap<Node, Node | null>;
export type PairNode = Pair<Node, Node | null>;

/**
 * What became of a key of version 1: `carried` means the same as before, `changed` does not quite, `lost` is in no
 * key of version 2. `path` is the old one.
 */
export interface UpgradeNote extends Position {
  readonly path: string;
  readonly kind: 'carried' | 'changed' | 'lost';
  readonly message: string;
}

/** An upgrade under way. */
export interface Editing {
  /** Where a node stands in the text. */
  readonly at: (node: Node | null) => Position;
  /** What moved nodes were called, so that problems are told under the name that the user wrote. */
  readonly was: Map<Node, Path>;
  readonly notes: UpgradeNote[];
  readonly faults: Fault[];
}

/** A key of version 1: where it stands, and what it is called there. */
export interface Old {
  readonly map: MapNode;
  readonly pair: PairNode;
  readonly path: Path;
}

export function note(editing: Editing, { pair, path }: Old, what: [UpgradeNote['kind'], string]) {
  const [kind, message] = what;
  editing.notes.push({ ...editing.at(pair.key), path: formatPath(path), kind, message });
}

/** A value that cannot be used; it goes, so that it is told once. */
export function unusable(editing: Editing, old: Old, message: string): void {
  editing.faults.push({ ...editing.at(old.pair.value ?? old.pair.key), path: old.path, message });
  remove(old.map, old.pair);
}

/** A key that nothing of version 2 stands for. What says nothing is gone without loss. */
export function lose(editing: Editing, old: Old, why: string): void {
  note(editing, old, saysNothing(old.pair.value) ? ['carried', 'said nothing'] : ['lost', why]);
  remove(old.map, old.pair);
}

function saysNothing(value: Node | null): boolean {
  if (isScalar(value)) return value.value === null || value.value === false || value.value === '';
  return value === null || ((isMap(value) || isSeq(value)) && value.items.length === 0);
}

export function isSeq(node: Node | null): node is YAMLSeq<Node | null> {
  return node instanceof YAMLSeq;
}

export function isNull(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

export function pairOf(map: MapNode, key: string): PairNode | undefined {
  return map.items.find((pair) => isScalar(pair.key) && keyText(pair) === key);
}

/** The list at a key, `undefined` where something else stands or nothing. */
export function seqAt(map: MapNode, key: string): YAMLSeq<Node | null> | undefined {
  const value = pairOf(map, key)?.value ?? null;
  return isSeq(value) ? value : undefined;
}

export function keyText(pair: PairNode): string {
  return isScalar(pair.key) ? (pair.key.source ?? String(pair.key.value)) : '';
}

/** The map at a key, made there when it is not; `undefined` where something else stands. */
export function mapAt(map: MapNode, key: string, like: PairNode): MapNode | undefined {
  const there = pairOf(map, key);
  if (there === undefined) {
    const made = emptyMap(like.value ?? like.key);
    map.items.splice(Math.max(0, map.items.indexOf(like)), 0, newPair(key, made, like.key));
    return made;
  }
  return isMap<Node, Node | null>(there.value) ? there.value : undefined;
}

/** Takes a pair out of its map; the comments before and behind it stay. */
export function remove(map: MapNode, pair: PairNode): void {
  const index = map.items.indexOf(pair);
  if (index < 0) return;
  map.items.splice(index, 1);
  const comments = [pair.key.commentBefore, pair.value?.commentBefore, pair.value?.comment];
  const kept = comments.filter((text) => text != null && text !== '').join('\n');
  const next = map.items[index]?.key;
  if (next === undefined) {
    if (kept !== '') map.comment = [map.comment, kept].filter(Boolean).join('\n');
    return;
  }
  if (kept !== '') next.commentBefore = [kept, next.commentBefore].filter(Boolean).join('\n');
  if (index > 0 && pair.key.spaceBefore) next.spaceBefore = true;
}

/** A node that stands where another does, as far as places go. */
function placed<T extends Node>(node: T, like: Node): T {
  node.range = like.range ?? null;
  return node;
}

export function newScalar(text: string, like: Node): Scalar<string> {
  return placed(new Scalar(text), like);
}

export function newPair(key: string, value: Node, like: Node): PairNode {
  return new Pair<Node, Node | null>(newScalar(key, like), value);
}

export function emptyMap(like: Node): MapNode {
  return placed(new YAMLMap<Node, Node | null>(), like);
}

export function emptySeq(like: Node): YAMLSeq<Node | null> {
  return placed(new YAMLSeq<Node | null>(), like);
}

/** Moves a pair into another map under another name, with its comments; the first one there brings its empty line. */
export function move(old: Old, to: { map: MapNode; outer: PairNode | undefined; key: string }) {
  const { map, pair } = old;
  map.items.splice(map.items.indexOf(pair), 1);
  if (to.map.items.length === 0 && pair.key.spaceBefore && to.outer) {
    to.outer.key.spaceBefore = true;
    pair.key.spaceBefore = false;
  }
  if (pair.key.commentBefore || pair.value?.comment) to.map.flow = false;
  rename(pair, to.key);
  to.map.items.push(pair);
}

/** Renames a pair where it stands. Comments and place stay. */
export function rename(pair: PairNode, key: string): void {
  if (isScalar(pair.key)) setText(pair.key, key);
}

/** Gives a scalar another text; its quotes go unless they are needed. */
export function setText(scalar: Scalar, text: string): void {
  scalar.value = text;
  scalar.type = Scalar.PLAIN;
  delete scalar.source;
  delete scalar.format;
}

/** The text of a scalar as it was written, an empty one for anything else. */
export function textOf(node: Node | null): string {
  if (!isScalar(node) || node.value === null) return '';
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}
