import type { Ctx } from '../core/ctx.ts';
import type { MachineSpec, NetworkSpec } from '../core/driver.ts';
import type { VmRecord } from '../core/record.ts';

/** What the driver is asked to run: the record in bytes and absolute paths. */
export function machineSpec(
  ctx: Ctx,
  record: VmRecord,
  shareDriver: '9p' | 'virtiofs',
): MachineSpec {
  const paths = ctx.store.paths.vm(record.name);
  const { plan } = record;
  const live = plan.shares.filter((share) => share.mode !== 'copy');
  return {
    name: record.name,
    uuid: record.uuid,
    layout: record.layout,
    machine: record.machine,
    accel: plan.accel,
    cpus: plan.cpus,
    memory: plan.memory,
    disk: paths.disk,
    // The seed is for the first boot alone; afterwards it is gone.
    seed:
      record.image.setup === 'cloud-init' && record.phase === 'creating' ? paths.seed : undefined,
    boot: record.image.boot,
    shares: live.map((share, index) => ({
      tag: `share${index}`,
      host: share.host,
      readOnly: share.mode === 'ro',
      driver: shareDriver,
    })),
    network: {
      mac: record.mac,
      forwards: record.leases.map((lease) => ({ host: lease.host, guest: lease.guest })),
      egress: egressOf(record),
    },
    serialLog: paths.serialLog,
  };
}

function egressOf({ plan, phase }: VmRecord): NetworkSpec['egress'] {
  if (phase === 'pooled') return 'later';
  if (plan.egress === 'full') return 'open';
  return phase === 'creating' ? 'closable' : 'closed';
}
