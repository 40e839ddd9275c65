import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Booted } from './boot.ts';

/** Runs a first command as the user: the machine counts as created only when that works. */
export async function proveCommand(ctx: Ctx, booted: Booted, argv = ['true']): Promise<void> {
  const { plan } = booted.record;
  const result = await booted.guest.exec(argv, ctx.io, {
    user: plan.user.name,
    timeout: 120_000,
    brief: true,
  });
  if (result.exitCode !== 0) {
    throw new CloneboxError(
      'guest-failed',
      `a first command as ${plan.user.name} failed with status ${result.exitCode}: ${result.stderr.trim()}`,
      {
        facts: { phase: 'command' },
      },
    );
  }
}
