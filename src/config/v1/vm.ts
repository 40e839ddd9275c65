import { isMap, isScalar, type Node } from 'yaml';
import { namePattern, slug } from '../../core/name.ts';
import { quoted } from '../../lib/printable.ts';
import {
  type Editing,
  isNull,
  keyText,
  lose,
  type MapNode,
  mapAt,
  move,
  note,
  type Old,
  pairOf,
  remove,
  rename,
  setText,
  textOf,
  unusable,
} from './edit.ts';

type Convert = (editing: Editing, old: Old, root: MapNode) => void;

const ownKey = "a key of the VM's own is made instead, and is the only way to log in";

/** Keys of version 1 below `vm`, which also stood at the top of the file. Null is their default. */
const converters: Readonly<Record<string, Convert>> = {
  name: convertName,
  ram_mb: (editing, old) => resize(editing, old, { key: 'memory', unit: 'MiB' }),
  disk_size_gb: (editing, old) => resize(editing, old, { key: 'disk', unit: 'GiB' }),
  vcpus: (editing, old) => carry(editing, old, 'cpus'),
  gui: convertGui,
  base_image: convertImage,
  network_mode: convertNetworkMode,
  username: (editing, old) => nest(editing, old, { map: 'user', key: 'name' }),
  password: (editing, old) => lose(editing, old, `nobody logs in by a password: ${ownKey}`),
  auth_method: convertAuthMethod,
  limits: (editing, old) => lose(editing, old, 'limits are not available yet'),
  resources: (editing, old) => lose(editing, old, 'limits are not available yet'),
};

/** Keys that may stand at the top of a file of version 1 as well as below `vm`. */
const flatKeys = new Set(Object.keys(converters).filter((key) => !/limits|resources/.test(key)));

/** Makes the keys of the machine those of version 2. */
export function upgradeVm(editing: Editing, root: MapNode): void {
  const flat = root.items.filter((pair) => flatKeys.has(keyText(pair)));
  for (const pair of flat) fold(editing, root, { map: root, pair, path: [keyText(pair)] });
  const vm = pairOf(root, 'vm');
  if (!isMap<Node, Node | null>(vm?.value)) return;
  const map = vm.value;
  for (const pair of [...map.items]) {
    const key = keyText(pair);
    const path = editing.was.get(pair.key) ?? ['vm', key];
    const old: Old = { map, pair, path };
    const convert = Object.hasOwn(converters, key) ? converters[key] : undefined;
    if (convert === undefined) continue;
    if (isNull(pair.value)) remove(map, pair);
    else convert(editing, old, root);
  }
  if (map.items.length === 0 && flat.length > 0) remove(root, vm);
}

/** Moves a key from the top of the file to `vm`. */
function fold(editing: Editing, root: MapNode, old: Old): void {
  const { pair } = old;
  const vm = mapAt(root, 'vm', pair);
  if (vm === undefined) return;
  if (pairOf(vm, keyText(pair))) {
    lose(editing, old, `vm.${keyText(pair)} says it too`);
    return;
  }
  root.items.splice(root.items.indexOf(pair), 1);
  vm.items.push(pair);
  editing.was.set(pair.key, old.path);
  if (pair.value) editing.was.set(pair.value, old.path);
}

/** Gives a key its new name, unless the file has that already. */
function carry(editing: Editing, old: Old, key: string): boolean {
  if (pairOf(old.map, key)) {
    lose(editing, old, `vm.${key} says it too`);
    return false;
  }
  note(editing, old, ['carried', `is vm.${key} now`]);
  rename(old.pair, key);
  if (old.pair.value) editing.was.set(old.pair.value, old.path);
  return true;
}

/** Makes `{ username: x }` into `{ user: { name: x } }`. */
function nest(editing: Editing, old: Old, to: Place): void {
  const { map, pair, path } = old;
  const at = to.root ? (pairOf(to.root, 'vm') ?? pair) : pair;
  const inner = mapAt(to.root ?? map, to.map, at);
  const name = `${to.root ? '' : 'vm.'}${to.map}.${to.key}`;
  if (inner === undefined || pairOf(inner, to.key)) {
    lose(editing, old, `${name} says it too`);
    return;
  }
  note(editing, old, ['carried', `is ${name} now`]);
  if (pair.value) editing.was.set(pair.value, path);
  move(old, { map: inner, outer: pairOf(to.root ?? map, to.map), key: to.key });
}

/** A key of a map, below `vm` or, with `root`, beside it. */
interface Place {
  readonly map: string;
  readonly key: string;
  readonly root?: MapNode;
}

function resize(editing: Editing, old: Old, to: { key: string; unit: 'MiB' | 'GiB' }): void {
  const { value } = old.pair;
  const amount = /^\d{1,12}$/.test(textOf(value)) ? Number(textOf(value)) : 0;
  if (!isScalar(value) || amount === 0) {
    unusable(editing, old, `must be a whole number of ${to.unit}`);
    return;
  }
  if (!carry(editing, old, to.key)) return;
  const isGiB = to.unit === 'GiB' || amount % 1024 === 0;
  setText(
    value,
    isGiB && to.unit === 'MiB' ? `${amount / 1024}G` : `${amount}${isGiB ? 'G' : 'M'}`,
  );
}

function convertName(editing: Editing, old: Old): void {
  const { value } = old.pair;
  if (!isScalar(value)) return;
  const name = textOf(value);
  const near = slug(name);
  // What no name can be made of is told by the schema of version 2.
  if (namePattern.test(name) || near === '') return;
  note(editing, old, ['changed', `${quoted(name)} became ${near}: names have a-z, 0-9 and -`]);
  setText(value, near);
}

function convertGui(editing: Editing, old: Old): void {
  const { value } = old.pair;
  if (isScalar(value) && typeof value.value === 'boolean') {
    if (value.value) lose(editing, old, 'a desktop is not available yet');
    return;
  }
  unusable(editing, old, 'must be true or false');
}

function convertImage(editing: Editing, old: Old): void {
  const { value } = old.pair;
  if (!carry(editing, old, 'image') || !isScalar(value)) return;
  const image = textOf(value);
  // It was always the path of a file, and a bare word is a name now.
  if (image !== '' && !image.includes('/') && !/^[.~]/.test(image)) setText(value, `./${image}`);
}

function convertNetworkMode(editing: Editing, old: Old, root: MapNode): void {
  const { pair, map } = old;
  const mode = isScalar(pair.value) ? textOf(pair.value) : '';
  if (mode === 'auto') {
    note(editing, old, ['carried', 'is user, the default']);
    remove(map, pair);
  } else if (mode === 'user') {
    nest(editing, old, { map: 'network', key: 'mode', root });
  } else if (['default', 'nat', 'bridge'].includes(mode)) {
    lose(
      editing,
      old,
      "the guest is behind this machine's address, without root (network.mode: user)",
    );
  } else {
    unusable(editing, old, `must be auto, default or user, not ${quoted(mode)}`);
  }
}

function convertAuthMethod(editing: Editing, old: Old): void {
  const { pair } = old;
  const method = isScalar(pair.value) ? textOf(pair.value) : '';
  if (method === 'ssh_key' || method === 'one_time_password')
    nest(editing, old, { map: 'auth', key: 'method' });
  else if (['password', 'both'].includes(method)) {
    lose(editing, old, `${method} is not available: ${ownKey}`);
  } else {
    unusable(editing, old, `must be ssh_key or one_time_password, not ${quoted(method)}`);
  }
}
