import type { Ctx } from '../../core/ctx.ts';
import { reasonOf } from '../../core/errors.ts';
import type { VmName } from '../../core/name.ts';
import { plannedTemplate } from './planned.ts';

/**
 * Has the memory of the template under this VM kept in the background, unless it is there already. Nobody waits for it:
 * when it fails or is killed, the next clone of that template keeps it.
 */
export async function keepLater(ctx: Ctx, name: VmName): Promise<void> {
  const { io } = ctx;
  try {
    const record = await ctx.store.read(name);
    if (record === undefined) return;
    const { state } = await plannedTemplate(ctx, record.plan);
    if (state !== 'made: its memory will be kept') return;
    const { pid } = await ctx.startInBackground(['template', 'build', name, '--idle', '--quiet']);
    io.log.info('template.keep.later', { vm: name, pid });
  } catch (error) {
    const why = reasonOf(error).split('\n')[0];
    io.emit({
      kind: 'warning',
      text: `the template's memory is not kept in the background: ${why}`,
    });
  }
}
