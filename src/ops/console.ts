import type { Ctx } from '../core/ctx.ts';
import { requireRunning } from './exec.ts';
import { loadVm } from './target.ts';

/** The socket of a running VM's serial console; the caller joins it to a terminal. */
export async function consoleSocket(
  ctx: Ctx,
  input: { target: string | undefined; cwd: string },
): Promise<{ name: string; socket: string }> {
  const record = await loadVm(ctx, input.target, input.cwd);
  await requireRunning(ctx, record);
  const driver = await ctx.driver(record.plan.driver);
  return { name: record.name, socket: driver.channels(record.name).console };
}

/** Joins this terminal to a VM's serial console until Ctrl-] or the signal. */
export async function attachConsole(
  ctx: Ctx,
  input: { target: string | undefined; cwd: string; onAttached: (name: string) => void },
): Promise<{ name: string }> {
  const { name, socket } = await consoleSocket(ctx, input);
  await ctx.host.joinTerminal(socket, { io: ctx.io, onJoined: () => input.onAttached(name) });
  return { name };
}
