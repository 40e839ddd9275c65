import { exitCodes } from '../../core/errors.ts';
import { defineCommand } from '../command.ts';
import { userFlag, vmArgument } from '../common.ts';
import { renderDiff } from '../render/diff.ts';

export const diff = defineCommand({
  description: `Shows where a VM has drifted: what the project's file says now against what the VM was made from, and what its running guest really has (packages and tools with their versions, services, shares, ports) against both and against this workstation. Changes nothing. Exit code 9 when there is drift.`,
  arguments: { vm: vmArgument },
  options: { user: userFlag },
  examples: [
    { line: 'clonebox diff', what: 'the VM of this directory' },
    { line: 'clonebox diff shop --json', what: 'for scripts' },
  ],
  run: async ({ ctx, args, cwd }) => {
    const ops = await import('../../ops/diff/diff.ts');
    return ops.diff(ctx, { target: args.vm, cwd });
  },
  render: renderDiff,
  exitCode: (data) => (data.drift.length > 0 ? exitCodes.unhealthy : 0),
});
