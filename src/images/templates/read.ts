import type { Host } from '../../core/host.ts';
import type { Paths } from '../../core/store.ts';
import type { Template, WarmState } from '../../core/template.ts';
import { TemplateManifest, WarmManifest } from './manifest.ts';

interface Place {
  readonly host: Host;
  readonly paths: Paths;
}

/** A template with what is written down about it. */
export interface Stored {
  readonly template: Template;
  readonly directory: string;
  readonly manifest: TemplateManifest;
}

/** All templates of the cache, the last used first. Directories without a readable manifest are left out. */
export async function readTemplates({ host, paths }: Place): Promise<Stored[]> {
  const found: Stored[] = [];
  for (const key of await host.files.list(paths.templates)) {
    const stored = isKey(key) ? await readTemplate({ host, paths }, key) : undefined;
    if (stored !== undefined) found.push(stored);
  }
  return found.sort((a, b) => (a.template.lastUsed < b.template.lastUsed ? 1 : -1));
}

/** The template with this key; `undefined` when there is none, or none that can be read. */
export async function readTemplate(
  { host, paths }: Place,
  key: string,
): Promise<Stored | undefined> {
  const directory = `${paths.templates}/${key}`;
  const manifest = TemplateManifest.safeParse(await readJson(host, `${directory}/manifest.json`));
  if (!manifest.success) return undefined;
  const { inputs, image, created } = manifest.data;
  const disk = `${directory}/disk.qcow2`;
  const used = (await host.files.facts(`${directory}/last-used`))?.modified;
  const warm: WarmState[] = [];
  for (const name of await host.files.list(`${directory}/warm`)) {
    const state = isShape(name)
      ? await readWarm(host, `${directory}/warm/${name}`, name)
      : undefined;
    if (state !== undefined) warm.push(state);
  }
  const template: Template = {
    ...{ key, inputs, disk, image, created, warm },
    lastUsed: used === undefined ? created : new Date(used).toISOString(),
    size: (await host.files.facts(disk))?.allocated ?? 0,
  };
  return { template, directory, manifest: manifest.data };
}

/** A kept memory in its directory. */
export async function readWarm(
  host: Host,
  directory: string,
  key: string,
): Promise<WarmState | undefined> {
  const manifest = await readWarmManifest(host, directory);
  if (manifest === undefined) return undefined;
  const { shape, baseline, created } = manifest;
  const memory = { ram: `${directory}/ram`, state: `${directory}/state` };
  const disk = `${directory}/disk.qcow2`;
  let size = 0;
  for (const path of [disk, memory.ram, memory.state]) {
    size += (await host.files.facts(path))?.allocated ?? 0;
  }
  return { key, shape, memory, disk, baseline, created, size };
}

export async function readWarmManifest(
  host: Host,
  directory: string,
): Promise<WarmManifest | undefined> {
  const read = WarmManifest.safeParse(await readJson(host, `${directory}/manifest.json`));
  return read.success ? read.data : undefined;
}

export function isKey(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** `SHAPE-ID`: a memory of a shape that was kept before may be damaged, and VMs stand on its disk all the same. */
export function isShape(name: string): boolean {
  return /^[0-9a-f]{16}-[0-9a-f]{8}$/.test(name);
}

async function readJson(host: Host, path: string): Promise<unknown> {
  const text = await host.files.readText(path);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
