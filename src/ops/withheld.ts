import type { Ctx } from '../core/ctx.ts';
import type { VmPlan } from '../core/plan.ts';
import { secretPlaces } from '../core/secret-places.ts';

/** The places of credentials that this home has and no guest is given. They are not looked into. */
export async function withheldPlaces(ctx: Ctx): Promise<VmPlan['withheld']> {
  const { home } = ctx.host.user;
  const places = await Promise.all(
    secretPlaces.map(async (place) => {
      const path = `${home}/${place}`;
      const facts = await ctx.host.files.facts(path).catch(() => undefined);
      return facts === undefined ? [] : [{ path, reason: 'a place of credentials' }];
    }),
  );
  return places.flat();
}
