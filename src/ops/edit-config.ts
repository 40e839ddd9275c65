import { basename } from 'node:path';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import { shellQuote } from '../lib/quote.ts';
import { type LoadOptions, loadPlan, readConfigText } from './load-plan.ts';
import { journaled, operation } from './operation.ts';
import type { Target } from './target.ts';
import { writeDraft } from './write-draft.ts';

const editors = ['sensible-editor', 'editor', 'nano', 'vim', 'vi'];

/**
 * Opens a project's file in the user's editor (VISUAL, EDITOR), and writes it first when there is none. The editor has a
 * private copy, which is written back when it ends: in the project the file could be made a link to another one meanwhile.
 * The file stays, whatever comes after. Fails with `interrupted` when the editor says that nothing is to be done.
 */
export function editConfig(
  ctx: Ctx,
  project: Extract<Target, { kind: 'project' }>,
  options: LoadOptions,
): Promise<void> {
  const { configFile: file } = project;
  const about = { type: 'config', name: file } as const;
  return operation(ctx, { event: 'config.modify', target: about }, async (op) => {
    if ((await readConfigText(op.ctx, project)) === undefined) {
      const { image: asked } = options.overrides;
      const image = asked ?? (await op.ctx.images.resolveAuto(op.ctx.io));
      const { draft } = await loadPlan(op.ctx, project, { ...options, auto: image });
      const text = draft?.text(image) ?? '';
      await journaled(op, (journal) => writeDraft(op.ctx, project, { journal, text }));
    }
    const exitCode = await editCopy(op.ctx, project);
    if (exitCode === 0) return;
    throw new CloneboxError('interrupted', `the editor ended with ${exitCode}: nothing was made`, {
      hint: `${file} stays. Go on with: clonebox clone ${shellQuote(project.directory)}`,
      facts: { file, exitCode },
    });
  });
}

/** Returns the status of the editor. */
async function editCopy(
  ctx: Ctx,
  { directory, configFile }: Extract<Target, { kind: 'project' }>,
): Promise<number> {
  const { files } = ctx.host;
  const before = await readConfigText(ctx, { directory, configFile });
  const name = basename(configFile);
  const scratch = await files.makeScratch(ctx.store.paths.home);
  try {
    const copy = `${scratch}/${name}`;
    await files.writeNew(copy, before ?? '');
    const exitCode = await ctx.host.runAttached(await editorArgv(ctx, copy), ctx.io);
    const after = (await files.readText(copy)) ?? '';
    const tree = await ctx.openProject(directory);
    const there = await tree.look(name);
    const mode = there.kind === 'there' ? there.facts.mode & 0o777 : 0o644;
    if (after !== before) await tree.replace(name, after, mode);
    return exitCode;
  } finally {
    await files.remove(scratch);
  }
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
