import type { Ctx } from '../../core/ctx.ts';
import type { Template, WarmState } from '../../core/template.ts';

/** Who stands on templates and kept memories, and what must not be removed. */
export interface TemplateUsers {
  /** VMs on a template, or on one of its memories. */
  of(template: Template, warm?: WarmState): string[];
  /** Keys, and `KEY/SHAPE` of memories. */
  readonly inUse: ReadonlySet<string>;
}

/** Reads it from every record, those in the trash included; a damaged one counts for all that it may mean. */
export async function templateUsers(
  ctx: Ctx,
  templates: readonly Template[],
): Promise<TemplateUsers> {
  const foundations = await ctx.store.imageDigests();
  const names = (test: (foundation: (typeof foundations)[number]) => boolean) => [
    ...new Set(foundations.filter(test).map(({ name }) => name)),
  ];
  const of = (template: Template, warm?: WarmState) =>
    names(({ digest, template: under }) => {
      if (under === undefined) return digest === template.key;
      return under.key === template.key && (warm === undefined || under.warm === warm.key);
    });
  const inUse = new Set<string>();
  for (const { digest, template } of foundations) {
    inUse.add(template?.key ?? digest);
    if (template?.warm !== undefined) inUse.add(`${template.key}/${template.warm}`);
  }
  for (const template of templates) {
    for (const warm of template.warm) {
      if (of(template, warm).length > 0) inUse.add(`${template.key}/${warm.key}`);
    }
  }
  return { of, inUse };
}
