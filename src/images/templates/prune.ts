import type { Io } from '../../core/io.ts';
import type { Template, WarmState } from '../../core/template.ts';
import type { ImagesDeps } from '../building.ts';
import { tryLock } from '../locks.ts';
import { buildingKeys, removeBuildings, sizeOf, templateLock } from './building.ts';
import { isKey, isShape, readTemplate } from './read.ts';

type Deps = ImagesDeps & { io: Io };

/** `Templates.prune` of core/template.ts. */
export async function prune(
  deps: Deps,
  readInUse: () => Promise<ReadonlySet<string>>,
  only: (template: Template, warm: WarmState | undefined) => boolean,
): Promise<{ removed: string[]; freed: number }> {
  const { host, paths } = deps;
  const removed: string[] = [];
  let freed = 0;
  const inUse = await readInUse();
  const remove = async (name: string, path: string) => {
    const size = await sizeOf(deps, path);
    const away = `${paths.templates}/.removing-${crypto.randomUUID()}`;
    await host.files.rename(path, away);
    // Whoever makes a VM writes down first what it stands on, and then looks whether that is still there.
    if ((await readInUse()).has(name)) {
      await host.files.rename(away, path);
      return;
    }
    await host.files.remove(away);
    freed += size;
    removed.push(name);
  };
  for (const key of (await host.files.list(paths.templates)).filter(isKey)) {
    const lock = await tryLock(deps, templateLock(deps, key));
    if (lock === undefined) continue;
    try {
      const directory = `${paths.templates}/${key}`;
      const template = (await readTemplate(deps, key))?.template;
      if (!inUse.has(key) && (template === undefined || only(template, undefined))) {
        await remove(key, directory);
        continue;
      }
      for (const shape of (await host.files.list(`${directory}/warm`)).filter(isShape)) {
        const warm = template?.warm.find((one) => one.key === shape);
        const place = `${directory}/warm/${shape}`;
        if (inUse.has(`${key}/${shape}`)) continue;
        if (template === undefined || warm === undefined || only(template, warm))
          await remove(`${key}/${shape}`, place);
      }
    } finally {
      await lock.release();
    }
  }
  freed += await sweep(deps);
  return { removed, freed };
}

/** Removes what builders and removals left that died; returns the bytes freed. */
export async function sweep(deps: Deps): Promise<number> {
  const { host, paths } = deps;
  let freed = 0;
  for (const key of await buildingKeys(deps)) {
    const lock = await tryLock(deps, templateLock(deps, key));
    if (lock === undefined) continue;
    try {
      freed += await removeBuildings(deps, key);
    } finally {
      await lock.release();
    }
  }
  for (const name of await host.files.list(paths.templates)) {
    if (!name.startsWith('.removing-')) continue;
    freed += await sizeOf(deps, `${paths.templates}/${name}`);
    await host.files.remove(`${paths.templates}/${name}`);
  }
  return freed;
}
