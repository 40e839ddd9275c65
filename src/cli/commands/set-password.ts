import { CloneboxError } from '../../core/errors.ts';
import { defineCommand } from '../command.ts';
import { userFlag, vmArgument } from '../common.ts';

export const setPassword = defineCommand({
  description: `Gives the guest's user a password, for the console and for programs in the guest that ask for one. It is asked for twice without being shown, or read from standard input; it is never an argument, and the guest gets only its hash.

Passwords do not log in over ssh, before and after: that is decided by vm.auth.method when the VM is made. sudo asks for none.`,
  arguments: { vm: vmArgument },
  options: {
    stdin: { kind: 'flag', summary: 'read it from standard input: one line' },
    expire: { kind: 'flag', summary: 'it must be changed at the first login with it' },
    lock: { kind: 'flag', summary: 'take the password away: only keys log in' },
    user: userFlag,
  },
  examples: [
    { line: 'clonebox set-password', what: 'of the VM of this directory; asks for it' },
    { line: 'clonebox set-password shop --stdin', what: 'from a pipe or a file' },
    { line: 'clonebox set-password shop --lock', what: 'no password any more' },
  ],
  run: async ({ ctx, args, options, cwd, askPassword }) => {
    const { stdin, expire, lock } = options;
    if (lock && (stdin || expire)) {
      throw new CloneboxError('usage', '--lock takes the password away: it goes alone');
    }
    // Before anything else: where nobody can be asked there is nothing to wait for.
    const password = lock ? undefined : askPassword({ stdin, flag: '--stdin' });
    const ops = await import('../../ops/set-password.ts');
    return ops.setPassword(ctx, { target: args.vm, cwd, expire, password });
  },
  render: ({ vm, user, outcome, expired }) => {
    if (outcome === 'locked') return [`${user} of ${vm} has no password any more`];
    const change = expired ? '; it must be changed at the first login with it' : '';
    return [`${user} of ${vm} has a new password${change}`];
  },
});
