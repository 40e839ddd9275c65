import { CloneboxError, reasonOf } from '../../core/errors.ts';
import { quoted } from '../../lib/printable.ts';
import type { LogLine, LogSource } from '../../ops/log-lines.ts';
import { defineCommand } from '../command.ts';
import { countOption, textOption, userFlag, vmArgument } from '../common.ts';
import type { OptionValues } from '../option.ts';

const options = {
  follow: { kind: 'flag', short: 'f', summary: 'go on with what comes' },
  tail: countOption('lines to begin with; default: 50', 0),
  since: textOption('WHEN', 'only what is newer: 2h, "1 week ago", 2026-01-31T17:00'),
  source: {
    kind: 'value',
    value: 'NAMES',
    summary: 'clonebox, serial, journal, or several with commas; default: all that can be read',
    parse: parseSources,
  },
  journal: { kind: 'flag', summary: 'as --source journal' },
  unit: textOption('UNIT', "the guest's journal of one unit"),
  operation: {
    kind: 'value',
    value: 'ID',
    summary: 'all that the log has about one operation: an error names its id',
    parse: parseOperation,
  },
  user: userFlag,
} as const;

export const logs = defineCommand({
  description: `Shows the last lines about a VM by time: what CloneBox did with it, what its guest wrote to the serial console, also when it is off, and its guest's journal, when it runs. Ctrl-C ends -f.

With --operation, all that CloneBox's own log has about one operation, of whatever VM.`,
  arguments: { vm: vmArgument },
  options,
  examples: [
    { line: 'clonebox logs -f', what: 'the VM of this directory, and on' },
    {
      line: 'clonebox logs shop --unit clonebox-run-web --since 1h',
      what: 'a command of the project',
    },
    { line: 'clonebox logs --operation 01a205b7d0ed981f', what: 'the story of a failure' },
  ],
  run: async ({ ctx, args, options: words, globals, cwd, streams }) => {
    refuseOddPairs(words, args.vm, globals.json);
    const { follow, unit, journal, tail, operation } = words;
    const since =
      words.since === undefined ? undefined : await readSince(words.since, ctx.host.now());
    const ops = await import('../../ops/logs.ts');
    if (operation !== undefined) {
      const found = await ops.logsOfOperation(ctx, operation);
      const lines = found.filter(({ time }) => Date.parse(time ?? '') >= (since ?? 0));
      return { lines: lines.slice(Math.max(0, lines.length - (tail ?? lines.length))) };
    }
    const lines: LogLine[] = [];
    const { unread } = await ops.logs(ctx, {
      ...{ target: args.vm, cwd, unit, since, tail: tail ?? 50, follow },
      sources: journal || unit !== undefined ? ['journal'] : words.source,
      onLine: (line) => {
        if (follow) streams.write('stdout', Buffer.from(`${lineOf(line)}\n`));
        else lines.push(line);
      },
    });
    return { lines, unread };
  },
  render: (data) => data.lines.map(lineOf),
});

function lineOf({ time, source, level, text }: LogLine): string {
  const shown = level === 'warn' || level === 'error' ? `${level} ${text}` : text;
  return `${(time ?? '-').padEnd(24)} ${source.padEnd(8)} ${shown}`;
}

function refuseOddPairs(
  words: OptionValues<typeof options>,
  vm: string | undefined,
  isJson: boolean,
): void {
  if (isJson && words.follow) {
    throw new CloneboxError('usage', '-f never ends, and --json is one document', {
      hint: 'Leave out one of them.',
    });
  }
  const { operation, follow, journal, unit, source } = words;
  if (operation !== undefined && (vm || follow || journal || unit || source)) {
    throw new CloneboxError('usage', '--operation goes with --since, --tail and --json alone', {
      hint: `For example: clonebox logs --operation ${operation}`,
    });
  }
  if (source !== undefined && !source.includes('journal') && (journal || unit)) {
    throw new CloneboxError('usage', '--journal and --unit are about the journal', {
      hint: 'Leave out --source.',
    });
  }
}

async function readSince(text: string, now: number): Promise<number> {
  const { parseTime } = await import('../../lib/parse-time.ts');
  try {
    return await parseTime(text, { now, edge: 'start' });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CloneboxError('usage', `--since: ${quoted(text)} ${reasonOf(error)}`, {
      facts: { name: '--since', value: text },
      cause: error,
    });
  }
}

function parseSources(text: string): LogSource[] {
  const names = text.split(',').map((name) => name.trim());
  const known: readonly string[] = ['clonebox', 'serial', 'journal'] satisfies LogSource[];
  if (names.every((name) => known.includes(name))) return [...new Set(names)] as LogSource[];
  throw new RangeError(`is not a list of sources: ${known.join(', ')}`);
}

/** Whatever a trace may be called. */
function parseOperation(text: string): string {
  if (/^[A-Za-z0-9._-]{1,64}$/.test(text)) return text;
  throw new RangeError('is not the id of an operation');
}
