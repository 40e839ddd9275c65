import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Effect } from './effects.ts';

interface FileNode {
  readonly kind: 'file';
  data: Buffer;
  /** What is left of the content when the power goes; `undefined`: nothing was ever synced. */
  durable: Buffer | undefined;
  readonly mode: number;
}

interface DirectoryNode {
  readonly kind: 'directory';
  readonly entries: Map<string, Node>;
  readonly durable: Map<string, Node>;
}

type Node = FileNode | DirectoryNode;

/** A change of directories that no sync has reached yet. */
interface Pending {
  readonly directories: readonly DirectoryNode[];
  apply(): void;
}

/**
 * What a power cut leaves. `strict`: only what was synced. `entries`: every name, but of files only what was synced, so
 * that some are empty (a file system may well do that). `all`: everything, as after `kill -9`.
 */
export type Loss = 'strict' | 'entries' | 'all';

/** A directory tree that forgets what was not synced, in the place of a real disk whose power goes. */
export interface Disk {
  apply(effect: Effect): void;
  /** The files and directories that are left, by their path below the root. */
  survivors(loss: Loss): Map<string, Buffer | 'directory'>;
  /** Files with content, and names, that a cut would lose now. */
  unsynced(): string[];
}

/** Takes over a real directory, all of it durable. Two links to one file are one file. */
export function createDisk(root: string): Disk {
  const tree = load(root) as DirectoryNode;
  let pending: Pending[] = [];

  const find = (file: string): Node | undefined => {
    let node: Node | undefined = tree;
    for (const part of parts(file)) {
      node = node?.kind === 'directory' ? node.entries.get(part) : undefined;
    }
    return node;
  };
  const parts = (file: string) => path.relative(root, file).split('/').filter(Boolean);
  const parent = (file: string): [DirectoryNode, string] | undefined => {
    const node = find(path.dirname(file));
    return node?.kind === 'directory' ? [node, path.basename(file)] : undefined;
  };
  const change = (
    moves: readonly { readonly at: string; readonly node: Node | undefined }[],
  ): void => {
    const places = moves.flatMap(({ at, node }) => {
      const place = parent(at);
      return place === undefined ? [] : [{ directory: place[0], name: place[1], node }];
    });
    const run = (side: 'entries' | 'durable') => {
      for (const { directory, name, node } of places) {
        if (node === undefined) directory[side].delete(name);
        else directory[side].set(name, node);
      }
    };
    run('entries');
    pending.push({
      directories: places.map(({ directory }) => directory),
      apply: () => run('durable'),
    });
  };
  const sync = (node: Node | undefined) => {
    if (node?.kind === 'file') node.durable = node.data;
    if (node?.kind !== 'directory') return;
    // What a sync of this directory makes durable is each change of it, also the half of a rename that is elsewhere.
    for (const one of pending.filter(({ directories }) => directories.includes(node))) one.apply();
    pending = pending.filter(({ directories }) => !directories.includes(node));
  };
  const edit = (file: string, make: (data: Buffer) => Buffer) => {
    const node = find(file);
    if (node?.kind === 'file') node.data = make(node.data);
  };

  return {
    apply: (effect) => {
      switch (effect.kind) {
        case 'create': {
          if (find(effect.path) === undefined) {
            const node: FileNode = {
              kind: 'file',
              data: Buffer.alloc(0),
              durable: undefined,
              mode: 0o600,
            };
            change([{ at: effect.path, node }]);
          } else if (effect.truncate) edit(effect.path, () => Buffer.alloc(0));
          return;
        }
        case 'append':
          return edit(effect.path, (data) => Buffer.concat([data, effect.data]));
        case 'write':
          return edit(effect.path, (data) => {
            const { at, data: piece } = effect;
            const grown = Buffer.alloc(Math.max(data.length, at + piece.length));
            data.copy(grown);
            piece.copy(grown, at);
            return grown;
          });
        case 'truncate':
          return edit(effect.path, (data) => {
            const cut = Buffer.alloc(effect.size);
            data.copy(cut);
            return cut;
          });
        case 'sync':
          return sync(find(effect.path));
        case 'mkdir': {
          const node: DirectoryNode = { kind: 'directory', entries: new Map(), durable: new Map() };
          return change([{ at: effect.path, node }]);
        }
        case 'rename':
          return change([
            { at: effect.from, node: undefined },
            { at: effect.to, node: find(effect.from) },
          ]);
        case 'link':
          return change([{ at: effect.to, node: find(effect.from) }]);
        default:
          return change([{ at: effect.path, node: undefined }]);
      }
    },
    survivors: (loss) => {
      const found = new Map<string, Buffer | 'directory'>();
      const walk = (node: DirectoryNode, at: string) => {
        for (const [name, child] of loss === 'strict' ? node.durable : node.entries) {
          const where = path.join(at, name);
          if (child.kind === 'directory') {
            found.set(where, 'directory');
            walk(child, where);
          } else {
            found.set(where, (loss === 'all' ? child.data : child.durable) ?? Buffer.alloc(0));
          }
        }
      };
      walk(tree, '');
      return found;
    },
    unsynced: () => {
      const lost: string[] = [];
      const walk = (node: DirectoryNode, at: string) => {
        for (const name of node.durable.keys()) {
          if (!node.entries.has(name)) lost.push(`${at}${name} would come back`);
        }
        for (const [name, child] of node.entries) {
          if (node.durable.get(name) !== child) lost.push(`${at}${name} has no durable name`);
          if (child.kind === 'directory') walk(child, `${at}${name}/`);
          else if (child.durable === undefined || !child.durable.equals(child.data)) {
            lost.push(`${at}${name} has content that is not synced`);
          }
        }
      };
      walk(tree, '');
      return lost;
    },
  };
}

function load(file: string): Node {
  const stat = lstatSync(file);
  if (!stat.isDirectory()) {
    const data = stat.isFile() ? readFileSync(file) : Buffer.alloc(0);
    return { kind: 'file', data, durable: data, mode: stat.mode & 0o777 };
  }
  const entries = new Map<string, Node>();
  for (const name of readdirSync(file)) {
    const child = load(path.join(file, name));
    entries.set(name, child);
  }
  return { kind: 'directory', entries, durable: new Map(entries) };
}

/** Writes what a cut left to a real directory. */
export function materialize(left: ReadonlyMap<string, Buffer | 'directory'>, root: string): void {
  mkdirSync(root, { mode: 0o700, recursive: true });
  for (const [name, content] of left) {
    const file = path.join(root, name);
    if (content === 'directory') mkdirSync(file, { mode: 0o700 });
    else writeFileSync(file, content, { mode: 0o600 });
  }
}

/** Tells two such trees apart. What a guest wrote to its disk is its own business, and no difference. */
export function digestOf(left: ReadonlyMap<string, Buffer | 'directory'>): string {
  const hash = createHash('sha256');
  for (const [name, content] of [...left].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\0${content === 'directory' ? 'd' : 'f'}\0`);
    if (content !== 'directory' && !/(disk\.qcow2|serial\.log)$/.test(name)) hash.update(content);
  }
  return hash.digest('hex');
}
