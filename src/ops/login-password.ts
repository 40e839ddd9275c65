import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import type { VmRecord } from '../core/record.ts';
import { createSecret, type Secret } from '../core/secret.ts';
import { randomPassword } from '../lib/password.ts';
import type { Booted } from './boot.ts';
import { operation } from './operation.ts';
import { findSecrets } from './secrets/find-secrets.ts';

/** Writes lines where only whoever called reads them: on their terminal, past every log and document. */
export type ShowOnTerminal = (lines: readonly string[]) => void;

/** Fails with `usage` for a plan with a password that nobody would see. */
export function requireTerminal({ auth }: VmPlan, show: ShowOnTerminal | undefined): void {
  if (auth.method !== 'one_time_password' || show !== undefined) return;
  throw new CloneboxError(
    'usage',
    'vm.auth.method is one_time_password, and there is no terminal to show the password on',
    {
      hint: 'Run it where standard error is a terminal, or log in by keys: vm.auth.method: ssh_key',
    },
  );
}

/**
 * Gives a VM that is being made the password that its plan wants. Returns the one that is to be shown once the VM is whole,
 * if there is one.
 */
export async function setLoginPassword(
  ctx: Ctx,
  { record, guest }: Booted,
): Promise<Secret | undefined> {
  const { auth, name, user } = record.plan;
  if (auth.method === 'ssh_key') return undefined;
  const isOnce = auth.method === 'one_time_password';
  const event = isOnce ? 'auth.password.generated' : 'auth.password.changed';
  return operation(ctx, { event, target: { type: 'vm', name } }, async (op) => {
    op.note({ user: user.name, expire: isOnce });
    const password = isOnce ? createSecret(randomPassword()) : await given(op.ctx, record.plan);
    const change = { user: user.name, password, expire: isOnce, ssh: true };
    await op.ctx.setup.setPassword(guest, change, op.ctx.io);
    return isOnce ? password : undefined;
  });
}

async function given(ctx: Ctx, plan: VmPlan): Promise<Secret> {
  const { password } = plan.auth;
  if (password === undefined) throw new Error('a method that needs a password has none');
  const [found] = await findSecrets(ctx, plan, [{ name: 'vm.auth.password', ...password }]);
  if (found === undefined) throw new Error('a secret was asked for and none came');
  return found.secret;
}

/** Shows the one-time password of a VM that is whole now. It is nowhere else, and is not shown again. */
export function showPassword(
  { plan, leases }: VmRecord,
  password: Secret | undefined,
  show: ShowOnTerminal | undefined,
): void {
  if (password === undefined) return;
  const { name, user } = plan;
  const port = leases.find((lease) => lease.name === 'ssh')?.host;
  show?.([
    '',
    `One-time password of ${user.name} in ${name}:`,
    '',
    `    ${password.reveal()}`,
    '',
    'It is shown only now. The first login with it asks for another one:',
    `    clonebox console ${name}${port === undefined ? '' : `    or    ssh -p ${port} ${user.name}@127.0.0.1`}`,
    `Lost it? clonebox set-password ${name} --expire`,
    '',
  ]);
}
