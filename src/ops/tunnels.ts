import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmRecord } from '../core/record.ts';

/**
 * Extra ways between host and guest that the network backend does not give while it runs: an ssh process each, with
 * the VM's runtime directory in its arguments, so that it is found and ended with the VM.
 */
async function startTunnel(ctx: Ctx, record: VmRecord, tunnel: { id: string; forward: readonly string[] }): Promise<void> {
  const runtime = ctx.store.paths.runtimeOf(record.name);
  const extra = ['-N', '-o', 'ExitOnForwardFailure=yes', '-o', `ControlPath=${runtime}/${tunnel.id}`, ...tunnel.forward];
  const argv = await ctx.sshCommand(record, { tty: false, extra });
  const log = `${runtime}/${tunnel.id}.log`;
  const process = await ctx.host.startDaemon(argv, { logFile: log });
  // ssh says nothing when it is done forwarding; a moment alive after the login means it is.
  for (let waited = 0; waited < 2000; waited += 100) {
    await ctx.host.sleep(100, ctx.io.signal);
    if (!(await ctx.host.isAlive(process))) {
      throw new CloneboxError('guest-failed', `the tunnel ${tunnel.id} ended: ${(await ctx.host.files.readTail(log, 500)).trim()}`);
    }
  }
}

/** Lets the guest reach the named ports of the host's loopback, at the same ports of its own. */
export async function openTunnels(ctx: Ctx, record: VmRecord): Promise<void> {
  for (const port of record.plan.hostPorts) {
    await startTunnel(ctx, record, { id: `host-${port}`, forward: ['-R', `127.0.0.1:${port}:127.0.0.1:${port}`] });
  }
}

/** Forwards a host port to the guest of a running VM. It becomes part of the network itself at the next start. */
export async function openForward(ctx: Ctx, record: VmRecord, port: { host: number; guest: number }): Promise<void> {
  await startTunnel(ctx, record, {
    id: `port-${port.guest}`,
    forward: ['-L', `127.0.0.1:${port.host}:127.0.0.1:${port.guest}`],
  });
}

/** Ends a forward made by `openForward`. False when the port belongs to the network itself. */
export async function closeForward(ctx: Ctx, record: VmRecord, guestPort: number): Promise<boolean> {
  const path = `${ctx.store.paths.runtimeOf(record.name)}/port-${guestPort}`;
  const found = await ctx.host.processesMentioning(`ControlPath=${path}`);
  for (const process of found) await ctx.host.kill(process, 'SIGTERM');
  return found.length > 0;
}
