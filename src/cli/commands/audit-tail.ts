import { CloneboxError } from '../../core/errors.ts';
import type { AuditRecord } from '../../ops/audit/query.ts';
import { defineCommand } from '../command.ts';
import { countOption } from '../common.ts';
import { eventLine, renderEvents, zoneText } from '../render/audit.ts';

const usualCount = 10;

export const auditTail = defineCommand({
  description: `Shows the last events, the newest one last; with -f it goes on with those that come. Ctrl-C ends it.`,
  arguments: {},
  options: {
    follow: { kind: 'flag', short: 'f', summary: 'go on with what comes' },
    limit: countOption('events to begin with; default: 10', 0),
  },
  examples: [
    { line: 'clonebox audit tail', what: 'the last 10' },
    { line: 'clonebox audit tail -f --limit 0', what: 'only what comes' },
  ],
  run: async ({ ctx, options, globals, streams }) => {
    const { follow, limit: count = usualCount } = options;
    if (globals.json && follow) {
      throw new CloneboxError('usage', '-f never ends, and --json is one document', {
        hint: 'Leave out one of them.',
      });
    }
    const { tailAudit } = await import('../../ops/audit/tail.ts');
    const events: AuditRecord[] = [];
    const print = (lines: readonly string[]) =>
      streams.write('stdout', Buffer.from(lines.map((line) => `${line}\n`).join('')));
    if (follow) print([`times in ${zoneText()}`]);
    await tailAudit(ctx, {
      count,
      follow,
      onEvents: (some) => (follow ? print(some.map(eventLine)) : events.push(...some)),
    });
    return { events };
  },
  render: ({ events }, look) => renderEvents(events, look),
});
