import { resolve } from 'node:path';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import { namePattern } from '../core/name.ts';
import { requireRunning } from './exec.ts';
import { operation } from './operation.ts';
import { loadVm, named } from './target.ts';

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
}

/** Copies files or directories between this machine and a VM, with modes and times, by sftp over the pinned ssh. */
export function cp(ctx: Ctx, input: CopyInput): Promise<{ copied: string }> {
  const source = parseSide(input.source);
  const destination = parseSide(input.destination);
  const target = named(source.vm ?? destination.vm);
  return operation(ctx, { event: 'vm.copy', target }, async (op) => {
    op.note({ source: input.source, destination: input.destination });
    return copy(op.ctx, input, { source, destination });
  });
}

async function copy(
  ctx: Ctx,
  input: CopyInput,
  { source, destination }: { source: Side; destination: Side },
): Promise<{ copied: string }> {
  const vm = source.vm ?? destination.vm;
  if (vm === undefined || (source.vm !== undefined && destination.vm !== undefined)) {
    throw new CloneboxError('usage', 'one side of cp must be VM:PATH, and only one', {
      hint: 'For example: clonebox cp notes.txt my-vm:/tmp/',
    });
  }
  const record = await loadVm(ctx, vm, input.cwd);
  await requireRunning(ctx, record);
  const there = (side: Side) => `clonebox-${record.name}:${side.path}`;
  const here = (side: Side) => resolve(input.cwd, side.path);
  if (source.vm === undefined && (await ctx.host.files.facts(here(source))) === undefined) {
    throw new CloneboxError('not-found', `${source.path} does not exist`, {
      facts: { path: here(source) },
    });
  }
  const ssh = await ctx.sshCommand(record, { tty: false });
  const options = ssh.slice(1, -1).filter((word) => word !== '-T');
  const argv = [
    await ctx.host.require('scp'),
    ...['-r', '-p', '-q'],
    ...options,
    '--',
    ...[source, destination].map((side) => (side.vm === undefined ? here(side) : there(side))),
  ];
  const result = await ctx.host.run(argv, ctx.io);
  if (result.exitCode !== 0) {
    throw new CloneboxError(
      'guest-failed',
      `could not copy: ${result.stderr.trim() || 'scp failed'}`,
      {
        facts: { source: input.source, destination: input.destination },
      },
    );
  }
  return { copied: input.source };
}
