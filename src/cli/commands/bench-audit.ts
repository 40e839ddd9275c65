import { defineCommand } from '../command.ts';
import { countOption } from '../common.ts';
import { renderBench } from '../render/bench.ts';
import { ownArgv } from './bench-options.ts';

export const benchAudit = defineCommand({
  description: `Measures the audit log with many events: searching it, turn by turn with grep over the same files, checking its chain, and writing a line, turn by turn with a plain write that is synced. Leaves nothing behind.`,
  arguments: {},
  options: {
    events: { ...countOption('events of the log; default: 1000000', 1000), short: 'n' },
    runs: countOption('rounds to measure; default: 5', 1),
    keep: { kind: 'flag', summary: 'keep the log that was made, and say where' },
  },
  examples: [
    { line: 'clonebox bench audit', what: 'a million events, half a gigabyte' },
    { line: 'clonebox bench audit -n 50000 --json', what: 'fewer, for scripts' },
  ],
  run: async ({ ctx, options }) => {
    const ops = await import('../../ops/bench-audit.ts');
    return ops.benchAudit(ctx, {
      self: ownArgv(),
      events: options.events ?? 1_000_000,
      runs: options.runs ?? 5,
      keep: options.keep,
    });
  },
  render: renderBench,
});
