import type { Ctx } from '../../core/ctx.ts';
import { CloneboxError } from '../../core/errors.ts';
import type { ExportedFile, ExportFormat } from '../../ops/audit/export.ts';
import type { AuditEvents, AuditFilter } from '../../ops/audit/query.ts';
import { defineCommand } from '../command.ts';
import { textOption } from '../common.ts';
import type { Value } from '../option.ts';
import { aboutOptions, outcomeOptions, readFilter, timeOptions } from './audit-options.ts';

const formatOption: Value<ExportFormat> = {
  kind: 'value',
  value: 'FORMAT',
  summary: 'json (the default), csv or jsonl',
  parse: (text) => {
    if (text === 'json' || text === 'csv' || text === 'jsonl') return text;
    throw new RangeError('is none of json, csv and jsonl');
  },
};

/** Bytes that may wait for the reader of standard output. */
const mostWaiting = 1 << 20;
/** A document of --json is made in memory; more than this would not fit well. */
const mostInMemory = 100_000;

export const auditExport = defineCommand({
  description: `Writes events out, all of them and oldest first, to standard output or into a file.

json is one document, { "events": [...] }; csv is a table with a head; jsonl has the lines of the log itself, with the hashes of their chain.`,
  arguments: {},
  options: {
    format: formatOption,
    output: { ...textOption('FILE', 'write into this file, for you alone'), short: 'o' },
    ...timeOptions,
    ...aboutOptions,
    ...outcomeOptions,
  },
  examples: [
    { line: 'clonebox audit export --format json > events.json', what: 'everything' },
    { line: 'clonebox audit export --format csv -o events.csv --since 30d', what: 'a table' },
  ],
  run: async ({ ctx, options, globals, cwd, streams }) => {
    const ops = await import('../../ops/audit/export.ts');
    const filter = await readFilter(ctx, options);
    const { format = 'json', output } = options;
    if (output !== undefined && output !== '-') {
      return ops.exportToFile(ctx, filter, { format, file: output, cwd });
    }
    if (globals.json) return asDocument(ctx, filter, options.format);
    for await (const part of ops.exportParts(ctx, filter, format)) {
      streams.write('stdout', Buffer.from(part));
      // A pipe whose reader is slow would pile up in memory.
      while (process.stdout.writableLength > mostWaiting) await ctx.host.sleep(5, ctx.io.signal);
    }
    return undefined;
  },
  render: (data: ExportedFile | AuditEvents | undefined) =>
    data !== undefined && 'file' in data ? [`${data.events} events are in ${data.file}`] : [],
});

/** What --json prints without a file: the same as --format json, but bounded. */
async function asDocument(
  ctx: Ctx,
  filter: AuditFilter,
  format: ExportFormat | undefined,
): Promise<AuditEvents> {
  if (format === 'csv' || format === 'jsonl') {
    throw new CloneboxError('usage', `--json prints a document of its own, not ${format}`, {
      hint: 'Leave out --json, or name a file with -o.',
    });
  }
  const ops = await import('../../ops/audit/query.ts');
  const { events } = await ops.findAuditEvents(ctx, filter, mostInMemory + 1);
  if (events.length <= mostInMemory) return { events: events.toReversed() };
  throw new CloneboxError('usage', `more than ${mostInMemory} events are too many for --json`, {
    hint: 'Stream them: clonebox audit export --format json',
  });
}
