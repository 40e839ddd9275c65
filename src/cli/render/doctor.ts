import { printable } from '../../lib/printable.ts';
import type { DoctorLine, DoctorReport } from '../../ops/doctor.ts';
import type { Look } from '../command.ts';
import { padTo, widthOf } from '../text.ts';

/** `clonebox doctor` for people: a line for each check, and what to do where something is amiss. */
export function renderDoctor(report: DoctorReport, { colors }: Look): string[] {
  const paint = { ok: colors.green, note: colors.yellow, problem: colors.red };
  const width = Math.max(...report.lines.map((line) => widthOf(line.check)));
  const lines = report.lines.flatMap((line: DoctorLine) => [
    `${paint[line.verdict](padTo(line.verdict, 7))}  ${padTo(line.check, width)}  ${printable(line.detail, 4096)}`,
    ...(line.fix === null ? [] : [`${' '.repeat(width + 11)}${colors.dim(`fix: ${line.fix}`)}`]),
  ]);
  const { problems } = report;
  const verdict =
    problems === 0
      ? colors.green('VMs can run here.')
      : colors.red(`${problems} problem${problems === 1 ? '' : 's'} must be mended first.`);
  return [...lines, '', verdict];
}
