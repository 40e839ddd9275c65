import { isMap, isScalar, type Node } from 'yaml';
import { quoted } from '../../lib/printable.ts';
import type { Path } from '../problem.ts';
import {
  type Editing,
  emptyMap,
  emptySeq,
  isNull,
  isSeq,
  lose,
  type MapNode,
  newPair,
  newScalar,
  note,
  type Old,
  type PairNode,
  pairOf,
  remove,
  seqAt,
  textOf,
  unusable,
} from './edit.ts';

/** Makes `copy_paths` and its other name `app_data_paths` into shares; says what has changed about `paths`. */
export function upgradeShares(editing: Editing, root: MapNode): void {
  const paths = pairOf(root, 'paths');
  if (paths && isMap(paths.value) && paths.value.items.length > 0) {
    const old: Old = { map: root, pair: paths, path: ['paths'] };
    const message = 'are read-only now outside the project; for shares you can say mode: rw';
    note(editing, old, ['changed', message]);
  }
  if (paths && isNull(paths.value)) remove(root, paths);
  const copied = ['copy_paths', 'app_data_paths'].filter((key) => {
    const pair = pairOf(root, key);
    if (pair === undefined) return false;
    const isEmpty = isNull(pair.value) || (isMap(pair.value) && pair.value.items.length === 0);
    if (isEmpty) remove(root, pair);
    return !isEmpty;
  });
  for (const key of copied) {
    const pair = pairOf(root, key) as PairNode;
    const old: Old = { map: root, pair, path: [key] };
    if (key !== copied[0]) lose(editing, old, 'copy_paths says it too, and goes first');
    else convertCopies(editing, old);
  }
}

function convertCopies(editing: Editing, old: Old): void {
  const { map: root, pair, path } = old;
  const copies = pair.value;
  if (!isMap<Node, Node | null>(copies)) {
    unusable(editing, old, 'must be a mapping of directories to their places in the guest');
    return;
  }
  const shares = seqAt(root, 'shares');
  if (pairOf(root, 'shares') && !shares) {
    lose(editing, old, 'shares says something else');
    return;
  }
  note(editing, old, ['carried', 'are shares with mode: copy now']);
  const list = shares ?? emptySeq(copies);
  if (shares === undefined)
    list.items.push(
      flow(
        [
          ['host', '.'],
          ['guest', 'same'],
        ],
        copies,
      ),
    );
  list.flow = false;
  const [first] = copies.items;
  if (first && copies.commentBefore) first.key.commentBefore = copies.commentBefore;
  if (copies.comment) list.comment = copies.comment;
  for (const one of copies.items) {
    const host = textOf(one.key);
    const place = one.value ?? newScalar('', one.key);
    const share = flow(
      [
        ['host', host],
        ['mode', 'copy'],
      ],
      one.key,
    );
    share.items.splice(1, 0, newPair('guest', place, one.key));
    editing.was.set(share, [...path, host]);
    for (const inner of share.items) if (inner.value) editing.was.set(inner.value, [...path, host]);
    if (one.key.commentBefore) share.commentBefore = one.key.commentBefore;
    if (one.key.spaceBefore) share.spaceBefore = true;
    if (place.comment) [share.comment, place.comment] = [place.comment, null];
    list.items.push(share);
  }
  if (shares) {
    copies.commentBefore = null;
    copies.comment = null;
    remove(root, pair);
  } else {
    if (isScalar(pair.key)) pair.key.value = 'shares';
    pair.value = list;
  }
}

function flow(entries: readonly (readonly [string, string])[], like: Node): MapNode {
  const map = emptyMap(like);
  map.items.push(...entries.map(([key, text]) => newPair(key, newScalar(text, like), like)));
  map.flow = true;
  return map;
}

/** Keys whose texts hold variables still, or always did for another program. */
const elsewhere = new Set(
  'environment ports run provision post_commands health_checks secrets'.split(' '),
);

/** Version 1 expanded variables everywhere. What would stand there as it is now is told. */
export function reportVariables(editing: Editing, root: MapNode): void {
  for (const pair of root.items) {
    const key = textOf(pair.key);
    if (elsewhere.has(key)) continue;
    for (const [node, path] of textsBelow(editing, pair.value, [key])) {
      const [variable] = /\$\{[^}]*\}/.exec(textOf(node)) ?? [];
      if (variable === undefined) continue;
      const message = `holds ${quoted(variable)}, and variables are known in environment and ports alone: write what it stands for`;
      editing.faults.push({ ...editing.at(node), path, message });
    }
  }
}

/** The scalars of a value, keys included, with what the user calls them. */
function textsBelow(editing: Editing, node: Node | null, around: Path): [Node, Path][] {
  const path = (node && editing.was.get(node)) ?? around;
  if (isScalar(node)) return [[node, path]];
  if (isSeq(node)) {
    return node.items.flatMap((item, index) => textsBelow(editing, item, [...path, index]));
  }
  if (!isMap<Node, Node | null>(node)) return [];
  return node.items.flatMap((pair) => {
    const inner = [...path, textOf(pair.key)];
    return [...textsBelow(editing, pair.key, inner), ...textsBelow(editing, pair.value, inner)];
  });
}
