import { defineCommand } from '../command.ts';
import { renderEvents } from '../render/audit.ts';
import {
  aboutOptions,
  limitOption,
  outcomeOptions,
  readFilter,
  timeOptions,
  usualLimit,
} from './audit-options.ts';

export const auditList = defineCommand({
  description: `Lists what was done with CloneBox on this machine, newest first: every operation that changed something, or was to, with who did it and how it ended.`,
  arguments: {},
  options: { ...timeOptions, limit: limitOption, ...aboutOptions, ...outcomeOptions },
  examples: [
    { line: 'clonebox audit list', what: 'the last 50' },
    { line: "clonebox audit list --since '1 week ago' --limit 500", what: 'of a week' },
    { line: 'clonebox audit list --json', what: 'for scripts: { "events": [...] }' },
  ],
  run: async ({ ctx, options }) => {
    const ops = await import('../../ops/audit/query.ts');
    const filter = await readFilter(ctx, options);
    return ops.findAuditEvents(ctx, filter, options.limit ?? usualLimit);
  },
  render: ({ events }, look) => renderEvents(events, look),
});
