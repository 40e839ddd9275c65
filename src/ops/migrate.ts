import { basename, dirname } from 'node:path';
import type { UpgradeNote } from '../config/v1/edit.ts';
import { migrateText } from '../config/v1/migrate.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import { readConfigText } from './load-plan.ts';
import { journaled, operation } from './operation.ts';
import { findTarget } from './target.ts';

interface MigrateInput {
  readonly target: string | undefined;
  readonly cwd: string;
  /** Shows it and writes nothing. */
  readonly dryRun: boolean;
  /** Leaves the old text beside the new one, as FILE.v1. */
  readonly backup: boolean;
}

export interface MigrateResult {
  readonly file: string;
  /** `unchanged`: it was of version 2 already. */
  readonly outcome: 'migrated' | 'would-migrate' | 'unchanged';
  /** What became of each old key. */
  readonly notes: readonly UpgradeNote[];
  /** Lines of a unified diff, without a password that stood there. */
  readonly diff: readonly string[];
  /** Where the old text is. */
  readonly backup: string | null;
}

/**
 * Writes a file of version 1 as version 2, at once or not at all; one of version 2 stays untouched. Fails with
 * `not-found` when there is none, `config-invalid` when a value of it cannot be used, `conflict` where a backup is already.
 */
export function migrate(ctx: Ctx, input: MigrateInput): Promise<MigrateResult> {
  if (input.dryRun) return plan(ctx, input).then(({ result }) => result);
  const about = { type: 'config', name: input.target ?? '.' } as const;
  return operation(ctx, { event: 'config.modify', target: about }, async (op) => {
    const { result, text, before, place } = await plan(op.ctx, input);
    op.about({ type: 'config', name: result.file });
    if (result.outcome === 'unchanged') {
      op.skipped();
      return result;
    }
    op.note({ from: '1', to: '2' });
    const { tree, name, mode, directory } = place;
    const undo = { kind: 'sweep-drafts', directory } as const;
    await journaled(op, async (journal) => {
      if (input.backup)
        await journal.step('the backup', undo, () => tree.writeNew(`${name}.v1`, before, mode));
      await journal.step('the file', undo, () => tree.replace(name, text, mode));
    });
    return {
      ...result,
      outcome: 'migrated',
      backup: input.backup ? `${result.file}.v1` : null,
    };
  });
}

async function plan(ctx: Ctx, { target: argument, cwd }: MigrateInput) {
  const target = await findTarget(ctx, argument, cwd);
  if (target.kind === 'name') {
    throw new CloneboxError('usage', 'config migrate wants a directory or a file', {
      hint: 'clonebox config migrate .',
    });
  }
  const file = target.configFile;
  const before = await readConfigText(ctx, target);
  if (before === undefined) {
    throw new CloneboxError('not-found', `${file} does not exist`, {
      hint: 'Write one: clonebox init',
    });
  }
  const tree = await ctx.openProject(target.directory);
  const name = basename(file);
  const at = await tree.look(name);
  const there = at.kind === 'there' ? at : { path: file, facts: { mode: 0o644 } };
  const place = { tree, name, mode: there.facts.mode & 0o777, directory: dirname(there.path) };
  const { text, notes, diff } = migrateText(before, file);
  const outcome = notes === undefined ? 'unchanged' : 'would-migrate';
  const result: MigrateResult = { file, outcome, notes: notes ?? [], diff, backup: null };
  return { result, text, before, place };
}
