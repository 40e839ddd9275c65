import { CloneboxError } from '../../core/errors.ts';
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

export const auditSearch = defineCommand({
  description: `Finds events in the whole audit log, newest first: those that have the text in one of their values, and that all options fit.`,
  arguments: { text: { summary: 'what one of the values has, in this very case; default: any' } },
  options: { ...aboutOptions, ...outcomeOptions, ...timeOptions, limit: limitOption },
  examples: [
    { line: 'clonebox audit search --event vm.create --user admin', what: 'who made what' },
    { line: "clonebox audit search 'disk is full' --since 30d", what: 'in messages, too' },
    { line: "clonebox audit search --vm shop --event 'vm.*' --json", what: 'for scripts' },
  ],
  run: async ({ ctx, args, options }) => {
    if (args.text === '') {
      throw new CloneboxError('usage', 'the text to search for is empty', {
        hint: 'Leave it out to search by options alone.',
      });
    }
    const ops = await import('../../ops/audit/query.ts');
    const filter = { ...(await readFilter(ctx, options)), text: args.text };
    return ops.findAuditEvents(ctx, filter, options.limit ?? usualLimit);
  },
  render: ({ events }, look) => renderEvents(events, look),
});
