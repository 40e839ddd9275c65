import type { Ctx } from '../../core/ctx.ts';
import { CloneboxError } from '../../core/errors.ts';
import { namePattern } from '../../core/name.ts';
import type { Received } from '../../core/project-tree.ts';
import { requireRunning } from '../exec.ts';
import { operation } from '../operation.ts';
import { loadVm, named } from '../target.ts';
import { copyIntoGuest } from './into-guest.ts';
import { copyOutOfGuest } from './out-of-guest.ts';

interface Side {
  readonly vm: string | undefined;
  readonly path: string;
}

/** `NAME:PATH` is a path in that VM; anything with a `/` before the colon, or without one, is a path here. */
export function parseSide(text: string): Side {
  const match = /^([^/:]+):(.*)$/s.exec(text);
  const [, vm, path] = match ?? [];
  if (vm === undefined || path === undefined || !namePattern.test(vm))
    return { vm: undefined, path: text };
  return { vm, path: path === '' ? '.' : path };
}

interface CopyInput {
  readonly source: string;
  readonly destination: string;
  readonly cwd: string;
  /** Copy what links lead to in their place. Into a VM only. */
  readonly followLinks: boolean;
}

export interface Copied extends Received {
  readonly copied: string;
}

/**
 * Copies a file or a directory between this machine and a VM, as a tar stream over its pinned ssh: links stay links, modes
 * and times too. All of it is in its place when this returns, and nothing when it fails. Fails with `refused` when a link
 * leads out of what is copied, or out of a directory on this side that others write to; `not-found` for a source that is
 * not there or a destination without a directory; `conflict` where a file and a directory have one name.
 */
export function cp(ctx: Ctx, input: CopyInput): Promise<Copied> {
  const source = parseSide(input.source);
  const destination = parseSide(input.destination);
  const target = named(source.vm ?? destination.vm);
  return operation(ctx, { event: 'vm.copy', target }, async (op) => {
    op.note({ source: input.source, destination: input.destination });
    const vm = source.vm ?? destination.vm;
    if (vm === undefined || (source.vm !== undefined && destination.vm !== undefined)) {
      throw new CloneboxError('usage', 'one side of cp must be VM:PATH, and only one', {
        hint: 'For example: clonebox cp notes.txt my-vm:/tmp/',
      });
    }
    if (input.followLinks && source.vm !== undefined) {
      throw new CloneboxError('usage', '--follow-links is for copying into a VM', {
        hint: 'Out of one, name what the link leads to.',
      });
    }
    const record = await loadVm(op.ctx, vm, input.cwd);
    await requireRunning(op.ctx, record);
    const way = { from: source.path, to: destination.path, cwd: input.cwd };
    const done =
      source.vm === undefined
        ? await copyIntoGuest(op.ctx, record, { ...way, followLinks: input.followLinks })
        : await copyOutOfGuest(op, record, way);
    if (done.skipped.length > 0) {
      const names = done.skipped.slice(0, 5).join(', ');
      const text = `left out, since they are no files: ${names}${done.skipped.length > 5 ? ', …' : ''}`;
      op.ctx.io.emit({ kind: 'warning', text });
    }
    return { copied: input.source, ...done };
  });
}
