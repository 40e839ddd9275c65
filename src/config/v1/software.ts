import { isMap, isScalar, type Node } from 'yaml';
import { slug } from '../../core/name.ts';
import { quoted } from '../../lib/printable.ts';
import { runName } from '../fields.ts';
import type { Path } from '../problem.ts';
import {
  type Editing,
  emptyMap,
  emptySeq,
  isSeq,
  lose,
  type MapNode,
  mapAt,
  newPair,
  newScalar,
  note,
  type Old,
  pairOf,
  remove,
  seqAt,
  textOf,
  unusable,
} from './edit.ts';

/** Lists in which version 2 wants everything once. */
const lists = ['packages', 'snap_packages', 'services'];

/** Takes out of the lists what stands there a second time. */
export function upgradeLists(editing: Editing, root: MapNode): void {
  for (const key of lists) {
    const seq = seqAt(root, key);
    if (seq === undefined) continue;
    const seen = new Set<string>();
    seq.items = seq.items.filter((item, index) => {
      const text = textOf(item);
      if (!isScalar(item) || !seen.has(text)) {
        seen.add(text);
        if (item) editing.was.set(item, [key, index]);
        return true;
      }
      const place = { ...editing.at(item), path: `${key}[${index}]` };
      editing.notes.push({
        ...place,
        kind: 'carried',
        message: `${quoted(text)} stood here twice`,
      });
      return false;
    });
  }
}

/** Command lines ran as root; their variables were this computer's. */
export function upgradeCommands(editing: Editing, root: MapNode): void {
  const pair = pairOf(root, 'post_commands');
  const items = seqAt(root, 'post_commands')?.items ?? [];
  if (pair === undefined || items.length === 0) return;
  const old: Old = { map: root, pair, path: ['post_commands'] };
  note(editing, old, [
    'changed',
    'run as the user now, not as root: put sudo where root is needed',
  ]);
  for (const [index, item] of items.entries()) {
    const [variable] = /\$\{[^}]*\}/.exec(textOf(item)) ?? [];
    if (item === null || variable === undefined) continue;
    const place = { ...editing.at(item), path: `post_commands[${index}]` };
    const message = `${quoted(variable)} is a variable of the guest's shell now, not of this computer`;
    editing.notes.push({ ...place, kind: 'changed', message });
  }
}

/** Makes `web_services` into `run`: the same command, as a unit of the guest. */
export function upgradeWebServices(editing: Editing, root: MapNode): void {
  const pair = pairOf(root, 'web_services');
  if (pair === undefined) return;
  const old: Old = { map: root, pair, path: ['web_services'] };
  if (!isSeq(pair.value)) {
    if (pair.value === null || textOf(pair.value) === '') remove(root, pair);
    else unusable(editing, old, 'must be a list');
    return;
  }
  const services = pair.value.items;
  if (services.length > 0) {
    const isNew = pairOf(root, 'run') === undefined;
    const run = mapAt(root, 'run', pair);
    if (run === undefined) {
      lose(editing, old, 'run says something else');
      return;
    }
    const message = 'are commands of run now; uvicorn must be among the packages';
    note(editing, old, ['changed', message]);
    for (const [index, item] of services.entries()) {
      convertService(editing, run, { item, path: ['web_services', index] });
    }
    const key = pairOf(root, 'run')?.key;
    if (key && isNew) {
      const comments = [pair.key.commentBefore, pair.value.commentBefore].filter(Boolean);
      if (comments.length > 0) key.commentBefore = comments.join('\n');
      if (pair.key.spaceBefore) key.spaceBefore = true;
      [pair.key.commentBefore, pair.value.commentBefore] = [null, null];
    }
  }
  remove(root, pair);
}

function convertService(
  editing: Editing,
  run: MapNode,
  { item, path }: { item: Node | null; path: Path },
): void {
  const fail = (message: string, key?: string) => {
    const value =
      key !== undefined && isMap(item) ? pairOf(item as MapNode, key)?.value : undefined;
    const at = editing.at(value ?? item);
    editing.faults.push({ ...at, path: key === undefined ? path : [...path, key], message });
  };
  if (!isMap<Node, Node | null>(item)) {
    fail('must be a mapping');
    return;
  }
  const value = (key: string) => pairOf(item, key)?.value ?? null;
  const type = textOf(value('type')) || 'uvicorn';
  const module = textOf(value('module'));
  const name = slug(textOf(value('name'))) || 'web';
  if (type !== 'uvicorn') fail(`must be uvicorn, not ${quoted(type)}`, 'type');
  if (module === '' || module.startsWith('-')) fail('must be a module such as main:app', 'module');
  const isName = runName.safeParse(name).success && pairOf(run, name) === undefined;
  if (!isName) fail(`${quoted(name)} is the name of another command or port`, 'name');
  const unknown = item.items.map((pair) => textOf(pair.key)).filter((key) => !known.has(key));
  for (const key of unknown) fail('is not a known key', key);
  const unit = emptyMap(item);
  const command = emptySeq(item);
  const port = value('port') ?? newScalar('8000', item);
  const host = textOf(value('host')) || '0.0.0.0';
  const words = ['uvicorn', module, '--host', host, '--port', textOf(port) || '8000'];
  command.items.push(...words.map((word) => newScalar(word, item)));
  command.flow = true;
  unit.items.push(newPair('command', command, item));
  const directory = value('working_dir');
  if (directory !== null && textOf(directory) !== '') {
    editing.was.set(directory, [...path, 'working_dir']);
    unit.items.push(newPair('cwd', directory, item));
  }
  editing.was.set(port, [...path, 'port']);
  unit.items.push(newPair('port', port, item));
  editing.was.set(unit, path);
  if (item.commentBefore) unit.commentBefore = item.commentBefore;
  run.items.push(newPair(isName ? name : `web-${run.items.length}`, unit, item));
}

const known = new Set(['type', 'name', 'module', 'working_dir', 'host', 'port']);
