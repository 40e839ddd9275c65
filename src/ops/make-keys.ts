import type { Ctx } from '../core/ctx.ts';
import type { VmRecord } from '../core/record.ts';
import { operation } from './operation.ts';

/** Makes what a machine's first boot needs, in its directory; the audit log has that keys were made. */
export function makeKeys(ctx: Ctx, record: VmRecord): Promise<void> {
  const target = { type: 'vm', name: record.plan.name } as const;
  return operation(ctx, { event: 'auth.ssh_key.generated', target }, (op) =>
    op.ctx.prepareFirstBoot(record),
  );
}
