import type { Ctx } from '../core/ctx.ts';
import { sshConfigQuote } from '../lib/quote.ts';
import { loadVm } from './target.ts';

/** An ssh_config(5) stanza for editors and other programs: `ssh -F FILE clonebox-NAME`. */
export async function sshConfig(
  ctx: Ctx,
  input: { target: string | undefined; cwd: string },
): Promise<{ host: string; text: string }> {
  const record = await loadVm(ctx, input.target, input.cwd);
  const host = `clonebox-${record.name}`;
  const lines = ctx.sshSettings(record).map(([key, value]) => `  ${key} ${sshConfigQuote(value)}`);
  return { host, text: `Host ${host}\n${lines.join('\n')}\n` };
}
