import type { Ctx } from '../core/ctx.ts';
import type { MemoryMode, NetworkChoice } from '../core/driver.ts';
import type { VmName } from '../core/name.ts';
import type { VmRecord } from '../core/record.ts';
import { type EgressStatus, egressOf } from './egress.ts';
import { waitingMembers } from './pool/members.ts';
import { loadVm } from './target.ts';
import { readVmState } from './vm-state.ts';

export interface PortStatus {
  readonly name: string;
  readonly guest: number;
  readonly host: number;
  readonly address: string;
}

/** A line of `list`. */
export interface VmSummary {
  readonly name: VmName;
  readonly state: string;
  readonly reason: string | null;
  readonly driver: string;
  readonly project: string | null;
  readonly created: string | null;
  readonly ports: readonly PortStatus[];
}

/** Everything `status` shows; null where a stopped VM has no value. */
export interface VmStatus extends VmSummary {
  readonly accel: string | null;
  readonly accelReason: string | null;
  readonly network: (Omit<NetworkChoice, 'egress'> & EgressStatus) | null;
  readonly pid: number | null;
  readonly uptimeSeconds: number | null;
  readonly user: string;
  readonly image: { readonly reference: string; readonly digest: string };
  readonly shares: readonly {
    readonly host: string;
    readonly guest: string;
    readonly mode: string;
    readonly driver: string | null;
    readonly mounted: boolean;
  }[];
  /** Bytes. */
  readonly memory: {
    readonly configured: number;
    readonly private: number | null;
    readonly shared: number | null;
    /** How it is held: `shared` copy-on-write with its template, or its `own`. */
    readonly mode: MemoryMode | null;
  };
  readonly disk: { readonly configured: number; readonly allocated: number | null };
  readonly cpus: number;
  /** `pool`: clones of it that run already and wait to be claimed. */
  readonly template: {
    readonly key: string | null;
    readonly warm: boolean;
    readonly pool: number;
  };
}

/** The state of one VM by name or project, read from the truth. */
export async function status(
  ctx: Ctx,
  input: { target: string | undefined; cwd: string },
): Promise<VmStatus> {
  return readStatus(ctx, await loadVm(ctx, input.target, input.cwd));
}

/** Every VM, by name. A broken one is listed with its reason and hides no other. */
export async function list(ctx: Ctx): Promise<VmSummary[]> {
  return Promise.all(
    (await ctx.store.names()).map(async (name) => {
      const record = await ctx.store.read(name).catch(() => undefined);
      return summarize(ctx, name, record);
    }),
  );
}

async function summarize(ctx: Ctx, name: VmName, record: VmRecord | undefined): Promise<VmSummary> {
  const state = await readVmState(ctx, name, record);
  return {
    name,
    state: state.kind,
    reason: state.kind === 'broken' ? state.reason : null,
    driver: record?.plan.driver ?? 'qemu',
    project: record?.plan.project ?? null,
    created: record?.created ?? null,
    ports: (record?.leases ?? []).map((lease) => ({
      ...lease,
      address: `127.0.0.1:${lease.host}`,
    })),
  };
}

export async function readStatus(ctx: Ctx, record: VmRecord): Promise<VmStatus> {
  const { plan, name } = record;
  const summary = await summarize(ctx, name, record);
  const driver = await ctx.driver(plan.driver);
  const running = await driver.running(name);
  const state = await driver.inspect(name, ctx.io);
  const usage = await driver.usage(name);
  const pool = (await waitingMembers(ctx, plan.name)).length;
  const mounted = running === undefined ? undefined : await mountedPaths(ctx, name);
  const disk = await driver.measure(ctx.store.paths.vm(name).disk, ctx.io).catch(() => undefined);
  return {
    ...summary,
    accel: running?.accel.accel ?? null,
    accelReason: running?.accel.reason ?? null,
    network: running ? { ...running.network, ...(await egressOf(ctx, name, running)) } : null,
    pid: running?.process.pid ?? null,
    uptimeSeconds: state.kind === 'running' ? Math.round(state.uptimeSeconds) : null,
    user: plan.user.name,
    image: { reference: record.image.reference, digest: record.image.digest },
    shares: plan.shares.map((share) => ({
      host: share.host,
      guest: share.guest,
      mode: share.mode,
      driver: share.mode === 'copy' ? null : (running?.shareDriver ?? null),
      mounted: mounted?.includes(share.guest) ?? false,
    })),
    memory: {
      configured: plan.memory,
      private: usage.memory?.private ?? null,
      shared: usage.memory?.shared ?? null,
      mode: running === undefined ? null : (running.resumed ?? 'own'),
    },
    disk: { configured: plan.disk, allocated: disk?.allocated ?? null },
    cpus: plan.cpus,
    template: { key: record.template?.key ?? null, warm: running?.resumed !== undefined, pool },
  };
}

/** What the guest has mounted; nothing when it does not answer in two seconds, since status must not hang. */
async function mountedPaths(ctx: Ctx, name: VmName): Promise<readonly string[] | undefined> {
  const guest = await ctx.openGuest(name);
  try {
    if (!(await guest.ping(ctx.io, 2000))) return undefined;
    return await ctx.setup.mounted(guest, ctx.io);
  } catch {
    return undefined;
  } finally {
    await guest.close();
  }
}
