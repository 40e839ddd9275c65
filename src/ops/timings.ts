import type { Ctx } from '../core/ctx.ts';

/** Seconds since the command started; `t_ports` is missing when nobody waited for ports. */
export interface Timings {
  t_agent?: number;
  t_command?: number;
  t_ports?: number;
}

/** Seconds since the user's command started, to the millisecond. */
export function secondsSince(ctx: Ctx): number {
  return Math.round(ctx.host.now() - ctx.startedAt) / 1000;
}
