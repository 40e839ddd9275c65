import { type BenchResult, result } from './bench.ts';

/** Phases that are shown beside the whole: those that take longest. */
const shown = 5;

/** Hears the lines that a clone tells while it works, and adds how long it was until the next one, by their titles. */
export function watchPhases(into: Map<string, number[]>, now = () => performance.now()) {
  let current: { title: string; since: number } | undefined;
  let isOver = false;
  const end = () => {
    if (current !== undefined) {
      const seconds = (now() - current.since) / 1000;
      into.set(current.title, [...(into.get(current.title) ?? []), seconds]);
    }
    current = undefined;
  };
  return {
    onLine: (line: string) => {
      // The document comes last, and is none of them.
      if (line.startsWith('{')) isOver = true;
      if (isOver || /^( |$|warning:)/.test(line)) return;
      end();
      current = { title: titleOf(line), since: now() };
    },
    end,
  };
}

/** The name of the VM, and what is counted in a title, would make each run another phase. */
function titleOf(line: string): string {
  return line.replace(/\bbench-\d+-\d+\b/g, 'NAME').replace(/^NAME: .*/, 'reading the plan');
}

/** The phases that took longest, as rows of their own. */
export function phaseResults(
  scenario: string,
  phases: ReadonlyMap<string, readonly number[]>,
): BenchResult[] {
  return [...phases]
    .map(([title, values]) =>
      result({
        ...{ scenario: `${scenario}: longest phases`, unit: 's', what: title, values },
        ...{ referenceWhat: '', references: [], target: 'none' },
      }),
    )
    .toSorted((one, other) => other.measured.median - one.measured.median)
    .slice(0, shown);
}
