import { CloneboxError } from './errors.ts';

declare const brand: unique symbol;

/** A name that passed the grammar: safe in a path, an argv, a socket name and a host name. */
export type VmName = string & { readonly [brand]: 'vm' };

export const namePattern = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * A name as files of ours have it: also that of a VM built beside the one it will replace, of the machine of a template
 * that is being made, and of a machine of the pool. No user can type those.
 */
export const storedNamePattern = /^[a-z0-9][a-z0-9-]{0,62}(\.(new|bake|pool[0-9a-f]{6}))?$/;

/** The name under which the successor of a VM is built beside it. */
export function besideName(name: VmName): VmName {
  return `${name}.new` as VmName;
}

/** The name of the machine in which a template with this key is made. */
export function bakeName(key: string): VmName {
  return `${key.slice(0, 12)}.bake` as VmName;
}

/** A name for a machine that waits for a VM of this name to be made of it; another one each time. */
export function memberName(name: VmName): VmName {
  return `${name}.pool${crypto.randomUUID().slice(0, 6)}` as VmName;
}

/** The VM that a machine of the pool waits for, `undefined` for any other name. */
export function waitsFor(name: string): VmName | undefined {
  return storedNamePattern.test(name)
    ? (/^(.*)\.pool[0-9a-f]{6}$/.exec(name)?.[1] as VmName | undefined)
    : undefined;
}

/** Turns text into a VM name. Fails with `usage`, and suggests the nearest legal name. */
export function parseVmName(text: string): VmName {
  if (namePattern.test(text)) return text as VmName;
  const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  const near = slug(text);
  throw new CloneboxError('usage', `${JSON.stringify(shown)} is not a VM name`, {
    hint: `A name is 1 to 63 of a-z, 0-9 and '-', and starts with a letter or digit${near ? `, for example ${near}` : ''}.`,
    facts: { name: shown },
  });
}

/** The legal name nearest to a text, or an empty string when nothing of it is legal. */
export function slug(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
}

/** True when a `[vm]` argument is to be read as a path and not as a name (docs/reference/cli.md). */
export function looksLikePath(argument: string): boolean {
  return argument.includes('/') || argument.startsWith('.') || argument.startsWith('~');
}
