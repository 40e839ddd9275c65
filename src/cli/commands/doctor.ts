import { exitCodes } from '../../core/errors.ts';
import { defineCommand } from '../command.ts';
import { renderDoctor } from '../render/doctor.ts';

export const doctor = defineCommand({
  description: `Looks at this machine: what it offers to VMs, what is in the way, and how to mend it. Changes nothing. Exit code 6 when something must be mended first.`,
  arguments: {},
  options: {},
  examples: [
    { line: 'clonebox doctor', what: 'a list with fixes' },
    { line: 'clonebox doctor --json', what: 'for scripts' },
  ],
  run: async ({ ctx }) => {
    const ops = await import('../../ops/doctor.ts');
    return ops.doctor(ctx);
  },
  render: renderDoctor,
  exitCode: (data) => (data.problems > 0 ? exitCodes['host-unable'] : 0),
});
