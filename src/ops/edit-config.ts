import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import { shellQuote } from '../lib/quote.ts';
import { type LoadOptions, loadPlan, readConfigText } from './load-plan.ts';
import { journaled, operation } from './operation.ts';
import type { Target } from './target.ts';
import { writeDraft } from './write-draft.ts';

const editors = ['sensible-editor', 'editor', 'nano', 'vim', 'vi'];

/**
 * Opens a project's file in the user's editor (VISUAL, EDITOR), and writes it first when there is none. The file stays,
 * whatever comes after. Fails with `interrupted` when the editor says that nothing is to be done.
 */
export function editConfig(
  ctx: Ctx,
  project: Extract<Target, { kind: 'project' }>,
  options: LoadOptions,
): Promise<void> {
  const { configFile: file } = project;
  const about = { type: 'config', name: file } as const;
  return operation(ctx, { event: 'config.modify', target: about }, async (op) => {
    if ((await readConfigText(op.ctx, file)) === undefined) {
      const { image: asked } = options.overrides;
      const image = asked ?? (await op.ctx.images.resolveAuto(op.ctx.io));
      const { draft } = await loadPlan(op.ctx, project, { ...options, auto: image });
      const text = draft?.text(image) ?? '';
      await journaled(op, (journal) => writeDraft(op.ctx, file, { journal, text }));
    }
    const exitCode = await op.ctx.host.runAttached(await editorArgv(op.ctx, file), op.ctx.io);
    if (exitCode === 0) return;
    throw new CloneboxError('interrupted', `the editor ended with ${exitCode}: nothing was made`, {
      hint: `${file} stays. Go on with: clonebox clone ${shellQuote(project.directory)}`,
      facts: { file, exitCode },
    });
  });
}

/** VISUAL and EDITOR are command lines, as git(1) takes them. */
async function editorArgv(ctx: Ctx, file: string): Promise<string[]> {
  const own = ctx.host.env.VISUAL || ctx.host.env.EDITOR;
  if (own) return ['/bin/sh', '-c', `${own} "$1"`, 'editor', file];
  for (const name of editors) {
    const program = await ctx.host.which(name);
    if (program !== undefined) return [program, file];
  }
  throw new CloneboxError('host-unable', 'there is no editor', {
    hint: 'Set EDITOR to the one you use.',
  });
}
