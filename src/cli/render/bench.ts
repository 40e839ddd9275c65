import { formatBytes } from '../../lib/bytes.ts';
import { groupBy } from '../../lib/group-by.ts';
import type { BenchReport, BenchResult } from '../../ops/bench.ts';
import type { Look } from '../command.ts';
import { renderSheet, type SheetRow } from './sheet.ts';

type Figures = Omit<BenchResult['measured'], 'what'>;

/** `clonebox bench` for people: each figure, what it was measured against, and on what machine. */
export function renderBench({ host, results }: BenchReport, look: Look): string[] {
  const rows = [...groupBy(results, ({ scenario }) => scenario)].flatMap(([scenario, group]) => [
    look.colors.bold(scenario),
    ...renderSheet(group.flatMap(rowsOf), look),
  ]);
  const machine = `${host.cpus} x ${host.processor}, ${formatBytes(host.memory)}, Linux ${host.kernel}`;
  const programs = `QEMU ${host.qemu ?? 'missing'} (${host.accel.toUpperCase()}), Node ${host.node}`;
  const load = `load ${host.load.toFixed(1)} before it began`;
  return [
    ...rows,
    ...renderSheet([{ label: 'measured on', value: [machine, programs, load] }], look),
  ];
}

function rowsOf({ measured, reference, ratio, target, unit }: BenchResult): SheetRow[] {
  return [
    { label: measured.what, value: figures(measured, unit) },
    ...(reference === null ? [] : [{ label: reference.what, value: figures(reference, unit) }]),
    { label: 'ratio', value: ratio === null ? '' : ratio.toFixed(2) },
    { label: 'target', value: target === 'none' ? '' : target },
  ];
}

function figures({ runs, min, median, max }: Figures, unit: BenchResult['unit']): string {
  const show = (amount: number) => amount.toFixed(unit === 's' ? 2 : 0);
  if (runs === 1) return `${show(median)} ${unit} (1 run)`;
  return `${show(median)} ${unit} (${show(min)} to ${show(max)}, ${runs} runs)`;
}
