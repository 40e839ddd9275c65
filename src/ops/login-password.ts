import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { PlannedAuth, VmPlan } from '../core/plan.ts';
import type { VmRecord } from '../core/record.ts';
import { createSecret, type Secret } from '../core/secret.ts';
import { randomPassword } from '../lib/password.ts';
import type { Booted } from './boot.ts';
import { operation } from './operation.ts';

/** Writes lines where only whoever called reads them: on their terminal, past every log and document. */
export type ShowOnTerminal = (lines: readonly string[]) => void;

/** Has the secret that a file names. */
export type ReadSecret = (reference: NonNullable<PlannedAuth['password']>) => Promise<Secret>;

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
  readSecret: ReadSecret | undefined,
): Promise<Secret | undefined> {
  const { auth, name, user } = record.plan;
  if (auth.method === 'ssh_key') return undefined;
  const isOnce = auth.method === 'one_time_password';
  const event = isOnce ? 'auth.password.generated' : 'auth.password.changed';
  return operation(ctx, { event, target: { type: 'vm', name } }, async (op) => {
    op.note({ user: user.name, expire: isOnce });
    const password = isOnce ? createSecret(randomPassword()) : await given(auth, readSecret);
    const change = { user: user.name, password, expire: isOnce, ssh: true };
    await op.ctx.setup.setPassword(guest, change, op.ctx.io);
    return isOnce ? password : undefined;
  });
}

async function given(auth: PlannedAuth, readSecret: ReadSecret | undefined): Promise<Secret> {
  if (auth.password !== undefined && readSecret !== undefined) return readSecret(auth.password);
  throw new CloneboxError('config-invalid', 'vm.auth.method: password names no secret', {
    hint: 'Use vm.auth.method: ssh_key, or one_time_password.',
  });
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
