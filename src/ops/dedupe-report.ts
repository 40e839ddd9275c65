import type { DetectArea, DetectItems, DetectReport } from '../core/detect.ts';
import type { Finding } from '../core/plan.ts';

const confidences: readonly Finding['confidence'][] = ['certain', 'likely', 'guess'];

/**
 * A report in which each area has a name once: of things with one name only the best finding is kept. The best is the one
 * that a new shell runs, or that runs now; then the one that is known most certainly; then the first.
 */
export function dedupeReport(report: DetectReport): DetectReport {
  const areas = Object.entries(report.found).map(([area, items]) => [
    area,
    bestOfEach(items as readonly DetectItems[DetectArea][]),
  ]);
  return { ...report, found: Object.fromEntries(areas) };
}

function bestOfEach<T extends DetectItems[DetectArea]>(items: readonly T[]): T[] {
  const best = new Map<string, T>();
  for (const item of items) {
    const known = best.get(item.name);
    if (known === undefined || isBetter(item, known)) best.set(item.name, item);
  }
  const kept = new Set(best.values());
  return items.filter((item) => kept.has(item));
}

function isBetter(one: DetectItems[DetectArea], other: DetectItems[DetectArea]): boolean {
  const difference = liveness(one) - liveness(other);
  if (difference !== 0) return difference > 0;
  const [own, known] = [one, other].map(({ finding }) => confidences.indexOf(finding.confidence));
  return (own ?? 0) < (known ?? 0);
}

function liveness(item: DetectItems[DetectArea]): number {
  if ('current' in item) return Number(item.current);
  return 'running' in item ? Number(item.running) : 0;
}
