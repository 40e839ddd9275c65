import type * as z from 'zod';
import { nearest } from '../lib/near.ts';
import { quoted } from '../lib/printable.ts';
import { isSecretName } from '../lib/redact.ts';
import { didYouMean } from './fields.ts';
import type { Path } from './problem.ts';
import { allKeys, keysAt } from './schema-tree.ts';

/** What is wrong, in words; `key` when the problem is the key and not its value. */
export interface Description {
  readonly path: Path;
  readonly key: boolean;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Keys of version 1, and words other tools use, that no spelling suggests. */
const otherNames: Readonly<Record<string, string>> = {
  ram: 'memory',
  ram_mb: 'memory',
  vcpus: 'cpus',
  disk_size_gb: 'disk',
  base_image: 'image',
  username: 'user',
  volumes: 'shares',
  mounts: 'shares',
  copy_paths: 'shares',
  env: 'environment',
};

/** Puts an issue of the schema into words. `value` is what stands at the issue's path. */
export function describeIssue(
  issue: z.core.$ZodIssue,
  value: unknown,
  schema: z.core.$ZodType,
): Description[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(schema, path, key));
  }
  if (issue.code === 'invalid_key') {
    const [inner] = issue.issues;
    return [{ path, key: true, message: inner?.message ?? 'is not a name', hint: hintOf(inner) }];
  }
  if (issue.code !== 'invalid_type') {
    return [{ path, key: false, message: issue.message, hint: hintOf(issue) }];
  }
  if (value === undefined) {
    const hint = path.join() === 'version' ? "begin the file with version: '2'" : undefined;
    return [{ path, key: false, message: 'is missing', hint }];
  }
  if (typeof value === 'string' && isSecretName(String(path.at(-1)))) {
    // It may be what nobody else should read.
    return [{ path, key: false, message: 'is text: name a secret instead, { key: NAME }' }];
  }
  const wanted = nouns[issue.expected] ?? issue.expected;
  const hint = value === null ? 'give it a value or take the key out' : undefined;
  return [{ path, key: false, message: `must be ${wanted}, not ${describe(value)}`, hint }];
}

function hintOf(issue: z.core.$ZodIssue | undefined): string | undefined {
  const hint: unknown = issue?.code === 'custom' ? issue.params?.hint : undefined;
  return typeof hint === 'string' ? hint : undefined;
}

const nouns: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a whole number',
  int: 'a whole number',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

function describe(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return typeof value === 'string' ? `the text ${quoted(value, 40)}` : String(value);
}

function unknownKey(schema: z.core.$ZodType, path: Path, key: string): Description {
  const description = { path: [...path, key], key: true, message: 'is not a known key' };
  if (key === '<<') return { ...description, hint: 'merge keys are not read' };
  const here = keysAt(schema, path);
  const known = Object.hasOwn(otherNames, key) ? otherNames[key] : undefined;
  const near = here.find((name) => name === known) ?? nearest(key, here);
  if (near) return { ...description, hint: didYouMean(near) };
  const elsewhere = allKeys(schema).find((full) => /[^.]*$/.exec(full)?.[0] === (known ?? key));
  return elsewhere ? { ...description, hint: didYouMean(elsewhere) } : description;
}
