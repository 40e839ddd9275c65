import type { Ctx } from '../../core/ctx.ts';
import type { WarmState } from '../../core/template.ts';
import { templateUsers } from './users.ts';

export interface WarmLine {
  readonly key: string;
  readonly shape: WarmState['shape'];
  readonly created: string;
  /** Bytes on disk. */
  readonly size: number;
  /** Whether this host can go on from it as it is now. */
  readonly usable: boolean;
  readonly usedBy: readonly string[];
}

export interface TemplateLine {
  readonly key: string;
  readonly image: string;
  readonly packages: readonly string[];
  readonly services: readonly string[];
  readonly created: string;
  readonly lastUsed: string;
  /** Bytes on disk, without its memories. */
  readonly size: number;
  readonly warm: readonly WarmLine[];
  readonly usedBy: readonly string[];
}

/** The templates in the cache, the last used first, with the VMs that stand on them. */
export async function listTemplates(ctx: Ctx): Promise<TemplateLine[]> {
  const templates = await ctx.templates.list();
  const users = await templateUsers(ctx, templates);
  const hypervisor = await currentHypervisor(ctx);
  return templates.map((template) => ({
    key: template.key,
    image: template.image.reference,
    packages: template.inputs.packages,
    services: template.inputs.services,
    created: template.created,
    lastUsed: template.lastUsed,
    size: template.size,
    warm: template.warm.map((warm) => ({
      key: warm.key,
      shape: warm.shape,
      created: warm.created,
      size: warm.size,
      usable: warm.shape.hypervisor === hypervisor,
      usedBy: users.of(template, warm),
    })),
    usedBy: users.of(template),
  }));
}

/** What the hypervisor of this host is now: memories that were kept by another one are of no use. */
export async function currentHypervisor(ctx: Ctx): Promise<string | undefined> {
  const driver = await ctx.driver('qemu');
  return driver.memory?.identity(await driver.preflight(ctx.io));
}
