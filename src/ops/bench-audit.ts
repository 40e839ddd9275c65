import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { ProcessRef } from '../core/process.ts';
import { createAudit } from '../store/audit/audit.ts';
import { auditFiles } from '../store/audit/place.ts';
import { type BenchReport, report, result, type Self } from './bench.ts';
import { benchEntry, rareEvent, rareUser, writeBenchLog } from './bench-audit-log.ts';

export interface BenchAuditInput {
  readonly self: Self;
  readonly events: number;
  readonly runs: number;
  readonly keep: boolean;
}

interface Run {
  readonly milliseconds: number;
  /** Peak of the resident memory, in MiB. */
  readonly memory: number;
}

const segmentBytes = 64 * 1024 * 1024;
/** What no line of the log has. */
const nowhere = 'no line has this text';
const references = {
  search: 'grep -c of the same text over the same files',
  append: 'a line of the same length, appended and synced',
};

/** `bench audit`: a scratch log, searched, checked and written to. */
export async function benchAudit(ctx: Ctx, input: BenchAuditInput): Promise<BenchReport> {
  const home = `${ctx.store.paths.home}/bench-audit-${process.pid}`;
  try {
    ctx.io.emit({ kind: 'phase', id: 'write', title: `Writing ${input.events} events` });
    await writeBenchLog(ctx, home, { events: input.events, segmentBytes });
    const results = [
      ...(await measureReading(ctx, home, input)),
      await measureAppend(ctx, home, input),
    ];
    if (input.keep) ctx.io.emit({ kind: 'note', text: `the log is kept: CLONEBOX_HOME=${home}` });
    return await report(ctx, input.self, results);
  } finally {
    if (!input.keep) await ctx.host.files.remove(home);
  }
}

async function measureReading(ctx: Ctx, home: string, { self, runs }: BenchAuditInput) {
  const searches = [
    { scenario: 'search: no match', words: [nowhere], text: nowhere },
    { scenario: 'search: a rare user', words: ['--user', rareUser], text: `"user":"${rareUser}"` },
    {
      scenario: 'search: event and user',
      words: ['--event', rareEvent, '--user', rareUser],
      text: `"event":"${rareEvent}"`,
    },
  ];
  const measured = searches.map((search) => ({ ...search, own: [] as Run[], grep: [] as Run[] }));
  const verify: Run[] = [];
  const clonebox = (words: readonly string[]) =>
    runMeasured(ctx, home, [...self.argv, 'audit', ...words]);
  const { directory } = auditFiles({ home });
  const names = (await ctx.host.files.list(directory)).filter((name) => name.endsWith('.jsonl'));
  for (let round = 0; round < runs; round += 1) {
    const title = `Round ${round + 1} of ${runs}`;
    ctx.io.emit({ kind: 'phase', id: `round-${round}`, title });
    for (const { words, text, own, grep } of measured) {
      // All matches: a limit would stop at the newest.
      own.push(await clonebox(['search', ...words, '--limit', '999999999', '--json']));
      const files = names.map((name) => `${directory}/${name}`);
      grep.push(await runMeasured(ctx, home, ['grep', '-cF', '--', text, ...files]));
    }
    verify.push(await clonebox(['verify']));
  }
  const ms = (some: readonly Run[]) => some.map(({ milliseconds }) => milliseconds);
  return [
    ...measured.map(({ scenario, own, grep }) =>
      result({
        scenario,
        unit: 'ms',
        what: 'clonebox audit search, all matches',
        values: ms(own),
        referenceWhat: references.search,
        references: ms(grep),
        target: '< 3000 ms for a million events',
      }),
    ),
    result({
      ...{ scenario: 'verify', unit: 'ms', what: 'clonebox audit verify', values: ms(verify) },
      ...{ referenceWhat: '', references: [], target: 'none' },
    }),
    result({
      scenario: 'memory',
      unit: 'MiB',
      what: 'peak of the largest of them',
      values: [...measured.flatMap(({ own }) => own), ...verify].map(({ memory }) => memory),
      ...{ referenceWhat: '', references: [], target: 'the same for any number of events' },
    }),
  ];
}

/** Runs a program and watches its memory; its output goes to a file. Status 1 is grep's for no match. */
async function runMeasured(ctx: Ctx, home: string, argv: readonly string[]): Promise<Run> {
  const logFile = `${home}/output`;
  const started = performance.now();
  const process = await ctx.host.startDaemon(argv, { env: { CLONEBOX_HOME: home }, logFile });
  let memory = 0;
  while (await ctx.host.isAlive(process)) {
    memory = Math.max(memory, await peakMemory(ctx, process));
    await ctx.host.sleep(5, ctx.io.signal);
  }
  const milliseconds = performance.now() - started;
  const output = await ctx.host.files.readTail(logFile, 4096);
  if (!/^error:|^ {2}"error": \{/m.test(output)) return { milliseconds, memory };
  throw new CloneboxError('bug', `${argv.join(' ')} failed: ${output}`);
}

async function peakMemory({ host }: Ctx, { pid }: ProcessRef): Promise<number> {
  // It may end while it is looked at.
  const status = (await host.files.readText(`/proc/${pid}/status`).catch(() => undefined)) ?? '';
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}

async function measureAppend(ctx: Ctx, home: string, { events, runs }: BenchAuditInput) {
  const audit = createAudit({ host: ctx.host, paths: { home } });
  const plain = `${home}/plain`;
  const line = `${'x'.repeat(450)}\n`;
  const own: number[] = [];
  const synced: number[] = [];
  for (let round = 0; round < runs * 4; round += 1) {
    own.push(await timed(() => audit.append(benchEntry(events + round), ctx.io)));
    synced.push(await timed(() => ctx.host.files.appendSynced(plain, line)));
  }
  return result({
    scenario: 'append',
    unit: 'ms',
    what: 'one event: lock, look, write, sync, head',
    values: own,
    referenceWhat: references.append,
    references: synced,
    target: '<= 50 ms',
  });
}

async function timed(action: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await action();
  return performance.now() - started;
}
