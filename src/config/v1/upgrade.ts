import { type Document, isAlias, isMap, isScalar, type Node, type ParsedNode, Scalar } from 'yaml';
import type { Fault } from '../convert.ts';
import type { Path, Position } from '../problem.ts';
import {
  type Editing,
  isNull,
  isSeq,
  keyText,
  lose,
  type MapNode,
  type Old,
  pairOf,
  remove,
  type UpgradeNote,
} from './edit.ts';
import { reportVariables, upgradeShares } from './shares.ts';
import { upgradeCommands, upgradeLists, upgradeWebServices } from './software.ts';
import { upgradeVm } from './vm.ts';

/** What the upgrade of a document did. */
export interface Upgraded {
  readonly notes: readonly UpgradeNote[];
  /** Values that mean nothing in either version. */
  readonly faults: readonly Fault[];
  /** What moved nodes were called. */
  readonly was: ReadonlyMap<Node, Path>;
}

const limits = 'limits are not available yet';

/** Keys at the top that nothing stands for any more. */
const lost: Readonly<Record<string, string>> = {
  generated: 'said when the file was written',
  detected: 'told what was found once, and made nothing',
  browser_profiles: 'browser profiles hold logins, and are never copied',
  shutdown_after_setup: 'a new VM is shut down anyway, unless it is made with --run',
  resources: limits,
};

/** True for a document of version 1. */
export function isVersion1(document: Document): boolean {
  const version = isMap<Node, Node | null>(document.contents)
    ? pairOf(document.contents, 'version')?.value
    : undefined;
  if (!isScalar(version)) return false;
  const text = typeof version.value === 'string' ? version.value : version.source;
  return text === '1' || text === '1.0';
}

/**
 * Makes a document of version 1 one of version 2, in place; its nodes keep their comments and where they stood. Aliases
 * are written out, so they must be within the limits already. Nothing is dropped without a note.
 */
export function upgradeDocument(
  document: Document<ParsedNode>,
  at: (offset: number) => Position,
): Upgraded {
  const editing: Editing = {
    at: (node) => at(node?.range?.[0] ?? 0),
    was: new Map(),
    notes: [],
    faults: [],
  };
  writeOutAliases(document.contents, new Map());
  const root = document.contents as unknown as MapNode;
  const version = pairOf(root, 'version')?.value;
  if (isScalar(version)) Object.assign(version, { value: '2', type: Scalar.QUOTE_SINGLE });
  upgradeVm(editing, root);
  upgradeShares(editing, root);
  upgradeLists(editing, root);
  upgradeCommands(editing, root);
  upgradeWebServices(editing, root);
  for (const pair of [...root.items]) {
    const key = keyText(pair);
    const why = Object.hasOwn(lost, key) ? lost[key] : undefined;
    const old: Old = { map: root, pair, path: [key] };
    if (why !== undefined) lose(editing, old, why);
    else if (isNull(pair.value)) remove(root, pair);
  }
  reportVariables(editing, root);
  const { notes, faults, was } = editing;
  return { notes: notes.toSorted((a, b) => a.line - b.line || a.column - b.column), faults, was };
}

/** An anchor may go with its key while an alias of it stays, so each alias becomes what it stands for. */
function writeOutAliases(node: Node | null, anchors: Map<string, Node>): Node | null {
  if (isAlias(node)) {
    const target = anchors.get(node.source)?.clone() as Node | undefined;
    if (target === undefined) return node;
    const { range, comment, commentBefore } = node;
    return Object.assign(target, { range, comment, commentBefore });
  }
  if (isMap<Node, Node | null>(node)) {
    for (const pair of node.items) pair.value = writeOutAliases(pair.value, anchors);
  } else if (isSeq(node)) {
    node.items = node.items.map((item) => writeOutAliases(item, anchors));
  }
  if (node?.anchor) {
    anchors.set(node.anchor, node);
    delete node.anchor;
  }
  return node;
}
