import { randomBytes, randomUUID } from 'node:crypto';
import type { Ctx } from '../../core/ctx.ts';
import { CloneboxError } from '../../core/errors.ts';
import type { IdentityReport, NewIdentity } from '../../core/identity.ts';
import type { Io } from '../../core/io.ts';
import type { VmRecord } from '../../core/record.ts';
import type { Introduction } from '../../core/setup.ts';
import type { Booted } from '../boot.ts';
import type { Beginning } from './choose.ts';

/**
 * Makes a machine that came from a template itself, and has it prove that it is. Fails with `guest-failed` and the names of
 * the items that are not right: whatever was made is then to be taken back.
 */
export async function introduce(
  ctx: Ctx,
  booted: Booted,
  {
    beginning,
    answered,
    meanwhile,
    io,
  }: Pick<Introduction, 'answered' | 'meanwhile'> & { beginning: Beginning; io: Io },
): Promise<IdentityReport> {
  const { record } = booted;
  io.emit({ kind: 'phase', id: 'identity', title: `Making it ${record.plan.name}` });
  const report = await ctx.setup.introduce(
    booted.setup,
    {
      identity: await newIdentity(ctx, record),
      template: beginning.path === 'warm' ? beginning.warm.baseline : {},
      answered,
      meanwhile,
      workstation: await ctx.setup.workstation(io),
    },
    io,
  );
  if (beginning.path !== 'cold') await ctx.templates.touch(beginning.template);
  io.log.info('vm.identity.proven', { items: report.items.map(({ item }) => item) });
  return report;
}

async function newIdentity({ store, host }: Ctx, record: VmRecord): Promise<NewIdentity> {
  const { hostKey } = store.paths.vm(record.name);
  const [secret, open] = [
    await host.files.readText(hostKey),
    await host.files.readText(`${hostKey}.pub`),
  ];
  if (secret === undefined || open === undefined) {
    throw new CloneboxError('bug', `the host key of ${record.name} was not made`);
  }
  return {
    hostname: record.plan.name,
    // What systemd makes of the machine's own UUID, at the first boot of an image that has none (machine-id(5)).
    machineId: record.uuid.replaceAll('-', ''),
    bootId: randomUUID(),
    hostKey: { private: secret, public: open },
    entropy: randomBytes(64),
  };
}
