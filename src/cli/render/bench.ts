import { formatBytes } from '../../lib/bytes.ts';
import type { BenchReport, BenchResult } from '../../ops/bench.ts';
import type { Look } from '../command.ts';
import { renderSheet } from './sheet.ts';

type Figures = Omit<BenchResult['measured'], 'what'>;

/** `clonebox bench` for people: each figure, what it was measured against, and on what machine. */
export function renderBench({ host, results }: BenchReport, look: Look): string[] {
  const rows = results.flatMap((result) => [
    look.colors.bold(result.scenario),
    ...renderSheet(
      [
        { label: result.measured.what, value: figures(result.measured, result.unit) },
        ...(result.reference === null
          ? []
          : [{ label: result.reference.what, value: figures(result.reference, result.unit) }]),
        { label: 'ratio', value: result.ratio === null ? '' : result.ratio.toFixed(2) },
        { label: 'target', value: result.target },
      ],
      look,
    ),
  ]);
  const machine = `${host.cpus} x ${host.processor}, ${formatBytes(host.memory)}, Linux ${host.kernel}`;
  const programs = `QEMU ${host.qemu ?? 'missing'} (${host.accel.toUpperCase()}), Node ${host.node}`;
  return [...rows, ...renderSheet([{ label: 'measured on', value: [machine, programs] }], look)];
}

function figures({ runs, min, median, max }: Figures, unit: BenchResult['unit']): string {
  const show = (amount: number) => amount.toFixed(unit === 's' ? 2 : 0);
  return `${show(median)} ${unit} (${show(min)} to ${show(max)}, ${runs} runs)`;
}
