import { CloneboxError } from '../../core/errors.ts';
import type { Io } from '../../core/io.ts';
import {
  shapeKey,
  shortKey,
  type Template,
  type TemplateBuilding,
  type Templates,
  templateKey,
  type WarmState,
} from '../../core/template.ts';
import type { ImagesDeps } from '../building.ts';
import { lockPatiently } from '../locks.ts';
import { buildingPath, removeBuildings, templateLock } from './building.ts';
import type { StoredFiles, TemplateManifest, WarmManifest } from './manifest.ts';
import { prune, sweep } from './prune.ts';
import { readTemplate, readTemplates, readWarmManifest } from './read.ts';
import { findDamage, seal, stamp } from './seal.ts';

/** The cache of templates below `paths.templates`, as core/template.ts promises it. */
export function createTemplates(deps: ImagesDeps): Templates {
  const { host, paths } = deps;
  const directoryOf = (template: Template) => `${paths.templates}/${template.key}`;
  const warmDirectory = (template: Template, key: string) => `${directoryOf(template)}/warm/${key}`;

  async function find(key: string): Promise<Template | undefined> {
    if (!/^[0-9a-f]{4,64}$/.test(key)) return undefined;
    const all = await readTemplates(deps);
    const [first, ...others] = all.filter(({ template }) => template.key.startsWith(key));
    if (others.length > 0) {
      throw new CloneboxError('usage', `several templates begin with ${key}`, {
        hint: 'Give more of the key: clonebox template list',
      });
    }
    return first?.template;
  }

  return {
    list: async () => (await readTemplates(deps)).map(({ template }) => template),
    find,
    ensure: async (draft, io, make) => {
      const key = templateKey(draft.inputs);
      const found = async () => (await readTemplate(deps, key))?.template;
      return inBuilding({ ...deps, io }, key, {
        found,
        make: async (building) => {
          await refuseRuin(key);
          await make(building);
          const files = await seal(host, io, {
            directory: building.directory,
            names: ['disk.qcow2'],
          });
          const manifest = {
            ...{ version: 1, inputs: draft.inputs, image: draft.image },
            ...{ created: new Date(host.now()).toISOString(), files },
          } as TemplateManifest;
          await publish(building.directory, directoryOf({ key } as Template), manifest);
        },
      }).then(({ value, made }) => ({ template: value, made }));
    },
    ensureWarm: async (template, shape, { io, make }) => {
      const found = async () => {
        const now = await readTemplate(deps, template.key);
        return now?.template.warm.find((warm) => warm.key.startsWith(`${shapeKey(shape)}-`));
      };
      return inBuilding({ ...deps, io }, template.key, {
        found,
        make: async (building) => {
          const { baseline, written } = await make(building);
          const files = await seal(host, io, {
            directory: building.directory,
            names: ['disk.qcow2', 'ram', 'state'],
            written,
          });
          const manifest = {
            ...{ version: 1, shape, baseline, files },
            created: new Date(host.now()).toISOString(),
          } as WarmManifest;
          await host.files.makeDirectory(`${directoryOf(template)}/warm`);
          const key = `${shapeKey(shape)}-${crypto.randomUUID().slice(0, 8)}`;
          await publish(building.directory, warmDirectory(template, key), manifest);
        },
      }).then(({ value, made }) => ({ warm: value, made }));
    },
    damage: async (template, warm, io) => {
      const stored = await readTemplate(deps, template.key);
      if (stored === undefined) return 'its manifest is missing or damaged';
      const parts: { directory: string; files: StoredFiles }[] = [
        { directory: stored.directory, files: stored.manifest.files },
      ];
      if (warm !== undefined) {
        const directory = warmDirectory(template, warm.key);
        const manifest = await readWarmManifest(host, directory);
        if (manifest === undefined) return 'the manifest of its memory is missing or damaged';
        parts.push({ directory, files: manifest.files });
      }
      for (const part of parts) {
        const damage = await findDamage(host, io, part);
        if (damage !== undefined) return damage;
      }
      return undefined;
    },
    discardWarm: async (template, warm, io) => {
      const lock = await lockPatiently({ ...deps, io }, templateLock(deps, template.key), 'it');
      try {
        // Its disk stays: VMs may stand on it.
        const directory = warmDirectory(template, warm.key);
        await host.files.remove(`${directory}/manifest.json`);
        for (const path of [warm.memory.ram, warm.memory.state]) await host.files.remove(path);
      } finally {
        await lock.release();
      }
    },
    touch: (template) => host.files.writeAtomic(`${directoryOf(template)}/last-used`, ''),
    prune: (inUse, io, { only }) => prune({ ...deps, io }, inUse, only),
    sweep: async (io) => {
      await sweep({ ...deps, io });
    },
  };

  /** VMs may stand on a disk whose manifest is lost: it is not for a new one to take its place. */
  async function refuseRuin(key: string): Promise<void> {
    if ((await host.files.facts(`${paths.templates}/${key}`)) === undefined) return;
    throw new CloneboxError(
      'conflict',
      `template ${shortKey(key)} is damaged: it has no manifest`,
      {
        hint: 'Remove it, when no VM needs it: clonebox template prune',
      },
    );
  }

  /** Manifest, then one rename: a directory that is there is whole. */
  async function publish(
    directory: string,
    place: string,
    manifest: TemplateManifest | WarmManifest,
  ): Promise<void> {
    const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
    await host.files.writeAtomic(`${directory}/manifest.json`, text);
    await stamp(host, directory, manifest.files);
    await host.files.sync(directory);
    await host.files.rename(directory, place);
    await host.files.sync(paths.templates);
  }
}

/** Makes one thing of a template under the template's lock, unless another process just has. */
async function inBuilding<T extends Template | WarmState>(
  deps: ImagesDeps & { io: Io },
  key: string,
  options: {
    readonly found: () => Promise<T | undefined>;
    readonly make: (building: TemplateBuilding) => Promise<void>;
  },
): Promise<{ value: T; made: boolean }> {
  const { host, io } = deps;
  const there = await options.found();
  if (there !== undefined) return { value: there, made: false };
  const lock = await lockPatiently(deps, templateLock(deps, key), `template ${shortKey(key)}`);
  try {
    const existing = await options.found();
    if (existing !== undefined) return { value: existing, made: false };
    await removeBuildings(deps, key);
    const directory = buildingPath(deps, key);
    await host.files.makeDirectory(directory);
    try {
      await options.make({
        directory,
        disk: `${directory}/disk.qcow2`,
        memory: { ram: `${directory}/ram`, state: `${directory}/state` },
      });
    } catch (error) {
      await host.files.remove(directory);
      throw error;
    }
    const made = await options.found();
    if (made === undefined) throw new Error(`template ${key} is not where it was put`);
    return { value: made, made: true };
  } finally {
    await lock.release();
    io.log.debug('template.unlocked', { key: shortKey(key) });
  }
}
