import type { Ctx } from '../core/ctx.ts';
import { requireRunning } from './exec.ts';
import { operation } from './operation.ts';
import { loadVm, named } from './target.ts';

/** Joins this terminal to a VM's serial console until Ctrl-] or the signal. */
export function attachConsole(
  ctx: Ctx,
  input: { target: string | undefined; cwd: string; onAttached: (name: string) => void },
): Promise<{ name: string }> {
  const begin = { event: 'vm.login', target: named(input.target) } as const;
  return operation(ctx, begin, async (op) => {
    const record = await loadVm(op.ctx, input.target, input.cwd);
    const { name, plan } = record;
    await requireRunning(op.ctx, record);
    op.about({ type: 'vm', name });
    op.note({ via: 'console' });
    const { console } = (await op.ctx.driver(plan.driver)).channels(name);
    const onJoined = () => input.onAttached(name);
    await op.ctx.host.joinTerminal(console, { io: op.ctx.io, onJoined });
    return { name };
  });
}
