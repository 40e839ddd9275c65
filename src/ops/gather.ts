import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import { requireClosable } from './egress.ts';
import { requireUnshared } from './own-places.ts';

/** What must be there before anything of the VM is made: a driver that can, and the image. */
export async function gather(ctx: Ctx, plan: VmPlan) {
  await requireUnshared(ctx);
  const driver = await ctx.driver(plan.driver);
  requireClosable(driver, plan);
  const facts = await driver.preflight(ctx.io);
  const [problem] = facts.problems;
  if (problem !== undefined) {
    throw new CloneboxError('host-unable', problem.what, {
      hint: `${problem.fix}. More: clonebox doctor`,
      facts: { problems: facts.problems },
    });
  }
  const reference = plan.image === 'auto' ? await ctx.images.resolveAuto(ctx.io) : plan.image;
  const image = await ctx.images.ensure(reference, ctx.io);

  return { driver, facts, reference, image };
}
