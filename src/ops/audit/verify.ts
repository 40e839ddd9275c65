import type { Ctx } from '../../core/ctx.ts';
import { type VerifyResult, verifyLog } from '../../store/audit/verify.ts';
import { placeOf } from './query.ts';

export type { VerifyResult };

/** Checks the whole chain; `expect` is a hash that was noted elsewhere and must still be that of a line. */
export function verifyAudit(ctx: Ctx, expect: string | undefined): Promise<VerifyResult> {
  return verifyLog(placeOf(ctx), { io: ctx.io, expect });
}
