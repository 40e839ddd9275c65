import type { Ctx } from '../../core/ctx.ts';
import { reasonOf } from '../../core/errors.ts';
import { type VmName, waitsFor } from '../../core/name.ts';
import type { VmRecord } from '../../core/record.ts';
import { waitingMembers } from '../pool/members.ts';
import type { TemplateWish } from './choose.ts';
import { plannedTemplate } from './planned.ts';

/**
 * Has done in the background what the next clone of a VM that was just made will be the faster for: its template's memory
 * is kept, its pool filled up. Nobody waits for it: when it fails or is killed, the next clone sees to it.
 */
export async function startUpkeep(ctx: Ctx, name: VmName, wish: TemplateWish): Promise<void> {
  const { io } = ctx;
  try {
    const record = await ctx.store.read(name);
    if (record === undefined || !(await isDue(ctx, record, wish))) return;
    const { pid } = await ctx.startInBackground(['template', 'build', name, '--idle', '--quiet']);
    io.log.info('template.upkeep.begun', { vm: name, pid });
  } catch (error) {
    const why = reasonOf(error).split('\n')[0];
    io.emit({ kind: 'warning', text: `nothing is prepared in the background: ${why}` });
  }
}

async function isDue(ctx: Ctx, record: VmRecord, wish: TemplateWish): Promise<boolean> {
  const { plan, template } = record;
  if (wish === 'later' && template?.warm === undefined) {
    const { state } = await plannedTemplate(ctx, plan);
    if (state === 'made: its memory will be kept') return true;
  }
  const all = (await ctx.store.members()).filter((member) => waitsFor(member) === plan.name);
  if (plan.templates.pool === 0) return all.length > 0;
  // One that was not made of a kept memory does not say what a member must be like.
  if (template?.warm === undefined) return false;
  const waiting = await waitingMembers(ctx, plan.name);
  const fresh = waiting.filter((member) => member.template?.warm === template.warm);
  return fresh.length !== all.length || fresh.length !== plan.templates.pool;
}
