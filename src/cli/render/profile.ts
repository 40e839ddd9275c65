import { Document, isCollection, isScalar, type Node } from 'yaml';
import { formatPath, type Path } from '../../config/problem.ts';
import { printable } from '../../lib/printable.ts';
import { readableLines } from '../../lib/readable.ts';
import type { ShownProfile } from '../../ops/profile.ts';
import { originText } from './origin.ts';

/** A profile as YAML, with a comment where each value comes from. */
export function renderProfile(profile: ShownProfile): string[] {
  const { name, from, file, description, merged, values } = profile;
  const head = [
    `# profile ${name} (${from === 'bundled' ? 'bundled' : printable(file ?? '', 4096)})`,
    ...(description === null ? [] : [`# ${printable(description, 4096)}`]),
    ...(profile.extends.length === 0 ? [] : [`# extends ${profile.extends.join(', ')}`]),
  ];
  const origins = new Map(
    values.map(({ key, origin }) => [key, originText(origin, profile.project)]),
  );
  const document = new Document(merged);
  comment(document.contents, [], origins);
  if (values.length === 0) return head;
  return [...head, ...readableLines(document.toString({ lineWidth: 0 }))];
}

/** Puts a comment to every node whose path has one. */
function comment(node: unknown, path: Path, texts: ReadonlyMap<string, string>): void {
  const text = texts.get(formatPath(path));
  if (text !== undefined && (isScalar(node) || isCollection(node))) {
    node.comment = ` ${printable(text, 4096)}`;
    if (isCollection(node)) node.flow = true;
    return;
  }
  if (!isCollection(node)) return;
  for (const [index, item] of node.items.entries()) {
    if (isNodePair(item)) comment(item.value, [...path, String(item.key)], texts);
    else comment(item, [...path, index], texts);
  }
}

function isNodePair(item: unknown): item is { key: Node; value: Node } {
  return item !== null && typeof item === 'object' && 'key' in item && 'value' in item;
}
