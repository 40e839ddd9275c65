import type { Origin, Place } from '../origin.ts';
import type { Path } from '../problem.ts';
import { type ListRule, listRules } from './list-rules.ts';

// Layers are merged with what is known of their places: each piece of the result still knows the text it is from.

/** Where a piece comes from. */
export interface Source {
  /** The layer that said it, of several the last. */
  readonly origin: Origin;
  readonly path: Path;
  /** The parts of what several layers made together; in all else parts are where the path leads. */
  readonly parts?: ReadonlyMap<string | number, Source>;
}

/** A configuration or a piece of one, and where it comes from. */
export interface Layer {
  readonly value: unknown;
  readonly source: Source;
}

type Rule =
  | { readonly kind: 'value' }
  | { readonly kind: 'list'; readonly rule: ListRule }
  /** `rest` is for keys that users choose. */
  | { readonly kind: 'map'; readonly keys: Readonly<Record<string, Rule>>; readonly rest?: Rule };

const value: Rule = { kind: 'value' };
const list = (rule: ListRule): Rule => ({ kind: 'list', rule });
const texts = list({ path: [], keyOf: String });

const rules: Rule = {
  kind: 'map',
  keys: {
    vm: {
      kind: 'map',
      keys: {
        user: { kind: 'map', keys: {}, rest: value },
        auth: { kind: 'map', keys: { ssh_keys: list(listRules.ssh_keys) } },
      },
    },
    network: {
      kind: 'map',
      keys: { allow: list(listRules.allow), host_ports: list(listRules.host_ports) },
    },
    packages: list(listRules.packages),
    snap_packages: list(listRules.snap_packages),
    services: list(listRules.services),
    ports: list(listRules.ports),
    shares: list(listRules.shares),
    provision: list(listRules.provision),
    post_commands: list(listRules.post_commands),
    run: {
      kind: 'map',
      keys: {},
      rest: { kind: 'map', keys: { env: { kind: 'map', keys: {}, rest: value } } },
    },
    environment: { kind: 'map', keys: {}, rest: value },
    secrets: {
      kind: 'map',
      keys: {
        items: { kind: 'map', keys: {}, rest: { kind: 'map', keys: {}, rest: value } },
      },
    },
    remove: { kind: 'map', keys: {}, rest: texts },
  },
};

/** The later layer over the earlier one, after what it removes is taken out of that. Associative. */
export function mergeLayers(earlier: Layer, later: Layer): Layer {
  return merge(rules, without(earlier, later), later);
}

/** The place of a value of merged layers; where there is none, the nearest around it that a text has. */
export function placeOf(source: Source, path: Path): Place {
  let here = source;
  for (const step of path) {
    const next = here.parts ? here.parts.get(step) : { ...here, path: [...here.path, step] };
    if (next === undefined) break;
    here = next;
  }
  return here.origin.at(here.path);
}

/** What a layer takes out of those before it, by the keys of `remove`. */
export function removalsOf({ value: root }: Layer): Readonly<Record<string, readonly string[]>> {
  const remove = isMap(root) ? root.remove : undefined;
  return isMap(remove) ? (remove as Record<string, readonly string[]>) : {};
}

/** The names of a layer's items as `remove` has them, of one of its keys; each by the form in which names are compared. */
export function namesIn(layer: Layer, key: string): Map<string, string> {
  const rule = listRuleOf(key);
  const piece = (rule?.path ?? [key]).reduce<Layer | undefined>(
    (here, step) => here && partOf(here, step),
    layer,
  );
  const names = Array.isArray(piece?.value)
    ? piece.value.map((item) => nameIn(rule, item))
    : Object.keys(isMap(piece?.value) ? piece.value : {});
  return new Map(names.map((name) => [comparableName(key, name), name]));
}

/** A name of `remove` in the form in which names of this key are compared. */
export function comparableName(key: string, name: string): string {
  return listRuleOf(key)?.read?.(name) ?? name;
}

function listRuleOf(key: string): ListRule | undefined {
  return Object.hasOwn(listRules, key) ? listRules[key as keyof typeof listRules] : undefined;
}

