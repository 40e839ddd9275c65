import type { Ctx } from '../../core/ctx.ts';
import type { Guest } from '../../core/guest.ts';
import type { VmRecord } from '../../core/record.ts';
import { listeningPorts } from '../ready.ts';
import type { Drift } from './drift.ts';

/** The live shares of a plan: a directory here, a mount there. */
export async function shareDrift(ctx: Ctx, guest: Guest, { plan }: VmRecord): Promise<Drift[]> {
  const live = plan.shares.filter(({ mode }) => mode !== 'copy');
  if (live.length === 0) return [];
  const mounted = new Set(await ctx.setup.mounted(guest, ctx.io));
  return Promise.all(
    live.map(async (share): Promise<Drift> => {
      const opened = await ctx.host.openTree(share.host);
      const isHere = opened.kind === 'tree';
      if (isHere) await opened.tree.close();
      return {
        area: 'shares',
        name: share.guest,
        workstation: isHere ? 'mounted' : 'its directory is gone',
        config: 'mounted',
        guest: mounted.has(share.guest) ? 'mounted' : 'not mounted',
      };
    }),
  );
}

/** The declared ports: somebody listens there, and answers here. */
export async function portDrift(ctx: Ctx, guest: Guest, record: VmRecord): Promise<Drift[]> {
  const listening = await listeningPorts(guest, ctx.io);
  const declared = new Set(record.plan.ports.map((port) => port.guest));
  return Promise.all(
    record.leases
      .filter((lease) => declared.has(lease.guest))
      .map(async (lease): Promise<Drift> => {
        const answers = await ctx.host.portAnswers(lease.host, AbortSignal.timeout(3000));
        return {
          area: 'ports',
          name: String(lease.guest),
          workstation: answers ? 'open' : `closed at 127.0.0.1:${lease.host}`,
          config: 'open',
          guest: listening.has(lease.guest) ? 'open' : 'closed',
        };
      }),
  );
}
