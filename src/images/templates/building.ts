import type { ImagesDeps } from '../building.ts';

/** The lock of one template: in the cache, because several state directories may share it. */
export function templateLock({ paths }: ImagesDeps, key: string): string {
  return `${paths.cache}/locks/template-${key.slice(0, 16)}.lock`;
}

/** A fresh place beside the templates to make something in. */
export function buildingPath({ paths }: ImagesDeps, key: string): string {
  return `${paths.templates}/.building-${key}-${crypto.randomUUID().slice(0, 8)}`;
}

/** Keys of what is being made, or was when its maker died. */
export async function buildingKeys({ host, paths }: ImagesDeps): Promise<string[]> {
  const names = await host.files.list(paths.templates);
  const keys = names.map((name) => /^\.building-([0-9a-f]{64})-/.exec(name)?.[1]);
  return [...new Set(keys.filter((key) => key !== undefined))];
}

/** Removes what was left of making one template, whose lock the caller holds; returns the bytes freed. */
export async function removeBuildings({ host, paths }: ImagesDeps, key: string): Promise<number> {
  let freed = 0;
  for (const name of await host.files.list(paths.templates)) {
    if (!name.startsWith(`.building-${key}-`)) continue;
    freed += await sizeOf({ host, paths }, `${paths.templates}/${name}`);
    await host.files.remove(`${paths.templates}/${name}`);
  }
  return freed;
}

/** Bytes allocated in a directory and those below it. */
export async function sizeOf({ host, paths }: ImagesDeps, path: string): Promise<number> {
  const facts = await host.files.facts(path);
  let size = facts?.allocated ?? 0;
  if (facts?.kind !== 'directory') return size;
  for (const name of await host.files.list(path)) {
    size += await sizeOf({ host, paths }, `${path}/${name}`);
  }
  return size;
}
