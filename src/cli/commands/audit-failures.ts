import { defineCommand } from '../command.ts';
import { renderEvents } from '../render/audit.ts';
import { aboutOptions, limitOption, readFilter, timeOptions, usualLimit } from './audit-options.ts';

export const auditFailures = defineCommand({
  description: `Lists what failed, what was refused, and what was done only in part, newest first.`,
  arguments: {},
  options: { ...timeOptions, limit: limitOption, ...aboutOptions },
  examples: [
    { line: 'clonebox audit failures', what: 'the last 50' },
    { line: 'clonebox audit failures --vm shop --since yesterday', what: 'of one VM' },
  ],
  run: async ({ ctx, options }) => {
    const ops = await import('../../ops/audit/query.ts');
    const filter = await readFilter(ctx, options);
    const outcomes = ['failure', 'denied', 'partial'];
    return ops.findAuditEvents(ctx, { ...filter, outcomes }, options.limit ?? usualLimit);
  },
  render: ({ events }, look) => renderEvents(events, look),
});
