import type { Ctx } from '../core/ctx.ts';
import { readableLines } from '../lib/readable.ts';
import { requireRunning } from './exec.ts';
import { loadVm } from './target.ts';

export interface LogsInput {
  readonly target: string | undefined;
  readonly cwd: string;
  /** `serial`: the console, also of a VM that is off; `journal`: the guest's journal, of a running one. */
  readonly source: 'serial' | 'journal';
  readonly unit: string | undefined;
  readonly lines: number;
  readonly follow: boolean;
  readonly onLines: (lines: readonly string[]) => void;
}

/** Shows a VM's log, last lines first asked for; with `follow` it goes on until the signal. */
export async function logs(ctx: Ctx, input: LogsInput): Promise<void> {
  const record = await loadVm(ctx, input.target, input.cwd);
  if (input.source === 'journal') {
    await requireRunning(ctx, record);
    return journal(ctx, input, record.name);
  }
  const path = ctx.store.paths.vm(record.name).serialLog;
  input.onLines(
    readableLines(await ctx.host.files.readTail(path, 1024 * 1024)).slice(-input.lines),
  );
  if (!input.follow) return;
  let seen = (await ctx.host.files.facts(path))?.size ?? 0;
  for (;;) {
    await ctx.host.sleep(100, ctx.io.signal);
    const size = (await ctx.host.files.facts(path))?.size ?? 0;
    if (size > seen) input.onLines(readableLines(await ctx.host.files.readTail(path, size - seen)));
    seen = size;
  }
}

async function journal(
  ctx: Ctx,
  input: LogsInput,
  name: Awaited<ReturnType<typeof loadVm>>['name'],
): Promise<void> {
  const guest = await ctx.openGuest(name);
  try {
    const argv = [
      ...['journalctl', '-b', '--no-pager', '-o', 'short-iso', '-n', String(input.lines)],
      ...(input.unit === undefined ? [] : ['-u', input.unit]),
      ...(input.follow ? ['-f'] : []),
    ];
    let partial = '';
    await guest.exec(argv, ctx.io, {
      onOutput: (_, chunk) => {
        const lines = (partial + Buffer.from(chunk).toString('utf8')).split('\n');
        partial = lines.pop() ?? '';
        input.onLines(readableLines(lines.join('\n')));
      },
    });
  } finally {
    await guest.close();
  }
}