function merge(rule: Rule, earlier: Layer, later: Layer): Layer {
  if (rule.kind === 'list' && Array.isArray(earlier.value) && Array.isArray(later.value)) {
    return mergeLists(rule.rule, earlier, later);
  }
  if (rule.kind !== 'map' || !isMap(earlier.value) || !isMap(later.value)) return later;
  const merged: Record<string, unknown> = {};
  const parts = new Map<string, Source>();
  for (const key of new Set([...Object.keys(earlier.value), ...Object.keys(later.value)])) {
    const inner = Object.hasOwn(rule.keys, key) ? rule.keys[key] : rule.rest;
    const [before, after] = [partOf(earlier, key), partOf(later, key)];
    const piece = before && after ? merge(inner ?? value, before, after) : (after ?? before);
    if (piece === undefined) continue;
    merged[key] = piece.value;
    parts.set(key, piece.source);
  }
  return { value: merged, source: { ...later.source, parts } };
}

function mergeLists(rule: ListRule, earlier: Layer, later: Layer): Layer {
  const items = itemsOf(earlier);
  const places = new Map(items.map((item, index) => [rule.keyOf(item.value as never), index]));
  for (const item of itemsOf(later)) {
    const place = places.get(rule.keyOf(item.value as never));
    const before = place === undefined ? undefined : items[place];
    if (place === undefined || before === undefined) items.push(item);
    else if (!rule.keeps?.(before.value as never, item.value as never)) items[place] = item;
  }
  return listOf(items, later.source);
}

/** A layer without what a later one removes. What is empty by that is the later one's. */
function without(layer: Layer, later: Layer): Layer {
  const remove = partOf(later, 'remove');
  let left = layer;
  for (const [key, names] of Object.entries(removalsOf(later))) {
    const rule = listRuleOf(key);
    const by = remove && partOf(remove, key)?.source;
    const gone = new Set(names.map((name) => comparableName(key, name)));
    left = edit(left, rule?.path ?? [key], (piece) => {
      if (!Array.isArray(piece.value)) return withoutKeys(piece, gone);
      const kept = itemsOf(piece).filter(
        (item) => !gone.has(comparableName(key, nameIn(rule, item.value))),
      );
      return listOf(kept, kept.length === 0 && by ? by : piece.source);
    });
  }
  return left;
}

function withoutKeys(piece: Layer, gone: ReadonlySet<string>): Layer {
  if (!isMap(piece.value)) return piece;
  const kept = Object.entries(piece.value).filter(([key]) => !gone.has(key));
  const parts = kept.flatMap(([key]) => {
    const part = partOf(piece, key);
    return part ? [[key, part.source] as const] : [];
  });
  return { value: Object.fromEntries(kept), source: { ...piece.source, parts: new Map(parts) } };
}

/** A layer with the piece at a path changed; the same where there is none. */
function edit(layer: Layer, path: Path, change: (piece: Layer) => Layer): Layer {
  const [step, ...rest] = path;
  if (step === undefined) return change(layer);
  const part = partOf(layer, step);
  if (part === undefined || !isMap(layer.value)) return layer;
  const changed = edit(part, rest, change);
  const parts = new Map(
    Object.keys(layer.value).flatMap((key) => {
      const own = key === step ? changed : partOf(layer, key);
      return own ? [[key, own.source] as const] : [];
    }),
  );
  return {
    value: { ...layer.value, [step]: changed.value },
    source: { ...layer.source, parts },
  };
}

/** A part of a map or list, `undefined` where nothing is said. */
function partOf({ value: whole, source }: Layer, key: string | number): Layer | undefined {
  if (whole === null || typeof whole !== 'object' || !Object.hasOwn(whole, key)) return undefined;
  const part = (whole as Record<string | number, unknown>)[key];
  if (part === undefined) return undefined;
  const { origin, path } = source;
  return { value: part, source: source.parts?.get(key) ?? { origin, path: [...path, key] } };
}

function itemsOf(layer: Layer): Layer[] {
  const items: readonly unknown[] = Array.isArray(layer.value) ? layer.value : [];
  return items.flatMap((_, index) => partOf(layer, index) ?? []);
}

function listOf(items: readonly Layer[], source: Source): Layer {
  const parts = new Map(items.map((item, index) => [index, item.source] as const));
  return { value: items.map((item) => item.value), source: { ...source, parts } };
}

function nameIn(rule: ListRule | undefined, item: unknown): string {
  const nameOf = rule?.nameOf ?? rule?.keyOf ?? String;
  return nameOf(item as never);
}

function isMap(piece: unknown): piece is Record<string, unknown> {
  return piece !== null && typeof piece === 'object' && !Array.isArray(piece);
}
