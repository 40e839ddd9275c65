import { basename } from 'node:path';
import type { Ctx } from '../core/ctx.ts';
import { egressFiles, egressPort } from '../core/egress.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Guest } from '../core/guest.ts';
import type { VmName } from '../core/name.ts';
import type { VmRecord } from '../core/record.ts';
import { until } from '../lib/until.ts';
import { listeningPorts } from './ready.ts';

/** The guest's agent answers before its network and sshd are up: how long these may take then, in milliseconds. */
const sshTimeout = 120_000;
const notUpYet = /kex_exchange_identification|Connection (reset|refused|closed|timed out)/i;

/**
 * Extra ways between host and guest that the network backend does not give while it runs: an ssh process each, with
 * the VM's runtime directory in its arguments, so that it is found and ended with the VM.
 */
async function startTunnel(
  ctx: Ctx,
  record: VmRecord,
  tunnel: {
    id: string;
    /** Relative paths in it are in the runtime directory. */
    forward: readonly string[];
    isOpen: () => Promise<boolean>;
  },
): Promise<void> {
  const runtime = ctx.store.paths.runtimeOf(record.name);
  const extra = [
    '-N',
    '-o',
    'ExitOnForwardFailure=yes',
    '-o',
    `ControlPath=${controlPath(ctx, record.name, tunnel.id)}`,
    ...tunnel.forward,
  ];
  const argv = await ctx.sshCommand(record, { tty: false, extra });
  const log = `${runtime}/${tunnel.id}.log`;
  const open = () => ctx.host.startDaemon(argv, { logFile: log, cwd: runtime });
  const patience = ctx.host.now() + sshTimeout;
  let process = await open();
  // ssh does not say when it is done; the port does.
  await until(
    async () => {
      if (await tunnel.isOpen()) return true;
      if (await ctx.host.isAlive(process)) return false;
      const words = (await ctx.host.files.readTail(log, 500)).trim();
      if (!notUpYet.test(words) || ctx.host.now() > patience)
        throw new CloneboxError('guest-failed', `the tunnel ${tunnel.id} ended: ${words}`);
      process = await open();
      return false;
    },
    { interval: 100, io: ctx.io, sleep: ctx.host.sleep },
  );
}

/** Lets the guest reach the named ports of the host's loopback, at the same ports of its own. */
export async function openTunnels(ctx: Ctx, record: VmRecord, guest: Guest): Promise<void> {
  for (const port of record.plan.hostPorts) {
    await startTunnel(ctx, record, {
      id: `host-${port}`,
      forward: ['-R', `127.0.0.1:${port}:127.0.0.1:${port}`],
      isOpen: async () => (await listeningPorts(guest, ctx.io)).has(port),
    });
  }
}

/** Lets the guest reach the socket of its own proxy, at a port of its loopback. */
export async function openEgressTunnel(ctx: Ctx, record: VmRecord, guest: Guest): Promise<void> {
  // By a relative path: ssh would read colons, `%` and `$` in a whole one.
  const socket = `./${basename(egressFiles(ctx.store.paths.runtimeOf(record.name)).socket)}`;
  await startTunnel(ctx, record, {
    id: 'egress-tunnel',
    forward: ['-R', `127.0.0.1:${egressPort}:${socket}`],
    isOpen: async () => (await listeningPorts(guest, ctx.io)).has(egressPort),
  });
}

/** Forwards a host port to the guest of a running VM. It becomes part of the network itself at the next start. */
export async function openForward(
  ctx: Ctx,
  record: VmRecord,
  port: { host: number; guest: number },
): Promise<void> {
  await startTunnel(ctx, record, {
    id: `port-${port.host}`,
    forward: ['-L', `127.0.0.1:${port.host}:127.0.0.1:${port.guest}`],
    isOpen: async () => !(await ctx.host.canBind(port.host)),
  });
}

/** The host ports that `openForward` has forwarded to this VM since it was started. */
export async function openForwards(ctx: Ctx, name: VmName): Promise<number[]> {
  const files = await ctx.host.files.list(ctx.store.paths.runtimeOf(name));
  return files.flatMap((file) => Number(/^port-(\d+)\.log$/.exec(file)?.[1] ?? []));
}

/** Ends a forward made by `openForward`. False when the port belongs to the network itself. */
export async function closeForward(ctx: Ctx, name: VmName, hostPort: number): Promise<boolean> {
  const path = controlPath(ctx, name, `port-${hostPort}`);
  const found = await ctx.host.processesMentioning(`ControlPath=${path}`);
  for (const process of found) {
    await ctx.host.kill(process, 'SIGTERM');
    const isGone = async () => !(await ctx.host.isAlive(process));
    await until(isGone, { interval: 20, io: ctx.io, sleep: ctx.host.sleep });
  }
  await ctx.host.files.remove(`${ctx.store.paths.runtimeOf(name)}/port-${hostPort}.log`);
  return found.length > 0;
}

/** No socket is ever there: the path is what a tunnel is found by. */
function controlPath(ctx: Ctx, name: VmName, id: string): string {
  return `${ctx.store.paths.runtimeOf(name)}/${id}.control`;
}
