import type { Ctx } from '../../core/ctx.ts';
import { type VerifyResult, verifyLog } from '../../store/audit/verify.ts';
import { placeOf } from './query.ts';

export type { VerifyResult };

/** Checks the whole chain; `expect` is a hash that was noted elsewhere and must still be that of a line. */
export async function verifyAudit(ctx: Ctx, expect: string | undefined): Promise<VerifyResult> {
  const { store, io } = ctx;
  const isUsed = (await store.names()).length > 0 || (await store.listTrash()).length > 0;
  return verifyLog(placeOf(ctx), { io, expect, isUsed });
}
