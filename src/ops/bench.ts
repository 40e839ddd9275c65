import type { Ctx } from '../core/ctx.ts';
import { type Summary, summarize } from '../lib/median.ts';

/** One thing measured, and what it was measured against in the same run, turn by turn. */
export interface BenchResult {
  readonly scenario: string;
  readonly unit: 's' | 'ms' | 'MB' | 'MiB';
  readonly measured: { readonly what: string } & Summary;
  readonly reference: ({ readonly what: string } & Summary) | null;
  /** Median of the ratios of the pairs. */
  readonly ratio: number | null;
  readonly target: string;
}

export interface BenchReport {
  /** When it was measured: ISO 8601, UTC. */
  readonly date: string;
  readonly host: {
    readonly cpus: number;
    readonly memory: number;
    readonly processor: string;
    readonly kernel: string;
    readonly qemu: string | null;
    readonly accel: string;
    readonly node: string;
    /** Before the bench began, on average over a minute. */
    readonly load: number;
  };
  readonly results: readonly BenchResult[];
}

/** How this very CloneBox is called: measured from outside, as a user would see it. */
export interface Self {
  readonly argv: readonly string[];
  /** Load of the machine when the bench began: what else runs there makes its figures worse. */
  readonly load: number;
}

/** Sums up values, and the references they were measured with in turns. */
export function result(input: {
  scenario: string;
  unit: BenchResult['unit'];
  what: string;
  values: readonly number[];
  referenceWhat: string;
  references: readonly number[];
  target: string;
}): BenchResult {
  const { scenario, unit, values, references, target } = input;
  const ratios = references.map((reference, index) => (values[index] ?? Number.NaN) / reference);
  return {
    scenario,
    unit,
    measured: { what: input.what, ...summarize(values) },
    reference:
      references.length === 0 ? null : { what: input.referenceWhat, ...summarize(references) },
    ratio: references.length === 0 ? null : summarize(ratios).median,
    target,
  };
}

/** Results with what machine they are from. */
export async function report(
  ctx: Ctx,
  self: Self,
  results: readonly BenchResult[],
): Promise<BenchReport> {
  const facts = await (await ctx.driver('qemu')).preflight(ctx.io);
  const processor = /^model name\s*:\s*(.*)$/m.exec(
    (await ctx.host.files.readText('/proc/cpuinfo')) ?? '',
  )?.[1];
  return {
    date: new Date(ctx.host.now()).toISOString(),
    host: {
      cpus: ctx.host.cpuCount,
      memory: ctx.host.memoryBytes,
      processor: processor ?? 'unknown',
      kernel: ((await ctx.host.files.readText('/proc/sys/kernel/osrelease')) ?? '').trim(),
      qemu: facts.version ?? null,
      accel: facts.accel.accel,
      node: process.version,
      load: self.load,
    },
    results,
  };
}
