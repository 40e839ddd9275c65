import { join, resolve } from 'node:path';
import type { Ctx } from '../../core/ctx.ts';
import { CloneboxError, isCloneboxError, reasonOf } from '../../core/errors.ts';
import { leavesTree, type OpenedPlace, type Received } from '../../core/project-tree.ts';
import type { VmRecord } from '../../core/record.ts';
import { isWrittenByOthers } from '../floors.ts';
import { journaled, type Operation } from '../operation.ts';
import { guestError, sendScript, shellCommand } from './guest-side.ts';
import { isContentsOf, lastName } from './paths.ts';

type Place = Extract<OpenedPlace, { kind: 'place' }>;

/**
 * Out of a VM: what it sends may be anything. It is unpacked into a private directory beside the destination, and moved in
 * beneath the destination's descriptor when all of it has come.
 */
export async function copyOutOfGuest(
  op: Operation,
  record: VmRecord,
  { from, to, cwd }: { from: string; to: string; cwd: string },
): Promise<Received> {
  const { ctx } = op;
  const place = await findDestination(ctx, { from, to, cwd });
  try {
    const ssh = await ctx.sshCommand(record, { tty: false });
    // It is unpacked in the directory that is there, or beside what will be there.
    const isFilled = place.facts?.kind === 'directory';
    const { path } = place.parent;
    const undo = {
      kind: 'sweep-drafts',
      directory: isFilled ? join(path, place.name) : path,
    } as const;
    return await journaled(op, (journal) =>
      journal.step('what is copied', undo, async () => {
        const sent = ctx.host.stream([...ssh, shellCommand(sendScript, [from])], ctx.io);
        const whole = async () => {
          const result = await sent.ended;
          // 1: a file changed while it was read.
          if (result.exitCode > 1) throw guestError(record, result, from);
        };
        try {
          const archive = { bytes: sent.output, whole, fills: isContentsOf(from) };
          return await place.parent.receive(place.name, archive, ctx.io);
        } catch (error) {
          ctx.io.signal.throwIfAborted();
          if (isCloneboxError(error)) throw error;
          if ((error as { errno?: unknown }).errno !== undefined)
            throw unwritable(join(path, place.name), error);
          // An archive that breaks off: why it does is what counts.
          await whole();
          throw new CloneboxError('guest-failed', `what ${record.name} sent is no archive`, {
            hint: `Is there another tar in the VM? clonebox exec ${record.name} -- tar --version`,
            cause: error,
          });
        } finally {
          sent.end();
        }
      }),
    );
  } finally {
    await place.parent.close();
  }
}

function unwritable(path: string, error: unknown): CloneboxError {
  return new CloneboxError('host-unable', `could not write ${path}: ${reasonOf(error)}`, {
    hint: 'Copy to another place.',
    facts: { path },
    cause: error,
  });
}

/** Where it goes: into a directory that is there, by its own name, or to the name that is given. */
async function findDestination(
  ctx: Ctx,
  { from, to, cwd }: { from: string; to: string; cwd: string },
): Promise<Place> {
  const isFloor = await isWrittenByOthers(ctx);
  const wanted = resolve(cwd, to);
  const open = (path: string) =>
    ctx.host.openPlace(path, { isFloor, toWrite: true }).then(found(path));
  const place = await open(wanted);
  const isDirectory = place.facts?.kind === 'directory';
  if (!isDirectory && to.endsWith('/')) {
    await place.parent.close();
    throw new CloneboxError('not-found', `there is no directory ${wanted}`, {
      hint: 'Make it first, or leave the last slash out.',
      facts: { path: wanted },
    });
  }
  if (!isDirectory || isContentsOf(from)) return place;
  await place.parent.close();
  const name = lastName(from);
  if (name === undefined) {
    throw new CloneboxError('usage', `${from} has no name that it could have in ${wanted}`, {
      hint: `Name the copy: ${join(to, 'NAME')}`,
    });
  }
  return open(join(place.parent.path, place.name, name));
}

function found(path: string): (opened: OpenedPlace) => Place {
  return (opened) => {
    switch (opened.kind) {
      case 'place':
        return opened;
      case 'outside':
        throw leavesTree(opened.floor, opened, 'Remove the link, or copy to another place.');
      case 'dangling':
        throw new CloneboxError('conflict', `${path} is a link that leads nowhere`, {
          hint: 'Remove it, or copy to another place.',
          facts: { path },
        });
      case 'absent':
        throw new CloneboxError('not-found', `there is no directory for ${path}`, {
          hint: 'Make it first.',
          facts: { path, missing: opened.missing },
        });
    }
  };
}
