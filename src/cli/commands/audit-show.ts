import { CloneboxError } from '../../core/errors.ts';
import { quoted } from '../../lib/printable.ts';
import { defineCommand } from '../command.ts';
import { renderStory } from '../render/audit.ts';

export const auditShow = defineCommand({
  description: `Shows everything about one event, and the events that belong to it: what it was a part of, its own parts, and the others of the same command.`,
  arguments: { id: { summary: 'id of an event, or its beginning or end', required: true } },
  options: {},
  examples: [
    { line: 'clonebox audit show 199f3c1d2aa4b0e7', what: 'by its id' },
    { line: 'clonebox audit show 2aa4b0e7 --json', what: 'by the end of it, for scripts' },
  ],
  run: async ({ ctx, args }) => {
    const id = args.id.toLowerCase();
    if (!/^[0-9a-f]{4,16}$/.test(id)) {
      throw new CloneboxError('usage', `${quoted(args.id)} is no id of an event`, {
        hint: 'An id has 16 digits, 0-9 and a-f; 4 are enough. See: clonebox audit list',
        facts: { id: args.id },
      });
    }
    const ops = await import('../../ops/audit/query.ts');
    return ops.showAuditEvent(ctx, id);
  },
  render: renderStory,
});
